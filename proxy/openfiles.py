"""The limit of open files: every miner is one, and the usual limit of 1,024 is none for a farm."""

import sys

if sys.platform != "win32":
    import resource


def raise_limit(wanted: int) -> int:
    """Raise this process's limit of open files, as far as it may.

    Args:
        wanted: files to be open at once.
    Returns: how many may be, `wanted` at most.
    """
    if sys.platform == "win32":
        return wanted  # there is no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = wanted
    if soft != resource.RLIM_INFINITY and soft < min(wanted, hard):
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
