"""Proxies on the way to a pool, for tests: SOCKS5 and HTTP CONNECT on loopback, that know one pool by name.

Strategy: they read what a client says byte for byte as the specifications have it, with none of the code
that is tested, and connect every name they are asked for to one port of this machine.
"""

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs
import trio


@attrs.define(eq=False)
class Gate:
    """A proxy.

    Args:
        target: the port that it connects everything to.
        login: what it wants to hear, as user:password; "" for nothing.

    `asked` is which hosts and ports it was asked for.
    """

    target: int
    login: str = ""
    port: int = 0
    asked: list[tuple[str, int]] = attrs.Factory(list)

    async def serve_socks(self, stream: trio.SocketStream) -> None:
        """Speak SOCKS5."""
        reader = _Exactly(stream)
        _, count = await reader.take(2)
        methods = await reader.take(count)
        wanted = 2 if self.login else 0
        if wanted not in methods:
            await stream.send_all(b"\x05\xff")
            return
        await stream.send_all(bytes([5, wanted]))
        if self.login:
            await reader.take(1)
            user = await reader.take((await reader.take(1))[0])
            password = await reader.take((await reader.take(1))[0])
            is_right = f"{user.decode()}:{password.decode()}" == self.login
            await stream.send_all(bytes([1, not is_right]))
            if not is_right:
                return
        kind = (await reader.take(4))[3]
        host = (await reader.take((await reader.take(1))[0])).decode() if kind == 3 else ""
        if kind != 3:
            host = trio.socket.inet_ntop(
                trio.socket.AF_INET if kind == 1 else trio.socket.AF_INET6,
                await reader.take(4 if kind == 1 else 16),
            )
        self.asked.append((host, int.from_bytes(await reader.take(2), "big")))
        await self._join(stream, b"\x05\x00\x00\x01" + bytes(6))

    async def serve_connect(self, stream: trio.SocketStream) -> None:
        """Speak HTTP."""
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += await stream.receive_some(1)
        first, *headers = request.decode().split("\r\n")
        given = "".join(
            b64decode(line.rpartition(" ")[2]).decode() for line in headers if line.startswith("Proxy-Auth")
        )
        if self.login != given:
            await stream.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        host, _, port = first.split(" ")[1].rpartition(":")
        self.asked.append((host, int(port)))
        await self._join(stream, b"HTTP/1.1 200 OK\r\nVia: gate\r\n\r\n")

    async def _join(self, stream: trio.SocketStream, answer: bytes) -> None:
        pool = await trio.open_tcp_stream("127.0.0.1", self.target)
        async with pool, trio.open_nursery() as nursery:
            await stream.send_all(answer)
            nursery.start_soon(_pump, stream, pool)
            await _pump(pool, stream)
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def gate(kind: str, target: int, login: str = "") -> AsyncIterator[Gate]:
    """Run a proxy.

    Args:
        kind: socks5 or http.
    """
    made = Gate(target, login)
    serve = made.serve_socks if kind == "socks5" else made.serve_connect

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await serve(stream)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        made.port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield made
        nursery.cancel_scope.cancel()


class _Exactly:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def take(self, count: int) -> bytes:
        """Read just so many bytes."""
        data = b""
        while len(data) < count:
            more = await self._stream.receive_some(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


async def _pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
    with suppress(trio.BrokenResourceError):
        while data := await source.receive_some():
            await sink.send_all(data)
