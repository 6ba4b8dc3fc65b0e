"""The library's own words where arguments do not fit: those of the tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import agent_memory

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": -1}, "limit: expected int >= 1; allowed: 1 to 100"),
        ({"foo": 1}, "foo: no such argument; allowed here: query, "),
        ({"mode": "psychic"}, "mode: invalid enum value 'psychic'; allowed: hybrid, lexical, dense"),
    ],
)
async def test_a_wrong_argument_is_named_with_what_is_allowed(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        with pytest.raises(agent_memory.Rejected) as caught:
            await memory.recall("x", **arguments)
    assert str(caught.value).startswith(message)
    assert caught.value.field == next(iter(arguments))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"a": float("nan")}, "metadata.a: nan is no number that JSON has"),
        ({"a": [{"b": float("-inf")}]}, "metadata.a[0].b: -inf is no number that JSON has"),
        ({"a": object()}, "metadata.a: object is nothing that JSON has"),
        ({"a": {1, 2}}, "metadata.a: set is nothing that JSON has"),
        ({1: 2}, "metadata: names are text, not int"),
        ({"x": "\ud800"}, "metadata.x: lone surrogate"),
        ({"\ud800": 1}, "metadata: lone surrogate"),
    ],
)
async def test_metadata_is_what_json_can_hold(tmp_path: Path, metadata: Any, message: str) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        entry = (await memory.remember("y")).results[0].id
        for call in (
            lambda: memory.remember("x", metadata=metadata),
            lambda: memory.remember(entries=[{"content": "z", "metadata": metadata}]),
            lambda: memory.update(entry, metadata=metadata),
        ):
            with pytest.raises(agent_memory.Rejected) as caught:
                await call()
            assert message in str(caught.value)
            assert "metadata" in (caught.value.field or "")
        whole = {"list": [1, 2.5, None, True, ("a", "b")], "deep": {"é": "ü"}}
        kept = await memory.remember("whole", metadata=whole)
        (found,) = (await memory.get(kept.results[0].id)).entries
        assert found.metadata == {"list": [1, 2.5, None, True, ["a", "b"]], "deep": {"é": "ü"}}


async def test_metadata_without_an_end_is_nested_too_deep(tmp_path: Path) -> None:
    endless: dict[str, Any] = {}
    endless["again"] = (endless,)
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        for metadata in (endless, deep):
            with pytest.raises(
                agent_memory.Rejected, match="metadata: nested deeper than 16 levels"
            ) as caught:
                await memory.remember("x", metadata=metadata)
            assert caught.value.field == "metadata"


@pytest.mark.parametrize(
    ("method", "given", "arguments", "field"),
    [
        ("recall", ("\ud800",), {}, "query"),
        ("recall", ("x",), {"tags": ["\ud800"]}, "tags[0]"),
        ("remember", ("x",), {"kind": "\ud800"}, "kind"),
        ("remember", (), {"entries": [{"content": "x", "kind": "\ud800"}]}, "entries[0].kind"),
        ("get", ("\ud800",), {}, "ids[0]"),
        ("update", ("\ud800",), {"title": "x"}, "id"),
        ("forget", (), {"filter": {"scope": "acme", "tags": ["\ud800"]}}, "filter.tags[0]"),
    ],
)
async def test_text_is_valid_unicode(
    tmp_path: Path, method: str, given: tuple[str, ...], arguments: dict[str, Any], field: str
) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        with pytest.raises(agent_memory.Rejected, match=f"{re.escape(field)}: lone surrogate") as caught:
            await getattr(memory, method)(*given, **arguments)
        assert caught.value.field == field


async def test_no_error_repeats_a_secret(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        for arguments in ({"mode": SECRET}, {SECRET: 1}):
            with pytest.raises(agent_memory.PortError) as caught:
                await memory.recall("x", **arguments)
            assert SECRET not in f"{caught.value} {vars(caught.value)}"
        assert SECRET not in str((await memory.get(SECRET)).missing)
        assert SECRET not in str((await memory.forget(SECRET)).missing)


async def test_ids_that_are_not_there_are_told_as_they_were_asked_for(tmp_path: Path) -> None:
    ours = "01941f29-83c4-77c4-8000-0000000007c4"
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        assert (await memory.get(ours, "note-1")).missing == (ours, "note-1")


@pytest.mark.parametrize("name", agent_memory.__all__)
def test_what_the_package_names_is_there(name: str) -> None:
    assert getattr(agent_memory, name) is not None
