"""Lua scripts, each in a file beside, run by their hash."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "lua"


class Script(msgspec.Struct, frozen=True):
    source: bytes
    digest: str


def read_lua(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


class Scripts:
    """Each script begins with `clock`, which defines `now_micros()`."""

    def __init__(self, clock: str | None = None) -> None:
        self._clock = read_lua("clock") if clock is None else clock
        self._known: dict[str, Script] = {}

    def __getitem__(self, name: str) -> Script:
        script = self._known.get(name)
        if script is None:
            source = f"{self._clock}\n{read_lua(name)}".encode()
            # The server knows a script by this hash; nothing rests on its strength.
            script = Script(source, sha1(source, usedforsecurity=False).hexdigest())
            self._known[name] = script
        return script
