"""The columns: what can be sorted by is one, and a narrow terminal has the most needed."""

import pytest

from proxy.ops import topcolumns
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
