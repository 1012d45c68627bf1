"""The server's end of the protocol: TLS, WebSocket, requests, subscriptions, events."""
