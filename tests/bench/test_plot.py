"""Charts: what is drawn lies inside, and nothing is cut off."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.bench.plot import HEIGHT, WIDTH, Chart, Series, number, svg, ticks

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    "Cost <of> a share",
    "miners",
    "CPU, µs",
    [Series("Aion", [(100, 50), (1000, 52), (10_000, 55)]), Series("floor", [(100, 20)], 1, dashed=True)],
    log_x=True,
)


def test_every_point_is_drawn_where_it_belongs() -> None:
    """Decades are equally far apart, and what is more stands higher."""
    circles = ElementTree.fromstring(svg(CHART)).findall(f"{SVG}circle")
    places = [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in circles]
    assert len(places) == 4
    (x1, y1), (x2, y2), (x3, y3), _ = places
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 > y2 > y3
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)


def test_names_and_ticks_are_written() -> None:
    """Signs that XML knows as its own among them."""
    texts = [text.text for text in ElementTree.fromstring(svg(CHART)).findall(f"{SVG}text")]
    assert {"Cost <of> a share", "miners", "CPU, µs", "Aion", "floor", "100", "1,000", "10,000"} <= set(texts)


def test_a_long_legend_goes_on_below() -> None:
    """Rather than beyond the edge."""
    many = Chart("t", "x", "y", [Series("a name of some length " * 2, [(1, 1), (2, 2)]) for _ in range(3)])
    texts = ElementTree.fromstring(svg(many)).findall(f"{SVG}text")
    legend = [text for text in texts if text.text and text.text.startswith("a name")]
    assert len({text.attrib["y"] for text in legend}) == 3
    assert len({text.attrib["x"] for text in legend}) == 1


def test_a_chart_of_nothing_is_refused() -> None:
    """There are no axes to draw."""
    with pytest.raises(ValueError, match="nothing to draw"):
        svg(Chart("empty", "x", "y", []))


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_ticks_are_few_and_reach_the_most(most: float) -> None:
    """From 0, in equal steps."""
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most * 0.99
    assert 3 <= len(found) <= 8


def test_numbers_are_written_for_people() -> None:
    """Thousands apart, no needless decimals."""
    assert [number(value) for value in (0.0, 2.5, 10_000.0, 0.2)] == ["0", "2.5", "10,000", "0.2"]
