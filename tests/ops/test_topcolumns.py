"""The columns: what can be sorted by is one, and a narrow terminal has the most needed."""

from datetime import UTC, datetime

import pytest

from proxy.ops import topcolumns
from proxy.ops.topdata import Pool
from proxy.ops.topstate import SORTS, VIEWS

WIDE = 200


@pytest.mark.parametrize("view", VIEWS)
def test_whatever_can_be_sorted_by_is_a_column(view: str) -> None:
    columns = {column.sort for column in topcolumns.COLUMNS[view] if column.sort}
    assert columns == {key for key, _ in SORTS[view]}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [10, 40, 80, 120, WIDE])
def test_a_narrow_terminal_shows_the_most_needed(view: str, width: int) -> None:
    columns = topcolumns.fitting(topcolumns.COLUMNS[view], width)
    assert columns[0] is topcolumns.COLUMNS[view][0]
    assert len(columns) == 1 or sum(column.width + 3 for column in columns) <= width


def test_an_old_fault_is_not_shown_of_the_pool_in_use() -> None:
    column = topcolumns.POOLS[-1]
    now = datetime(2026, 1, 31, tzinfo=UTC)
    faults = {
        state: column.cell(Pool("main", "unix:///p", state, last_fault="reset"), now)
        for state in ("active", "standby", "down")
    }
    assert faults == {"active": ("", ""), "standby": ("reset", ""), "down": ("reset", topcolumns.WARN)}
