"""The Xentara WebSocket protocol without any input or output.

Identifiers, CBOR values, packets, commands and errors, built and parsed at both ends: the client
and the simulator stand on the same commands. Needs the standard library and cbor2 only.
"""
