"""Draws a line chart as SVG: a few lines of our own instead of a library that would be larger than the proxy.

Strategy: everything is placed by the two scales of the axes; text widths are estimated, since only a browser
knows them, and generously.  No background, and every colour stands out on white and on black alike, for
nobody knows on which page a chart will be looked at.
The trap: an axis that does not begin at 0 makes noise look like a trend, so only a logarithmic one does not.
"""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

import attrs

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 72, 28, 84, 56
INK = "#7a828c"
FAINT = "#7a828c40"
COLOURS = ("#2f81f7", "#e0752d", "#2da44e", "#a371f7")
_CHARACTER = 6.9  # width of one at 12 px, rather too much than too little
_FONT = "font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif\""

Point = tuple[float, float]


@attrs.frozen
class Series:
    """One line.

    Args:
        dashed: for what a line is compared with.
        marked: whether its points are shown.
        colour: of COLOURS, by its place.
    """

    name: str
    points: Sequence[Point]
    colour: int = 0
    dashed: bool = False
    marked: bool = True


@attrs.frozen
class Chart:
    """A chart.

    Args:
        x, y: what stands at the axes, with units.
        log_x: a logarithmic axis, whose ticks are the points' own x.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series]
    log_x: bool = False


def ticks(most: float, about: int = 5) -> list[float]:
    """Find round numbers from 0 to at least `most`.

    Args:
        most: above 0.
        about: how many steps there should be.
    """
    rough = most / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    return [step * number for number in range(math.ceil(most / step * 0.999) + 1)]


def svg(chart: Chart) -> str:
    """Draw a chart.

    Returns: a whole SVG document.
    Raises: ValueError for one without points.
    """
    points = [point for series in chart.series for point in series.points]
    if not points:
        raise ValueError(f"{chart.title}: nothing to draw")
    y_ticks = ticks(max(y for _, y in points) * 1.02 or 1.0)
    x_ticks = sorted({x for x, _ in points}) if chart.log_x else ticks(max(x for x, _ in points) or 1.0)
    place = _Scales(x_ticks[0], x_ticks[-1], y_ticks[-1], chart.log_x)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" {_FONT} font-size="12" fill="{INK}">',
        f"<title>{escape(chart.title)}</title>",
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(chart.title)}</text>',
        *_legend(chart.series),
        *_grid(place, x_ticks, y_ticks),
        *_axis_names(chart),
        *(part for series in chart.series for part in _line(place, series)),
        "</svg>\n",
    ]
    return "\n".join(parts)


@attrs.frozen
class _Scales:
    """From figures to places; x may be logarithmic."""

    x_least: float
    x_most: float
    y_most: float
    log_x: bool

    def x(self, value: float) -> float:
        low, high, here = self.x_least, self.x_most, value
        if self.log_x:
            low, high, here = math.log(low), math.log(high), math.log(here)
        part = (here - low) / (high - low) if high > low else 0.5
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.y_most * (HEIGHT - TOP - BOTTOM)


def _legend(series: Sequence[Series]) -> list[str]:
    parts, x, y = [], float(LEFT), 46
    for one in series:
        width = 30 + len(one.name) * _CHARACTER
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y = float(LEFT), y + 18
        parts.append(f'<line x1="{x:.0f}" y1="{y - 4}" x2="{x + 24:.0f}" y2="{y - 4}" {_stroke(one)}/>')
        parts.append(f'<text x="{x + 30:.0f}" y="{y}">{escape(one.name)}</text>')
        x += width + 18
    return parts


def _grid(place: _Scales, x_ticks: Sequence[float], y_ticks: Sequence[float]) -> list[str]:
    parts = []
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for value in y_ticks:
        y = place.y(value)
        colour = FAINT if value else INK
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{colour}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value in x_ticks:
        x = place.x(value)
        parts.append(f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}" stroke="{INK}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{number(value)}</text>')
    return parts


def _axis_names(chart: Chart) -> list[str]:
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    turned = f"translate(18 {middle_y:.0f}) rotate(-90)"
    return [
        f'<text x="{middle_x:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(chart.x)}</text>',
        f'<text transform="{turned}" text-anchor="middle">{escape(chart.y)}</text>',
    ]


def _line(place: _Scales, series: Series) -> list[str]:
    places = [(place.x(x), place.y(y)) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{path}" fill="none" {_stroke(series)}/>']
    if series.marked:
        colour = COLOURS[series.colour]
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}"/>' for x, y in places]
    return parts


def _stroke(series: Series) -> str:
    dash = ' stroke-dasharray="5 4"' if series.dashed else ""
    return f'stroke="{COLOURS[series.colour]}" stroke-width="2.2"{dash}'


def number(value: float) -> str:
    """Write a tick's number as a person would: 0, 2.5, 10,000."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.10g}"
