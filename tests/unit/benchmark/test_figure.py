from __future__ import annotations

import msgspec
import pytest

from agent_memory.entrypoints.benchmark.figure import Figure, Target, as_json, as_table


def figure(**given: object) -> Figure:
    return msgspec.convert({"name": "n", "what": "what", "measured": 10.0, "unit": "ms", **given}, Figure)


def test_a_ratio_needs_a_floor() -> None:
    assert figure().ratio is None
    assert figure(floor=4.0).ratio == 2.5


@pytest.mark.parametrize(
    ("relation", "value", "met"), [("<=", 10, True), ("<=", 9, False), (">=", 10, True), (">=", 11, False)]
)
def test_a_target_on_the_measured_value_ignores_the_floor(relation: str, value: float, met: bool) -> None:
    assert figure(floor=1.0, target={"of": "measured", "relation": relation, "value": value}).ok is met


def test_a_target_on_the_ratio_cannot_be_judged_without_a_floor() -> None:
    target = Target("ratio", ">=", 2)
    assert msgspec.structs.replace(figure(), target=target).ok is None
    assert msgspec.structs.replace(figure(floor=5.0), target=target).ok is True
    assert msgspec.structs.replace(figure(floor=6.0), target=target).ok is False


def test_without_a_target_there_is_no_verdict() -> None:
    assert figure(floor=1.0).ok is None


def test_the_table_shows_target_ratio_verdict_and_each_remark_once() -> None:
    short = msgspec.structs.replace(figure(floor=4.0), target=Target("measured", "<=", 5), floor_is="bare")
    good = msgspec.structs.replace(figure(floor=4.0), target=Target("ratio", ">=", 2), floor_is="bare")
    lines = as_table([short, good]).splitlines()
    assert lines[1].split() == ["what", "[1]", "<=", "5", "ms", "10", "ms", "4", "2.50", "x", "SHORT"]
    assert lines[2].split() == ["what", "[1]", ">=", "2", "x", "floor", "10", "ms", "4", "2.50", "x", "ok"]
    assert lines[-1] == "[1] floor: bare"


def test_json_carries_ratio_and_verdict() -> None:
    document = msgspec.json.decode(as_json([figure(floor=4.0)], {"cores": 2}))
    assert document["machine"] == {"cores": 2}
    assert document["figures"][0]["ratio"] == 2.5
    assert document["figures"][0]["ok"] is None
