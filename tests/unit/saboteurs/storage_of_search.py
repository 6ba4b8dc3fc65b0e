"""Saboteurs of STORAGE-100 to STORAGE-128: text that changes, and searches that find too much or too little."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import AddEntry, CastVote, PutSession, ReplaceEntry
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import Hit, LexicalQuery
from agent_memory_contract.builders import T0
from agent_memory_contract.storage_reads import ACTIVE, WHATEVER, matches

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change
    from agent_memory.ports.queries import ScopeStats, Stats
    from agent_memory.ports.records import Entry
    from agent_memory.ports.scopes import ScopeFilter


class RewritesText(Wrapper):
    """Every text of an entry goes through `text`."""

    def text(self, text: str) -> str:
        return text

    def _entry(self, e: Entry) -> Entry:
        return msgspec.structs.replace(
            e,
            content=self.text(e.content),
            title=self.text(e.title),
            author=self.text(e.author),
            tags=tuple(self.text(tag) for tag in e.tags),
        )

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, AddEntry):
            return AddEntry(self._entry(change.entry), change.jobs)
        if isinstance(change, ReplaceEntry):
            return ReplaceEntry(self._entry(change.entry), change.expected_version, change.jobs)
        return change


@breaks(100, 101, 102)
class Normalises(RewritesText):
    def text(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@breaks(100, 101)
class Trims(RewritesText):
    def text(self, text: str) -> str:
        return text.strip()


@breaks(105, 106, 107)
class LeavesOutWhatCannotBe(RewritesText):
    def text(self, text: str) -> str:
        return text.replace("\0", "").encode("utf-8", "ignore").decode()


@breaks(108)
class FailsOnOperators(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        if any(not term.replace(" ", "").isalnum() for term in query.terms):
            raise Rejected("syntax error near ...")
        return await self.inner.search(query)


@breaks(109)
class ObeysStars(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        prefixes = [term[:-1] for term in query.terms if term.endswith("*")]
        found = [e for e in await matches(self.inner) if any(p in e.content for p in prefixes)]
        return [Hit(e, 1.0) for e in found] or await self.inner.search(query)


@breaks(110)
class TrimsSessions(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, PutSession):
            return PutSession(msgspec.structs.replace(change.session, purpose=change.session.purpose.strip()))
        return change


@breaks(110)
class NormalisesVotes(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, CastVote):
            choice = unicodedata.normalize("NFC", change.vote.choice)
            return CastVote(msgspec.structs.replace(change.vote, choice=choice))
        return change


def like(prefix: str, text: str) -> bool:
    """As SQL's LIKE with a percent sign put behind the prefix."""
    pattern = re.escape(prefix).replace("%", ".*").replace("_", ".")
    return re.match(pattern, text, re.IGNORECASE) is not None


@breaks(111)
class TakesTagPrefixesForPatterns(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        found = await self.inner.tags(where, limit=1000)
        return [(tag, count) for tag, count in found if like(prefix, tag)][:limit]


@breaks(111)
class TakesScopePrefixesForPatterns(Wrapper):
    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        found = await self.inner.scopes(limit=1000, ceiling=ceiling)
        return [stats for stats in found if like(prefix, stats.scope)][:limit]


@breaks(257)
class CountsBeyondTheCeiling(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        return await self.inner.stats(msgspec.structs.replace(where, ceiling="global"))


@breaks(258)
class NamesTagsBeyondTheCeiling(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        unbounded = msgspec.structs.replace(where, ceiling="global")
        return await self.inner.tags(unbounded, prefix=prefix, limit=limit)


class FindsWhere(Wrapper):
    """Of what is found, what `holds` the terms."""

    def holds(self, entry: Entry, terms: tuple[str, ...]) -> bool:
        return True

    async def search(self, query: LexicalQuery) -> list[Hit]:
        return [hit for hit in await self.inner.search(query) if self.holds(hit.entry, query.terms)]


@breaks(103, 104, 112)
class FindsByTheLetter(FindsWhere):
    def holds(self, entry: Entry, terms: tuple[str, ...]) -> bool:
        return any(term in entry.content for term in terms)


@breaks(113)
class DemandsEveryTerm(FindsWhere):
    def holds(self, entry: Entry, terms: tuple[str, ...]) -> bool:
        return all(term in entry.content for term in terms)


@breaks(116, 117, 118, 119, 261)
class SearchesContentOnly(FindsWhere):
    def holds(self, entry: Entry, terms: tuple[str, ...]) -> bool:
        return any(term in entry.content.lower() for term in terms)


@breaks(126)
class IndexesTheBeginning(FindsWhere):
    def holds(self, entry: Entry, terms: tuple[str, ...]) -> bool:
        return any(term in entry.content[:10_000] for term in terms)


@breaks(114, 115, 122)
class RanksAllEqual(Wrapper):
    """What becomes of BM25 when its sign is taken off the wrong way."""

    async def search(self, query: LexicalQuery) -> list[Hit]:
        hits = await self.inner.search(msgspec.structs.replace(query, limit=1000))
        by_id = sorted(hits, key=lambda hit: hit.entry.id, reverse=True)
        return [Hit(hit.entry, 1.0) for hit in by_id][: query.limit]


@breaks(122)
class RanksTheWorstFirst(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return (await self.inner.search(query))[::-1]


@breaks(119, 120)
class FindsFormerText(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        asked = msgspec.structs.replace(query.filter, as_of=T0)
        former = await self.inner.search(msgspec.structs.replace(query, filter=asked))
        return [*former, *await self.inner.search(query)][: query.limit]


@breaks(121)
class ForgetsTheArchived(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return await self.inner.search(query) if "active" in query.filter.states else []


@breaks(123)
class PutsTheOldestFirst(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        hits = await self.inner.search(msgspec.structs.replace(query, limit=1000))
        return sorted(hits, key=lambda hit: (-hit.score, hit.entry.id))[: query.limit]


@breaks(124)
class FindsAllForNothing(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        if not query.terms:
            return [Hit(entry, 0.0) for entry in await matches(self.inner, ACTIVE)]
        return await self.inner.search(query)


@breaks(125)
class TakesPhrasesApart(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        words = tuple(word for term in query.terms for word in term.split())
        return await self.inner.search(msgspec.structs.replace(query, terms=words))


@breaks(127)
class FindsTwice(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return [hit for hit in await self.inner.search(query) for _ in range(2)]


@breaks(128)
class LooksUpTenTerms(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        return await self.inner.search(msgspec.structs.replace(query, terms=query.terms[:10]))


@breaks(85)
class LooksAtTheFirstHundred(Wrapper):
    async def search(self, query: LexicalQuery) -> list[Hit]:
        best = await self.inner.search(LexicalQuery(terms=query.terms, filter=WHATEVER, limit=100))
        wanted = {e.id for e in await matches(self.inner, query.filter)}
        return [hit for hit in best if hit.entry.id in wanted][: query.limit]
