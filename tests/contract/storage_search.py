"""STORAGE-112 to STORAGE-128: what a search finds, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter, LexicalQuery

from .builders import adds, after, changed, digest, entry
from .storage_reads import ACTIVE, ALL_SCOPES, ids, search
from .suite import Suite

if TYPE_CHECKING:
    from .storage_harness import StorageHarness

FILLER = "the quick brown fox jumps over the lazy dog "


class StorageSearch(Suite):
    async def test_storage_112_a_word_is_found_by_its_stem(self, harness: StorageHarness) -> None:
        """As English: the form in the text and the form asked for may differ."""
        text = entry("We were deploying databases")
        async with harness.open() as store:
            await store.apply(*adds(text, entry(FILLER)))
            for term in ("deploy", "deployed", "database", "deploying"):
                assert await search(store, term) == [text.id], term

    async def test_storage_113_any_term_may_match(self, harness: StorageHarness) -> None:
        """An entry with one of the terms is found, one with none is not."""
        one, two = entry("apples"), entry("pears")
        async with harness.open() as store:
            await store.apply(*adds(one, two, entry("plums")))
            assert set(await search(store, "apples", "pears", "grapes")) == {one.id, two.id}

    async def test_storage_114_all_terms_rank_above_one(self, harness: StorageHarness) -> None:
        """Among texts of one length."""
        both = entry("apples pears and more")
        async with harness.open() as store:
            await store.apply(*adds(entry("apples bread and more"), both, entry("pears bread and more")))
            await store.apply(*adds(*(entry(f"{FILLER} {n}") for n in range(20))))
            assert (await search(store, "apples", "pears"))[0] == both.id

    async def test_storage_115_a_rare_term_ranks_above_a_common_one(self, harness: StorageHarness) -> None:
        """What tells entries apart weighs more."""
        rare = entry("okapi lives here")
        common = [entry(f"giraffe lives here{' too' * (n % 2)} {n}") for n in range(20)]
        async with harness.open() as store:
            await store.apply(*adds(*common[:10], rare, *common[10:]))
            await store.apply(*adds(*(entry(f"{FILLER} {n}") for n in range(40))))
            assert (await search(store, "giraffe", "okapi"))[0] == rare.id

    async def test_storage_116_the_title_is_searched(self, harness: StorageHarness) -> None:
        """As the content is."""
        titled = entry("nothing here", title="About giraffes")
        async with harness.open() as store:
            await store.apply(*adds(titled, entry()))
            assert await search(store, "giraffes") == [titled.id]

    async def test_storage_117_tags_are_searched(self, harness: StorageHarness) -> None:
        """By their words."""
        tagged = entry("nothing here", tags=("plain", "long-necked giraffes"))
        async with harness.open() as store:
            await store.apply(*adds(tagged, entry()))
            assert await search(store, "giraffes") == [tagged.id]

    async def test_storage_118_the_author_is_searched(self, harness: StorageHarness) -> None:
        """Who said it is often what is remembered."""
        said = entry("nothing here", author="Ada Lovelace")
        async with harness.open() as store:
            await store.apply(*adds(said, entry()))
            assert await search(store, "lovelace") == [said.id]

    async def test_storage_119_an_update_is_found_by_its_new_words_only(
        self, harness: StorageHarness
    ) -> None:
        """In every field that is searched."""
        first = entry("alpha", title="beta", tags=("gamma",), author="delta")
        second = changed(first, content="one", title="two", tags=("three",), author="four")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            for term in ("alpha", "beta", "gamma", "delta"):
                assert await search(store, term) == [], term
            for term in ("one", "two", "three", "four"):
                assert await search(store, term) == [first.id], term

    async def test_storage_120_the_removed_is_not_found(self, harness: StorageHarness) -> None:
        """Nor does it stand in the way of others."""
        gone, purged, kept = entry("giraffe one"), entry("giraffe two"), entry("giraffe three")
        async with harness.open() as store:
            await store.apply(*adds(gone, purged, kept))
            await store.apply(
                RemoveEntries((gone.id,), at=after(1)), RemoveEntries((purged.id,), at=after(1), purge=True)
            )
            for asked in (ACTIVE, EntryFilter(where=ALL_SCOPES, states=())):
                assert await search(store, "giraffe", asked=asked, limit=1) == [kept.id]
                assert await search(store, "giraffe", asked=asked) == [kept.id]

    async def test_storage_121_other_states_are_found_when_asked_for(self, harness: StorageHarness) -> None:
        """What is archived keeps its place in the index."""
        first = entry("about giraffes")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(changed(first, state="archived"), 1))
            assert await search(store, "giraffes") == []
            archived = EntryFilter(where=ALL_SCOPES, states=("archived",))
            assert await search(store, "giraffes", asked=archived) == [first.id]

    async def test_storage_122_the_best_come_first_with_their_scores(self, harness: StorageHarness) -> None:
        """Descending; a search with a limit gives the first of the same list."""
        new = [entry(("giraffe " * (n + 1)) + "word " * (20 - n)) for n in range(10)]
        async with harness.open() as store:
            await store.apply(*adds(*new), *adds(*(entry(f"{FILLER} {n}") for n in range(30))))
            hits = await store.search(LexicalQuery(terms=("giraffe",), filter=ACTIVE, limit=50))
            scores = [hit.score for hit in hits]
            assert scores == sorted(scores, reverse=True)
            assert len(set(scores)) > 1
            assert hits[0].entry.id == new[-1].id
            assert await search(store, "giraffe", limit=3) == [hit.entry.id for hit in hits[:3]]

    async def test_storage_123_equal_scores_come_newest_id_first(self, harness: StorageHarness) -> None:
        """So that an answer is the same twice."""
        same = [entry("the same giraffe", content_hash=digest(f"{n}")) for n in range(9)]
        async with harness.open() as store:
            await store.apply(*adds(*same[4:], *same[:4]))
            assert await search(store, "giraffe") == ids(same)[::-1]
            assert await search(store, "giraffe", limit=3) == ids(same)[:-4:-1]

    async def test_storage_124_no_terms_no_hits(self, harness: StorageHarness) -> None:
        """Not everything."""
        async with harness.open() as store:
            await store.apply(*adds(entry()))
            assert await search(store) == []

    async def test_storage_125_a_phrase_matches_in_order(self, harness: StorageHarness) -> None:
        """A term of several words is found where they stand side by side."""
        phrase = entry("a red apple fell")
        async with harness.open() as store:
            await store.apply(*adds(phrase, entry("an apple, red"), entry("red or green, an apple")))
            assert await search(store, "red apple") == [phrase.id]

    async def test_storage_126_the_last_word_of_a_long_text_is_found(self, harness: StorageHarness) -> None:
        """All of 64 KiB is indexed, and comes back whole."""
        text = (FILLER * 1500)[: 64 * 1024 - 8] + " giraffe"
        long = entry(text)
        assert len(text.encode()) == 64 * 1024
        async with harness.open() as store:
            await store.apply(*adds(long, entry()))
            hits = await store.search(LexicalQuery(terms=("giraffe",), filter=ACTIVE))
            assert [hit.entry for hit in hits] == [long]

    async def test_storage_127_each_entry_is_found_once(self, harness: StorageHarness) -> None:
        """However many of its fields, revisions and words match; and whole."""
        first = entry("giraffe", title="giraffe", tags=("giraffe", "giraffes"), author="giraffe")
        second = changed(first, content="giraffe giraffe")
        async with harness.open() as store:
            await store.apply(*adds(first), ReplaceEntry(second, 1))
            hits = await store.search(LexicalQuery(terms=("giraffe", "giraffes", "Giraffe"), filter=ACTIVE))
            assert [hit.entry for hit in hits] == [second]

    async def test_storage_128_many_terms_are_answered(self, harness: StorageHarness) -> None:
        """Sixty-four of them, long ones too."""
        text = entry("about giraffes")
        async with harness.open() as store:
            await store.apply(*adds(text))
            terms = [f"term{n}" for n in range(62)]
            assert await search(store, *terms, "x" * 5000, "giraffes") == [text.id]
