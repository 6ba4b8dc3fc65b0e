"""Export, import, export: the same bytes, whatever happened before, in every form."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.core.requests_moving import FORMATS, Format
from agent_memory.core.tags import normal_tags
from agent_memory.ports.changes import (
    AddEntry,
    AddRelation,
    CastVote,
    PutSession,
    RemoveEntries,
    ReplaceEntry,
)
from agent_memory.ports.errors import PortError
from agent_memory.ports.records import KINDS, RELATION_TYPES, Entry, Provenance, Relation, Session, Vote
from agent_memory_contract.builders import after, changed, new_id

from .bench import exported, fill, imported, opened, told

if TYPE_CHECKING:
    from agent_memory.ports.storage import Storage

SCOPES = ("global", "acme", "acme/web", "acme/web/s1", "other")
SESSIONS = ("acme/web/s1", "acme/web/s2", "other/api/s1")
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60
).filter(lambda text: bool(text.strip()))
LINE = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)
NAME = st.text(st.characters(categories=["L", "N"]), max_size=8)
CHOICE = NAME.filter(bool).map(lambda text: unicodedata.normalize("NFC", text))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | LINE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=5,
)
SECONDS = st.integers(-(10**6), 10**9).map(lambda micros: micros / 1000)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    held = draw(st.none() | st.integers(1, 10**6))
    return told(
        draw(TEXT),
        scope=draw(st.sampled_from(SCOPES)),
        at=after(draw(SECONDS)),
        kind=draw(st.sampled_from(KINDS)),
        title=draw(LINE),
        tags=normal_tags(draw(st.lists(NAME.filter(bool), max_size=3))),
        metadata=draw(st.dictionaries(NAME, JSON, max_size=3)),
        author=draw(LINE),
        importance=draw(st.floats(0, 1)),
        occurred_at=draw(st.none() | SECONDS.map(after)),
        valid_from=None if held is None else after(0),
        valid_until=None if held is None else after(held),
        expires_at=draw(st.none() | SECONDS.map(after)),
        provenance=draw(st.builds(Provenance, client=NAME, agent=NAME, tool=NAME)),
    )


@st.composite
def steps(draw: st.DrawFn) -> tuple[object, ...]:
    """What to do, with numbers that pick among what is there by then."""
    pick = st.integers(0, 50)
    return draw(
        st.one_of(
            st.tuples(st.just("add"), entries()),
            st.tuples(st.just("add"), entries()),
            st.tuples(
                st.just("replace"), pick, TEXT, st.sampled_from(["active", "superseded", "archived"]), SECONDS
            ),
            st.tuples(st.just("remove"), pick, SECONDS, st.booleans()),
            st.tuples(st.just("relate"), pick, pick, st.sampled_from(RELATION_TYPES), SECONDS),
            st.tuples(st.just("session"), st.sampled_from(SESSIONS), SECONDS, LINE),
            st.tuples(st.just("vote"), st.sampled_from(SCOPES), NAME, CHOICE, SECONDS),
        )
    )


async def do(store: Storage, step: tuple[object, ...], known: list[str], number: int) -> None:
    match step:
        case ("add", Entry() as new):
            await store.apply(AddEntry(new))
            known.append(new.id)
        case ("replace", int(which), str(content), str(state), float(seconds)) if known:
            for standing in await store.get([known[which % len(known)]]):
                following = changed(standing, content=content, state=state, at=after(seconds))
                await store.apply(ReplaceEntry(following, standing.version))
        case ("remove", int(which), float(seconds), bool(purge)) if known:
            await store.apply(RemoveEntries((known[which % len(known)],), at=after(seconds), purge=purge))
        case ("relate", int(one), int(other), str(type_), float(seconds)) if known:
            await store.apply(
                AddRelation(
                    Relation(
                        source=known[one % len(known)],
                        target=known[other % len(known)],
                        type=type_,  # type: ignore[arg-type] # one of RELATION_TYPES
                        created_at=after(seconds),
                    )
                )
            )
        case ("session", str(scope), float(seconds), str(purpose)):
            began = after(seconds)
            await store.apply(
                PutSession(
                    Session(id=new_id(), scope=scope, began_at=began, last_active_at=began, purpose=purpose)
                )
            )
        case ("vote", str(scope), str(agent), str(choice), float(seconds)):
            at = after(seconds + number * 10**6)
            await store.apply(
                CastVote(Vote(scope=scope, question="q?", agent=agent, choice=choice, cast_at=at))
            )
        case _:
            pass


@settings(max_examples=25, deadline=None)
@given(st.lists(steps(), max_size=25), st.sampled_from(FORMATS), st.integers(1, 5000))
async def test_any_history_comes_back_as_it_was(
    history: list[tuple[object, ...]], form: Format, size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder, "one.db")) as one, opened(Path(folder, "two.db")) as two:
            known: list[str] = []
            for number, step in enumerate(history):
                try:
                    await do(one, step, known, number)
                except PortError:
                    continue
            text = await exported(one, form)
            result = await imported(two, text, form, size=size)
            assert not result.conflicts
            assert await exported(two, form) == text
            assert await two.verify() == []
            again = await imported(two, text, form, size=size)
            assert sum(msgspec.structs.astuple(again.entries)) == again.entries.skipped
            assert await exported(two, form) == text


@pytest.mark.parametrize("form", get_args(Format))
async def test_every_form_holds_the_same(tmp_path: Path, form: Format) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await fill(one)
        result = await imported(two, await exported(one, form), form)
        assert result.counts == msgspec.structs.replace(
            result.counts, entries=3, revisions=2, relations=1, sessions=1, votes=2
        )
        assert await exported(two) == await exported(one)
        assert (await imported(two, await exported(one))).digest == result.digest


async def test_a_scope_goes_without_what_is_beside_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        first, second, _ = await fill(one)
        text = await exported(one, scope="acme/web")
        assert second.id.encode() not in text
        result = await imported(two, text)
        assert (result.counts.entries, result.counts.relations, result.counts.votes) == (1, 0, 1)
        assert [entry.id for entry in await two.get([first.id, second.id])] == [first.id]


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_byte_order_mark_before_an_export_is_no_part_of_it(size: int, tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await fill(one)
        text = await exported(one)
        await imported(two, b"\xef\xbb\xbf" + text, size=size)
        assert await exported(two) == text
