"""What only reads: inventories, values, subscriptions, and what is known of the model."""
