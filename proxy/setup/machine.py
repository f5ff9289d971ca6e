"""What this machine has, as far as a configuration cares: files, memory, cores, disk, who may read what.

Strategy: looked up once and handed on as figures, so that what is made of them needs no machine.
"""

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs

from proxy import native
from proxy.config import Config

SQLITE = "sqlite:///"
OTHERS = 0o007  # bits of a file's mode that are everybody's
UNLIMITED = 1 << 62


@attrs.frozen
class Machine:
    """Figures of a machine.

    Args:
        open_files: the hard limit for one process.
        memory: bytes.
        disk: bytes that are free where the ledger's file is to be; None where it is no file.
        readable: files with secrets that every user of this machine may read.
        proof: which proof check is in use.
    """

    open_files: int
    memory: int
    cores: int
    disk: int | None = None
    readable: tuple[str, ...] = ()
    proof: str = "portable"


def look(config: Config, path: str | None) -> Machine:
    """Look at the machine that this runs on.

    Args:
        path: of the configuration file; None without one.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Machine(
        open_files=UNLIMITED if hard == resource.RLIM_INFINITY else hard,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        cores=len(os.sched_getaffinity(0)),
        disk=_free(config.ledger.url),
        readable=tuple(file for file in _with_secrets(config, path) if _is_readable_by_all(file)),
        proof=native.PATH,
    )


def _free(url: str) -> int | None:
    if not url.startswith(SQLITE):
        return None
    place = Path(url.removeprefix(SQLITE).partition("?")[0] or ".").absolute()
    there = next((parent for parent in place.parents if parent.is_dir()), Path("/"))
    return shutil.disk_usage(there).free


def _with_secrets(config: Config, path: str | None) -> Iterator[str]:
    """Name the files that hold a secret: the configuration, if one stands in it, and those it names."""
    upstream, http = config.upstream, config.http
    sections = [("upstream", upstream), ("http", http)]
    sections += [(f"upstream.pools.{index}", pool) for index, pool in enumerate(upstream.pools)]
    inside = False
    for place, section in sections:
        for name in ("password", "read_token", "admin_token"):
            file = getattr(section, f"{name}_file", "")
            # Pools take any word by custom; "x" is no secret.
            inside |= (
                not file and f"{place}.{name}" in config.given and getattr(section, name) not in ("", "x")
            )
            if file:
                yield file
    if inside and path is not None:
        yield path
    for tls in (*(listen.tls for listen in config.listen), http.tls):
        if tls is not None:
            yield tls.key


def _is_readable_by_all(file: str) -> bool:
    try:
        return bool(os.stat(file).st_mode & OTHERS)
    except OSError:
        return False
