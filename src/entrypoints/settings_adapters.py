"""The settings that choose an adapter of someone else's, or another of ours than the rest would have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..ports.errors import Misconfigured
from .setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .settings import Settings

STORES = ("sqlite", "postgresql")


def adapter(port: str, *own: str) -> Callable[[str], str]:
    """A name or an address. `own` are words that need no look at what is installed."""
    return partial(_adapter, port, own)


def _adapter(port: str, own: tuple[str, ...], text: str) -> str:
    if text.lower() in own:
        return text.lower()
    from .registry import name_of, nearest, parse_address, registered  # noqa: PLC0415 (where one is chosen)

    name = name_of(text)
    known = list(dict.fromkeys((*own, *(one.name for one in registered(port)))))
    if name not in known:
        raise ValueError(
            f"must be one of {', '.join(known)}, or an address that begins with one{nearest(name, known)}"
        )
    parse_address(text)
    return name + text[len(name) :]


def chooses(settings: Settings) -> bool:
    """Whether an adapter beside the storage, or the storage itself, is chosen by name."""
    return bool(
        settings.cache
        or settings.lock
        or settings.event_bus
        or settings.rate_limiter
        or settings.circuit_breaker
        or settings.blob_store
        or settings.db_type not in STORES
    )


def settle_storage(fields: dict[str, Any], sources: Mapping[str, str]) -> None:
    """DB_TYPE and STORAGE are one choice. An address of our own storages is told by the settings that they have."""
    text: str = fields.get("storage", "")
    name = text.partition("://")[0]
    if text and sources["DB_TYPE"] == "environment" and fields["db_type"].partition("://")[0] != name:
        raise Misconfigured("AGENT_MEMORY_DB_TYPE and AGENT_MEMORY_STORAGE differ: leave one out")
    fields["storage"] = text = text or fields["db_type"]
    fields["db_type"] = name = text.partition("://")[0]
    if name in STORES and text != name:
        _tell(fields, name, text)


def _tell(fields: dict[str, Any], name: str, text: str) -> None:
    from .registry import parse_address  # noqa: PLC0415 (where an address is given)
    from .setting import path  # noqa: PLC0415

    address = parse_address(text)
    if address.options or (name == "sqlite" and (address.host or address.user or not address.path)):
        form = (
            "sqlite:///path/to/file" if name == "sqlite" else "postgresql://user:password@host:port/database"
        )
        raise Misconfigured(f"AGENT_MEMORY_STORAGE: must be like {form}; the rest is said by other settings")
    if name == "sqlite":
        fields["db_path"] = path(address.path)
        return
    told = {
        "pg_host": address.host,
        "pg_port": address.port,
        "pg_user": address.user,
        "pg_password": address.password,
        "pg_database": address.path.strip("/"),
    }
    fields.update({field: value for field, value in told.items() if value})


ADAPTER_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="STORAGE",
        default="",
        field="storage",
        read=adapter("storage", *STORES),
        address=True,
        meaning="another name of DB_TYPE, which may be an address too: NAME://user:password@host:port/path?option=value",
    ),
    Setting(
        name="CACHE",
        default="",
        field="cache",
        read=adapter("cache"),
        address=True,
        meaning="the adapter that keeps answers for all instances (default: Redis where enabled, else none): a name "
        "that `agent-memory adapters` lists, or an address that begins with one",
    ),
    Setting(
        name="LOCK",
        default="",
        field="lock",
        read=adapter("lock"),
        address=True,
        meaning="the adapter of file locks (default: Redis where enabled, else that of the storage)",
    ),
    Setting(
        name="EVENT_BUS",
        default="",
        field="event_bus",
        read=adapter("event_bus"),
        address=True,
        meaning="the adapter that tells instances of changes (default: Redis where enabled, else that of the storage)",
    ),
    Setting(
        name="RATE_LIMITER",
        default="",
        field="rate_limiter",
        read=adapter("rate_limiter"),
        address=True,
        meaning="the adapter that counts calls (default: Redis where enabled, else each process for itself)",
    ),
    Setting(
        name="CIRCUIT_BREAKER",
        default="",
        field="circuit_breaker",
        read=adapter("circuit_breaker"),
        address=True,
        meaning="the adapter that stands before the storage (default: one before a storage that is reached over a "
        "network, shared through Redis where enabled)",
    ),
    Setting(
        name="BLOB_STORE",
        default="",
        field="blob_store",
        read=adapter("blob_store"),
        address=True,
        meaning="the adapter that keeps named exports (default: the folder of EXPORT_DIR)",
    ),
)
