"""Sends the same bytes on many sockets, in C on several threads where it can be had, in Python where not.

Strategy: as proxy.native has it for proofs: this file chooses, callers know one function.
The trap: what a socket does not take is the caller's to keep; nothing is tried twice here.
"""

import errno
import os
from array import array
from collections.abc import Sequence
from types import ModuleType
from typing import Final

__all__ = ["THREADS", "send_each"]

# Measured with two (docs/adr/0014-sending-jobs.md); more would take cores from whoever else is there.
THREADS: Final = min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def _load() -> ModuleType | None:
    try:
        from proxy.native import _sending
    except ImportError:
        return None
    return _sending


_c = _load()


def send_each(files: Sequence[int], data: bytes, threads: int = THREADS) -> Sequence[int] | None:
    """Send the same bytes on many connected sockets, without waiting.

    Args:
        files: their numbers; they do not block.
        threads: to send on, 1 to 8.
    Returns: None when each took everything; else for each, in their order, how many bytes it took, or
        minus the error number, -EAGAIN for one that has no room.
    """
    if _c is None:
        return _by_python(files, data)
    taken = _c.send_each(array("i", files).tobytes(), data, threads)
    if taken is None:
        return None
    each = array("i")
    each.frombytes(taken)
    return each


def _by_python(files: Sequence[int], data: bytes) -> list[int] | None:
    taken = []
    for file in files:
        try:
            taken.append(os.write(file, data))
        except OSError as error:
            taken.append(-(error.errno or errno.EIO))
    return None if all(took == len(data) for took in taken) else taken
