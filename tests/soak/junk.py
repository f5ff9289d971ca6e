"""A process that knocks at the proxy's door a hundred thousand times and never means it.

    python -m tests.soak.junk '{"host":…}'

Says one JSON object a line: every second how many connections it has made, at the end what became of them,
as "kind: outcome".
Strategy: one epoll and no tasks, because a flood that is dear to make is no flood.  A connection either says
what it has to say and waits for the proxy to hang up, or drips, or holds still; who is still there after
HOLD_SECONDS has outlasted every limit, and that is counted as `kept`.
The trap: a connection whose own queue at the listener is full is tried again by the kernel a second later; so
not more than the backlog may be on their way at once.
"""

import errno
import heapq
import json
import random
import select
import socket
import struct
import sys
import time
from collections import Counter

import attrs

from proxy.sim.commands import raise_file_limit

BATCH = 64  # opened or acted on between two looks at the epoll
HOLD_SECONDS = 20.0  # twice login_seconds
DRIP_SECONDS = 0.25
SAY_SECONDS = 1.0
READ_BYTES = 65_536
GIANT = b'{"id":1,"method":"' + b"x" * 300_000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time
IP_BIND_ADDRESS_NO_PORT = 24  # of Linux: the port is chosen at the connect, so each address has them all

SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["x",null,"",""]}\n'
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(185)) + bytes(16)
HTTP = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: masscan/1.3\r\n\r\n"
RDP = (
    bytes.fromhex("0300002f2ae00000000000")
    + b"Cookie: mstshash=hello\r\n"
    + bytes.fromhex("0100080003000000")
)
PROXY_1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 3333\r\n" + SUBSCRIBE
PROXY_2 = bytes.fromhex("0d0a0d0a000d0a515549540a2111000ccb007109c00002019c400d05") + SUBSCRIBE

# By kind: how many of a hundred connections.  The last three hold still or nearly so.
KINDS = {
    "scan": 20,
    "tls": 10,
    "http": 10,
    "rdp": 10,
    "binary": 8,
    "lines": 6,
    "giant": 4,
    "proxy": 6,
    "silent": 6,
    "half": 8,
    "drip": 12,
}
ADDRESSES = {kind: number for number, kind in enumerate(KINDS)}


@attrs.frozen(kw_only=True)
class Flood:
    """What is to be done.

    Args:
        ports: of all listeners; the first is knocked at as often as all others together.
        connections: in all.
        held: open at once, at most.
        addresses: of each kind, spread over loopback; 0 for 127.0.0.1 alone, where the good miners are.
    """

    host: str
    ports: list[int]
    connections: int
    held: int
    addresses: int
    seed: int


@attrs.define(eq=False, slots=True)
class Caller:
    """One connection, what it is to say yet, and until when it stays."""

    sock: socket.socket
    kind: str
    words: bytes
    until: float
    place: int = 0
    connected: bool = False


class Junk:
    """All of them."""

    def __init__(self, flood: Flood) -> None:
        raise_file_limit(flood.held + 64)
        self.flood = flood
        self.made = 0
        self.seen: Counter[str] = Counter()
        self._random = random.Random(flood.seed)
        self._kinds = self._random.choices(list(KINDS), list(KINDS.values()), k=flood.connections)
        self._epoll = select.epoll()
        self._callers: dict[int, Caller] = {}
        self._due: list[tuple[float, int, Caller]] = []  # whose time has come, to drip or to go

    def run(self) -> None:
        """Do it all."""
        say_at = 0.0
        while self.made < self.flood.connections or self._callers:
            for _ in range(BATCH):
                if self.made < self.flood.connections and len(self._callers) < self.flood.held:
                    self._open()
            for file, events in self._epoll.poll(0.005, BATCH):
                caller = self._callers.get(file)
                if caller is not None:
                    self._on_events(caller, events)
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._on_time(heapq.heappop(self._due)[2], now)
            if now >= say_at:
                say_at = now + SAY_SECONDS
                self._say(made=self.made, held=len(self._callers))
        self._say(junk=dict(self.seen))

    def _say(self, **facts: object) -> None:
        print(json.dumps(facts), flush=True)

    def _open(self) -> None:
        kind = self._kinds[self.made]
        self.made += 1
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if self.flood.addresses:
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((self._address(kind), 0))
        fault = sock.connect_ex((self.flood.host, self._port()))
        if fault not in (0, errno.EINPROGRESS):
            self.seen[f"{kind}: no connection"] += 1
            sock.close()
            return
        caller = Caller(sock, kind, self._words(kind), time.monotonic() + HOLD_SECONDS)
        self._callers[sock.fileno()] = caller
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _port(self) -> int:
        first, *others = self.flood.ports
        return self._random.choice(others) if others and self._random.random() < 0.5 else first

    def _address(self, kind: str) -> str:
        place = self._random.randrange(self.flood.addresses)
        return f"127.{ADDRESSES[kind] + 16}.{place // 250}.{place % 250 + 1}"

    def _words(self, kind: str) -> bytes:
        source = self._random
        match kind:
            case "tls":
                return TLS_HELLO
            case "http":
                return HTTP
            case "rdp":
                return RDP
            case "binary":
                return source.randbytes(source.randrange(1, 600))
            case "lines":
                return b"".join(source.randbytes(20).hex().encode() + b"\n" for _ in range(10))
            case "giant":
                return GIANT
            case "proxy":
                return source.choice((PROXY_1, PROXY_2))
            case "half":
                return SUBSCRIBE[: source.randrange(1, len(SUBSCRIBE) - 1)]
            case "drip":
                return SUBSCRIBE
        return b""

    def _on_events(self, caller: Caller, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._write(caller)
            elif not caller.sock.recv(READ_BYTES):
                self._close(caller, "hung up on")
        except BlockingIOError:
            return
        except OSError:
            self._close(caller, "reset" if caller.connected else "no connection")

    def _write(self, caller: Caller) -> None:
        if not caller.connected:
            fault = caller.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if fault:
                raise OSError(fault, "")
            caller.connected = True
        if caller.kind == "scan":
            if self._random.random() < 0.5:
                caller.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._close(caller, "left")
            return
        rest = caller.words[caller.place :]
        if rest:
            caller.place += caller.sock.send(rest[:1] if caller.kind == "drip" else rest)
        if caller.kind == "drip":
            self._wait(caller, time.monotonic() + DRIP_SECONDS)
        elif caller.place >= len(caller.words):
            self._wait(caller, caller.until)

    def _wait(self, caller: Caller, until: float) -> None:
        """Only listen until then."""
        self._epoll.modify(caller.sock.fileno(), select.EPOLLIN)
        heapq.heappush(self._due, (until, id(caller), caller))

    def _on_time(self, caller: Caller, now: float) -> None:
        if caller.sock.fileno() < 0:
            return
        if now >= caller.until:
            self._close(caller, "kept")
        elif caller.place < len(caller.words):
            self._epoll.modify(caller.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        else:
            heapq.heappush(self._due, (caller.until, id(caller), caller))

    def _close(self, caller: Caller, outcome: str) -> None:
        self.seen[f"{caller.kind}: {outcome}"] += 1
        del self._callers[caller.sock.fileno()]
        caller.sock.close()


if __name__ == "__main__":
    Junk(Flood(**json.loads(sys.argv[1]))).run()
