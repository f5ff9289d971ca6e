"""How a proxy comes, changes and goes without losing a miner.

    running    signals, and what is told to scripts and to systemd     (start reading here)
    ports      the sockets of all listeners: bound, inherited, changed, given away
    reload     another configuration for a running proxy
    frontage   its part in the miners' side
    systemd    sockets from systemd, and words to it
    takeover   a running proxy's sockets for the one that replaces it
    news       what the log is told

Why it is built so: docs/adr/0012-reload-and-takeover.md.
"""
