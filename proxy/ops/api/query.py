"""What a request may ask for behind its `?`: each parameter of its own kind and within bounds.

Strategy: strict, so that a misspelt name is said and not passed over.
"""

from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request

from proxy.ops.api.answer import RefusedError

MOST = 1000  # items of one page
USUAL = 100
MOST_OFFSET = 1_000_000  # as many miners as may be configured
MOST_TEXT = 256  # as long as a worker's name may be


class Query:
    """The parameters of one request.

    Args:
        names: those that there are.
    Raises: RefusedError for another, or one that comes twice.
    """

    def __init__(self, request: Request, *names: str) -> None:
        self._given: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in names:
                known = ", ".join(names) or "none"
                raise RefusedError(400, f"{_cut(name)}: no such parameter; there is {known}")
            if name in self._given:
                raise RefusedError(400, f"{name}: is given twice")
            self._given[name] = value

    def text(self, name: str) -> str:
        """Return a text, "" where none is given."""
        value = self._given.get(name, "")
        if len(value) > MOST_TEXT:
            raise RefusedError(400, f"{name}: must have at most {MOST_TEXT} characters")
        return value

    def choice(self, name: str, words: Sequence[str], usual: str) -> str:
        """Return one word of a few."""
        value = self._given.get(name, usual)
        if value not in words:
            raise RefusedError(400, f"{name}: must be one of {', '.join(words)}")
        return value

    def whole(self, name: str, usual: int, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self._given.get(name)
        if value is None:
            return usual
        # Only plain digits: int() takes blanks, underscores and the digits of all scripts.
        if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
            raise RefusedError(400, f"{name}: must be a whole number from {least} to {most}")
        return int(value)

    def page(self) -> tuple[int, int]:
        """Return limit and offset."""
        return self.whole("limit", USUAL, 1, MOST), self.whole("offset", 0, 0, MOST_OFFSET)

    def descending(self, usual: str = "asc") -> bool:
        """Whether `order` is desc."""
        return self.choice("order", ("asc", "desc"), usual) == "desc"

    def moment(self, name: str) -> float:
        """Return a time in seconds since 1970, 0 where none is given."""
        value = self._given.get(name)
        if value is None:
            return 0.0
        try:
            moment = datetime.fromisoformat(value.replace(" ", "+"))  # a + that was not written as %2B
            if moment.tzinfo is None:
                raise ValueError(value)
            return max(0.0, moment.timestamp())
        except (ValueError, OverflowError):
            raise RefusedError(400, f"{name}: must be a time like 2026-01-31T12:00:00Z") from None


def _cut(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text[:40])
