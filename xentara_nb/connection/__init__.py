"""From an address to answered requests: TLS, the handshake, a reader thread, batches, deadlines."""
