"""Configurations and machines to be explained."""

from typing import Any

from proxy.config import Config
from proxy.setup.machine import Machine
from proxy.setup.sizes import GIB
from proxy.setup.writing import loaded

TWO_POOLS = """
[upstream]
user = "account"
[[upstream.pools]]
name = "main"
url = "stratum+tcp://pool.example:3333"
[[upstream.pools]]
name = "backup"
url = "stratum+tls://backup.example:3443"
user = "other"
"""
LISTEN = """
[[listen]]
name = "farm"
url = "stratum+tcp://0.0.0.0:3333"
difficulty = { start = 8, target_seconds = 15 }
"""


def configured(more: str = "", listen: str = LISTEN, upstream: str = TWO_POOLS) -> Config:
    """A farm that does well, but for what is said."""
    return loaded(upstream + listen + more)


def machine(**changes: Any) -> Machine:
    """A machine with enough of all."""
    return Machine(
        **{
            "open_files": 524_288,
            "memory": 16 * GIB,
            "cores": 4,
            "disk": 100 * GIB,
            "readable": (),
            **changes,
        }
    )
