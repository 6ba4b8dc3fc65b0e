from __future__ import annotations

from agent_memory.adapters.postgres.statement import Statement


def test_names_become_numbers_in_order_of_first_use() -> None:
    statement = Statement("SELECT :b, :a, :b")
    assert statement.sql == "SELECT $1, $2, $1"
    assert statement.arguments({"a": 1, "b": 2, "unused": 3}) == [2, 1]


def test_casts_keep_their_colons() -> None:
    assert Statement("SELECT :a::text[], x::int").sql == "SELECT $1::text[], x::int"
