"""Those who mean no share at all: junk, floods of logins, readers that do not read, strangers' protocols.

Strategy: an intruder is a generator of one connection after the other, each of a kind that its trick does;
what comes of it is only counted, for the proxy may treat it as it likes.  None of them sends a whole submit,
so the books of shares need not know of them.
The trap: an intruder that waits for an answer waits for ever, so every trick ends within HOLD_SECONDS.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import trio

from proxy.sim import places

HOLD_SECONDS = 8.0  # longer than the proxy's login_seconds here
PAUSE_SECONDS = 0.5  # between two connections of one intruder, mean
LONG_LINE = 300_000  # bytes; a login listener takes lines of 65,536
DRIP_SECONDS = 0.2
FLOOD_LOGINS = 50  # in one connection's burst
FLOOD_REQUESTS = 2_000  # for answers that are never read
READ_BYTES = 65_536

_SUBSCRIBE = b'{"id":1,"method":"mining.subscribe","params":["intruder/1.0",null,"",""]}\n'
_AUTHORIZE = b'{"id":2,"method":"mining.authorize","params":["intruder%d","x"]}\n'
_LOGIN = (
    b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"intruder%d","pass":"x","agent":"x/1"}}\n'
)
_ODD = b'{"id":%d,"method":"mining.nothing_of_this_name","params":["%s"]}\n'
_TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(185)) + b"\n" + bytes(16)
_HTTP = b"GET /admin.php HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: scanner\r\n\r\n"
_RDP = (
    bytes.fromhex("0300002f2ae00000000000")
    + b"Cookie: mstshash=hello\r\n"
    + bytes.fromhex("0100080003000000")
)

Trick = Callable[[trio.SocketStream, random.Random], Awaitable[None]]


async def _junk(stream: trio.SocketStream, source: random.Random) -> None:
    for _ in range(20):
        await stream.send_all(source.randbytes(source.randrange(1, 400)) + b"\n")
    await _read_out(stream)


async def _nearly_json(stream: trio.SocketStream, source: random.Random) -> None:
    """Requests with one part of a wrong type each."""
    for text in (
        b"[]",
        b"{}",
        b"null",
        b'{"id":1}',
        b'{"id":1,"method":7}',
        b'{"id":[],"method":"x"}',
        b"[" * 500,
    ):
        await stream.send_all(text + b"\n")
    await stream.send_all(_SUBSCRIBE.replace(b"[", b"{", 1).replace(b"]", b"}", 1))
    await _read_out(stream)


async def _deaf(stream: trio.SocketStream, source: random.Random) -> None:
    """Ask and ask, and never read an answer."""
    await stream.send_all(_SUBSCRIBE + _AUTHORIZE % source.randrange(100))
    for number in range(FLOOD_REQUESTS):
        await stream.send_all(_ODD % (number + 3, b"x" * 200))
    await trio.sleep(HOLD_SECONDS)


async def _half_open(stream: trio.SocketStream, source: random.Random) -> None:
    """Close our side, or say nothing at all, and stay."""
    if source.random() < 0.5:
        await stream.send_all(_SUBSCRIBE)
        await stream.send_eof()
    await trio.sleep(HOLD_SECONDS)


async def _drip(stream: trio.SocketStream, source: random.Random) -> None:
    for byte in _SUBSCRIBE:
        await stream.send_all(bytes([byte]))
        await trio.sleep(DRIP_SECONDS)


async def _stranger(stream: trio.SocketStream, source: random.Random) -> None:
    await stream.send_all(source.choice((_TLS_HELLO, _HTTP, _RDP, b"\n" * 100, b"\x00" * 5000)))
    await _read_out(stream)


async def _scan(stream: trio.SocketStream, source: random.Random) -> None:
    """Connect and leave."""
    await trio.lowlevel.checkpoint()


async def _churn(stream: trio.SocketStream, source: random.Random) -> None:
    """Log in and leave, before the answer or after it."""
    await stream.send_all(source.choice((_SUBSCRIBE, _SUBSCRIBE + _AUTHORIZE % 0, _LOGIN % 0)))
    if source.random() < 0.5:
        await stream.receive_some(READ_BYTES)


async def _oversize(stream: trio.SocketStream, source: random.Random) -> None:
    await stream.send_all(_SUBSCRIBE + b'{"id":3,"method":"' + b"x" * LONG_LINE)
    await _read_out(stream)


async def _login_flood(stream: trio.SocketStream, source: random.Random) -> None:
    """Log in under many names on one connection."""
    names = [source.randrange(1_000_000) for _ in range(FLOOD_LOGINS)]
    if source.random() < 0.5:
        await stream.send_all(_SUBSCRIBE + b"".join(_AUTHORIZE % name for name in names))
    else:
        await stream.send_all(b"".join(_LOGIN % name for name in names))
    await _read_out(stream)


TRICKS: Final[Mapping[str, Trick]] = {
    "junk": _junk,
    "nearly_json": _nearly_json,
    "deaf": _deaf,
    "half_open": _half_open,
    "drip": _drip,
    "stranger": _stranger,
    "scan": _scan,
    "churn": _churn,
    "oversize": _oversize,
    "login_flood": _login_flood,
}


async def intrude(
    host: str, ports: Sequence[int], trick: str, source: random.Random, local_address: str, seen: Counter[str]
) -> None:
    """Play one trick again and again until cancelled.

    Args:
        ports: of the doors, of which any is knocked at.
        seen: counts what came of each connection, as "trick: outcome".
    """
    while True:
        outcome = "done"
        with trio.move_on_after(HOLD_SECONDS) as patience:
            try:
                stream = await places.connect(host, source.choice(ports), local_address)
            except OSError:
                outcome = "no_connection"
            else:
                async with stream:
                    try:
                        await TRICKS[trick](stream, source)
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        outcome = "dropped"
        seen[f"{trick}: {'kept' if patience.cancelled_caught else outcome}"] += 1
        await trio.sleep(source.expovariate(1 / PAUSE_SECONDS))


async def _read_out(stream: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        while await stream.receive_some(READ_BYTES):
            pass
