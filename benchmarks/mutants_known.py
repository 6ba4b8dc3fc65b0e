"""Mutants that no clause can find, and why: by file, function and change."""

from __future__ import annotations

KNOWN: dict[tuple[str, str, str], str] = {}
