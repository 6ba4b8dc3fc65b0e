"""One reading of the feed for all who listen: bursts, losses, beginning and end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.entrypoints.changes import PAUSE, Burst, Changes, Tie, burst_of, with_tags
from agent_memory.entrypoints.mcp.topics import EntryTopic, TagTopic, topic_of
from agent_memory.ports.changes import RemoveEntries, ReplaceEntry, other_end
from agent_memory.ports.errors import Unavailable
from agent_memory.ports.event_queue import EventQueue
from agent_memory.ports.records import Event
from agent_memory_contract.builders import T0, adds, after, changed, entry
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    from agent_memory.entrypoints.feed import Feed
    from agent_memory.ports.storage import Reader


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Source:
    """A feed in the test's hands."""

    def __init__(self) -> None:
        self.queue = EventQueue(100, reachable=lambda: True)
        self.begun = 0
        self.readers = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[EventQueue]:
        self.begun += 1
        await self.gate.wait()
        if self.away:
            raise Unavailable("the store is away")
        self.readers += 1
        try:
            yield self.queue
        finally:
            self.readers -= 1

    def commit(self, scope: str, subject: str = "e", kind: str = "entry.updated") -> None:
        self.queue.offer(Event(kind=kind, scope=scope, subject=subject, at=T0))


class Away:
    """A store that does not answer."""

    async def sweep_versions(self, *_: object, **__: object) -> Any:
        raise Unavailable("the store is away")


class Desk:
    def __init__(self) -> None:
        self.source = Source()
        self.clock = ManualClock()
        self.changes = Changes(cast("Feed", self.source), self.clock, cast("Reader", Away()))
        self.told: list[str] = []

    async def listen(self, *uris: str, ceiling: str = "global", tell: Any = None) -> Any:
        topics = [topic for uri in uris if (topic := topic_of(uri, ceiling)) is not None]
        return await self.changes.listen(topics, tell or self.tell)

    def tell(self, uris: Iterable[str]) -> None:
        self.told += uris

    async def heard(self) -> list[str]:
        """What has been told once nothing more is to be read."""
        for _ in range(20):
            await asyncio.sleep(0)
        told, self.told = self.told, []
        return told


async def test_who_listens_to_a_scope_and_one_below_it_hears_of_a_change_once() -> None:
    desk = Desk()
    await desk.listen("memory://scope/acme", "memory://scope/acme/web")
    desk.source.commit("acme/web")
    assert await desk.heard() == ["memory://scope/acme/web"]


async def test_what_changes_often_is_told_once_a_burst() -> None:
    desk = Desk()
    await desk.listen("memory://scope/acme")
    desk.source.commit("acme")
    assert await desk.heard() == ["memory://scope/acme"]
    for _ in range(50):
        desk.source.commit("acme")
    assert await desk.heard() == []
    await desk.clock.advance(PAUSE)
    assert await desk.heard() == ["memory://scope/acme"]


async def test_a_loss_is_told_to_everyone() -> None:
    desk = Desk()
    uris = ("memory://scope/acme", "memory://entry/e1", "memory://stats")
    await desk.listen(*uris)
    desk.source.queue.lose("a new connection")
    assert sorted(await desk.heard()) == sorted(uris)


async def test_work_of_the_memory_on_itself_is_no_change() -> None:
    desk = Desk()
    await desk.listen("memory://scope/acme", "memory://entry/e")
    desk.source.commit("acme", kind="entry.embedded")
    assert await desk.heard() == []


async def test_the_feed_is_read_while_somebody_listens_and_once_for_all() -> None:
    desk = Desk()
    assert not desk.changes.listening
    closes = [await desk.listen("memory://scope/acme") for _ in range(3)]
    assert (desk.source.begun, desk.source.readers) == (1, 1)
    desk.source.commit("acme")
    assert await desk.heard() == ["memory://scope/acme"] * 3
    for close in closes:
        close()
        close()
    await desk.heard()
    assert desk.source.readers == 0
    assert not desk.changes.listening
    await desk.listen("memory://scope/acme")
    assert desk.source.readers == 1


