"""`systemctl`, as a program: what it is asked, and what people read where there is no systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from ...ports.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from .service_places import Places

_SECONDS = 330.0
"""A start may take TimeoutStartSec= of the unit."""

_ELSEWHERE = (
    "Start `agent-memory worker --listen` by what starts programs here: in a container as the container's own process "
    "(the Dockerfile does), on macOS from a launchd agent, under WSL with systemd=true in /etc/wsl.conf. "
    "`agent-memory service install --print` shows the units without systemd"
)

_SESSION = (
    "Without a login session (su, sudo, cron) the user's manager is not found: log in as this user, or run "
    "`loginctl enable-linger` and set XDG_RUNTIME_DIR=/run/user/$(id -u). "
)
_BOOTED = Path("/run/systemd/system")
"""There exactly where systemd is the first process: sd_booted(3)."""


class Systemctl:
    """`systemctl`, for the user's manager or the system's. Every method waits for its end."""

    def __init__(self, where: Places) -> None:
        program = which("systemctl")
        if program is None:
            raise Rejected(f"there is no systemd on this machine (no program systemctl). {_ELSEWHERE}")
        self._program = program
        self._system = where.system
        self._options = [] if where.system else ["--user"]
        if where.root is not None:
            self._options = [f"--root={where.root}"]

    def check_running(self) -> None:
        """`Rejected` with what to do instead, where no manager answers."""
        answer = self._run("show", "--property=Version")
        if answer.returncode == 0:
            return
        why = answer.stderr.strip() or f"exit code {answer.returncode}"
        hint = "" if self._system or not _BOOTED.is_dir() else _SESSION
        raise Rejected(f"systemd does not run here ({why}). {hint}{_ELSEWHERE}")

    def do(self, *command: str) -> None:
        """`Unavailable` with its own words when it fails."""
        answer = self._run(*command)
        if answer.returncode != 0:
            why = answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.returncode}"
            raise Unavailable(f"systemctl {' '.join(command)}: {why}{self._where_to_look(command)}")

    def properties(self, unit: str, *names: str) -> dict[str, str]:
        answer = self._run("show", unit, f"--property={','.join(names)}")
        lines = (line.partition("=") for line in answer.stdout.splitlines())
        return {name: value for name, equals, value in lines if equals}

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        line = [self._program, *self._options, *command]
        try:
            return subprocess.run(  # noqa: S603 - found on PATH, our own words
                line, check=False, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"systemctl {' '.join(command)}: no answer within {_SECONDS:.0f} s") from None

    def _where_to_look(self, command: tuple[str, ...]) -> str:
        if command[0] not in {"start", "restart", "enable"}:
            return ""
        return f"\nwhy: journalctl {'' if self._system else '--user '}-u agent-memory"


def make_user() -> None:
    """The system user, by systemd-sysusers, which leaves one alone that is there."""
    program = which("systemd-sysusers")
    if program is None:
        raise Rejected(
            "no program systemd-sysusers: make the system user agent-memory yourself, and run this again"
        )
    answer = subprocess.run(  # noqa: S603 - found on PATH
        [program, "agent-memory.conf"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if answer.returncode != 0:
        raise Unavailable(f"systemd-sysusers: {answer.stderr.strip()}")
