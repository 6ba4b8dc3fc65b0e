"""What an export and an import say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..requests_moving import Format
from .records import SECTIONS, Counts, Section

if TYPE_CHECKING:
    from .merging import Verdict
    from .records import End

_SHOWN = 50
_REASON_CHARS = 300


class ExportResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Either `content` or `name`, under which it is kept."""

    format: Format
    scope: str
    counts: Counts
    digest: str
    bytes: int
    name: str | None = None
    content: str | None = None


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """`skipped`: stood already, or is ahead of what was brought. `conflicts`: left as they stand."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    conflicts: int = 0


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What was not taken in, and why."""

    record: Section
    id: str
    reason: str


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """`conflicts`: the first of them. `redacted`: places where a secret was left out. `new_ids`: how many of those that
    were created have an id of their own here, as under a ceiling. On a dry run, what would be.
    """

    entries: Moved
    relations: Moved
    sessions: Moved
    votes: Moved
    conflicts: tuple[Left, ...]
    more_conflicts: int
    counts: Counts
    digest: str
    dry_run: bool
    redacted: int = 0
    new_ids: int = 0


class Account:
    """What an import has done so far."""

    def __init__(self) -> None:
        self._moved: dict[Section, dict[Verdict, int]] = {section: {} for section in SECTIONS}
        self._left: list[Left] = []
        self._conflicts = 0
        self._new_ids = 0

    def add(
        self, section: Section, verdict: Verdict, subject: str, reason: str, *, renamed: bool = False
    ) -> None:
        self._new_ids += renamed and verdict == "created"
        moved = self._moved[section]
        moved[verdict] = moved.get(verdict, 0) + 1
        if verdict == "conflict":
            self._conflicts += 1
            if len(self._left) < _SHOWN:
                self._left.append(
                    Left(record=section, id=subject[:_REASON_CHARS], reason=reason[:_REASON_CHARS])
                )

    def result(self, end: End, *, dry_run: bool, redacted: int = 0) -> ImportResult:
        moved = {
            section: Moved(
                created=counts.get("created", 0),
                updated=counts.get("updated", 0),
                skipped=counts.get("skipped", 0),
                conflicts=counts.get("conflict", 0),
            )
            for section, counts in self._moved.items()
        }
        return ImportResult(
            entries=moved["entries"],
            relations=moved["relations"],
            sessions=moved["sessions"],
            votes=moved["votes"],
            conflicts=tuple(self._left),
            more_conflicts=self._conflicts - len(self._left),
            counts=end.counts,
            digest=end.digest,
            dry_run=dry_run,
            redacted=redacted,
            new_ids=self._new_ids,
        )
