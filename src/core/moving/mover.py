"""Export and import as they are asked for: in the answer, or under a name in the one place for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.blobs import checked_blob_name
from ...ports.errors import Rejected
from .. import limits
from .export import Export
from .importing import Import
from .results import ExportResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ...ports.blobs import BlobStore
    from ...ports.clock import Clock
    from ...ports.storage import Storage
    from ..caller import Caller
    from ..redaction.cleaning import Cleaner
    from ..requests_moving import ExportCall, Format, ImportCall, OnConflict
    from .export import Report
    from .importing import Source
    from .results import ImportResult

_ENDINGS: dict[str, Format] = {"json": "json", "jsonl": "jsonl", "md": "markdown", "markdown": "markdown"}


class Moving:
    """`blobs`: where named exports are. `wrote` is called after an import, done or not: earlier answers are over."""

    def __init__(
        self,
        storage: Storage,
        blobs: BlobStore,
        clock: Clock,
        *,
        wrote: Callable[[], None] | None = None,
        cleaner: Cleaner | None = None,
    ) -> None:
        self._storage = storage
        self._blobs = blobs
        self._clock = clock
        self._wrote = wrote
        self._cleaner = cleaner

    async def export(self, request: ExportCall, caller: Caller, report: Report | None = None) -> ExportResult:
        form = form_of(request.format, request.name)
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("scope", request.scope), ("name", request.name))
        export = Export(self._storage, scope=request.scope, ceiling=caller.ceiling, form=form, report=report)
        if request.name is not None:
            checked_blob_name(request.name)
            blob = await self._blobs.put(request.name, export.parts())
            return exported(export, size=blob.size, name=request.name)
        text = bytearray()
        async for part in export.parts():
            text += part
            if len(text) > limits.EXPORT_BYTES:
                raise Rejected(
                    f"name is missing: this export is larger than {limits.EXPORT_BYTES} bytes; give a name, under "
                    "which it is kept, or a smaller scope",
                    "name",
                )
        return exported(export, size=len(text), content=text.decode())

    def export_of(
        self, caller: Caller, *, scope: str | None, form: Format, report: Report | None = None
    ) -> Export:
        """For whoever brings the stream elsewhere."""
        return Export(self._storage, scope=scope, ceiling=caller.ceiling, form=form, report=report)

    async def import_(
        self, request: ImportCall, caller: Caller, report: Report | None = None, *, ballots: bool = True
    ) -> ImportResult:
        """`ballots` false: no vote is taken in that does not stand already."""
        if (request.content is None) == (request.name is None):
            raise Rejected(
                "give content or name: the text of an export, or the name of one kept here", "content"
            )
        if request.name is not None:
            name = checked_blob_name(request.name)
            return await self.import_from(
                lambda: self._blobs.get(name), caller, form=form_of(request.format, name),
                on_conflict=request.on_conflict, dry_run=request.dry_run, report=report, ballots=ballots,
            )  # fmt: skip
        try:
            text = (request.content or "").encode()
        except UnicodeEncodeError:
            raise Rejected("content: lone surrogate; send valid Unicode", "content") from None

        async def parts() -> AsyncIterator[bytes]:
            yield text

        return await self.import_from(
            parts, caller, form=form_of(request.format, None), on_conflict=request.on_conflict,
            dry_run=request.dry_run, report=report, ballots=ballots,
        )  # fmt: skip

    async def import_from(
        self,
        source: Source,
        caller: Caller,
        *,
        form: Format,
        on_conflict: OnConflict = "skip",
        dry_run: bool = False,
        report: Report | None = None,
        ballots: bool = True,
    ) -> ImportResult:
        work = Import(
            self._storage, source, form=form, on_conflict=on_conflict, ceiling=caller.ceiling,
            now=self._clock.now(), ballots=ballots, report=report, cleaner=self._cleaner,
        )  # fmt: skip
        try:
            return await work.run(dry_run=dry_run)
        finally:
            if self._wrote is not None and not dry_run:
                self._wrote()


def form_of(given: Format | None, name: str | None) -> Format:
    if given is not None:
        return given
    return _ENDINGS.get((name or "").rpartition(".")[2].lower(), "json")


def exported(
    export: Export, *, size: int, name: str | None = None, content: str | None = None
) -> ExportResult:
    end = export.end
    return ExportResult(
        format=export.form,
        scope=export.scope,
        counts=end.counts,
        digest=end.digest,
        bytes=size,
        name=name,
        content=content,
    )
