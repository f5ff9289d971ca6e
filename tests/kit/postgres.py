"""A real PostgreSQL for tests: a server of our own in a directory of its own, a fresh database for each test.

Strategy: initdb and pg_ctl of the system's package, run as a user who is not root, for they refuse to be;
pg_ctl waits itself until the server takes connections.  Nothing survives the tests, so nothing is synced.
The trap: pytest's own directories are closed to that user, so the server's is elsewhere.
"""

import contextlib
import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ABSENT = "no PostgreSQL here: apt-get install postgresql"
_names = itertools.count(1)


def program(name: str) -> str | None:
    """Find one of the server's programs; Debian keeps them off the path."""
    return shutil.which(name) or next(
        iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[::-1]), None
    )


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Postgres:
    """A server; start() first."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.port = port
        self._user = _server_user()
        if self._user is not None:
            os.chown(directory, pwd.getpwnam(self._user).pw_uid, -1)

    def make(self) -> None:
        """Lay out the server's files."""
        self._run("initdb", "-D", str(self.data), "-U", "sluice", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "max_connections": "60",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = str(self.directory / "log")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self.data), "-l", log, "-o", options)

    def stop(self, how: str = "fast") -> None:
        """Stop it: fast ends all connections in order, immediate is as a power cut to them."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self.data), "-m", how)

    def kill(self) -> None:
        """End its first process by SIGKILL: clients see their connections cut."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def url(self, database: str = "postgres") -> str:
        """Where a database is, as `ledger.url` has it."""
        return f"postgresql://sluice@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; its URL."""
        import psycopg

        name = f"book{os.getpid()}_{next(_names)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected; a hundred of them are a gigabyte."""
        import psycopg

        name = url.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _run(self, name: str, *arguments: str) -> None:
        found = program(name)
        assert found is not None, ABSENT
        done = subprocess.run(
            [found, *arguments],
            cwd=self.directory,
            user=self._user,
            # Not to a pipe: the server would inherit it, and we would wait for its end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        log = self.directory / "log"
        assert done.returncode == 0, (
            f"{name} {arguments}: {log.read_text() if log.exists() else done.returncode}"
        )


def _server_user() -> str | None:
    """Whom the server runs as; None for whoever we are."""
    if os.geteuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Run a server; skips the test where there is none."""
    if program("initdb") is None or program("pg_ctl") is None:
        pytest.skip(ABSENT)
    pytest.importorskip("psycopg", reason="pip install 'sluice[postgres]'")
    directory = Path(tempfile.mkdtemp(prefix="sluice-pg-", dir="/tmp"))
    try:
        server = Postgres(directory, free_port())
        server.make()
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop("immediate")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
