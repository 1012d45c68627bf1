"""Many servers at once: the same frames with a column ``server``, and one table of failures.

How it grows, on paper, for 10,000 servers of 2,000 elements, 20,000 attributes each:

* Connections: a kept one is a socket, two threads' worth of stack at most and 0.2 MB of what is
  known of the model. One process keeps a thousand; 10,000 need ``ulimit -n``, 10,000 reader threads
  and 2 GB, so a fleet of that size is asked by workers, which connect, ask and close: 0.1 s of
  processor time a server, 20 minutes on one core and 40 seconds on 32.
* Memory: 28 bytes a row, 200 million rows are 5.6 GB. :meth:`Fleet.save` and ``to_dask`` hold what
  is under way alone: a few frames of 0.6 MB.
* Secrets: one ``env:`` for all, or one file or keyring entry for each server on every computer that
  asks; nothing of them is in a task. A wrong one locks accounts, so a refused log-in is tried once.
* The scheduler: one task a server, and 10,000 tasks cost it about ten seconds. The names of all
  servers, which are the categories of ``server``, go with each task: 150 kB, 1.5 GB in all. Beyond
  some thousand servers, ask for parts of the fleet (``servers=...``), a name list for each.
"""
