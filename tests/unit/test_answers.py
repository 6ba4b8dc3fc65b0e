"""Kept answers over a store with marks: each is what the store would answer, at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.requests import Forget, Get, Link, Recall, Update
from agent_memory.ports.errors import Rejected

from .answers_desk import ADA, desk

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.core.results import RecallResult


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_recall_is_answered_again_without_the_store(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi", tags=["a", "b"], author="ada", occurred_at="2024-05-01")
        first = await here.recall()
        assert len(first.results) == 1
        assert [await here.asked() for _ in range(3)] == [0, 0, 0]
        assert here.cache.stats().hits == 3


async def test_a_get_asked_twice_is_answered_again_without_the_store(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        wanted = await here.told("an okapi", metadata={"n": [1, 2.5, None, {"é": True}]})
        request = Get(ids=[wanted, "unknown"], history=True, relations=True)
        answers = [await here.memory.get(request, ADA) for _ in range(5)]
        assert here.store.gotten == 2
        assert answers == [await here.plain.get(request, ADA)] * 5
        metadata = answers[-1].entries[0].metadata
        metadata["n"] = "changed by a caller"
        assert (await here.memory.get(request, ADA)).entries[0].metadata["n"] == [1, 2.5, None, {"é": True}]


async def test_a_get_whose_metadata_only_json_can_carry_is_answered_every_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        wanted = await here.told("an okapi", metadata={"huge": 10**30})
        for _ in range(3):
            assert await here.memory.get(Get(ids=[wanted]), ADA) == await here.plain.get(
                Get(ids=[wanted]), ADA
            )


@pytest.mark.parametrize("write", ["remember", "update", "forget", "purge", "link", "unlink"])
async def test_every_write_is_in_the_next_answer(tmp_path: Path, write: str) -> None:
    async with desk(tmp_path) as here:
        one, two = await here.told("first okapi"), await here.told("second okapi")
        request = Get(ids=[one, two], history=True, relations=True)
        if write == "unlink":
            await here.memory.link(Link(action="link", source=one, target=two), ADA)
        await here.memory.get(request, ADA)
        before = await here.recall(), await here.memory.get(request, ADA)
        match write:
            case "remember":
                await here.told("third okapi")
            case "update":
                await here.memory.update(Update(id=one, content="an okapi, changed"), ADA)
            case "link" | "unlink":
                await here.memory.link(Link(action=write, source=one, target=two), ADA)
            case _:
                await here.memory.forget(Forget(ids=[one], purge=write == "purge"), ADA)
        after = await here.recall(), await here.memory.get(request, ADA)
        assert after[1] == await here.plain.get(request, ADA)
        assert after != before


@pytest.mark.parametrize(("query", "exact"), [("", True), ("", False), ("okapi", False)])
async def test_a_write_elsewhere_costs_no_search(tmp_path: Path, query: str, *, exact: bool) -> None:
    """The scope that was asked in has the same generation still."""
    async with desk(tmp_path, exact=exact) as here:
        await here.told("an okapi", scope="acme/web")
        assert await here.asked(query, scope="acme/web") == 1
        await here.told("an okapi", scope="acme/api")
        assert await here.asked(query, scope="acme/web") == 0
        await here.told("an okapi", scope="acme")
        assert await here.asked(query, scope="acme/web") == 1


async def test_where_order_is_exact_words_are_ranked_anew_after_any_write(tmp_path: Path) -> None:
    """What is rare in the whole store decides. `recall` compares the scores."""
    async with desk(tmp_path) as here:
        await here.told("an okapi and a zebra", scope="acme/web")
        await here.told("zebra zebra zebra and little else", scope="acme/web")
        before = await here.recall("okapi zebra", scope="acme/web")
        for number in range(9):
            await here.told(f"zebra {number}", scope="acme/api")
            await here.recall("okapi zebra", scope="acme/web")
        assert await here.recall("okapi zebra", scope="acme/web") != before


@pytest.mark.parametrize(
    "changed",
    [
        {"query": "zebra"}, {"scope": "acme/web"}, {"inherit": False}, {"descendants": True}, {"kinds": ["tool"]},
        {"tags": ["x"]}, {"tags_any": ["x"]}, {"since": "2020-01-01"}, {"until": "2030-01-01"},
        {"as_of": "2030-01-01"}, {"limit": 3}, {"max_tokens": 99}, {"mode": "lexical"},
    ],
    ids=str,
)  # fmt: skip
async def test_every_argument_that_changes_the_answer_asks_anew(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi and a zebra")
        await here.recall()
        assert await here.asked(**changed) == 1
        assert await here.asked(**changed) == 0
    assert set(Recall.__struct_fields__) == ARGUMENTS


ARGUMENTS = {
    "query", "scope", "inherit", "descendants", "kinds", "tags", "tags_any", "since", "until", "as_of", "limit",
    "max_tokens", "mode", "explain",
}  # fmt: skip
"""Each of them is tried above or below. Whoever adds one adds it there."""


@pytest.mark.parametrize("changed", [{"history": True}, {"relations": True}, {"ids": ["unknown"]}], ids=str)
async def test_every_argument_of_a_get_asks_anew(tmp_path: Path, changed: dict[str, Any]) -> None:
    async with desk(tmp_path) as here:
        one, two = await here.told("an okapi"), await here.told("a zebra")
        await here.memory.update(Update(id=one, content="an okapi, changed"), ADA)
        await here.memory.link(Link(action="link", source=one, target=two), ADA)
        for arguments in ({"ids": [one]}, {"ids": [one]} | changed):
            request = msgspec.convert(arguments, Get)
            for _ in range(3):
                assert await here.memory.get(request, ADA) == await here.plain.get(request, ADA)
    assert set(Get.__struct_fields__) == {"ids", "history", "relations"}


async def test_a_ceiling_sees_only_its_own_answers(tmp_path: Path) -> None:
    low = Caller(client="test", ceiling="acme/web")
    async with desk(tmp_path) as here:
        secret = await here.told("an okapi")
        assert len((await here.recall(scope="acme/web")).results) == 1
        assert (await here.recall(caller=low, scope="acme/web")).results == ()
        for _ in range(3):
            assert (await here.memory.get(Get(ids=[secret]), ADA)).entries
        assert (await here.memory.get(Get(ids=[secret]), low)).missing == (secret,)


async def test_an_explanation_is_always_of_a_search_made_now(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi")
        await here.recall()
        assert [await here.asked(explain=True) for _ in range(2)] == [1, 1]


async def test_a_degraded_answer_is_not_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi")
        whole = await here.recall()
        searches: list[bool] = []

        async def degraded() -> RecallResult:
            searches.append(True)
            return msgspec.structs.replace(whole, degraded=True)

        for _ in range(2):
            given = await here.answers.recall(Recall(query="zebra"), ADA, here.clock.now(), degraded)
            assert given.degraded
        assert searches == [True, True]


async def test_an_answer_about_the_past_is_kept_though_it_lacks_the_search_by_meaning(tmp_path: Path) -> None:
    """It always will: there are no vectors of former versions. It ends with a write, like others."""
    async with desk(tmp_path) as here:
        await here.told("an okapi")
        whole = await here.recall()
        searches: list[bool] = []

        async def by_words() -> RecallResult:
            searches.append(True)
            return msgspec.structs.replace(whole, degraded=True)

        asked = Recall(query="zebra", as_of=here.clock.now().isoformat())
        for _ in range(2):
            assert (await here.answers.recall(asked, ADA, here.clock.now(), by_words)).degraded
        assert searches == [True]
        await here.told("a zebra")
        await here.answers.recall(asked, ADA, here.clock.now(), by_words)
        assert searches == [True, True]


@pytest.mark.parametrize(
    "bad",
    [{"scope": "other"}, {"scope": "a/../b"}, {"since": "soon"}, {"mode": "dense"}, {"tags": [" "]}],
    ids=str,
)
async def test_an_error_is_the_same_each_time_and_not_kept(tmp_path: Path, bad: dict[str, Any]) -> None:
    async with desk(tmp_path) as here:
        said: list[str] = []
        for memory in (here.plain, here.memory, here.memory):
            with pytest.raises(Rejected) as refused:
                await memory.recall(Recall(query="okapi", **bad), ADA)
            said.append(f"{refused.value} {refused.value.field}")
        assert len(set(said)) == 1
        assert here.cache.stats().entries == 0


async def test_no_more_answers_are_kept_than_allowed(tmp_path: Path) -> None:
    async with desk(tmp_path, entries=3) as here:
        await here.told("an okapi")
        for number in range(10):
            await here.recall(f"okapi {number}")
        assert here.cache.stats().entries == 3
        assert await here.asked("okapi 9") == 0
        assert await here.asked("okapi 1") == 1


async def test_what_is_no_answer_of_ours_is_not_given(tmp_path: Path) -> None:
    """A shared cache may hold anything."""
    async with desk(tmp_path) as here:
        await here.told("an okapi")
        keys: list[str] = []
        keep = here.state.store.put

        def put(key: str, value: bytes, until: float) -> None:
            keys.append(key)
            keep(key, value, until)

        here.state.store.put = put  # type: ignore[method-assign] - only to learn the key
        await here.recall()
        (key,) = keys
        here.state.store.put = keep  # type: ignore[method-assign] - as it was
        for foreign in (
            b"",
            b"\xff\x00",
            msgspec.msgpack.encode(["x"]),
            msgspec.msgpack.encode([{"results": 1}]),
        ):
            await here.cache.put(key, foreign, ttl=60)
            assert await here.asked() == 1
