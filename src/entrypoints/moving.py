"""Moving and maintenance, composed where they are first asked for: a start has no use for them."""

from __future__ import annotations

import asyncio
import errno
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapters.files.blobs import FileBlobStore, NotWritten
from ..core.maintaining import Maintaining
from ..core.moving.mover import Moving, exported, form_of
from ..ports.errors import Rejected
from ..ports.scopes import GLOBAL
from .work import backups_of, schedules

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable

    from ..core.caller import Caller
    from ..core.moving.export import Report
    from ..core.moving.results import ExportResult, ImportResult
    from ..core.requests_moving import Format, ImportCall
    from ..ports.blobs import BlobStore
    from .settings import Settings
    from .wiring import App

_PART = 256 * 1024


def export_folder(settings: Settings) -> Path:
    if settings.export_dir is not None:
        return settings.export_dir
    if settings.db_type == "postgresql":
        return settings.data_dir / "exports"
    return settings.db_path.with_name(settings.db_path.name + "-exports")


def _own_folder(settings: Settings, ceiling: str) -> Path:
    """Each ceiling has its own, so that no name tells of another's. No export's name is that of one: they are hidden,
    and no scope has a `~`.
    """
    folder = export_folder(settings)
    if ceiling == GLOBAL:
        return folder
    with suppress(OSError):  # whoever writes there is told
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f".scope~{ceiling.replace('/', '~')}"


def make_moving(app: App, ceiling: str) -> Moving:
    return Moving(app.storage, _blobs(app, ceiling), app.clock, wrote=_wrote(app), cleaner=app.cleaner)


def _blobs(app: App, ceiling: str) -> BlobStore:
    if app.blobs is None:
        return FileBlobStore(_own_folder(app.settings, ceiling))
    if ceiling == GLOBAL:
        return app.blobs
    from .blobs_below import BlobsBelow  # noqa: PLC0415 - a store that is chosen, and a ceiling

    return BlobsBelow(app.blobs, ceiling)


def make_maintaining(app: App) -> Maintaining:
    return Maintaining(
        app.storage,
        app.clock,
        search=app.search,
        backing=backups_of(app),
        schedules=lambda: schedules(app),
        wrote=_wrote(app),
    )


async def export_to(
    moving: Moving,
    caller: Caller,
    path: str | os.PathLike[str],
    *,
    scope: str | None,
    form: Format | None,
    report: Report | None = None,
) -> ExportResult:
    """Into a file of its caller's choice: there whole in the end, in place of what was there, or not at all.
    `OSError` where it cannot be written.
    """
    target = _target(path)
    export = moving.export_of(caller, scope=scope, form=form_of(form, target.name), report=report)
    try:
        blob = await FileBlobStore(target.parent).put(target.name, export.parts(), replace=True)
    except NotWritten as error:
        raise OSError(error.errno, error.words, str(target)) from error
    return exported(export, size=blob.size, name=str(path))


def _target(path: str | os.PathLike[str]) -> Path:
    """Where its caller may well have meant a link: theirs is the folder, and the choice."""
    folder = Path(path).absolute().parent.resolve()
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(folder))
    target = folder / Path(path).name
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
    return target


async def import_from(
    moving: Moving,
    caller: Caller,
    path: str | os.PathLike[str],
    call: ImportCall,
    *,
    report: Report | None = None,
) -> ImportResult:
    if call.content is not None or call.name is not None:
        raise Rejected("give a file, content or name, not several", "content")
    return await moving.import_from(
        lambda: read_file(path),
        caller,
        form=form_of(call.format, Path(path).name),
        on_conflict=call.on_conflict,
        dry_run=call.dry_run,
        report=report,
    )


async def read_file(path: str | os.PathLike[str]) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(Path(path).open, "rb") as file:
        while part := await asyncio.to_thread(file.read, _PART):
            yield part


def _wrote(app: App) -> Callable[[], None] | None:
    """Whoever wrote is to read it at once."""
    answers = app.query_cache.answers
    return None if answers is None else answers.wrote
