"""Questions as data, and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from .records import Entry, Job, Kind, Relation, RelationType, State
from .scopes import ScopeFilter

T = TypeVar("T")


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Every condition must hold; all of them act before limits and ranking.

    `kinds` and `states`: one of these (empty = any, but never `deleted` unless named). `tags`: all of them;
    `tags_any`: at least one; tags match whole, by exact text. `since` <= entry.at < `until`.
    `live_at`: only entries live at that instant (see `Entry`); None does not ask.
    `as_of`: the store as it was at that instant: for each entry the revision that was current then,
    judged by its own fields, entries added later absent. Sees purged entries never.
    """

    where: ScopeFilter = ScopeFilter()
    kinds: tuple[Kind, ...] = ()
    states: tuple[State, ...] = ("active",)
    tags: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    live_at: datetime | None = None
    as_of: datetime | None = None


Order = Literal["newest", "oldest"]


class EntryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Order is by (entry.at, id). `cursor` continues after the page that returned it: no entry that stood
    throughout is skipped or repeated, whatever is written in between. A cursor that is not ours: `Rejected`.
    """

    filter: EntryFilter = EntryFilter()
    order: Order = "newest"
    limit: int = 50
    cursor: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """`cursor` is None on the last page."""

    items: tuple[T, ...]
    cursor: str | None = None


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a kind that the scopes hold, in a fixed order, page by page. `cursor` continues after the page that
    returned it: nothing that stood throughout is skipped or repeated. A cursor that is not ours: `Rejected`.
    """

    where: ScopeFilter = ScopeFilter()
    limit: int = 500
    cursor: str | None = None


class LexicalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`terms` are plain words or phrases, any of which may match (each is quoted by the adapter, stemmed as English,
    folded by case and diacritics). Title, content, tags and author are searched.
    """

    terms: tuple[str, ...]
    filter: EntryFilter = EntryFilter()
    limit: int = 10


class VectorQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`vector` is little-endian float32, unit length. Only vectors of `model` are compared. `as_of` is not
    answered here (vectors follow the current version): `Rejected`.
    """

    vector: bytes
    model: str
    filter: EntryFilter = EntryFilter()
    limit: int = 10


class Hit(msgspec.Struct, frozen=True):
    """`score`: higher is better, comparable only within one answer (cosine for vectors). `start` and `end` say
    where the best chunk stands in the content (0, 0: the whole).
    """

    entry: Entry
    score: float
    start: int = 0
    end: int = 0


class GraphQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Breadth-first over relations in both directions from `start`, at most `depth` edges away (1 to 5) and
    `limit` relations. Never leaves `ceiling`, never passes through a deleted entry, ends on cycles.
    """

    start: str
    types: tuple[RelationType, ...] = ()
    depth: int = 1
    limit: int = 50
    ceiling: str = "global"


class Graph(msgspec.Struct, frozen=True):
    """Relations in the order met; `truncated` when `limit` cut them."""

    relations: tuple[Relation, ...]
    truncated: bool = False


class Outlook(msgspec.Struct, frozen=True):
    """`generation` is that of the scopes. No active entry in them becomes live or ceases to be (see `Entry`) later
    than the instant asked about and earlier than `until`; None: none ever does, as things stand. `until` lies
    after that instant, and may come before anything happens in those very scopes.
    """

    generation: str
    until: datetime | None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What was voted on. `votes` counts every vote cast, replaced ones included, `agents` who cast them."""

    scope: str
    question: str
    votes: int
    agents: int


class ScopeStats(msgspec.Struct, frozen=True, kw_only=True):
    scope: str
    entries: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what the filter's scopes hold. `by_kind` counts active entries, `by_state` all of them."""

    entries: int
    by_kind: dict[str, int]
    by_state: dict[str, int]
    scopes: int
    vectors: int


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    waiting: int = 0
    leased: int = 0
    dead: int = 0


class JobStats(msgspec.Struct, frozen=True, kw_only=True):
    """Of all jobs, and `by_kind` of those kinds of which there are any. `oldest_due` is the run_at of the job that has
    waited longest past it.
    """

    waiting: int
    leased: int
    dead: int
    oldest_due: datetime | None = None
    by_kind: dict[str, JobCounts] = {}

    @staticmethod
    def of(by_kind: dict[str, JobCounts], oldest_due: datetime | None) -> JobStats:
        counts = by_kind.values()
        return JobStats(
            waiting=sum(one.waiting for one in counts),
            leased=sum(one.leased for one in counts),
            dead=sum(one.dead for one in counts),
            oldest_due=oldest_due,
            by_kind=by_kind,
        )


class PendingJob(msgspec.Struct, frozen=True):
    """A job that waits, or runs until `leased_until` unless its lease is renewed."""

    job: Job
    leased_until: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """When it can be leased."""
        return self.leased_until or self.job.run_at
