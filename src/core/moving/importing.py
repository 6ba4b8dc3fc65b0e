"""Import: an export read twice. First all of it is judged, and nothing written; then it is written, batch by batch.

Each batch is one transaction, and what stands already as it would be written is left alone. So an import that was cut
off, at any point, is simply started again: it goes on where it was, and the end is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Conflict, NotFound, Rejected
from .cleansing import Cleansing
from .deciding import Case, Deciding, outcome_of
from .grouping import Grouping
from .merging import Decision
from .reading import ExportReader
from .results import Account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import datetime

    from ...ports.changes import Outcome
    from ...ports.storage import Storage
    from ..redaction.cleaning import Cleaner
    from ..requests_moving import Format, OnConflict
    from .grouping import Batch
    from .records import End
    from .results import ImportResult

    Report = Callable[[int, int | None, str], None]
    Source = Callable[[], AsyncIterator[bytes]]
    Use = Callable[[Batch, Account], Awaitable[None]]

_SLICE = 64 * 1024
"""Bytes of the source that become records at a time, however large its parts are."""


class Import:
    """`source` gives the bytes anew each time it is called. Nothing in it may be said to have been after `now`."""

    def __init__(
        self,
        storage: Storage,
        source: Source,
        *,
        form: Format,
        on_conflict: OnConflict,
        ceiling: str,
        now: datetime,
        ballots: bool = True,
        report: Report | None = None,
        cleaner: Cleaner | None = None,
    ) -> None:
        self._storage = storage
        self._source = source
        self._form: Format = form
        self._fails = on_conflict == "fail"
        self._ceiling = ceiling
        self._now = now
        self._report = report
        self._told = 0
        self._cleaner = cleaner
        self._deciding = Deciding(storage, ceiling=ceiling, policy=on_conflict, ballots=ballots)

    async def run(self, *, dry_run: bool = False) -> ImportResult:
        """`Rejected` where the export is not whole, or holds what this caller may not write; `Conflict` where something
        stands in its way and `on_conflict` is fail. Nothing was written then, but for a conflict that only the writing
        itself could show (the same content under another id): what came before it is in.
        """
        judged = Cleansing(self._cleaner) if self._cleaner is not None and self._fails else None
        end = await self._read(self._judge, Account(), None, judged)
        account = Account()
        cleansing = None if self._cleaner is None else Cleansing(self._cleaner)
        total = sum(msgspec.structs.astuple(end.counts))
        if await self._read(self._try if dry_run else self._write, account, total, cleansing) != end:
            raise Rejected("content: it changed while it was read; import it again", "content")
        redacted = 0 if cleansing is None else cleansing.redacted
        return account.result(end, dry_run=dry_run, redacted=redacted)

    async def _read(self, use: Use, account: Account, total: int | None, cleansing: Cleansing | None) -> End:
        """`total`: how many records there are, once that is known. Both readings count as half of the work."""
        reader, grouping = ExportReader(self._form), Grouping(self._ceiling, self._now)
        before, whole = (0, None) if total is None else (total, 2 * total)
        verb = "checked" if total is None else "done"

        async def take(batches: Iterable[Batch]) -> None:
            for batch in batches:
                await self._use(use, batch, account, cleansing)
                done = before + reader.records
                if self._report is not None and done > self._told:
                    self._told = done
                    self._report(done, whole, f"{reader.records} records {verb}")

        async for part in self._source():
            for start in range(0, len(part), _SLICE):
                await take(grouping.add(reader.feed(part[start : start + _SLICE])))
        await take(grouping.add(reader.close()))
        await take(grouping.close())
        return reader.finish()

    async def _use(self, use: Use, batch: Batch, account: Account, cleansing: Cleansing | None) -> None:
        if cleansing is not None:
            batch = await cleansing.batch(batch)
            for section, subject, reason in cleansing.left():
                self._note(Case(section, subject, Decision("conflict", reason=reason)), account)
        if batch:
            await use(batch, account)

    async def _judge(self, batch: Batch, account: Account) -> None:
        """What can be seen of the store beforehand matters only where a conflict ends it all."""
        if self._fails:
            await self._try(batch, account)

    async def _try(self, batch: Batch, account: Account) -> None:
        for case in await self._deciding.cases(batch, tries=True):
            self._note(case, account)

    async def _write(self, batch: Batch, account: Account) -> None:
        cases = await self._deciding.cases(batch)
        changes = [change for case in cases for change in case.decision.changes]
        outcomes: tuple[Outcome, ...] = ()
        if changes:
            try:
                outcomes = (await self._storage.apply(*changes)).outcomes
            except (Conflict, NotFound):
                await self._write_apart(cases, account)
                return
        start = 0
        for case in cases:
            end = start + len(case.decision.changes)
            self._note(outcome_of(case, outcomes[start:end]), account)
            start = end

    async def _write_apart(self, cases: list[Case], account: Account) -> None:
        """One of them met something that stands in its way: the others are none the worse for it."""
        for case in cases:
            done = case
            if case.decision.changes:
                try:
                    done = outcome_of(case, (await self._storage.apply(*case.decision.changes)).outcomes)
                except (Conflict, NotFound) as error:
                    done = case.but("conflict", str(error))
            self._note(done, account)

    def _note(self, case: Case, account: Account) -> None:
        decision = case.decision
        if self._fails and decision.verdict == "conflict":
            raise Conflict(f"on_conflict fail: {case.section} {case.subject}: {decision.reason}")
        account.add(case.section, decision.verdict, case.subject, decision.reason, renamed=case.renamed)
