"""What the ledger's commands print: tables with lines for a terminal, the same in plain columns for a pipe.

The trap: names are strangers' words; they go to the terminal as text, never as markup, and only what can be
printed of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.ledger.comparison import Comparison
from proxy.ledger.reconcile import Account
from proxy.ledger.spans import shown
from proxy.ledger.sums import GOOD
from proxy.ledger.workers import WorkerRow, WorkerTable
from proxy.model.share import FORWARDED, Reason

PIPE_WIDTH = 100_000  # columns: whoever reads it by a program wants every line whole
MOST_LINES = 200  # of differences and gaps; --json has all that are named


def console() -> Console:
    """Make the console that tables go to."""
    made = Console(highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(highlight=False, width=PIPE_WIDTH, no_color=True)


def show(
    to: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (0,)
) -> None:
    """Print a table.

    Args:
        heads: its columns.
        words: places of those that hold words; the others are numbers, and stand on the right.
    """
    if to.is_terminal:
        table = Table(title=title, title_justify="left", title_style="bold")
    else:
        table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, 2, 0, 0))
        say(to, title)
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place in words else "right", no_wrap=not to.is_terminal)
    for row in rows:
        if row:
            table.add_row(*(text(cell) for cell in row))
        else:
            table.add_section()
    to.print(table)


def say(to: Console, line: str) -> None:
    """Print a line as it is."""
    to.print(text(line), soft_wrap=True)


def text(words: str) -> Text:
    """Make words safe to print."""
    return Text("".join(letter if letter.isprintable() else "?" for letter in words))


# ---- reconcile


def show_account(to: Console, account: Account, where: str) -> None:
    """Print an account."""
    since = shown(account.since) if account.since else "the first share"
    show(to, f"{where}, from {since} to {shown(account.until)} UTC", ["", "shares", "work"], _sums(account))
    if account.pools:
        pools = (
            [pool.pool, str(pool.forwarded), str(pool.accepted), str(pool.rejected), str(pool.lost)]
            for pool in account.pools
        )
        show(to, "By pool", ["pool", "forwarded", "accepted", "rejected", "lost"], pools)


def _sums(account: Account) -> Iterator[list[str]]:
    def row(name: str, reasons: Iterable[str]) -> list[str]:
        named = list(reasons)
        work = sum(account.work[reason] for reason in named)
        return [name, str(sum(account.shares[reason] for reason in named)), f"{work:.10g}"]

    for reason in account.filtered:
        yield row(reason, [reason])
    yield row("kept", [Reason.KEPT.value])
    yield row("forwarded", [reason.value for reason in FORWARDED])
    yield []
    yield row("received", account.shares)
    yield []
    for forwarded in FORWARDED:
        yield row(forwarded.value, [forwarded.value])


def told(account: Account, comparison: Comparison | None, live: Sequence[str] | None) -> Iterator[str]:
    """Say in lines what is wrong, what is to be known, and last whether the book closes."""
    yield from (f"missing: {gap}" for gap in account.gaps[:MOST_LINES])
    named = sum(gap.count for gap in account.gaps[:MOST_LINES])
    if account.missing > named:
        yield f"missing: {account.missing - named} more"
    yield from (f"fault: {fault}" for fault in account.faults[:MOST_LINES])
    yield from (f"fault: {line}" for line in live or ())
    if comparison is not None:
        yield from (f"statement: {one}" for one in comparison.differences[:MOST_LINES])
        yield from (f"note: {note}" for note in comparison.notes)
        yield (
            f"statement of {comparison.pool}: {comparison.hours} hours compared, "
            f"{len(comparison.differences)} differences"
        )
    yield from (f"note: {note}" for note in account.notes[:MOST_LINES])
    if account.late:
        yield f"note: {account.late} shares of this moment are on their way into the book"
    if live == []:
        yield "running proxy: has counted what is in the book"
    yield f"runs: {len(account.runs)}; missing: {account.missing}"
    yield f"the book closes: {'yes' if closes(account, comparison, live) else 'no'}"


def closes(account: Account, comparison: Comparison | None, live: Sequence[str] | None) -> bool:
    """Tell whether everything agrees with everything."""
    return account.holds and not live and (comparison is None or not comparison.differences)


# ---- workers


def show_workers(to: Console, table: WorkerTable, rows: Sequence[WorkerRow]) -> None:
    """Print workers.

    Args:
        rows: those that are to be seen, in their order.
    """
    title = f"Workers from {shown(table.since)} to {shown(table.until)} UTC"
    heads = ["worker", "last seen", "Sol/s", "accepted", "kept", "bad", "uptime", "bad by reason"]
    show(to, title, heads, (_cells(row) for row in rows), words=(0, 1, 7))
    if len(rows) < len(table.rows):
        say(to, f"{len(rows)} of {len(table.rows)}; --limit 0 shows all")


def _cells(row: WorkerRow) -> list[str]:
    bad = sorted(
        ((count, reason) for reason, count in row.shares.items() if reason not in GOOD),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return [
        row.worker or "(no login)",
        datetime.fromtimestamp(row.last_seen, UTC).strftime("%Y-%m-%d %H:%M"),
        f"{row.sols_per_second:.3f}",
        str(row.shares.get(Reason.ACCEPTED.value, 0)),
        str(row.shares.get(Reason.KEPT.value, 0)),
        str(row.bad),
        f"{100 * row.uptime:.1f} %",
        ", ".join(f"{count} {reason}" for count, reason in bad),
    ]
