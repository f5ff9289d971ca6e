"""What `sluice top` draws: the head, one table, the foot; the same for a terminal and for a plain snapshot.

Strategy: functions from structures to rich's texts, no terminal and no clock.  A table that is too wide
gives up its least needed columns.
The trap: names come from miners.  They are cleaned, and go into texts that know no markup.
"""

from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxy.model.share import FILTERED
from proxy.ops import topwords as words
from proxy.ops.asking import one_line
from proxy.ops.topcolumns import BAD, COLUMNS, GOOD, WARN, Column, fitting
from proxy.ops.topdata import AnyListing, Summary
from proxy.ops.topstate import VIEWS, Look

NAME_WIDTH = 64  # characters; the longest name there is
HEAD_ROWS = 5
# Beside the table's own rows: the head, a gap, the views, the column heads, the foot.
OTHER_ROWS = HEAD_ROWS + 4
LEAST_ROWS = 1

DIM, STRONG = "dim", "bold"

EMPTY = {
    "workers": "no workers",
    "miners": "no miners connected",
    "pools": "no pools",
    "bans": "nobody is banned",
}


def time_of(summary: Summary) -> datetime:
    """The proxy's own time, so that two clocks that differ make no share older than it is."""
    return words.moment(summary.now) or datetime.now(UTC)


def head(summary: Summary, where: str) -> list[Text]:
    """Say in HEAD_ROWS lines how the farm does."""
    return [
        _first(summary, where),
        _pool(summary),
        _speed(summary),
        _shares(summary),
        _books(summary),
    ]


def _first(summary: Summary, where: str) -> Text:
    line = _line((f"sluice {_said(summary.version)}", STRONG), (f"  {where}", DIM))
    if summary.uptime_seconds:
        line.append(f"  up {words.seconds(summary.uptime_seconds)}", DIM)
    if summary.processes > 1:
        line.append(f"  {summary.processes} processes", DIM)
    return line


def _pool(summary: Summary) -> Text:
    if not summary.ready:
        return _line(("NO WORK  ", BAD), (_said(summary.reason or "no pool has given work", 200), BAD))
    times = summary.roundtrip_ms or {}
    return _line(
        ("pool ", DIM),
        (_said(summary.pool or "–"), GOOD),
        ("  difficulty ", DIM),
        words.amount(summary.difficulty),
        ("  round trip p50 ", DIM),
        words.milliseconds(times.get("p50")),
        ("  p99 ", DIM),
        words.milliseconds(times.get("p99")),
    )


def _speed(summary: Summary) -> Text:
    line = _line(("Sol/s", DIM))
    for span in ("1m", "10m", "1h", "24h"):
        line.append(f"  {span} ", DIM)
        line.append(words.amount(summary.sols_per_second.get(span)), STRONG)
    line.append("   miners ", DIM)
    line.append(words.amount(summary.miners))
    line.append("  workers ", DIM)
    line.append(words.amount(summary.workers))
    missing = summary.offline_workers
    line.append(f"  missing {words.amount(missing)}", WARN if missing else DIM)
    if summary.banned:
        line.append(f"  banned {words.amount(summary.banned)}", WARN)
    return line


def _shares(summary: Summary) -> Text:
    shares = summary.shares
    judged = sum(shares.get(reason, 0) for reason in ("accepted", "rejected", "lost"))
    refused = sum(shares.get(reason, 0) for reason in FILTERED)
    accepted = shares.get("accepted", 0) / judged if judged else None
    here = refused / summary.received if summary.received else None
    style = GOOD if accepted is None or accepted >= 0.98 else WARN if accepted >= 0.9 else BAD
    line = _line(("the pool accepts ", DIM), (words.percent(accepted), style), ("  refused here ", DIM))
    line.append(words.percent(here))
    if worst := words.worst({reason: shares.get(reason, 0) for reason in FILTERED}):
        line.append(f"  mostly {_said(worst)}", DIM)
    ledger = summary.ledger
    if ledger is not None and ledger.state not in ("off", "ok"):
        line.append(f"  ledger {_said(ledger.state)} {_said(ledger.reason or '', 80)}", BAD)
    return line


