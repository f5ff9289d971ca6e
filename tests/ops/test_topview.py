"""What is drawn: the head, each table, what gives way on a narrow terminal, and hostile names."""

import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from proxy.ops import topview
from proxy.ops.topdata import LISTINGS, Summary
from proxy.ops.topstate import PATHS, VIEWS, Look
from tests.ops import apis

WIDE = 200


def drawn(*parts: RenderableType, width: int = WIDE) -> str:
    """As a terminal without colours shows it."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    for part in parts:
        console.print(part)
    return file.getvalue()


def head(**changes: Any) -> str:
    """The head of a farm."""
    found = msgspec.convert(apis.summary(**changes), Summary)
    return drawn(*topview.head(found, "http://127.0.0.1:9180"))


def table(view: str, *items: Any, width: int = WIDE, **look: Any) -> str:
    """A list as a table."""
    kind = LISTINGS[PATHS[view]]
    found = msgspec.convert(apis.listing(*items), kind)
    now = topview.time_of(msgspec.convert(apis.summary(), Summary))
    return drawn(topview.table(found, Look(view=view, **look), now, width), width=width)


def cells(line: str) -> str:
    """A row without its gaps."""
    return " ".join(line.split())


def test_the_head_of_a_farm_that_does_well() -> None:
    assert head().splitlines() == [
        "sluice 9.8.7  http://127.0.0.1:9180  up 2 h",
        "pool main  difficulty 12  round trip p50 0.71 ms  p99 5.88 ms",
        "Sol/s  1m 358  10m 340  1h 1.23k  24h 45.1M   miners 50  workers 48  missing 2",
        "the pool accepts 99.9 %  refused here 10.3 %  mostly stale",
        "conserved  received 2.00k = refused 205 + kept 0 + forwarded 1.79k; accepted 1.79k "
        "rejected 1 lost 1 under way 0",
    ]


def test_the_head_has_as_many_lines_as_the_page_leaves_it() -> None:
    assert len(head().splitlines()) == topview.HEAD_ROWS


def test_no_work_is_said_with_its_reason() -> None:
    assert "NO WORK  main: Connection refused" in head(ready=False, reason="main: Connection refused")


def test_what_is_wrong_is_said() -> None:
    ledger = {"state": "down", "reason": "disk full"}
    said = head(conserved=False, banned=3, processes=5, ledger=ledger)
    for part in ("NOT CONSERVED", "banned 3", "5 processes", "ledger down disk full"):
        assert part in said


def test_a_farm_without_a_share_has_no_ratios() -> None:
    assert "the pool accepts –  refused here –" in head(shares={}, received=0, forwarded=0)


def test_workers() -> None:
    lost = apis.worker(
        "rig2", online=False, last_seen_at="2026-01-31T10:00:00Z", last_share_at=None, shares={}
    )
    first, one, two = table("workers", apis.worker("rig1"), lost).splitlines()
    assert "Sol/s 10m ▾" in first
    assert cells(one) == "rig1 online 1 358 340 1.23k 45.1M 90 10 10.0 % stale 12 s 0 s"
    assert two.split()[:2] == ["rig2", "missing"]
    assert two.split()[-2:] == ["2", "h"]


def test_miners() -> None:
    _, one = table("miners", apis.miner("rig1"), apis.miner("")).splitlines()[:2]
    assert cells(one) == "rig1 192.0.2.7 farm aion 8 0 0 – – 3 h slowed aionminer/1.0"


def test_pools() -> None:
    down = apis.upstream("backup", state="down", last_fault="Connection refused")
    _, one, two = table("pools", apis.upstream("main"), down).splitlines()
    assert one.split()[:5] == ["main", "active", "12", "0", "s"]
    assert "Connection refused" in two


def test_bans() -> None:
    _, one = table("bans", apis.ban("rig7")).splitlines()
    assert cells(one) == "rig7 miner invalid_solution 30 s – 1-7"


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_list_says_so(view: str) -> None:
    assert table(view) == topview.EMPTY[view] + "\n"
    assert "that match" in table(view, search="x")


def test_before_the_first_answer() -> None:
    now = topview.time_of(msgspec.convert(apis.summary(), Summary))
    assert "asking" in drawn(topview.table(None, Look(), now, WIDE))


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    said = table("workers", apis.worker("x" * 64), width=width)
    assert len(said.splitlines()) == 2
    assert max(map(len, said.splitlines())) <= width


def test_a_name_from_a_miner_is_text_and_nothing_else() -> None:
    name = "[bold]rig\x1b[2J\x07\r\n\u202e7"
    said = table("workers", apis.worker(name))
    assert "[bold]rig?[2J? ?7" in said
    assert "\x1b" not in said


@given(st.text(max_size=300))
def test_any_name_makes_one_row(name: str) -> None:
    said = table("miners", apis.miner(name, address=name, agent=name, listener=name))
    assert said.count("\n") == 2
    assert all(character.isprintable() for character in said.replace("\n", ""))


@given(st.text(max_size=300))
def test_any_reason_makes_one_line(text: str) -> None:
    said = head(version=text, reason=text, ready=False, ledger={"state": text, "reason": text})
    assert len(said.splitlines()) == topview.HEAD_ROWS


def test_the_views_with_what_narrows_them() -> None:
    look = Look(rows=10, state="offline", search="rig")
    look.counted(31)
    assert drawn(topview.tabs(look)).rstrip() == (
        " 1 workers  2 miners  3 pools  4 bans   only offline  filter rig  31 in all, page 1 of 4"
    )


def test_the_foot() -> None:
    assert "q quit" in drawn(topview.foot(Look(), ""))
    assert drawn(topview.foot(Look(), "no answer since 12:00:00")).startswith("no answer since")
    assert drawn(topview.foot(Look(typing="ri"), "no answer")).startswith("filter: ri▏")


def test_help_names_every_key() -> None:
    said = drawn(topview.help_page())
    for keys, _ in topview.HELP:
        assert keys in said
