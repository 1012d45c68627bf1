"""Guarded writes: planned, shown, sent at most once, verified, journalled, undoable.

Nothing in here knows a client: every function takes what it needs, which is a link to the server,
what is known of its model, the policies that count, and a journal.
"""
