"""Settings of how texts are read and kept."""

from __future__ import annotations

from .setting import Setting, flag
from .zones import zone_setting

TEXT_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="TIMEZONE",
        default="UTC",
        field="timezone",
        read=zone_setting,
        meaning="where times are meant that name no zone, and days begin: UTC, local (the system's), or Europe/Berlin",
    ),
    Setting(
        name="REDACT",
        default="true",
        field="redact",
        read=flag,
        meaning="secrets in what is stored (keys, tokens, passwords) are replaced by [redacted:kind]",
    ),
)
