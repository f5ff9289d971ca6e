"""The book of all shares: one row each, in a database, whatever happens to this process or to that one."""
