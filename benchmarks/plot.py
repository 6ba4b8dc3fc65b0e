"""Quality against cost as SVG, from the points that `quality_cost.py` prints.

uv run python benchmarks/plot.py docs/retrieval.json docs/retrieval.svg
"""

from __future__ import annotations

import argparse
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 40, 56
_OPENING = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
    'font-family="sans-serif" font-size="13">'
)
_CLOSE = 24
_INK, _GRID, _DOT = "#333333", "#dddddd", "#1f6feb"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """`recall`: recall@10. `milliseconds`: of a question, the median."""

    name: str
    recall: float
    milliseconds: float


class _Scale:
    """From figures to places in the picture: decades of milliseconds to the right, tenths of recall upwards."""

    def __init__(self, points: Sequence[Point]) -> None:
        times, recalls = [each.milliseconds for each in points], [each.recall for each in points]
        self.decades = range(floor(log10(min(times))), ceil(log10(max(times)) + 0.01) + 1)
        lowest = floor(min(recalls) * 10)
        self.tenths = range(lowest, max(lowest + 1, ceil(max(recalls) * 10)) + 1)

    def x(self, milliseconds: float) -> float:
        share = (log10(milliseconds) - self.decades[0]) / (self.decades[-1] - self.decades[0])
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, recall: float) -> float:
        share = (recall * 10 - self.tenths[0]) / (self.tenths[-1] - self.tenths[0])
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def svg(points: Sequence[Point]) -> str:
    scale = _Scale(points)
    lines = [
        _OPENING,
        "<title>recall@10 on LoCoMo against milliseconds a question</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        *_grid(scale),
        *(line for each in points for line in _dot(scale, each, points)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _grid(scale: _Scale) -> Iterator[str]:
    bottom, top = scale.y(scale.tenths[0] / 10), scale.y(scale.tenths[-1] / 10)
    for decade in scale.decades:
        x = scale.x(10.0**decade)
        yield _line(x, bottom, x, top)
        yield _text(x, bottom + 18, f"{10.0**decade:g}", "middle")
    for tenth in scale.tenths:
        y = scale.y(tenth / 10)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y)
        yield _text(_LEFT - 8, y + 4, f"{tenth / 10:.1f}", "end")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, "milliseconds a question, median", "middle")
    yield _text(_LEFT, _TOP - 18, "recall@10", "middle")


def _dot(scale: _Scale, point: Point, points: Sequence[Point]) -> Iterator[str]:
    x, y = scale.x(point.milliseconds), scale.y(point.recall)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{_DOT}"/>'
    label = f"{point.name}: {point.recall:.3f}, {point.milliseconds:.2g} ms"
    if x > _WIDTH / 2:
        yield _text(x, y - 20, label, "middle")
        return
    # Where another stands close above, its dot would be in the words.
    above = any(point is not other and 0 <= y - scale.y(other.recall) < _CLOSE for other in points)
    yield _text(x + 9, y + 18 if above else y - 8, label, "start")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_GRID}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}">{escape(text)}</text>'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("points", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    points = msgspec.json.decode(given.points.read_bytes(), type=list[Point])
    given.picture.write_text(svg(points), "utf-8")


if __name__ == "__main__":
    main()
