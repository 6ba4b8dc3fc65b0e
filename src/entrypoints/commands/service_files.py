"""The files of the service: written whole, and never over what a person wrote.

A unit that this program writes begins with a line that holds the checksum of the rest. While it is right the file is
ours and may be replaced; when it is wrong or missing, somebody has edited it.
"""

from __future__ import annotations

import os
import re
import stat
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Literal

from ...ports.errors import Rejected

State = Literal["absent", "ours", "edited"]
Change = Literal["written", "replaced", "unchanged"]

_MARK = re.compile(
    r"# Written by `agent-memory service install`, which replaces it unless it is edited: ([0-9a-f]{64})\n"
)


def marked(body: str) -> str:
    checksum = sha256(body.encode()).hexdigest()
    return f"# Written by `agent-memory service install`, which replaces it unless it is edited: {checksum}\n{body}"


def state_of(path: Path) -> State:
    text = read(path)
    if text is None:
        return "absent"
    mark = _MARK.match(text)
    return "ours" if mark and marked(text[mark.end() :]) == text else "edited"


def check_ours(paths: list[Path], *, doing: str) -> None:
    """`Rejected` when any of them was written or changed by somebody else: all are looked at before one changes."""
    foreign = [str(path) for path in paths if state_of(path) == "edited"]
    if foreign:
        raise Rejected(
            f"{', '.join(foreign)}: edited by hand, or not written by this program; nothing was changed. "
            f"Your own lines belong into a drop-in (`systemctl edit`); --force is for {doing} it all the same"
        )


def write(path: Path, text: str, mode: int) -> Change:
    """All of it or nothing, with exactly this mode; nothing is touched where nothing changes."""
    present = read(path)
    if present == text and stat.S_IMODE(path.stat().st_mode) == mode:
        return "unchanged"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return "written" if present is None else "replaced"


def read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
