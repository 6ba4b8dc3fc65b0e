from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import agent_memory
from agent_memory.ports.errors import Rejected

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("field", ["title", "author", "agent_id"])
@pytest.mark.parametrize("character", ["\n", "\r", "\u2028", "\x1b", "\x85"])
async def test_what_is_shown_on_one_line_is_one_line(tmp_path: Path, field: str, character: str) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        with pytest.raises(Rejected, match=f"{field}: line break or control character at character 1"):
            await memory.remember("content", **{field: f"a{character}b"})
        assert await memory.recall() == ()


async def test_a_title_cannot_be_given_a_second_line_later(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        known = (await memory.remember("content")).results[0]
        with pytest.raises(Rejected, match="title: line break"):
            await memory.update(known.id, title="a\nb")


async def test_a_repeat_names_what_was_said_otherwise(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db") as memory:
        await memory.remember("content", title="One", tags=["a"], importance=0.9)
        again = await memory.remember("content", title="Two", tags=["A"], kind="guideline")
        assert again.results[0].duplicate
        assert again.results[0].not_kept == ("title", "kind")
        assert (await memory.remember("content")).results[0].not_kept == ()


async def test_an_idempotency_key_for_something_else_is_named_as_it_was_given(tmp_path: Path) -> None:
    async with agent_memory.open_memory(tmp_path / "memory.db", scope="acme") as memory:
        await memory.remember("one", idempotency_key="import-1")
        with pytest.raises(
            Rejected, match=r"^idempotency_key: 'import-1' was used with another request; take a new"
        ):
            await memory.remember("two", idempotency_key="import-1")
