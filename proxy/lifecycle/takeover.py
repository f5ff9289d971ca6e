"""A running proxy's ports for the one that replaces it, so that no miner ever finds them closed.

    new → old    {"word":"take"}             who asks must be of the same user, or root
    old → new    {"word":"port",…} each      with its sockets beside it (SCM_RIGHTS)
    old → new    {"word":"all"}
    new → old    {"word":"done"}             it has work, and takes miners
    old → new    {"word":"left"}             it takes none any more; its socket file is free

Strategy: both hold the same sockets, so the kernel's queue of connections never closes.  Until `done` the old
one serves as if nothing were; an end of the connection before that changes nothing.  After it the old one
sends its miners away, who reconnect to the same port and so to the new one.
The trap: sockets that come along must be taken with the bytes that they came with, and closed if nobody
wants them.
"""

import array
import hashlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import structlog
import trio

from proxy.config import Config
from proxy.downstream.listeners import FileListener, bind_file
from proxy.errors import ConfigError, SluiceError
from proxy.lifecycle.ports import Inherited, Ports
from proxy.wire.lines import LineBuffer

SHARED = "/run/sluice"  # where a service has its files
NONE = "none"
ROOT = 0
MODE = 0o600
LINE_BYTES = 8192  # of a name, an address and a path
MOST_SOCKETS = 253  # with one message; the kernel's own bound
MOST_PORTS = 1024
WORD_SECONDS = 10.0  # for what takes no time
DONE_SECONDS = 120.0  # for work to come; the new one gives up sooner by itself

log = structlog.get_logger()


class Word(msgspec.Struct):
    """A message; see above.

    Args:
        sockets: how many come with it.
    """

    word: str
    name: str = ""
    url: str = ""
    sockets: int = 0


_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes | bytearray], Word] = msgspec.json.Decoder(Word).decode


class Leaving(Protocol):
    """A proxy that can be replaced."""

    ports: Ports

    def leave(self) -> None:
        """End, and send the miners to the one that has the ports now."""


def place_of(config: Config, file: str | None, environ: Mapping[str, str]) -> str:
    """Tell where the socket file of a configuration is.

    Args:
        file: that the configuration is from.
    Returns: its path, "" for none.
    """
    if config.takeover_socket:
        return "" if config.takeover_socket == NONE else config.takeover_socket
    name = hashlib.sha256(os.path.realpath(file or "environment").encode()).hexdigest()[:12]
    for directory in (SHARED, environ.get("XDG_RUNTIME_DIR", "")):
        # Both are made for one user alone, which a directory for all is not.
        if directory and os.path.isdir(directory) and os.access(directory, os.W_OK | os.X_OK):
            return os.path.join(directory, f"sluice-{name}.sock")
    return ""


