"""One line of JSON-RPC as it is spoken in stratum: requests, notifications and replies, loosely typed.

Strategy: one decode into one flat struct; the id stays the bytes it came as, because a miner may use
any type for it and wants the same back.  What a method or its parameters mean is the dialect's part.
The trap: any exception but the one named fault is a bug, and JSON knows many ways to raise one
(depth, huge numbers, broken UTF-8), so all of them are turned here.  What was decoded may still be
nested so deep that str(), repr() or == on it fails: take it apart by type, never as a whole.
"""

from functools import lru_cache
from typing import Any

import msgspec

from proxy.errors import SluiceError

MAX_ID_BYTES = 128  # an id is echoed with every reply; nobody needs a longer one
MAX_NAME = 256  # a worker's name is kept per miner and shown to people
NAME_RULE = f"a worker name has at most {MAX_NAME} characters, all printable"
MAX_FAULT = 160  # characters of the decoder's own complaint, which can hold a path of any depth

NULL = b"null"


class Message(msgspec.Struct):
    """A decoded line; a key that was absent has its default, of a key given twice the last one holds."""

    id: msgspec.Raw = msgspec.Raw(NULL)
    method: str | None = None
    params: Any = None
    result: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(Message).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def encode(text: str) -> bytes:
    """Write any text as a JSON string, quotes included.

    Args:
        text: half a surrogate pair in it, which UTF-8 cannot carry but a process's environment can,
            becomes a question mark.
    Raises: nothing: whoever writes a line need not expect a fault.
    """
    try:
        return _encode(text)
    except UnicodeEncodeError:
        return _encode(text.encode("utf-8", "replace").decode())


@lru_cache(maxsize=1024)  # users, sessions and job ids that are in use; some 300 bytes each at most
def quoted(text: str) -> str:
    """Write a name that comes with many lines as a JSON string; as encode(), but text, and remembered."""
    return encode(text).decode()


def decode(line: bytes, fault: type[SluiceError]) -> Message:
    """Read one line.

    Args:
        line: the bytes of one line, without its end; a "\\r" or spaces around it do not matter.
        fault: what to raise, by who sent the line.
    Returns: the message; its id can be echoed as it is, on one line.
    Raises: `fault`, with one line of text, for anything that is not a JSON object of this form.
    """
    try:
        message = _decode(line)
        raw = bytes(message.id)
        if not raw.isdigit() and raw != NULL:
            message.id = msgspec.Raw(_fit_to_echo(raw))
    except RecursionError:
        raise fault("JSON nested too deeply") from None
    except ValueError as error:  # msgspec's DecodeError and UnicodeDecodeError among them
        raise fault(_what_is_wrong(line, error)) from None
    if len(raw) > MAX_ID_BYTES:
        raise fault(f"an id of {len(raw)} bytes; at most {MAX_ID_BYTES} are taken")
    return message


def usual_id(raw: bytes) -> bool:
    """Tell whether an id, as it came, needs no further look before it is echoed."""
    return raw.isdigit() and len(raw) <= MAX_ID_BYTES


def _fit_to_echo(raw: bytes) -> bytes:
    """Skipping over an id checked neither its UTF-8 nor the space inside it; echoing it needs both.

    Raises: ValueError, as the decoder does.
    """
    _decode_any(raw)
    return raw.replace(b"\r", b" ").replace(b"\n", b" ")


def _what_is_wrong(line: bytes, error: ValueError) -> str:
    if not line.lstrip().startswith(b"{"):
        return f"not a JSON object: {printable(line)}"
    if isinstance(error, msgspec.ValidationError):
        return f"not a JSON-RPC line: {str(error)[:MAX_FAULT]}"
    return f"not valid JSON: {printable(line)}"


def printable(line: bytes, most: int = 60) -> str:
    """Show hostile bytes in a log or an error: plain ASCII in quotes, cut, never a control character."""
    return repr(line[:most])[1:] + ("..." if len(line) > most else "")


def plain(text: str, most: int) -> str:
    """Make hostile text fit for logs, tables and a terminal: cut, and no control character in it.

    Args:
        text: decoded, but of any content; NUL, escapes and line ends become question marks.
        most: characters to keep.
    """
    text = text[:most]
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def is_integer(raw: bytes) -> bool:
    """Tell whether an id, as it came, is a JSON integer."""
    return raw.isdigit() or (raw[:1] == b"-" and raw[1:].isdigit())


def number_of(raw: bytes) -> int | None:
    """Read the id of a reply; some servers turn a number into a string.

    Returns: None for what is no number, and for one far out of range, which is nobody's.
    """
    digits = raw.strip(b'"')
    return int(digits) if len(digits) < 20 and is_integer(digits) else None


def is_name(text: str) -> bool:
    """Tell whether a text may be a worker's name."""
    return len(text) <= MAX_NAME and text.isprintable()
