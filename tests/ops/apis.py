"""A proxy's HTTP API that says what a test gives it, on a real socket, and keeps what it was asked."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "/api/v1/"
NOW = "2026-01-31T12:00:00Z"
SPANS = {"1m": 358.2, "10m": 340.0, "1h": 1234.5, "24h": 45_100_000.0}


def summary(**changes: Any) -> dict[str, Any]:
    """A farm that does well, but for what is said."""
    return {
        "version": "9.8.7",
        "now": NOW,
        "uptime_seconds": 7300,
        "ready": True,
        "reason": "",
        "pool": "main",
        "miners": 50,
        "workers": 48,
        "offline_workers": 2,
        "received": 1997,
        "forwarded": 1792,
        "in_flight": 0,
        "shares": {"accepted": 1790, "rejected": 1, "lost": 1, "stale": 158, "malformed": 47, "kept": 0},
        "conserved": True,
        "sols_per_second": SPANS,
        "difficulty": 12.0,
        "roundtrip_ms": {"p50": 0.708, "p99": 5.875},
        "banned": 0,
        "processes": 1,
        "a later field": [None],
        **changes,
    }


def worker(name: str, **changes: Any) -> dict[str, Any]:
    """A worker that is at work."""
    return {
        "name": name,
        "online": True,
        "miners": 1,
        "last_seen_at": NOW,
        "last_share_at": "2026-01-31T11:59:48Z",
        "sols_per_second": SPANS,
        "shares": {"accepted": 90, "stale": 10},
        **changes,
    }


def miner(name: str, **changes: Any) -> dict[str, Any]:
    """A miner that is at work."""
    return {
        "id": "1f",
        "worker": name,
        "address": "192.0.2.7",
        "listener": "farm",
        "dialect": "aion",
        "agent": "aionminer/1.0",
        "difficulty": 8.0,
        "connected_at": "2026-01-31T09:00:00Z",
        "last_share_at": None,
        "shares": {},
        "standing": "slowed",
        **changes,
    }


def upstream(name: str, **changes: Any) -> dict[str, Any]:
    """A pool in use."""
    return {
        "name": name,
        "url": "stratum+tcp://pool.example:3333",
        "state": "active",
        "difficulty": 12.0,
        "last_job_at": NOW,
        "connected_at": NOW,
        "reject_ratio": 0.001,
        "last_fault": "",
        **changes,
    }


def ban(subject: str) -> dict[str, Any]:
    """Somebody shut out for another half minute."""
    return {
        "id": "1-7",
        "kind": "miner",
        "subject": subject,
        "reason": "invalid_solution",
        "until": "2026-01-31T12:00:30Z",
        "evidence": [],
    }


def listing(*items: Any, total: int | None = None) -> dict[str, Any]:
    """One page."""
    return {"items": list(items), "total": len(items) if total is None else total}


class FakeApi:
    """The answers, by path behind /api/v1/, and the questions.

    Args:
        answers: what each path says: JSON, or bytes as they are.
        token: what must be shown, "" for nothing.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {
            "summary": summary(),
            "workers": listing(worker("rig1"), worker("rig2", online=False)),
            "miners": listing(miner("rig1")),
            "upstreams": listing(upstream("main"), upstream("backup", state="standby")),
            "bans": listing(),
            **answers,
        }
        self.token = ""
        self.status = 200
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.opened = 0  # connections
        self.hung = threading.Event()  # whoever asks while this is set waits for nothing
        self.goes_on = threading.Event()
        self.changed = threading.Condition()
        self.url = ""

    def until_asked(self, path: str, **query: str) -> None:
        """Wait for a question that has these parameters among others."""
        with self.changed:
            heard = self.changed.wait_for(
                lambda: any(p == path and query.items() <= q.items() for p, q in self.asked), timeout=60
            )
        assert heard, f"{path} {query} in {self.asked}"

    def _heard(self, path: str, query: dict[str, str]) -> None:
        with self.changed:
            self.asked.append((path, query))
            self.changed.notify_all()

    def answer(self, target: str, authorization: str) -> tuple[int, bytes]:
        """What is said to a question."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(ROOT)
        self._heard(path, {name: values[0] for name, values in parse_qs(parts.query).items()})
        if self.hung.is_set():
            self.goes_on.wait()
        if self.token and authorization != f"Bearer {self.token}":
            return 401, b'{"error":"a read token is needed"}'
        if self.status != 200:
            return self.status, b'{"error":"out of\\norder"}'
        said = self.answers[path]
        return 200, said if isinstance(said, bytes) else json.dumps(said).encode()


@contextmanager
def serving(api: FakeApi, port: int = 0) -> Iterator[FakeApi]:
    """Let it answer on loopback."""

    gone = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            api.opened += 1
            super().setup()

        def do_GET(self) -> None:
            if gone.is_set():
                self.close_connection = True
                return
            status, body = api.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever asks may go before it is answered; anything else is shown."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        gone.set()
        api.goes_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
