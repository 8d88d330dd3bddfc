"""Bar and line charts with 95 % intervals as SVG, which a page holds as it is and any browser draws."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from eval.metrics.statistics import Estimate
from eval.report import number_text

Scale = Callable[[float], float]  # from a value to its height in the drawing

# Okabe and Ito's colours, which the colour-blind tell apart; they repeat after eight.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#555555")
_TOP, _LEFT, _RIGHT, _PLOT_HEIGHT = 44, 60, 16, 240
_BAR, _GAP = 13, 16  # pixels: a bar, and what lies between groups


def bars(title: str, names: Sequence[str], groups: Mapping[str, Sequence[Estimate]]) -> str:
    """Returns a chart with a group of bars for each key of `groups`, a bar for each name."""
    highest = max(_top(estimate) for group in groups.values() for estimate in group)
    group_width = _BAR * len(names) + _GAP
    width = max(_LEFT + group_width * len(groups) + _RIGHT, _title_width(title))
    parts, scale = _frame(title, names, width, highest)
    for index, (group, estimates) in enumerate(groups.items()):
        left = _LEFT + _GAP / 2 + group_width * index
        for place, estimate in enumerate(estimates):
            x, y = left + _BAR * place, scale(estimate.mean)
            hint = f"<title>{escape(names[place])}, {escape(group)}: {_words(estimate)}</title>"
            size = f'width="{_BAR - 2}" height="{_TOP + _PLOT_HEIGHT - y:.1f}"'
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{_colour(place)}">{hint}</rect>')
            parts += _whisker(x + _BAR / 2 - 1, estimate, scale)
        x, y = left + group_width / 2 - _GAP / 2, _TOP + _PLOT_HEIGHT + 12
        parts.append(
            f'<text x="{x:.1f}" y="{y}" text-anchor="end" transform="rotate(-35 {x:.1f} {y})">{escape(group)}</text>'
        )
    return _svg(parts, width, _TOP + _PLOT_HEIGHT + 120)


def lines(title: str, series: Mapping[str, Sequence[Estimate]]) -> str:
    """Returns a chart with a line for each series over its index, from 0."""
    length = max(map(len, series.values()))
    step = max(6.0, min(60.0, 700 / length))
    width = max(int(_LEFT + step * (length - 1) + 24 + _RIGHT), _title_width(title))
    parts, scale = _frame(title, list(series), width, max(_top(one) for line in series.values() for one in line))
    for place, line in enumerate(series.values()):
        points = [(_LEFT + 12 + step * index, estimate) for index, estimate in enumerate(line)]
        drawn = " ".join(f"{x:.1f},{scale(estimate.mean):.1f}" for x, estimate in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{_colour(place)}" stroke-width="2"/>')
        for x, estimate in points:
            parts += _whisker(x, estimate, scale, _colour(place))
    every = max(1, length // 12)
    for index in range(0, length, every):
        x = _LEFT + 12 + step * index
        parts.append(f'<text x="{x:.1f}" y="{_TOP + _PLOT_HEIGHT + 16}" text-anchor="middle">{index}</text>')
    return _svg(parts, width, _TOP + _PLOT_HEIGHT + 28)


def _frame(title: str, names: Sequence[str], width: float, highest: float) -> tuple[list[str], Scale]:
    """Returns title, legend and axis, and the function from values to heights in the drawing."""
    unit = _round_unit(highest / 4)
    top = unit * math.ceil(highest / unit) if highest > 0 else 1.0

    def scale(value: float) -> float:
        return _TOP + _PLOT_HEIGHT * (1 - value / top)

    parts = [f'<text x="{_LEFT}" y="14" font-weight="bold">{escape(title)}</text>']
    x = float(_LEFT)
    for place, name in enumerate(names):
        parts.append(f'<rect x="{x:.1f}" y="22" width="10" height="10" fill="{_colour(place)}"/>')
        parts.append(f'<text x="{x + 14:.1f}" y="31">{escape(name)}</text>')
        x += 26 + 7 * len(name)
    for index in range(round(top / unit) + 1):
        y = scale(unit * index)
        parts.append(f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{unit * index:g}</text>')
    return parts, scale


def _title_width(title: str) -> int:
    """Returns the width of a drawing that no title is cut off in."""
    return _LEFT + 8 * len(title) + _RIGHT


def _round_unit(value: float) -> float:
    """Returns the smallest of 1, 2, 5 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def _whisker(x: float, estimate: Estimate, scale: Scale, colour: str = "currentColor") -> list[str]:
    if math.isnan(estimate.low):
        return []
    low, high = scale(estimate.low), scale(estimate.high)
    return [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-opacity="0.7"/>']


def _top(estimate: Estimate) -> float:
    return max(estimate.mean, 0.0 if math.isnan(estimate.high) else estimate.high)


def _words(estimate: Estimate) -> str:
    interval = "" if math.isnan(estimate.low) else f" [{number_text(estimate.low)}, {number_text(estimate.high)}]"
    return f"{number_text(estimate.mean)}{interval}"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _svg(parts: Sequence[str], width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">' + "".join(parts) + "</svg>\n"
    )
