"""Many servers at once: the same frames with a column ``server``, and one table of failures.

How it grows, on paper, for 10,000 servers of 2,000 elements, 20,000 attributes each; the figures
for one server are those of ``tests/benchmarks/fleet.py``:

* Connections: a kept one is a socket, a thread that reads, and 0.13 MB; 0.35 MB with what is known
  of the model. So one process can keep a thousand or two, and 10,000 would need 3.5 GB, as many
  threads and ``ulimit -n``. A fleet of that size is asked by workers, which connect, ask and close:
  0.03 s of processor time a server, five minutes of one core.
* Memory: 28 bytes a row and the texts of the keys, so 200 million rows are some 6 GB.
  :meth:`Fleet.save` and ``to_dask`` hold what is under way alone, 0.6 MB a server.
* Secrets: one for all, or a file or an entry in the keyring for each server on every computer that
  asks. None is in a task, so the scheduler has nothing to keep. A refused log-in is tried once.
* The scheduler: one task a server. The names of all servers, which are the categories of
  ``server``, go with each task of ``to_dask``: 0.2 MB, so 2 GB for 10,000 tasks. Above a thousand
  servers, make a fleet of each part, and a frame of each fleet.
"""
