"""Values that move: sampling in a fixed rhythm, and watches fed by subscriptions."""
