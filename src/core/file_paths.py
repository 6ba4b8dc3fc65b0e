"""Names of files as locks see them: two spellings of one path are one name, two files are never one."""

from __future__ import annotations

import unicodedata

from ..ports.errors import Rejected
from . import limits
from .text import JOINERS, checked, printed_on_one_line


def normal_path(text: str, field: str = "file_path") -> str:
    """The path without `.`, `..`, repeated and trailing slashes, in NFC, case kept; `Rejected` when it names no file.

    A matter of text: no disk is asked, as the file may lie on a caller's machine. So symbolic links are not resolved,
    and a relative path is not the absolute one that it stands for somewhere. As for a kernel, `/..` is `/`; a
    relative path must not climb out of where it begins, for where that leads nobody here can know.
    """
    path = unicodedata.normalize("NFC", checked(text, field, most=limits.PATH_BYTES, unit="bytes"))
    printed_on_one_line(path, field)
    _seen_as_it_is(path, field)
    absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        elif not absolute:
            raise Rejected(
                f"{field} {path[:120]!r}: '..' climbs out of the folder that relative paths begin in; "
                "give it from that folder, or from /",
                field,
            )
    if not "".join(parts).strip():
        raise Rejected(f"{field} {path[:120]!r}: names no file", field)
    return ("/" if absolute else "") + "/".join(parts)


def _seen_as_it_is(path: str, field: str) -> None:
    """`Rejected` where a character hides, or turns what follows: two names that look the same would be two locks."""
    if path.isprintable():
        return
    for position, character in enumerate(path):
        if unicodedata.category(character) == "Cf" and character not in JOINERS:
            raise Rejected(
                f"{field}: U+{ord(character):04X} at character {position} cannot be seen; leave it out", field
            )
