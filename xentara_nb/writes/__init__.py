"""Guarded writes: planned, shown, sent at most once, verified, journalled, undoable.

Nothing in here knows a client: every function is given what it needs, which is a connection to
the server, what is known of its model, the policies that apply, and a journal.
"""
