"""STORAGE-100 to STORAGE-111: text is kept as it came, and nothing in it is ever a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.changes import CastVote, PutSession, ReplaceEntry
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter

from .builders import adds, changed, entry, session, vote
from .storage_reads import ALL_SCOPES, matches, search, state_of
from .suite import Suite

if TYPE_CHECKING:
    from .storage_harness import StorageHarness

UNICODE = (
    "caf\u00e9",  # NFC
    "cafe\u0301",  # NFD
    "\U0001f469\u200d\U0001f680 \U0001f1e8\U0001f1ed",  # joined emoji, a flag
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",  # right to left
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8",  # no spaces between words
    "\ufeffBOM\u200b\u00a0\u2028",
    " leading, trailing \r\n\t\r \n",
    "\x01\x1b[31m\x7f",
    "\uffff\U0010ffff\ufffd",
)
HOSTILE = (
    "'; DROP TABLE entries; --",
    "\"quoted\" 'twice' `back`",
    "? ?1 :name @name $name %s {} {0}",
    "%_\\%",
    "a\\u0000b",
    '{"json": [1, "x"]}',
    "<script>alert(1)</script>",
)
OPERATORS = (
    "AND", "OR", "NOT", "NEAR(", "NEAR(a b, 2)", "*", "giraffe*", '"', '""', "'", ":", "title:giraffe", "(", ")", "-",
    "^giraffe", "+", "{title}", "a AND", "\\", ",", "?", "!", "|", "&", "<->", "giraffe & ", "",
)  # fmt: skip


class StorageText(Suite):
    async def test_storage_100_content_is_kept_verbatim(self, harness: StorageHarness) -> None:
        """Neither normalised nor trimmed, to the last code point; in its revisions too."""
        new = [entry(text) for text in (*UNICODE, *HOSTILE)]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            await store.apply(*(ReplaceEntry(changed(e, content=e.content + "!"), 1) for e in new))
            for e in new:
                newest, oldest = await store.history(e.id)
                assert (newest.entry.content, oldest.entry.content) == (e.content + "!", e.content)

    async def test_storage_101_every_other_text_is_kept_verbatim(self, harness: StorageHarness) -> None:
        """Title, tags, author and metadata, keys included."""
        new = [
            entry(title=text, tags=(text,), author=text, metadata={text: text})
            for text in (*UNICODE, *HOSTILE)
        ]
        async with harness.open() as store:
            await store.apply(*adds(*new))
            assert await matches(store) == new

    async def test_storage_102_tags_are_compared_as_they_are(self, harness: StorageHarness) -> None:
        """Any text is a tag: two spellings of one word are two tags."""
        async with harness.open() as store:
            texts = (*UNICODE, *HOSTILE)
            new = [entry(tags=(text,)) for text in texts]
            await store.apply(*adds(*new))
            for text, e in zip(texts, new, strict=True):
                assert await matches(store, EntryFilter(where=ALL_SCOPES, tags=(text,))) == [e], text

    async def test_storage_103_either_spelling_is_found_by_either(self, harness: StorageHarness) -> None:
        """Composed or not, the word is the same to a search."""
        composed, decomposed = entry("un caf\u00e9 noir"), entry("un cafe\u0301 noir")
        async with harness.open() as store:
            await store.apply(*adds(composed, decomposed))
            for term in ("caf\u00e9", "cafe\u0301"):
                assert set(await search(store, term)) == {composed.id, decomposed.id}

    async def test_storage_104_case_and_diacritics_are_folded(self, harness: StorageHarness) -> None:
        """In the text and in the term."""
        city, school = entry("Meet in ZÜRICH"), entry("an old École")
        async with harness.open() as store:
            await store.apply(*adds(city, school))
            for term in ("zürich", "Zurich", "ZURICH"):
                assert await search(store, term) == [city.id]
            for term in ("école", "ECOLE", "Ecole"):
                assert await search(store, term) == [school.id]

    async def test_storage_105_nul_is_rejected(self, harness: StorageHarness) -> None:
        """In whatever text, before anything is kept."""
        async with harness.open() as store:
            before = await state_of(store)
            for bad in (
                entry("a\0b"), entry(title="a\0b"), entry(tags=("a\0b",)), entry(author="a\0b"),
                entry(metadata={"a": "\0"}), entry(metadata={"\0": 1}),
            ):  # fmt: skip
                with pytest.raises(Rejected):
                    await store.apply(*adds(entry(), bad))
            assert await state_of(store) == before

    async def test_storage_106_a_lone_surrogate_is_rejected(self, harness: StorageHarness) -> None:
        """It is no character and could not be stored as it is."""
        async with harness.open() as store:
            before = await state_of(store)
            for bad in (
                entry("a\ud800b"), entry(title="\udfff"), entry(tags=("\ud800",)), entry(author="\ud800"),
                entry(metadata={"a": ["\ud800"]}),
            ):  # fmt: skip
                with pytest.raises(Rejected):
                    await store.apply(*adds(entry(), bad))
            assert await state_of(store) == before

    async def test_storage_107_updates_are_checked_as_additions_are(self, harness: StorageHarness) -> None:
        """What may not be added may not be put in its place."""
        first = entry()
        async with harness.open() as store:
            await store.apply(*adds(first))
            for bad in (changed(first, content="a\0b"), changed(first, title="\ud800")):
                with pytest.raises(Rejected):
                    await store.apply(ReplaceEntry(bad, 1))
            assert await store.get([first.id]) == [first]

    async def test_storage_108_operators_are_words_like_others(self, harness: StorageHarness) -> None:
        """No text makes a search fail; what holds no word finds nothing."""
        async with harness.open() as store:
            text = entry("the giraffes AND the okapi")
            await store.apply(*adds(text, entry("NEAR(a b, 2)", title="title:x")))
            for term in (*OPERATORS, *HOSTILE, *UNICODE):
                await search(store, term)
                await search(store, term, "okapi")
            for term in ("*", '"', ":", "(", "-", ""):
                assert await search(store, term) == [], term
                assert await search(store, term, "okapi") == [text.id], term

    async def test_storage_109_operators_do_not_act(self, harness: StorageHarness) -> None:
        """No prefix, no column, no negation, no anchor comes of a term."""
        async with harness.open() as store:
            text = entry("giraffes sleep", title="zoo")
            await store.apply(*adds(text))
            for term in ("giraf*", "content:giraffes", "sleep NOT giraffes", "giraffes AND zebras"):
                assert await search(store, term) == [], term
            assert await search(store, "NOT", "giraffes") == [text.id]
            assert await search(store, '"giraffes"') == [text.id]

    async def test_storage_110_sessions_and_votes_keep_their_text(self, harness: StorageHarness) -> None:
        """As entries do."""
        async with harness.open() as store:
            for n, text in enumerate((*UNICODE, *HOSTILE)):
                put = session(f"acme/web/s{n}", purpose=text, summary=text, agent=text)
                cast = vote(text, text, question=text)
                await store.apply(PutSession(put), CastVote(cast))
                assert await store.sessions(ScopeFilter(scope=put.scope, inherit=False)) == [put]
                assert await store.votes("acme", text) == [cast]

    async def test_storage_111_prefixes_are_plain_text(self, harness: StorageHarness) -> None:
        """Of tags and scopes: no pattern, and case counts."""
        tags = ("a_b", "axb", "a%b", "A_b", "a", "é")
        async with harness.open() as store:
            await store.apply(*adds(*(entry(tags=(tag,), scope=f"o/{n}_{n}") for n, tag in enumerate(tags))))
            await store.apply(*adds(entry(scope="o/1x1"), entry(scope="O/1_1")))
            assert await store.tags(ALL_SCOPES, prefix="a_") == [("a_b", 1)]
            assert await store.tags(ALL_SCOPES, prefix="a%") == [("a%b", 1)]
            assert await store.tags(ALL_SCOPES, prefix="é") == [("é", 1)]
            assert [found.scope for found in await store.scopes(prefix="o/1_")] == ["o/1_1"]
            assert await store.scopes(prefix="o/%") == []
