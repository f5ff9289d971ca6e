"""What a key does to what is looked at, and which page is then asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ops.topkeys import NAMES
from proxy.ops.topstate import LONGEST_FILTER, MOST_ROWS, SORTS, VIEWS, Look


def after(*keys: str, total: int = 100) -> Look:
    """What is looked at after these keys; ten rows a page."""
    look = Look(rows=10)
    look.counted(total)
    for key in keys:
        look.press(key)
    return look


def asked(*keys: str) -> dict[str, str | int]:
    """The query after these keys."""
    return dict(after(*keys).wanted()[1])


def test_it_begins_with_the_busiest_workers() -> None:
    assert after().wanted() == (
        "workers",
        {"limit": 10, "offset": 0, "sort": "sols_10m", "order": "desc", "state": "all"},
    )


@pytest.mark.parametrize(
    ("keys", "path"),
    [("2", "miners"), ("m", "miners"), ("3", "upstreams"), ("b", "bans"), ("mw", "workers")],
)
def test_the_views(keys: str, path: str) -> None:
    assert after(*keys).wanted()[0] == path


def test_tab_goes_round() -> None:
    assert [after(*["tab"] * n).view for n in range(5)] == [*VIEWS, VIEWS[0]]
    assert after("backtab").view == VIEWS[-1]


def test_sorting_by_the_next_and_the_one_before() -> None:
    assert asked("s")["sort"] == "name"
    assert asked("s")["order"] == "asc"
    assert asked("s", "S") == asked()
    assert asked("S")["sort"] == SORTS["workers"][-1][0]
    assert asked(*["s"] * len(SORTS["workers"])) == asked()


def test_turning_round_holds_until_another_order_is_chosen() -> None:
    assert asked("r")["order"] == "asc"
    assert asked("r", "r")["order"] == "desc"
    assert asked("r", "s")["order"] == "asc"


def test_each_view_keeps_its_order() -> None:
    assert asked("s", "m", "s", "w")["sort"] == "name"


def test_pools_and_bans_have_an_order_of_their_own() -> None:
    assert asked("p", "s", "r") == {}
    assert asked("b", "s") == {"limit": 10, "offset": 0}


def test_a_filter_is_typed_mended_and_kept() -> None:
    look = after("/", "r", "i", "q", "backspace", "g")
    assert (look.typing, look.search, look.done) == ("rig", "", False)
    look.press("enter")
    assert (look.typing, look.wanted()[1]["search"]) == (None, "rig")
    look.press("/")
    assert look.typing == "rig"
    look.press("ctrl-u")
    look.press("escape")
    assert look.search == "rig"
    look.press("escape")
    assert "search" not in look.wanted()[1]


def test_a_filter_has_an_end() -> None:
    assert len(after("/", *["x"] * 100, "enter").search) == LONGEST_FILTER


def test_pages_have_two_ends() -> None:
    assert asked("n")["offset"] == 10
    assert asked("n", "pgdn", "N")["offset"] == 10
    assert asked("N")["offset"] == 0
    assert asked("end", "n")["offset"] == 90
    assert asked("end", "home")["offset"] == 0


def test_a_list_that_shrank_shows_its_last_page() -> None:
    look = after("end")
    look.counted(31)
    assert (look.page, look.pages) == (3, 4)
    look.counted(0)
    assert (look.page, look.pages) == (0, 1)


def test_only_the_missing_ones() -> None:
    assert [asked(*["o"] * n)["state"] for n in range(4)] == ["all", "offline", "online", "all"]


def test_what_changes_the_list_begins_at_its_first_page() -> None:
    for keys in (("s",), ("r",), ("o",), ("/", "x", "enter"), ("m",)):
        assert asked("end", *keys)["offset"] == 0


def test_help_is_left_by_any_key_and_q_still_quits() -> None:
    assert after("?").help
    look = after("?", "s")
    assert (look.help, look.sort) == (False, after().sort)
    assert after("?", "q").done


@pytest.mark.parametrize("key", ["q", "ctrl-c", "ctrl-d"])
def test_quitting(key: str) -> None:
    assert after(key).done


def test_ctrl_c_quits_in_the_middle_of_a_filter_and_q_does_not() -> None:
    assert after("/", "ctrl-c").done
    assert not after("/", "q").done


def test_ctrl_z_leaves_for_a_while() -> None:
    assert after("ctrl-z").suspended


@given(
    st.lists(st.one_of(st.sampled_from(sorted(NAMES)), st.characters(codec="utf-8"))),
    st.integers(-5, 10_000_000),
    st.integers(-5, 5000),
)
def test_no_keys_ask_for_what_the_api_refuses(keys: list[str], total: int, rows: int) -> None:
    look = Look(rows=rows)
    for key in keys:
        look.press(key)
        look.counted(total)
        path, query = look.wanted()
        assert path in ("workers", "miners", "upstreams", "bans")
        assert 1 <= int(query.get("limit", 1)) <= MOST_ROWS
        assert 0 <= int(query.get("offset", 0)) <= max(0, total)
        assert query.get("order", "asc") in ("asc", "desc")
