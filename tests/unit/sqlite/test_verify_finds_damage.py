"""Each check of `verify` reports the damage that it is for."""

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import AddRelation, PutVectors, ReplaceEntry
from agent_memory.ports.records import Vector
from agent_memory_contract.builders import T0, adds, changed, entry, relation, unit_vector

if TYPE_CHECKING:
    from agent_memory.adapters.sqlite import SqliteStorage


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("DELETE FROM entry_tags", "tag table differ"),
        ("INSERT INTO entry_tags VALUES ('alien', 1)", "tag alien"),
        ("UPDATE entries SET content = 'other words' WHERE row = 2", "lexical index of entries"),
        ("UPDATE revisions SET content = 'other words'", "lexical index of revisions"),
        ("UPDATE entries SET version = 9 WHERE row = 1", "versions are missing"),
        ("UPDATE revisions SET until = until + 1", "overlaps"),
        ("UPDATE revisions SET id = 'nobody'", "revision of nobody"),
        ("UPDATE vectors SET entry = 99 WHERE entry = 1", "vector of row 99"),
        ("UPDATE vectors SET value = x'00' WHERE entry = 1", "several dimensions"),
        ("UPDATE relations SET target = 99", "an end of it is gone"),
    ],
)
async def test_damage_is_reported(storage: SqliteStorage, damage: str, report: str) -> None:
    one, two = entry(tags=("a", "b")), entry()
    vector = Vector(values=unit_vector(1.0, 0.0))
    await storage.apply(
        *adds(one, two),
        ReplaceEntry(changed(one), 1),
        AddRelation(relation(one, two)),
        PutVectors(one.id, 2, "model", T0, (vector,)),
        PutVectors(two.id, 1, "model", T0, (vector,)),
    )
    assert await storage.verify() == []
    await storage._writer.submit(lambda transaction: transaction.execute(damage).rowcount)
    problems = await storage.verify()
    assert any(report in problem for problem in problems), problems