async def test_who_has_closed_hears_no_more() -> None:
    desk = Desk()
    close = await desk.listen("memory://scope/acme")
    others: list[str] = []
    await desk.listen("memory://scope/acme", tell=others.extend)
    close()
    desk.source.commit("acme")
    assert await desk.heard() == []
    assert others == ["memory://scope/acme"]


async def test_a_feed_that_cannot_be_read_is_said_to_all_who_wait_and_tried_again_by_the_next() -> None:
    desk = Desk()
    desk.source.away = True
    desk.source.gate.clear()
    waiting = [asyncio.create_task(desk.listen("memory://scope/acme")) for _ in range(2)]
    await desk.heard()
    desk.source.gate.set()
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in failed] == [Unavailable, Unavailable]
    await desk.heard()
    desk.source.away = False
    await desk.listen("memory://scope/acme")
    desk.source.commit("acme")
    assert await desk.heard() == ["memory://scope/acme"]


async def test_who_gives_up_while_it_begins_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.source.gate.clear()
    waiting = asyncio.create_task(desk.listen("memory://scope/acme"))
    await desk.heard()
    waiting.cancel()
    await asyncio.wait([waiting])
    desk.source.gate.set()
    await desk.heard()
    assert desk.source.readers == 0


async def test_the_end_waits_until_the_feed_is_left() -> None:
    desk = Desk()
    async with desk.changes:
        await desk.listen("memory://scope/acme")
    assert desk.source.readers == 0


@pytest.mark.parametrize(
    ("uri", "scope", "told"),
    [
        ("memory://scope/acme/web", "acme/web", ["memory://scope/acme/web"]),
        ("memory://scope/acme/web", "acme", ["memory://scope/acme/web"]),
        ("memory://scope/acme/web", "acme/web/s1", ["memory://scope/acme/web/s1"]),
        ("memory://scope/acme%2Fweb", "acme/web", ["memory://scope/acme%2Fweb"]),
        ("memory://scope/acme/web", "acme/web2", []),
        ("memory://scope/acme/web", "global", []),
        ("memory://stats", "acme/web", ["memory://stats"]),
        ("memory://stats", "acme2", []),
        ("memory://recent", "acme", ["memory://recent"]),
        ("memory://tag/t", "other", []),
        ("memory://tag/t", "acme2", []),
        ("memory://tag/t", "acme/web", ["memory://tag/t"]),
        ("memory://entry/e", "acme/web", ["memory://entry/e"]),
        ("memory://entry/e", "other", []),
        ("memory://entry/f", "acme", []),
    ],
)
async def test_a_change_concerns_a_resource_only_within_the_ceiling(
    uri: str, scope: str, told: list[str]
) -> None:
    desk = Desk()
    await desk.listen(uri, ceiling="acme")
    desk.source.commit(scope)
    assert await desk.heard() == told


@pytest.mark.parametrize(
    "uri",
    ["", "memory://", "memory://scope/", "memory://scope/other", "memory://scope/global", "memory://scope/acme/..",
     "memory://entry/", "memory://tag/", "memory://nonsense", "http://x", "memory://entry/" + "x" * 129,
     "memory://tag/" + "x" * 600],
)  # fmt: skip
def test_what_is_not_there_or_not_the_callers_is_no_topic(uri: str) -> None:
    assert topic_of(uri, "acme") is None


def test_topics_are_told_apart_by_ceiling() -> None:
    burst = Burst(frozenset({"other"}), {"e": "other"})
    assert EntryTopic("u", "e", "acme").changed(burst) == ()
    assert EntryTopic("u", "e", "global").changed(burst) == ("u",)


SEEN = Tie("s", "acme/web", "t", "acme")


