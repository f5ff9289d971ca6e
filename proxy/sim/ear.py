"""What the reference miner understands of a pool's lines, and what it makes of the rest.

Strategy: as strict as the real program, which the proxy's own reader is not: a line that a tolerant
simulated miner would take, but a real one does not, is a bug this must find.  Whatever a real miner
stumbles over is counted by name in `violations`; what would make it drop the connection raises.
Source: docs/protocols/aion.md, "Client side".
"""

from collections import Counter
from typing import Any

import attrs
import msgspec

from proxy.errors import PoolError
from proxy.model.hexdigits import is_hex

MAX_TARGET = b"\xff" * 32


@attrs.frozen(slots=True)
class Reply:
    """An answer to one of our requests.

    Args:
        ok: the result was true, as a JSON bool.
        result: as decoded.
        text: of the error, "" for none.
    """

    id: int
    ok: bool
    result: Any
    text: str


@attrs.frozen(slots=True)
class Notify:
    """A job; header is 64 lower-case hex digits, target 32 bytes big-endian."""

    id: str
    clean: bool
    target: bytes
    header: str


@attrs.frozen(slots=True)
class SetTarget:
    """The share target apart from a job, 32 bytes big-endian."""

    target: bytes


@attrs.frozen(slots=True)
class SetExtranonce:
    """A new extranonce1 from the next job on, lower-case hex."""

    extranonce1: str


@attrs.frozen(slots=True)
class Reconnect:
    """Connect again; "" and 0 stand for the same address."""

    host: str
    port: int


Heard = Reply | Notify | SetTarget | SetExtranonce | Reconnect


class Ear:
    """Reads lines as the reference miner does.

    Args:
        violations: counts what it would have stumbled over, by name.
    """

    def __init__(self, violations: Counter[str]) -> None:
        self._violations = violations

    def hear(self, line: bytes) -> Heard | None:
        """Understand one line.

        Args:
            line: without its end.
        Returns: None for what is ignored.
        Raises: PoolError where the real program throws: it is silent for a while and connects again.
        """
        if not (line.startswith(b"{") and line.endswith(b"}")):
            self._stumble("line_not_an_object")
            return None
        try:
            message = msgspec.json.decode(line)
        except (ValueError, RecursionError):
            self._stumble("line_not_json")
            return None
        method, number = message.get("method"), message.get("id")
        if method is None:
            return self._reply(number, message)
        if number not in (None, 0):
            self._stumble("server_request_with_id")
        reader = getattr(self, "_" + str(method).replace(".", "_"), None)
        params = message.get("params")
        if reader is None:
            self._stumble("unknown_method")
            return None
        if not isinstance(params, list):
            raise PoolError(f"{method} without a list of params")
        heard: Heard | None = reader(params)
        return heard

    def _stumble(self, name: str) -> None:
        self._violations[name] += 1

    def _reply(self, number: object, message: dict[str, Any]) -> Reply | None:
        if number is None:
            # Not an answer to anything: how a server tells why it is about to close.
            return None
        if type(number) is not int:
            self._stumble("reply_id_not_an_integer")
            return None
        result = message.get("result")
        return Reply(number, result is True, result, _error_text(message.get("error")))

    def _mining_notify(self, params: list[Any]) -> Notify | None:
        match params:
            case [str(job_id), bool(clean), str(target), str(header)]:
                pass
            case _:
                self._stumble("notify_form")
                raise PoolError("notify must have four parameters: string, bool, string, string")
        if len(header) != 64 or not is_hex(header):
            self._stumble("notify_header")
            raise PoolError("notify: the header hash must be 64 hex digits")
        if not clean:
            self._stumble("not_clean_job")
            return None
        return Notify(job_id, clean, self._target(target), header.lower())

    def _target(self, text: str) -> bytes:
        digits = text.removeprefix("0x")
        if not digits:
            return MAX_TARGET
        if len(digits) > 64 or not is_hex(digits):
            self._stumble("target_form")
            raise PoolError("the target must be hex")
        return bytes.fromhex(digits.zfill(64))

    def _mining_set_target(self, params: list[Any]) -> SetTarget | None:
        if params and isinstance(params[0], str):
            return SetTarget(self._target(params[0]))
        self._stumble("set_target_form")
        return None

    def _mining_set_difficulty(self, params: list[Any]) -> None:
        if params and isinstance(params[0], str):
            self._stumble("set_difficulty_form")
            raise PoolError("set_difficulty: a number expected")

    def _mining_set_extranonce(self, params: list[Any]) -> SetExtranonce | None:
        if params and isinstance(params[0], str) and is_extranonce1(params[0]):
            return SetExtranonce(params[0].lower())
        self._stumble("set_extranonce_form")
        return None

    def _client_reconnect(self, params: list[Any]) -> Reconnect:
        host = params[0] if params and isinstance(params[0], str) else ""
        port = params[1] if len(params) > 1 else 0
        if isinstance(port, str) and port.isdigit() and len(port) < 6:
            return Reconnect(host, int(port))
        if port:
            self._stumble("reconnect_port_not_a_string")
        return Reconnect(host, 0)

    def _client_show_message(self, _params: list[Any]) -> None:
        """Shown to people; nothing for us."""


def is_extranonce1(text: str) -> bool:
    """Tell whether this can be the start of a 32-byte nonce."""
    return len(text) <= 64 and len(text) % 2 == 0 and is_hex(text)


def _error_text(error: Any) -> str:
    match error:
        case [_, str(text), *_] | {"message": str(text)} | str(text):
            return text or "unknown"
        case None | False:
            return ""
        case _:
            return "unknown"
