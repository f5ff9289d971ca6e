"""HTTP on a listening socket: Hypercorn speaks it, this decides how much of it there may be.

Strategy: a task for each connection, of Hypercorn's own; but connections are taken, and their bytes read, in
turns (turns.py), so that neither a thousand connections nor a thousand requests on one of them can hold up a
job.  TLS is put in between here, with the certificate of the moment.
The traps: Hypercorn shields what it sends from being cancelled, so a reader that does not read must be given
up here, or a stop would wait for it; and a socket that cannot be accepted for want of file numbers must not
spin.
"""

import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import structlog
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from starlette.types import ASGIApp

from proxy.ops.turns import Turns

MOST_CONNECTIONS = 256  # at once; some dashboards with six each, and the monitoring
KEEP_SECONDS = 30  # of a connection without a request
SEND_SECONDS = 30  # for a reader that does not read
HANDSHAKE_SECONDS = 5
REST_SECONDS = 1.0  # after no more files were to be had
REQUEST_BYTES = 16_384  # of a request's head
RECEIVE_BYTES = 16_384
MESSAGE_BYTES = 4096  # from whoever listens to events, who has nothing to say
_NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

log = structlog.get_logger()

Context = ssl.SSLContext
TlsOfNow = Callable[[], Context | None]


def _plain() -> None:
    return None


class TurnedStream(trio.abc.Stream):
    """A TCP connection that is read in turns, and given up when nobody reads it.

    `socket` is there for Hypercorn, which asks it for addresses.
    """

    def __init__(self, sock: "trio.socket.SocketType", turns: Turns) -> None:
        self._stream = trio.SocketStream(sock)
        self._turns = turns
        self.socket = sock

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Read what is there, when it is our turn."""
        data = await self._stream.receive_some(min(max_bytes or RECEIVE_BYTES, RECEIVE_BYTES))
        if data:
            await self._turns.turn()
        return bytes(data)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or give up."""
        with trio.move_on_after(SEND_SECONDS) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            raise trio.BrokenResourceError("the reader does not read")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Say that nothing more comes."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def close_now(self) -> None:
        """Close, whoever may be sending."""
        self.socket.close()


async def serve(
    app: ASGIApp,
    sock: socket.socket,
    turns: Turns,
    tls: TlsOfNow = _plain,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled.

    Args:
        sock: bound and listening; owned from here.
        tls: gives the context for the next connection, None for none.
    """
    listening = trio.socket.from_stdlib_socket(sock)
    serve_one = _Server(app, turns, tls)
    try:
        async with trio.open_nursery() as nursery:
            task_status.started()
            try:
                await _accept(listening, serve_one, turns, nursery)
            finally:
                serve_one.close_all()
    finally:
        listening.close()


async def _accept(
    listening: "trio.socket.SocketType", serve_one: "_Server", turns: Turns, nursery: trio.Nursery
) -> None:
    places = trio.Semaphore(MOST_CONNECTIONS)
    while True:
        await places.acquire()
        try:
            accepted, _ = await listening.accept()
        except OSError as error:
            places.release()
            if error.errno in _NO_FILES:
                await trio.sleep(REST_SECONDS)
            continue  # it has gone before it was taken
        nursery.start_soon(serve_one, accepted, places)
        await turns.turn()


class _Connection(TCPServer):
    """One connection, which ends when its client has gone; Hypercorn's would wait out its idle time."""

    async def _read_data(self) -> None:
        await super()._read_data()
        await self.idle_task.stop()


class _Server:
    """Serves connections, each by a call."""

    def __init__(self, app: ASGIApp, turns: Turns, tls: TlsOfNow) -> None:
        self._app = ASGIWrapper(cast("ASGIFramework", app))
        self._turns = turns
        self._tls = tls
        self._config = _config()
        self._context = WorkerContext(None)
        self._open: set[TurnedStream] = set()

    async def __call__(self, sock: "trio.socket.SocketType", places: trio.Semaphore) -> None:
        """Serve a connection to its end."""
        stream = TurnedStream(sock, self._turns)
        self._open.add(stream)
        try:
            context = self._tls()
            spoken: Any = stream
            if context is not None:
                spoken = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
            await _Connection(
                self._app, self._config, self._context, cast("Any", ConnectionState({})), spoken
            )
        except Exception as error:  # whatever it is, miners have nothing to do with it
            if not _has_gone(error):
                log.exception("HTTP connection ended by a defect")
        finally:
            self._open.discard(stream)
            places.release()
            stream.close_now()

    def close_all(self) -> None:
        """Close every connection, whatever is being said on it."""
        for stream in list(self._open):
            stream.close_now()


def _has_gone(error: Exception) -> bool:
    """Whether it is only that the client has gone, at a moment at which Hypercorn does not expect it."""
    if isinstance(error, ExceptionGroup):
        return all(_has_gone(inner) for inner in error.exceptions)
    return isinstance(error, (trio.BrokenResourceError, trio.ClosedResourceError))


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = logging.getLogger(__name__)  # not its own name: levels outlive us
    config.errorlog.setLevel(logging.WARNING)
    config.keep_alive_timeout = KEEP_SECONDS
    config.ssl_handshake_timeout = HANDSHAKE_SECONDS
    config.h11_max_incomplete_size = REQUEST_BYTES
    config.h2_max_concurrent_streams = 4
    config.websocket_max_message_size = MESSAGE_BYTES
    config.websocket_ping_interval = 20
    config.include_server_header = False
    return config
