"""Targets for the configuration: a file of any content, and variables of any content over a sound one.

Strategy: what loads must load again from what it is printed as.  Files that a configuration names are
really opened, as everywhere; a finding may not hang on what is in them.
"""

import os
from functools import cache

import attrs

from proxy.config import TEMPLATES, Config, load, template, to_toml
from proxy.errors import ConfigError
from tests.fuzz.target import Target

MOST_LINE = 2000  # characters of what is said of one fault
_BASE = '[upstream]\nuser = "u"\n[[upstream.pools]]\nurl = "stratum+tcp://pool.example:3333"\n'


def config_file(data: bytes) -> None:
    """A file of any content is a Config or a ConfigError fit to show; printed, it loads to the same."""
    config = _loaded(data, {})
    if config is not None:
        again = _loaded(to_toml(config, mask=False).encode(), {})
        assert again is not None
        assert attrs.evolve(again, given=frozenset()) == attrs.evolve(config, given=frozenset())
        assert _loaded(to_toml(config).encode(), {}) is not None


def config_environment(data: bytes) -> None:
    """Variables of any name and content over a sound file are a Config or a ConfigError fit to show."""
    text = data.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    pairs = (line.partition("=") for line in text.split("\n"))
    _loaded(_BASE.encode(), {f"SLUICE__{name}": value for name, _, value in pairs})


def _loaded(data: bytes, environ: dict[str, str]) -> Config | None:
    file = _file(os.getpid())
    os.ftruncate(file, 0)
    os.pwrite(file, data, 0)
    try:
        return load(f"/proc/self/fd/{file}", environ)
    except ConfigError as fault:
        for line in str(fault).split("\n"):
            assert line.isprintable(), line
            assert 0 < len(line) < MOST_LINE, len(line)
        return None


@cache
def _file(process: int) -> int:
    """One file for each process, in memory, written again and again."""
    return os.memfd_create("s.toml")


def _files() -> list[bytes]:
    return [_BASE.encode(), *(template(name).encode() for name in TEMPLATES)]


def _variables() -> list[bytes]:
    return [
        b"UPSTREAM__USER=other\nLISTEN__0__URL=stratum+tls://[::]:3443\nHTTP__ADDRESS=",
        b"UPSTREAM__POOLS__1__URL=unix:///run/pool.sock\nUPSTREAM__POOLS__1__NAME=b",
        b'LISTEN=[{url="stratum+tcp://0.0.0.0:1", difficulty={start=4}}]\nLIMITS__BAN__ALLOW=["::1"]',
        b"UPSTREAM__ALGORITHM=blob\nUPSTREAM__DIALECT=login\nWORKERS=2",
    ]


def _words() -> tuple[bytes, ...]:
    """Every key, table and kind of value that the full example has."""
    lines = [line.lstrip("# ") for line in template("full").splitlines()]
    keys = {line.partition("=")[0].strip() for line in lines if "=" in line}
    tables = {line for line in lines if line.startswith("[")}
    values = ('"stratum+tcp://[::1]:3333"', '"unix:///a"', '"wss://a/b"', '"socks5://u:p@[::1]:1"', '"équi"')
    some = (
        "true",
        "nan",
        "-inf",
        "1e400",
        "0x7f",
        "1979-05-27",
        "[[",
        "{}",
        '"""',
        "'''",
        "__",
        '"login"',
        '"blob"',
    )
    names = (key for key in keys if key.replace("_", "").isalnum())
    return tuple(text.encode() for text in (*sorted(names), *sorted(tables), *values, *some))


TARGETS = (
    Target(config_file, _files, _words(), most=8192),
    Target(
        config_environment, _variables, tuple(word.upper() for word in _words() if word.islower()), most=1024
    ),
)
