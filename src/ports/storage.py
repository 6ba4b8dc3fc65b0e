"""Storage: the one place where memory is kept.

Promises. A unit of work is atomic, isolated and durable: once `apply` returns or the unit's block is left
cleanly, entry, revisions, tags, index rows, relations, events, jobs and generation are on stable storage
together; after an exception, a cancellation or a crash none of them is. A commit that was already under way
when its caller was cancelled may still take effect, whole. A writer reads its own writes at once; others see a
unit only after it has committed. Two concurrent units never mix. The same data and filter give the same
set on every adapter; lexical ranking may differ within the tolerance that the contract states.

Not promised. Order between concurrent units before their commit; ranking scores comparable between
adapters; that `now` on two hosts agrees.

Errors: `Unavailable` (also: disk full, read-only, waited longer than the busy timeout), `Conflict`,
`NotFound`, `Rejected` (NUL in text, limits out of range, cursor not ours), `Corrupt`, `Misconfigured`
(raised when entered: schema newer than the program, path not writable).

Every adapter is an async context manager: entering creates or migrates the schema (safe when many
processes do it at once), leaving is shielded and bounded, and both happen in one task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType

    from .changes import Applied, Change, Once
    from .queries import (
        EntryFilter,
        EntryQuery,
        Graph,
        GraphQuery,
        Hit,
        JobStats,
        LexicalQuery,
        Outlook,
        Page,
        PendingJob,
        Question,
        ScopeStats,
        Stats,
        Sweep,
        VectorQuery,
    )  # fmt: skip
    from .records import Entry, Event, Job, JobLease, Relation, Revision, Session, Vector, Vote
    from .scopes import ScopeFilter


Maintenance = Literal["statistics", "index", "space", "keys", "rebuild"]
"""What a store does for itself from time to time. statistics: what its query planner knows. index: search indexes
merged. space: room given back to the file system, the log shortened. keys: idempotency keys dropped that are over.
rebuild: the lexical index made anew from the texts, whatever was wrong with it.
"""


class StorageCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter can do beyond the contract's core.

    `durable`: survives the process. `shared`: which clients may use one store at once.
    `vectors`: how `nearest` answers. `concurrent_units`: two units may both be open and writing; where false,
    the second one's first statement waits for the first to end. `marks`: whether `mark` knows. `backups`: whether
    `backup` can be called. `settles`: once a later unit of the same client is through, one that was cancelled before it
    has taken effect or never will; where false it may come still later, whole.
    """

    name: str
    durable: bool
    shared: Literal["process", "host", "network"]
    vectors: Literal["exact", "approximate"]
    concurrent_units: bool
    marks: bool = False
    backups: bool = False
    settles: bool = False


class Reader(Protocol):
    """Reads, each at one consistent snapshot. Outside a unit they see only what is committed."""

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        """The current versions, in the order asked, repeated ids once; missing, deleted and out-of-ceiling left out."""
        ...

    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        """Newest first, the current version (or tombstone) included. Empty when unknown, purged or out of ceiling."""
        ...

    async def query(self, query: EntryQuery) -> Page[Entry]: ...

    async def search(self, query: LexicalQuery) -> list[Hit]:
        """Best first; equal scores by newest id. No terms: no hits."""
        ...

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        """By cosine, each entry once, by its best chunk."""
        ...

    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        """What `PutVectors` stored and still stands, each entry's in their order. Entries without any are left out."""
        ...

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        """Relations that touch any of the ids, both ends visible; by creation."""
        ...

    async def walk(self, query: GraphQuery) -> Graph: ...

    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        """A shortest chain of relations from `query.start` to `target`, or None within the bounds."""
        ...

    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        """Most recently begun first."""
        ...

    async def votes(self, scope: str, question: str) -> list[Vote]:
        """Every vote cast, replaced ones included, in the order cast."""
        ...

    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        """Every version of every entry, tombstones too, by (id, version): those of one entry side by side, the current
        one, whose `until` is None, last. `ids`: of these only. Without `former` the current ones alone.

        A page that ends with a current version is done with that entry, whatever becomes of it meanwhile.
        """
        ...

    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        """Those whose ends both lie in the scopes and are not deleted, by (source, target, type)."""
        ...

    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        """By id. `ids`: these only."""
        ...

    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        """Every vote cast, replaced ones included, in the order cast."""
        ...

    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        """What was voted on, that with the latest vote, by the order cast, first."""
        ...

    async def stats(self, where: ScopeFilter) -> Stats: ...

    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        """Scopes that hold active entries, by name, with the number of them; `prefix` is plain text."""
        ...

    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        """Tags of active entries with their counts, most used first, then by name."""
        ...

    async def generation(self, where: ScopeFilter) -> str:
        """An opaque mark of everything that the filter sees: equal marks, equal content. It changes with every
        committed change to an entry, relation, session or vote in those scopes, and costs no scan.
        """
        ...

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        """The generation, and until when time alone changes nothing of what the filter sees. Costs no scan."""
        ...