@pytest.mark.parametrize(
    ("tie", "ceiling", "told"),
    [
        (SEEN, "global", "st"),
        (SEEN, "acme", "st"),
        (SEEN, "acme/web", ""),
        (Tie("s", "other", "t", "acme"), "acme", ""),
        (Tie("s", "acme", "t", "other"), "acme", ""),
    ],
)
def test_a_relation_is_told_at_both_ends_to_who_sees_both(tie: Tie, ceiling: str, told: str) -> None:
    burst = Burst(frozenset({tie.source_scope}), {}, ties=frozenset({tie}))
    assert {one for one in ("s", "t", "x") if EntryTopic("u", one, ceiling).changed(burst)} == set(told)


def test_a_relation_whose_other_end_was_lost_is_told_to_its_source() -> None:
    desk = EventQueue(9, reachable=lambda: True)
    event = Event(kind="relation.added", scope="acme", subject="s", at=T0, payload=other_end("t", "acme/web"))
    desk.offer(event)
    desk.offer(msgspec.structs.replace(event, subject="r", payload=b""))
    burst = burst_of(desk.poll(), desk)
    assert burst.ties == {Tie("s", "acme", "t", "acme/web")}
    assert burst.subjects == {"r": "acme"}


async def test_which_tags_a_change_is_about(tmp_path: Path) -> None:
    """Those before and after it, and none of other changes; of a relation none."""
    old, kept = entry("old", scope="acme", tags=("was",)), entry("kept", scope="acme/web", tags=("other",))
    async with SqliteStorage(
        tmp_path / "a.db", clock=ManualClock(), origin="a", synchronous="NORMAL"
    ) as store:
        await store.apply(*adds(old, kept))
        first = changed(old, tags=("was", "longer"))
        await store.apply(ReplaceEntry(first, 1), ReplaceEntry(changed(first, tags=("is",)), 2))
        for touched, tags in (
            ({old.id: 2}, {("acme", "was"), ("acme", "longer"), ("acme", "is")}),
            ({old.id: 1}, {("acme", "was"), ("acme", "longer"), ("acme", "is")}),
            ({kept.id: 1}, {("acme/web", "other")}),
        ):
            burst = Burst(frozenset({"acme"}), dict.fromkeys(touched, "acme"), touched=touched)
            found = await with_tags(burst, store)
            assert (found.tags, found.any_tag) == (tags, frozenset())
        await store.apply(RemoveEntries((old.id,), at=after(99)))
        gone = await with_tags(Burst(frozenset(), {old.id: "acme"}, touched={old.id: 4}), store)
        assert ("acme", "is") in gone.tags
        assert ("acme", "was") not in gone.tags
        many = {f"e{number}": 1 for number in range(65)}
        every = await with_tags(Burst(frozenset(), dict.fromkeys(many, "acme"), touched=many), store)
        assert (every.tags, every.any_tag) == (frozenset(), {"acme"})


def test_of_what_was_purged_it_may_have_been_any_tag() -> None:
    desk = EventQueue(9, reachable=lambda: True)
    desk.offer(Event(kind="entry.purged", scope="acme/web", subject="e", at=T0))
    burst = burst_of(desk.poll(), desk)
    assert burst.touched == {}
    assert [TagTopic("u", "t", one).changed(burst) for one in ("acme", "other")] == [("u",), ()]


def test_a_tag_is_asked_for_as_it_is_kept() -> None:
    assert topic_of("memory://tag/Deploy%20Rules", "acme") == TagTopic(
        "memory://tag/Deploy%20Rules", "deploy-rules", "acme"
    )


def test_a_question_that_is_called_like_an_entry_hides_no_change_of_it() -> None:
    desk = EventQueue(9, reachable=lambda: True)
    desk.offer(Event(kind="entry.updated", scope="other", subject="e", at=T0, version=2))
    desk.offer(Event(kind="vote.cast", scope="acme", subject="e", at=T0))
    burst = burst_of(desk.poll(), desk)
    assert burst.scopes == {"acme", "other"}
    assert [EntryTopic("u", "e", one).changed(burst) for one in ("other", "acme")] == [("u",), ()]
