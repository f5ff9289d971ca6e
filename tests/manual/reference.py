"""docs/configuration.md, written from the one place that has every key: proxy/config/sections.py.

Strategy: the comment above a key is its reason, the rule in its type its bounds, changes.py says whether a
change is live.  Nothing is said here that is not said there, so the page cannot be wrong by itself.
The trap: a comment may stand for several keys that follow it without a gap; it then goes with each.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

import attrs

from proxy.config import Address, sections
from proxy.config.changes import LIVE, RESTART
from proxy.config.rules import Choice, Number, OneOf, Rule, Text, Whole, plain
from proxy.config.sections import Config
from proxy.config.shape import Key, keys_of

HEAD = """# Every key

Written by `python -m tests.manual` from the configuration's own source; a test says when it is old.
`sluice init full` prints the same as a file to edit, `sluice check --explain` what a file comes to on your
machine. Any key can come from the environment: `SLUICE__LIMITS__MAX_MINERS`,
`SLUICE__UPSTREAM__POOLS__0__URL`. What each limit does to a miner is in
[operations.md](operations.md#limits).

*change* says whom a change reaches that is made while Sluice runs (`kill -HUP`, or a reload over the API),
*restart* that it waits for one.
"""
# Tables that stand inside a value.
INLINE = {"Vardiff": "listen.difficulty", "Tls": "listen.tls, http.tls"}
_TITLES = {
    "": "Of the whole",
    "upstream.pools": "[[upstream.pools]]",
    "listen": "[[listen]]",
}


def page() -> str:
    """Write the page."""
    lines = [HEAD]
    for path, section in tables():
        lines.append(f"## {_title(path, section)}\n")
        about = (inspect.getdoc(section) or "").partition("\n")[0]
        lines += [about + "\n", "| key | default | allowed | for | change |", "|---|---|---|---|---|"]
        reasons = comments(section)
        lines += [
            _row(path, key, reasons.get(name, "")) for name, key in keys_of(section).items() if key.rule
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def tables() -> Iterator[tuple[str, type[attrs.AttrsInstance]]]:
    """Every table with its path, each class once."""
    todo: list[tuple[str, type[attrs.AttrsInstance]]] = [("", Config)]
    seen = set()
    while todo:
        path, section = todo.pop(0)
        if section in seen:
            continue
        seen.add(section)
        yield path, section
        todo += [
            (f"{path}.{key.name}".strip("."), key.table)
            for key in keys_of(section).values()
            if key.table is not None
        ]


def comments(section: type[Any]) -> dict[str, str]:
    """The comment that stands above each key of a class."""
    lines = inspect.getsource(section).splitlines()
    (tree,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    last = ""
    for node in tree.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        above: list[str] = []
        number = node.lineno - 2
        while number >= 0 and lines[number].strip().startswith("#"):
            above.insert(0, lines[number].strip().removeprefix("#").strip())
            number -= 1
        last = " ".join(above) or last
        found[node.target.id] = last
    return found


def _title(path: str, section: type[attrs.AttrsInstance]) -> str:
    return INLINE.get(section.__name__) or _TITLES.get(path) or f"[{path}]"


def _row(path: str, key: Key, reason: str) -> str:
    full = f"{path}.{key.name}".strip(".")
    cells = (f"`{full}`", _default(key), _allowed(key.rule), reason, _change(full))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(key: Key) -> str:
    default = key.default
    if default is attrs.NOTHING:
        return "–"
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return "`[]`"
    if isinstance(default, str | Address):
        return f'`"{default}"`'
    return f"`{plain(default)}`" if isinstance(default, int | float) else f"`{default}`"


def _allowed(rule: Rule | None) -> str:
    if isinstance(rule, Whole):
        return f"{rule.least:,} to {rule.most:,}"
    if isinstance(rule, Number):
        return f"{plain(rule.least)} to {plain(rule.most)}"
    if isinstance(rule, Choice):
        return ", ".join(f'`"{word}"`' for word in rule.words)
    if isinstance(rule, OneOf):
        return ", ".join(str(number) for number in rule.numbers)
    if isinstance(rule, Text):
        return f"text, {'secret, ' if rule.secret else ''}{rule.most:,} characters"
    allowed = getattr(rule, "allowed", "")
    return allowed or _OTHER[type(rule).__name__]


_OTHER = {
    "Url": '`"stratum+tcp://host:port"`, `stratum+tls`, `ws`, `wss`, `unix:///path`',
    "Difficulty": '`"upstream"`, a number, or a table as below',
    "Network": '`"auto"`, `"notify"`, or a number',
    "Networks": 'networks, as `["10.0.0.0/8"]`',
    "Algorithm": '`"equihash/N_K"`, `"blob"`',
    "DetourUrl": '`"socks5://…"`, `"http://…"`, `"none"`',
    "LedgerUrl": '`"sqlite:///FILE"`, `"postgresql://…"`, `""`',
}


def _change(full: str) -> str:
    if full in LIVE:
        return LIVE[full]
    # An inline table changes as the key that holds it.
    holder = re.sub(r"\.[a-z_]+$", "", full)
    if full in RESTART or holder in RESTART:
        return "restart"
    return LIVE.get(holder, "restart")


assert set(INLINE) <= set(vars(sections))
