"""Lines over time as an SVG, without a library: one panel under the other, each with its own scale."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP, BOTTOM = 760, 170, 70, 20, 34, 46, 40
COLOURS = ("#1f6f8b", "#c8553d", "#588157")


class Line(Struct, frozen=True):
    """A name, and a value for each moment."""

    name: str
    values: Sequence[float]


class Panel(Struct, frozen=True):
    """Lines of one unit."""

    title: str
    lines: Sequence[Line]


def draw(path: Path, title: str, moments_s: Sequence[float], panels: Sequence[Panel]) -> None:
    """Write the picture."""
    height = TOP + len(panels) * (HEIGHT + GAP) + BOTTOM - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"',
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="{LEFT}" y="18" font-size="14">{title}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, moments_s, TOP + GAP // 2 + number * (HEIGHT + GAP))
    parts += [
        f'<text x="{x:.0f}" y="{height - 14}" text-anchor="middle">{moment:.0f} s</text>'
        for moment, x in ((each, _x(each, moments_s[-1])) for each in _steps(moments_s[-1], 8))
    ]
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def _panel(panel: Panel, moments_s: Sequence[float], top: float) -> list[str]:
    most = max(max(line.values) for line in panel.lines) or 1.0
    parts = [f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{panel.title}</text>']
    for value in _steps(most, 4):
        y = _y(value, most, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
    for number, line in enumerate(panel.lines):
        points = " ".join(
            f"{_x(moment, moments_s[-1]):.1f},{_y(value, most, top):.1f}"
            for moment, value in zip(moments_s, line.values, strict=True)
        )
        colour, x = COLOURS[number % len(COLOURS)], WIDTH - RIGHT - 150 * (len(panel.lines) - number)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts.append(f'<text x="{x}" y="{top - 6}" fill="{colour}">{line.name}</text>')
    return parts


def _steps(most: float, about: int) -> list[float]:
    """Round numbers from 0 to `most`."""
    raw = most / about
    power = 10.0 ** (len(str(int(raw))) - 1 if raw >= 1 else 0)
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    return [step * number for number in range(int(most / step) + 1)]


def _x(moment_s: float, last_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * moment_s / last_s


def _y(value: float, most: float, top: float) -> float:
    return top + HEIGHT * (1 - value / most)