class UnitOfWork(Reader, Protocol):
    """An open transaction, an object of its own. Not for use by several tasks at once."""

    async def apply(self, *changes: Change) -> Applied:
        """In order. An error leaves the unit usable only for leaving it: the block must be left by an exception,
        or leaving raises what apply raised.
        """
        ...


class Storage(Reader, Protocol):
    @property
    def capabilities(self) -> StorageCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        """One whole unit of work in one call. Adapters may commit several callers' units together;
        each stays atomic alone, and one that fails harms no other.
        """
        ...

    def mark(self) -> int | None:
        """At once, without waiting for anything: a number that differs from every former one of this client as soon
        as anything that reads may see has changed, whoever changed it; a commit's before `apply` returns. So between
        two equal marks nothing has changed. It may change without need.

        None: not known just now. Without the capability `marks` it is always None, and changes are heard of by events.
        """
        ...

    def unit(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit to read and write in by turns. Commits when the block is left cleanly, else rolls back.
        It may hold up other writers: keep it short and await nothing foreign inside. An adapter may roll back
        one that stays idle for longer than it states (`Unavailable`).
        """
        ...

    def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002
        """Every match, by (at, id), in bounded memory. Keyset by keyset: not one snapshot."""
        ...

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        """Events with seq > `after`, ascending. No event with a lower seq ever appears after one was returned."""
        ...

    async def outbox_head(self) -> int:
        """The seq of the newest committed event, 0 when there never was one. Cheap: meant to be polled."""
        ...

    async def trim_outbox(self, up_to: int) -> int:
        """Delete events with seq <= `up_to`; returns how many. Seqs are never used again."""
        ...

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        """Due jobs of these kinds, earliest run_at first, leased to one owner at a time until `ttl` seconds from now.
        A lease that ran out makes the job due again; one whose attempts are used up goes to the dead letters.
        """
        ...

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        """`NotHeld` when the lease ran out and the job went to another, or is finished."""
        ...

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        """Remove the job and apply what it did, in one transaction. `NotHeld`: nothing was applied."""
        ...

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        """Back to waiting for `retry_in` seconds; after the last attempt to the dead letters, with the reason.
        True while it will be tried again. `NotHeld` as above.
        """
        ...

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        """Jobs that wait or run, of these kinds (none named: of all), those due first coming first."""
        ...

    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        """Newest first."""
        ...

    async def revive_jobs(self, ids: Sequence[int]) -> int:
        """Dead letters back to waiting, attempts at 0. Returns how many: one whose key another job has taken since
        stays dead.
        """
        ...

    async def discard_jobs(self, ids: Sequence[int]) -> int:
        """Dead letters gone for good. Returns how many."""
        ...

    async def job_stats(self) -> JobStats: ...

    async def maintain(self, task: Maintenance) -> None:
        """Changes nothing that reads see. Goes in steps, between which other writers have their turn, and may be
        cancelled between any two. Where a backend does it by itself, nothing is left to do.
        """
        ...

    async def backup(self, target: str) -> None:
        """Everything that was committed when it began, as of one instant, into a new file at this path that only its
        owner can read: there whole, on stable storage, or not at all. Writers go on meanwhile. `Rejected` where
        something stands at `target`, or without the capability `backups`.
        """
        ...

    async def schema_version(self) -> int: ...

    async def verify(self) -> list[str]:
        """Check the store against itself (file, lexical index, tags, revisions). One line a problem; may be slow."""
        ...

    async def health(self) -> dict[str, object]:
        """`connected` (bool) and figures of this adapter (size, pool, waiting writers). Never raises."""
        ...