def _books(summary: Summary) -> Text:
    shares = summary.shares
    refused = sum(shares.get(reason, 0) for reason in FILTERED)
    holds = ("conserved  ", GOOD) if summary.conserved else ("NOT CONSERVED  ", BAD)
    return _line(
        holds,  # first, because a narrow terminal cuts the line
        ("received ", DIM),
        words.amount(summary.received),
        (" = refused ", DIM),
        words.amount(refused),
        (" + kept ", DIM),
        words.amount(shares.get("kept", 0)),
        (" + forwarded ", DIM),
        words.amount(summary.forwarded),
        ("; accepted ", DIM),
        words.amount(shares.get("accepted", 0)),
        (" rejected ", DIM),
        words.amount(shares.get("rejected", 0)),
        (" lost ", DIM),
        words.amount(shares.get("lost", 0)),
        (" under way ", DIM),
        words.amount(summary.in_flight),
    )


def tabs(look: Look) -> Text:
    """Name the views, and what the one shown is sorted and filtered by."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for number, view in enumerate(VIEWS, 1):
        style = "reverse bold" if view == look.view else DIM
        line.append(f" {number} {view} ", style)
    if look.view == "workers" and look.state != "all":
        line.append(f"  only {look.state}", WARN)
    if look.search:
        line.append(f"  filter {_said(look.search)}", WARN)
    line.append(f"  {look.total} in all, page {look.page + 1} of {look.pages}", DIM)
    return line


def table(listing: AnyListing | None, look: Look, now: datetime, width: int) -> RenderableType:
    """Draw one page of a list.

    Args:
        listing: None while the first answer is still to come.
        width: characters there are; 0 for as many as it takes.
    """
    if listing is None:
        return _line(("asking …", DIM))
    if not listing.items:
        return _line((f"{EMPTY[look.view]}{' that match' if look.search else ''}", DIM))
    key, order = look.sort
    columns = fitting(COLUMNS[look.view], width)
    drawn = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style=DIM, expand=False)
    for column in columns:
        arrow = (" ▾" if order == "desc" else " ▴") if column.sort and column.sort == key else ""
        drawn.add_column(
            column.title + arrow,
            justify="left" if column.is_text else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(column.width, 6),
            header_style=STRONG if arrow else DIM,
        )
    for row in listing.items:
        drawn.add_row(*(_cell(column, row, now) for column in columns))
    return drawn


def _cell(column: Column[Any], row: Any, now: datetime) -> Text:
    text, style = column.cell(row, now)
    return Text(_said(text), style=style, no_wrap=True, overflow="ellipsis")


def foot(look: Look, problem: str) -> Text:
    """Say what is wrong, what is being typed, or which keys there are."""
    if look.typing is not None:
        hint = "   Enter keeps it, Esc leaves it"
        return _line(("filter: ", STRONG), _said(look.typing), ("▏", STRONG), (hint, DIM))
    if problem:
        return _line((problem, BAD))
    keys = "q quit  ? help  s sort  r reverse  / filter  o missing  n N pages  1-4 views"
    return _line((keys, DIM))


HELP = (
    ("1 2 3 4, w m p b, Tab", "workers, miners, pools, bans"),
    ("s, S", "sort by the next, the one before"),
    ("r", "turn the order round"),
    ("/", "filter by a part of the name; Enter keeps it"),
    ("Esc", "no filter"),
    ("o", "workers: all, missing ones, those online"),
    ("n N, arrows, PgUp PgDn", "pages; g G, Home End: the first, the last"),
    ("Ctrl-Z", "back to the shell for a while; fg returns"),
    ("q, Ctrl-C", "quit"),
)


def help_page() -> RenderableType:
    """List the keys."""
    drawn = Table(box=None, padding=(0, 3, 0, 0), show_header=False)
    drawn.add_column(style=STRONG, no_wrap=True)
    drawn.add_column()
    for keys, text in HELP:
        drawn.add_row(Text(keys), Text(text))
    return Group(Text("Keys", style=STRONG), drawn, Text("any key goes back", style=DIM))


def _line(*parts: str | tuple[str, str]) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    for part in parts:
        line.append(*((part,) if isinstance(part, str) else part))
    return line


def _said(text: str, most: int = NAME_WIDTH) -> str:
    return one_line(text, most)
