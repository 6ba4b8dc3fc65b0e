"""What moved, as a model or a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ...core.maintaining import MaintainResult
    from ...core.moving.records import Counts
    from ...core.moving.results import ExportResult, ImportResult, Moved


def exported(result: ExportResult) -> str:
    if result.content is not None:
        return result.content
    return (
        f"exported {result.scope} as {result.name} ({result.format}, {result.bytes} bytes): {_counted(result.counts)}; "
        f"{result.digest}"
    )


def imported(result: ImportResult) -> str:
    verb = "would be" if result.dry_run else "were"
    lines = [f"{_counted(result.counts)} read; these {verb}:"]
    for name in ("entries", "relations", "sessions", "votes"):
        moved: Moved = getattr(result, name)
        if any(msgspec.structs.astuple(moved)):
            lines.append(
                f"{name}: {moved.created} created, {moved.updated} updated, {moved.skipped} skipped, "
                f"{moved.conflicts} in conflict"
            )
    if result.redacted:
        lines.append(f"secrets left out in {result.redacted} places")
    if result.new_ids:
        lines.append(f"{result.new_ids} under new ids, as under a ceiling (AGENT_MEMORY_SCOPE)")
    lines += [f"{left.record} {left.id}: {left.reason}" for left in result.conflicts]
    if result.more_conflicts:
        lines.append(f"({result.more_conflicts} more conflicts)")
    return "\n".join(lines)


def maintained(result: MaintainResult) -> str:
    would = "would be " if result.dry_run else ""
    match result.action:
        case "consolidate":
            head = f"{result.looked_at} entries of {result.scope} looked at: {result.found} facts told more than once"
            lines = [f"{head}, {result.superseded} entries {would}superseded"]
            lines += [
                f"{group.kept} ({group.title}) for {' '.join(group.superseded)}" for group in result.groups
            ]
            if result.changed:
                lines.append(f"({result.changed} were changed meanwhile, and left alone)")
            return "\n".join(lines)
        case "reindex":
            return (
                f"the index of {result.entries} entries and {result.vectors} stored vectors {would}made anew"
            )
        case "backup":
            made = f"made {result.backup}; " if result.backup else ""
            return f"{made}there are: {' '.join(result.backups or ()) or 'none'}"
        case "upkeep":
            return f"{would}done: {' '.join(result.done or ())}"
        case "verify":
            more = [f"({result.more_problems} more)"] if result.more_problems else []
            return "\n".join([*(result.problems or ()), *more]) or "no problem found"


def _counted(counts: Counts) -> str:
    return ", ".join(f"{count} {name}" for name, count in msgspec.structs.asdict(counts).items())
