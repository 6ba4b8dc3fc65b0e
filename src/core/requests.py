"""What can be asked of the memory: the arguments, by their public names.

These are decoded straight from JSON; unknown names and wrong types are refused there. Times stay text until the
domain parses them, so that a bad one is reported by field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..ports.lock import MAX_TTL
from ..ports.records import Kind, RelationType
from . import limits

FileLockAction = Literal["checkout", "checkin", "renew", "status", "list", "force_unlock"]
FILE_LOCK_ACTIONS: tuple[FileLockAction, ...] = get_args(FileLockAction)
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Id = Annotated[str, Meta(max_length=limits.ID_CHARS)]
Ids = Annotated[list[Id], Meta(min_length=1, max_length=limits.IDS_PER_CALL)]
Limit = Annotated[int, Meta(ge=1, le=limits.RESULTS)]
Tokens = Annotated[int, Meta(ge=limits.MIN_TOKENS_LIMIT, le=limits.MAX_TOKENS_LIMIT)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _EntryFields(_Request, frozen=True, kw_only=True):
    title: str = ""
    kind: Kind = "note"
    scope: str | None = None
    author: str = ""
    tags: list[str] = []
    metadata: dict[str, Any] = {}
    importance: Fraction = 0.5
    occurred_at: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    expires_at: str | None = None


class NewEntry(_EntryFields, frozen=True, kw_only=True):
    content: str


class Remember(_EntryFields, frozen=True, kw_only=True):
    """One entry by `content`, or several by `entries`, for which `scope` is then the default."""

    content: str | None = None
    entries: Annotated[list[NewEntry], Meta(min_length=1, max_length=limits.ENTRIES_PER_CALL)] | None = None
    agent_id: str | None = None
    idempotency_key: str | None = None


class Recall(_Request, frozen=True, kw_only=True):
    query: str = ""
    scope: str | None = None
    inherit: bool = True
    descendants: bool = False
    kinds: list[Kind] = []
    tags: list[str] = []
    tags_any: list[str] = []
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    limit: Limit = 10
    max_tokens: Tokens = limits.MAX_TOKENS_DEFAULT
    mode: Literal["hybrid", "lexical", "dense"] = "hybrid"
    explain: bool = False


class Get(_Request, frozen=True, kw_only=True):
    ids: Ids
    history: bool = False
    relations: bool = False


class Update(_Request, frozen=True, kw_only=True):
    """Left out: unchanged. `null` for a time: cleared. `metadata` replaces the whole object."""

    id: Id
    expected_version: Annotated[int, Meta(ge=1, le=limits.VERSION)] | None = None
    content: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    add_tags: list[str] = []
    remove_tags: list[str] = []
    metadata: dict[str, Any] | UnsetType = UNSET
    importance: Fraction | UnsetType = UNSET
    valid_until: str | UnsetType | None = UNSET
    expires_at: str | UnsetType | None = UNSET
    state: Literal["active", "superseded", "archived"] | UnsetType = UNSET
    agent_id: str | None = None


class ForgetFilter(_Request, frozen=True, kw_only=True):
    """`scope` is exact and must be named: a filter without one would reach everybody's memory."""

    scope: str
    kinds: list[Kind] = []
    tags: list[str] = []
    before: str | None = None
    after: str | None = None


class Forget(_Request, frozen=True, kw_only=True):
    ids: Ids | None = None
    filter: ForgetFilter | None = None
    dry_run: bool = False
    purge: bool = False
    admin_key: str | None = None
    agent_id: str | None = None


class Link(_Request, frozen=True, kw_only=True):
    action: Literal["link", "unlink", "neighbors", "path"]
    source: Id = msgspec.field(name="from")
    target: Id | None = msgspec.field(name="to", default=None)
    type: RelationType | None = None
    depth: Annotated[int, Meta(ge=1, le=5)] | None = None
    limit: Annotated[int, Meta(ge=1, le=limits.RELATIONS)] = 50
    agent_id: str | None = None


class FileLock(_Request, frozen=True, kw_only=True):
    """`file_path` for every action but list, `token` for checkin and renew, `reason` for force_unlock."""

    action: FileLockAction
    file_path: str | None = None
    agent_id: str | None = None
    ttl_seconds: Annotated[float, Meta(ge=limits.FILE_LOCK_SECONDS_LEAST, le=MAX_TTL)] | None = None
    wait_seconds: Annotated[float, Meta(ge=0, le=limits.FILE_LOCK_WAIT_SECONDS)] = 0.0
    token: Annotated[int, Meta(ge=1, le=limits.TOKEN)] | None = None
    admin_key: str | None = None
    reason: str = ""
