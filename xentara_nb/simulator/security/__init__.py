"""Who may do what: users, passwords, tokens, certificates and access control lists."""
