"""What can be asked of the memory as a whole: to be moved, and to be kept in order."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Format = Literal["json", "jsonl", "markdown"]
FORMATS: tuple[Format, ...] = get_args(Format)
OnConflict = Literal["skip", "update", "fail"]
ON_CONFLICT: tuple[OnConflict, ...] = get_args(OnConflict)
MaintainAction = Literal["consolidate", "reindex", "backup", "upkeep", "verify"]
MAINTAIN_ACTIONS: tuple[MaintainAction, ...] = get_args(MaintainAction)


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ExportCall(_Request, frozen=True, kw_only=True):
    """Without `format` the ending of `name` says it, else it is JSON."""

    action: Literal["export"] = "export"
    format: Format | None = None
    scope: str | None = None
    name: str | None = None
    agent_id: str | None = None


class ImportCall(_Request, frozen=True, kw_only=True):
    """One of `content` and `name`."""

    action: Literal["import"] = "import"
    content: str | None = None
    name: str | None = None
    format: Format | None = None
    on_conflict: OnConflict = "skip"
    dry_run: bool = False
    admin_key: str | None = None
    agent_id: str | None = None


class MaintainCall(_Request, frozen=True, kw_only=True):
    """`scope` for consolidate: it and what is below."""

    action: MaintainAction
    dry_run: bool = False
    scope: str | None = None
    admin_key: str | None = None
    agent_id: str | None = None
