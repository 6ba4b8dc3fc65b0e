"""The setting of exports."""

from __future__ import annotations

from .setting import Setting, path

MOVING_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="EXPORT_DIR",
        default="",
        field="export_dir",
        read=path,
        meaning="folder of named exports, to and from which agents move memory by base names (default: beside the "
        "SQLite file, its name with -exports; with PostgreSQL exports in the data folder)",
    ),
)
