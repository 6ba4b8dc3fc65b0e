"""The library's own words where arguments do not fit: those of the tools."""

from __future__ import annotations

import asyncio
import os
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


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"path": ""}, "path"), ({"path": "  "}, "path"), ({"path": None}, "path"), ({"path": 5}, "path"),
        ({"path": b"x.db"}, "path"), ({"path": "a\0b"}, "path"), ({"path": "\ud800"}, "path"), ({"scope": 5}, "scope"),
        ({"scope": "a//b"}, "scope"), ({"scope": SECRET}, "scope"), ({"agent_id": 5}, "agent_id"),
        ({"agent_id": "a\nb"}, "agent_id"), ({"agent_id": "x" * 129}, "agent_id"), ({"agent_id": SECRET}, "agent_id"),
        ({"timezone": None}, "timezone"), ({"redact": "no"}, "redact"),
    ],
)  # fmt: skip
async def test_what_cannot_be_opened_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], field: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"path": tmp_path / "memory.db", **arguments}
    with pytest.raises(agent_memory.Rejected, match=f"^{field}") as caught:
        await agent_memory.open_memory(**given).__aenter__()
    assert caught.value.field == field
    assert SECRET not in str(caught.value)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing else goes on here


async def test_a_secret_may_be_a_name_where_nothing_is_redacted(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", agent_id=SECRET, redact=False) as memory:
        kept = (await memory.remember("x")).results[0].id
        assert (await memory.get(kept)).entries[0].source.agent == SECRET


async def test_paths_and_scopes_are_checked_in_calls_too(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        for path in ("a\0b", "", b"x"):
            with pytest.raises(agent_memory.Rejected, match=r"^source: "):
                await memory.import_(path)  # type: ignore[arg-type]
            with pytest.raises(agent_memory.Rejected, match=r"^to: "):
                await memory.export(path)  # type: ignore[arg-type]
        with pytest.raises(agent_memory.Rejected, match=r"^scope: must be text, not int"):
            memory.watch(5)  # type: ignore[arg-type]
        with pytest.raises(agent_memory.Rejected, match=r"^filter: lone surrogate"):
            await memory.forget(filter={"scope": "a", "\ud800": 1})


async def test_another_event_loop_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    async def elsewhere() -> None:
        for call in (memory.recall("x"), memory.remember("lost")):
            with pytest.raises(RuntimeError, match="opened in another event loop"):
                await call

    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        await memory.remember("kept")
        await asyncio.to_thread(asyncio.run, elsewhere())
        assert [found.content for found in await memory.recall("")] == ["kept"]


async def test_ids_that_are_not_there_are_told_as_they_were_asked_for(tmp_path: Path) -> None:
    ours = "01941f29-83c4-77c4-8000-0000000007c4"
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        assert (await memory.get(ours, "note-1")).missing == (ours, "note-1")


@pytest.mark.parametrize("name", agent_memory.__all__)
def test_what_the_package_names_is_there(name: str) -> None:
    assert getattr(agent_memory, name) is not None
