"""Several miner-facing processes before the one that owns the pool connection.

    parent      the process that owns pools, ports, HTTP, signals          (start reading here)
    child       a worker process: an ordinary proxy whose pool is the parent
    lending     the parent's relay: lends nonces to workers and trusts their shares
    talk        what the two say to each other beyond the dialect
    supervisor  starts workers, replaces those that die, ends them
    process     one worker as a process of the system
    ports       listening sockets, a set for each worker
    messages    what goes over the channel beside the shares
    roster      what workers have reported, put together
    books       the arithmetic of that

Why it is built so: docs/adr/0008-worker-processes.md.
"""
