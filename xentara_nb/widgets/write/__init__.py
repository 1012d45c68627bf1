"""The write form: target, new value, review, confirmation, history."""
