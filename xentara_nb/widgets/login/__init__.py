"""The log-in form, trusted certificates and sub-sessions."""
