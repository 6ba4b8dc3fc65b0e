"""The picture of quality against cost."""

from __future__ import annotations

import re

from benchmarks.plot import Point, svg

POINTS = [
    Point(name="good & slow", recall=0.8, milliseconds=12.0),
    Point(name="poor & fast", recall=0.61, milliseconds=0.3),
]


def dots(picture: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', picture)]


def test_what_costs_more_stands_further_right_and_what_is_better_higher() -> None:
    (slow_x, good_y), (fast_x, poor_y) = dots(svg(POINTS))
    assert slow_x > fast_x
    assert good_y < poor_y


def test_every_dot_lies_in_the_picture_and_one_point_is_enough() -> None:
    for points in (POINTS, POINTS[:1], [Point(name="even", recall=0.8, milliseconds=1.0)]):
        assert all(0 < x < 720 and 0 < y < 420 for x, y in dots(svg(points)))


def test_names_are_escaped() -> None:
    assert "good &amp; slow: 0.800, 12 ms" in svg(POINTS)
