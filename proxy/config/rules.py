"""What a value may be: one rule for each kind of key, with its bounds and the words to refuse by.

Strategy: a key's type in sections.py carries its rule, `Annotated[float, Number(0.1, 3600)]`; read()
takes what TOML gave and returns what the field holds.  Nothing is converted silently: "10" is no number
and true is no 1.
The trap: a refused value is shown to a person, so it is cut, kept on one line, and left out if secret.
"""

import ipaddress
import json
import math
import re
import unicodedata
from typing import Any, ClassVar, Protocol

import attrs

from proxy.errors import ConfigError

MAX_SHOWN = 60


class Rule(Protocol):
    """How one kind of value is read.

    `text` says that it is written as a string, so that a variable's value is taken as it stands.
    """

    text: ClassVar[bool]

    def read(self, value: Any) -> Any:
        """Take a value as TOML gave it; ConfigError says what is allowed."""


def shown(value: object) -> str:
    """Show a refused value: one line, cut, nothing a terminal would act on."""
    if isinstance(value, str):
        cut = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
        return json.dumps(cut, ensure_ascii=not cut.isprintable())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    try:
        return str(value)[:MAX_SHOWN]
    except ValueError:  # Python does not print a number of thousands of digits
        return "a huge number"


def plain(number: float) -> str:
    """Write a bound as a person would: 3600, 0.1, 1000000."""
    return str(int(number)) if float(number).is_integer() else str(number)


def is_number(value: object) -> bool:
    """Tell whether TOML gave a finite number; booleans are none."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


@attrs.frozen
class Whole:
    """A whole number within bounds, both of them allowed."""

    least: int
    most: int
    text: ClassVar[bool] = False

    def read(self, value: Any) -> int:
        """Return the number."""
        if type(value) is int and self.least <= value <= self.most:
            return value
        raise ConfigError(f"must be a whole number from {self.least} to {self.most}, not {shown(value)}")


@attrs.frozen
class Number:
    """A number within bounds, both of them allowed; 10 stays 10 and does not become 10.0."""

    least: float
    most: float
    text: ClassVar[bool] = False

    def read(self, value: Any) -> float:
        """Return the number."""
        if is_number(value) and self.least <= value <= self.most:
            return float(value) if type(value) is float else int(value)
        raise ConfigError(
            f"must be a number from {plain(self.least)} to {plain(self.most)}, not {shown(value)}"
        )


@attrs.frozen
class Text:
    """A line of text.

    Args:
        most: characters; what is longer is a mistake, not a name.
        secret: never shown.
    """

    most: int = 256
    secret: bool = False
    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the text; "" is allowed and means none."""
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ConfigError(f"must be text{'' if self.secret else f', not {shown(value)}'} ({kind})")
        if len(value) > self.most:
            raise ConfigError(f"must have at most {self.most} characters, not {len(value)}")
        # Control characters would break a line of the protocol, lone surrogates its encoding.
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            raise ConfigError("must be one line of text, without control characters")
        return value


@attrs.frozen
class Choice:
    """One word of a few."""

    words: tuple[str, ...]
    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the word."""
        if isinstance(value, str) and value in self.words:
            return value
        allowed = ", ".join(f'"{word}"' for word in self.words[:-1])
        raise ConfigError(f'must be {allowed} or "{self.words[-1]}", not {shown(value)}')


@attrs.frozen
class OneOf:
    """One number of a few."""

    numbers: tuple[int, ...]
    text: ClassVar[bool] = False

    def read(self, value: Any) -> int:
        """Return the number."""
        if type(value) is int and value in self.numbers:
            return value
        allowed = ", ".join(str(number) for number in self.numbers[:-1])
        raise ConfigError(f"must be {allowed} or {self.numbers[-1]}, not {shown(value)}")


@attrs.frozen
class Pattern:
    """Text of one form.

    Args:
        expression: what the whole text must match; "" is taken as well where `empty`.
        allowed: the same in words.
    """

    expression: str
    allowed: str
    empty: bool = False
    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the text."""
        if isinstance(value, str) and ((self.empty and not value) or re.fullmatch(self.expression, value)):
            return value
        raise ConfigError(f"must be {self.allowed}, not {shown(value)}")


@attrs.frozen
class Networks:
    """A list of IP networks, each as text; a single address is a network, too."""

    text: ClassVar[bool] = False

    def read(self, value: Any) -> tuple[str, ...]:
        """Return the networks in their usual form."""
        if not isinstance(value, list):
            raise ConfigError(f'must be an array like ["10.0.0.0/8"], not {shown(value)}')
        return tuple(self._network(item) for item in value)

    @staticmethod
    def _network(item: Any) -> str:
        try:
            if not isinstance(item, str):  # a number would be taken for an address
                raise ValueError(item)
            return str(ipaddress.ip_network(item, strict=False))
        except ValueError:
            raise ConfigError(f'must hold IP networks like "10.0.0.0/8", not {shown(item)}') from None


@attrs.frozen
class LedgerUrl:
    """Where the ledger is kept; never shown, because it may hold a password."""

    text: ClassVar[bool] = True

    def read(self, value: Any) -> str:
        """Return the URL, "" for no ledger."""
        if isinstance(value, str) and (not value or re.fullmatch(r"(sqlite:///|postgresql://)[!-~]+", value)):
            return value
        raise ConfigError('must be "sqlite:///FILE", "postgresql://…" or "" for none')


@attrs.frozen
class Network:
    """Where the network's difficulty is known from, or what it is."""

    text: ClassVar[bool] = False

    def read(self, value: Any) -> str | float:
        """Return the word or the number."""
        if value in ("auto", "notify"):
            return str(value)
        if is_number(value) and 0 <= value <= 2**255:
            return float(value) if type(value) is float else int(value)
        raise ConfigError(f'must be "auto", "notify", or a number from 0, not {shown(value)}')


@attrs.frozen
class Difficulty:
    """What a listener asks of its miners, apart from a table, which is vardiff."""

    text: ClassVar[bool] = False

    def read(self, value: Any) -> str | float:
        """Return "upstream" or the number."""
        if value == "upstream":
            return "upstream"
        if is_number(value) and 0 < value <= 2**255:
            return float(value) if type(value) is float else int(value)
        raise ConfigError(
            'must be "upstream", a number above 0, or a table { start, min, max, target_seconds }, '
            f"not {shown(value)}"
        )
