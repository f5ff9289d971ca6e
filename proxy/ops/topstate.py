"""What the reader of `sluice top` is looking at: view, order, filter, page; and what a key does to it.

Strategy: knows no terminal and no proxy; press() takes a key, wanted() says which page to ask for.
"""

from collections.abc import Mapping

import attrs

VIEWS = ("workers", "miners", "pools", "bans")
PATHS = {"workers": "workers", "miners": "miners", "pools": "upstreams", "bans": "bans"}
BY_KEY = {
    "1": "workers",
    "2": "miners",
    "3": "pools",
    "4": "bans",
    "w": "workers",
    "m": "miners",
    "p": "pools",
    "b": "bans",
}
# What a list can be sorted by, and how each is looked at first: the greatest trouble on top.
SORTS: dict[str, tuple[tuple[str, str], ...]] = {
    "workers": (
        ("sols_10m", "desc"),
        ("name", "asc"),
        ("online", "asc"),
        ("miners", "desc"),
        ("sols_1m", "desc"),
        ("sols_1h", "desc"),
        ("sols_24h", "desc"),
        ("accepted", "desc"),
        ("bad", "desc"),
        ("reject_ratio", "desc"),
        ("last_share_at", "asc"),
        ("last_seen_at", "asc"),
    ),
    "miners": (
        ("worker", "asc"),
        ("address", "asc"),
        ("difficulty", "desc"),
        ("accepted", "desc"),
        ("bad", "desc"),
        ("connected_at", "desc"),
        ("last_share_at", "asc"),
    ),
    "pools": (),
    "bans": (),
}
STATES = ("all", "offline", "online")
MOST_ROWS = 1000  # what the API gives at once
LONGEST_FILTER = 64  # the longest name there is


@attrs.define
class Look:
    """What is looked at.

    Args:
        rows: lines that the table has room for.
        total: rows that the list has by the last answer.
    """

    view: str = "workers"
    rows: int = 20
    total: int = 0
    page: int = 0
    state: str = "all"
    search: str = ""
    typing: str | None = None
    help: bool = False
    done: bool = False
    suspended: bool = False
    _sorted: dict[str, int] = attrs.Factory(lambda: dict.fromkeys(VIEWS, 0))
    _reversed: dict[str, bool] = attrs.Factory(lambda: dict.fromkeys(VIEWS, False))

    @property
    def sort(self) -> tuple[str, str]:
        """Key and order of the list; ("", "") for one with an order of its own."""
        sorts = SORTS[self.view]
        if not sorts:
            return "", ""
        key, order = sorts[self._sorted[self.view]]
        if self._reversed[self.view]:
            order = "asc" if order == "desc" else "desc"
        return key, order

    @property
    def pages(self) -> int:
        """How many there are, one at least."""
        return max(1, -(-self.total // self.per_page))

    @property
    def per_page(self) -> int:
        """Rows on one page."""
        return max(1, min(self.rows, MOST_ROWS))

    def wanted(self) -> tuple[str, Mapping[str, str | int]]:
        """Say what is to be asked for: the list's path and its query."""
        query: dict[str, str | int] = {"limit": self.per_page, "offset": self.page * self.per_page}
        if self.view in ("pools", "bans"):
            return PATHS[self.view], {} if self.view == "pools" else query
        query["sort"], query["order"] = self.sort
        if self.search:
            query["search"] = self.search
        if self.view == "workers":
            query["state"] = self.state
        return PATHS[self.view], query

    def counted(self, total: int) -> None:
        """Take how many rows there are; a page beyond the last becomes the last."""
        self.total = max(0, total)
        self.page = min(self.page, self.pages - 1)

    def press(self, key: str) -> None:
        """Do what a key says; one without a meaning does nothing."""
        if key == "ctrl-c":
            self.done = True
        elif key == "ctrl-z":
            self.suspended = True
        elif self.typing is not None:
            self._type(key)
        elif self.help:
            self.help = False
            self.done = key == "q"
        else:
            self._do(key)

    def _type(self, key: str) -> None:
        text = self.typing or ""
        if key == "enter":
            self.search, self.typing, self.page = text, None, 0
        elif key == "escape":
            self.typing = None
        elif key == "backspace":
            self.typing = text[:-1]
        elif key == "ctrl-u":
            self.typing = ""
        elif len(key) == 1:
            self.typing = (text + key)[:LONGEST_FILTER]

    def _do(self, key: str) -> None:
        if key in BY_KEY:
            self._show(BY_KEY[key])
        elif key in ("tab", "backtab"):
            step = 1 if key == "tab" else -1
            self._show(VIEWS[(VIEWS.index(self.view) + step) % len(VIEWS)])
        elif key in ("s", "S") and SORTS[self.view]:
            step = 1 if key == "s" else -1
            self._sorted[self.view] = (self._sorted[self.view] + step) % len(SORTS[self.view])
            self._reversed[self.view], self.page = False, 0
        elif key == "r":
            self._reversed[self.view], self.page = not self._reversed[self.view], 0
        elif key == "o" and self.view == "workers":
            self.state, self.page = STATES[(STATES.index(self.state) + 1) % len(STATES)], 0
        elif key in _TURNS:
            self.page = max(0, min(self.pages - 1, self.page + _TURNS[key]))
        else:
            self._rest(key)

    def _rest(self, key: str) -> None:
        if key in ("q", "ctrl-d"):
            self.done = True
        elif key in ("?", "h"):
            self.help = True
        elif key == "/" and self.view in ("workers", "miners"):
            self.typing = self.search
        elif key == "escape":
            self.search, self.page = "", 0

    def _show(self, view: str) -> None:
        if view != self.view:
            self.view, self.page, self.total = view, 0, 0


_FAR = 1_000_000_000  # pages; what is beyond the last becomes the last
_TURNS = {
    **dict.fromkeys(("pgdn", "right", "down", "n"), 1),
    **dict.fromkeys(("pgup", "left", "up", "N"), -1),
    **dict.fromkeys(("end", "G"), _FAR),
    **dict.fromkeys(("home", "g"), -_FAR),
}
