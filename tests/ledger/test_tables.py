"""What is printed: lines for people, plain columns for programs, and nothing a terminal would act on."""

import io

from rich.console import Console

from proxy.ledger import tables
from proxy.ledger.comparison import Comparison, Difference
from proxy.ledger.reconcile import Account, Missing, PoolAccount
from proxy.ledger.workers import WorkerRow, WorkerTable
from proxy.model.share import Reason
from tests.ledger.books import NOON

DIFFERENCE = Difference(int(NOON), "", "shares", 90, 100, -10)


def account(**about: object) -> Account:
    counts = {reason.value: 0 for reason in Reason} | {"accepted": 5, "stale": 2, "kept": 1, "lost": 1}
    made = Account(0.0, NOON, counts, {name: 2.0 * count for name, count in counts.items()}, [], [])
    for name, value in about.items():
        setattr(made, name, value)
    return made


def printed(terminal: bool = False, **about: object) -> str:
    file = io.StringIO()
    width = 100 if terminal else tables.PIPE_WIDTH
    to = Console(file=file, force_terminal=terminal, width=width, highlight=False, no_color=True)
    tables.show_account(to, account(pools=[PoolAccount("main", 6, 5, 0, 1)], **about), "the book")
    return file.getvalue()


def test_an_account_in_a_pipe_is_words_and_numbers() -> None:
    lines = [line.split() for line in printed().splitlines()]
    assert ["stale", "2", "4"] in lines
    assert ["received", "9", "18"] in lines
    assert ["forwarded", "6", "12"] in lines
    assert ["main", "6", "5", "0", "1"] in lines
    assert "─" not in printed()
    assert printed().startswith("the book, from the first share to 2026-11-21 00:00:00 UTC\n")


def test_on_a_terminal_it_has_lines() -> None:
    assert "─" in printed(terminal=True)
    assert "\x1b" not in printed()


def test_what_closes() -> None:
    agrees, differs = Comparison("main", 0, 3600, 1, []), Comparison("main", 0, 3600, 1, [DIFFERENCE])
    assert tables.closes(account(), None, None)
    assert tables.closes(account(), agrees, [])
    assert not tables.closes(account(), differs, None)
    assert not tables.closes(account(), None, ["http://h: counted 1 accepted, the book has 2"])
    assert not tables.closes(account(missing=1), None, None)
    assert not tables.closes(account(faults=["x"]), None, None)


def test_what_is_said() -> None:
    gap = Missing("farm1", 0, "0f", 4, 5, 2, NOON, NOON + 1)
    about = account(missing=3, gaps=[gap], faults=["sums"], notes=["so"], late=4)
    lines = list(
        tables.told(about, Comparison("main", 0, 3600, 1, [DIFFERENCE], ["early"]), ["live differs"])
    )
    assert lines == [
        f"missing: {gap}",
        "missing: 1 more",
        "fault: sums",
        "fault: live differs",
        f"statement: {DIFFERENCE}",
        "note: early",
        "statement of main: 1 hours compared, 1 differences",
        "note: so",
        "note: 4 shares of this moment are on their way into the book",
        "runs: 0; missing: 3",
        "the book closes: no",
    ]
    assert list(tables.told(account(), None, None)) == ["runs: 0; missing: 0", "the book closes: yes"]
    assert next(tables.told(account(), None, [])) == "running proxy: has counted what is in the book"


def test_workers() -> None:
    rows = [
        WorkerRow("rig1", 1.25, {"accepted": 10, "kept": 2, "stale": 1, "rejected": 3}, 0.5, int(NOON)),
        WorkerRow("", 0.0, {"unauthorized": 1}, 0.0, int(NOON)),
    ]
    file = io.StringIO()
    to = Console(file=file, width=tables.PIPE_WIDTH)
    tables.show_workers(to, WorkerTable(NOON, NOON + 3600, 60, [*rows, rows[0]]), rows)
    lines = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    assert "rig1 2026-11-21 00:00 1.250 10 2 4 50.0 % 3 rejected, 1 stale" in lines
    assert "(no login) 2026-11-21 00:00 0.000 0 0 1 0.0 % 1 unauthorized" in lines
    assert lines[-1] == "2 of 3; --limit 0 shows all"


def test_strangers_words_are_only_words() -> None:
    file = io.StringIO()
    to = Console(file=file, width=200, force_terminal=True, no_color=True, highlight=False)
    tables.say(to, "[red]\x1b[2J\nrig\u202e1")
    assert file.getvalue() == "[red]?[2J?rig?1\n"