class _Talk:
    """Words and sockets over one connection."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._sock = sock
        self._lines = LineBuffer(LINE_BYTES)
        self._words: list[Word] = []
        self._files: list[int] = []

    async def say(self, word: Word, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Send a word, and sockets with it."""
        data = _encode(word) + b"\n"
        beside = []
        if sockets:
            files = array.array("i", [sock.fileno() for sock in sockets])
            beside.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, files.tobytes()))
        sent = await self._sock.sendmsg([data], beside)
        while sent < len(data):
            sent += await self._sock.send(data[sent:])

    async def hear(self) -> Word | None:
        """Receive a word; None if there are no more.

        Raises: SluiceError for what is none.
        """
        while not self._words:
            room = socket.CMSG_SPACE(MOST_SOCKETS * array.array("i").itemsize)
            data, beside, _, _ = await self._sock.recvmsg(LINE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
            for level, kind, content in beside:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files = array.array("i")
                    files.frombytes(content[: len(content) - len(content) % files.itemsize])
                    self._files += files
            if not data:
                return None
            try:
                self._words += [_decode(line) for line in self._lines.feed(data)]
            except ValueError as error:
                raise SluiceError(f"takeover: a message without sense ({error})") from None
            if self._lines.overflow or len(self._files) > MOST_PORTS * MOST_SOCKETS:
                raise SluiceError("takeover: a message without end")
        return self._words.pop(0)

    def take_sockets(self, count: int) -> list[socket.socket]:
        """Take the next sockets that came."""
        files, self._files = self._files[:count], self._files[count:]
        return [socket.socket(fileno=file) for file in files]

    def close(self) -> None:
        """Hang up; sockets that nobody took are closed."""
        for file in self._files:
            os.close(file)
        self._files.clear()
        self._sock.close()


# ---- the new one


class Giver:
    """The proxy that is taken over.

    Args:
        inherited: its ports.
    """

    def __init__(self, talk: _Talk, inherited: list[Inherited]) -> None:
        self._talk = talk
        self.inherited = inherited

    async def done(self) -> None:
        """Say that we serve, and return when the other does not any more."""
        with trio.move_on_after(WORD_SECONDS):
            try:
                await self._talk.say(Word("done"))
                await self._talk.hear()
            except (OSError, SluiceError) as error:
                # It has died; its ports are ours all the same.
                log.warning("takeover", note=f"the other process did not answer: {error}")


@asynccontextmanager
async def ask(place: str) -> AsyncIterator[Giver]:
    """Ask the proxy that runs for its ports.

    Raises: ConfigError if there is none, or it is not ours to ask; SluiceError if it makes no sense.
    """
    if not place:
        raise ConfigError(f"--takeover: no place for the socket; set takeover_socket, or make {SHARED}")
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    talk = _Talk(sock)
    try:
        try:
            with trio.fail_after(WORD_SECONDS):
                await sock.connect(place)
                _must_be_ours(sock, place)
                inherited = await _hear_ports(talk)
        except OSError as error:
            raise ConfigError(
                f"--takeover: {place}: {error.strerror}; is a proxy running, by this configuration file?"
            ) from None
        except trio.TooSlowError:
            raise SluiceError(f"--takeover: {place}: no answer") from None
        yield Giver(talk, inherited)
    finally:
        talk.close()


async def _hear_ports(talk: _Talk) -> list[Inherited]:
    await talk.say(Word("take"))
    inherited: list[Inherited] = []
    while len(inherited) < MOST_PORTS:
        word = await talk.hear()
        if word is None:
            raise SluiceError("--takeover: the running proxy has hung up; its log may say why")
        if word.word == "all":
            break
        sockets = talk.take_sockets(word.sockets)
        if not sockets:
            raise SluiceError(f"--takeover: no socket came with {word.name}")
        inherited.append(Inherited(word.name, word.url, sockets))
    return inherited


# ---- the old one


async def offer(place: str, proxy: Leaving) -> None:
    """Let another proxy take over, once; without a place to be had that is said, and not possible."""
    try:
        listener = bind_file("takeover_socket", place, MODE)
    except ConfigError as error:
        log.warning("no takeover", why=str(error))
        return
    with listener:
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                accepted, _ = listener.accept()
            except OSError:  # gone again
                await trio.sleep(WORD_SECONDS / 100)
                continue
            sock = trio.socket.from_stdlib_socket(accepted)
            talk = _Talk(sock)
            try:
                if await _give(talk, sock, place, proxy, listener):
                    return
                log.warning("takeover", note="the other process has given up; this one goes on")
            except (OSError, SluiceError) as error:
                log.warning("takeover", note=f"{error}; this process goes on")
            finally:
                talk.close()


async def _give(
    talk: _Talk, sock: trio.socket.SocketType, place: str, proxy: Leaving, listener: FileListener
) -> bool:
    """Serve one that asks; whether it has taken over."""
    _must_be_ours(sock, place)
    with trio.move_on_after(WORD_SECONDS):
        word = await talk.hear()
        if word is None or word.word != "take":
            return False
        for port in proxy.ports.handed_down():
            await talk.say(Word("port", port.name, port.url, len(port.sockets)), tuple(port.sockets))
        await talk.say(Word("all"))
        log.info("takeover", note="another process has the ports, too, and waits for work")
    with trio.move_on_after(DONE_SECONDS):
        word = await talk.hear()
        if word is None or word.word != "done":
            return False
        proxy.leave()
        listener.close()
        await talk.say(Word("left"))
        return True
    return False


def _must_be_ours(sock: trio.socket.SocketType, place: str) -> None:
    """See that the other side is of our user, or root.

    Raises: SluiceError.
    """
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    if user not in (ROOT, os.geteuid()):
        raise SluiceError(f"takeover: {place}: the other side is user {user}, not us")
