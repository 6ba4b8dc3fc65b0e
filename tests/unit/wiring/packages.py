"""Packages of someone else's, as far as whoever looks for adapters can see: metadata, entry points, a module."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])


def package(
    folder: Path, name: str, entries: dict[str, dict[str, str]], source: str = "", version: str = "1.2"
) -> None:
    """Into a folder on the path. `entries`: by group, what each name leads to. The module is called as the package."""
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        line
        for group, named in entries.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in named.items()), "")
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    (folder / f"{name}.py").write_text(source)
    importlib.invalidate_caches()
