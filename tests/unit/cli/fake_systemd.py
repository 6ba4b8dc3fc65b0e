"""A `systemctl` that remembers what it was asked, alone on PATH, and a home for units."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_SYSTEMCTL = r"""#!/bin/sh
printf '%s\n' "$*" >>"@HERE@/calls"
words=" $* "
case "$words" in
*" show --property=Version "*)
    [ -e "@HERE@/down" ] && { echo "System has not been booted with systemd as init system" >&2; exit 1; }
    echo Version=252 ;;
*" show "*)
    [ -e "@HERE@/active" ] || { echo ActiveState=inactive; exit 0; }
    printf 'ActiveState=active\nMainPID=7\nMemoryCurrent=[not set]\n' ;;
*" start "*)
    [ -e "@HERE@/refuses" ] && { echo "Job for agent-memory.service failed." >&2; exit 1; }
    : >"@HERE@/active" ;;
*" --now "*) rm "@HERE@/active" ;;
esac
exit 0
"""


class FakeSystemd:
    """`home` is the user's; `units` where a user's units stand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "fake"
        self.home = folder / "home"
        self.units = self.home / ".config/systemd/user"
        self.environment = self.home / ".config/agent-memory/agent-memory.env"
        programs = self._folder / "bin"
        programs.mkdir(parents=True)
        self.home.mkdir()
        self.program = programs / "systemctl"
        self.program.write_text(_SYSTEMCTL.replace("@HERE@", str(self._folder)))
        self.program.chmod(0o755)
        for name in list(os.environ):
            if name.startswith(("AGENT_MEMORY_", "XDG_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(self.home))
        monkeypatch.setenv("PATH", f"{programs}:/bin")

    def calls(self) -> list[str]:
        """Since the last look."""
        log = self._folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def is_down(self) -> None:
        (self._folder / "down").touch()

    def refuses_to_start(self) -> None:
        (self._folder / "refuses").touch()
