"""Time zones: by their names in the tz database, of the system or of the package tzdata where the system has none."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo

from ..core.periods.period import Zones

_LOCALTIME = "/etc/localtime"


def zone_setting(text: str) -> str:
    """`UTC`, `local`, or the name of a zone that there is."""
    if text.upper() == "UTC":
        return "UTC"
    if text.lower() == "local":
        return "local"
    if zone_named(text) is None:
        raise ValueError("must be UTC, local, or a time zone's name such as Europe/Berlin")
    return text


def zone_named(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - where a zone is named

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def make_zones(setting: str) -> Zones:
    if setting == "UTC":
        return Zones(UTC, zone_named)
    return Zones((_system_zone() if setting == "local" else zone_named(setting)) or UTC, zone_named)


def _system_zone() -> tzinfo | None:
    """As the C library finds it, by name."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        name = os.path.realpath(_LOCALTIME).rpartition("/zoneinfo/")[2]
    return zone_named(name) if name else None
