"""The texts of the units: templates with the few lines that depend on the installation. No I/O but reading them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ...ports.errors import Rejected

SERVICE: Final = "agent-memory.service"
SOCKET: Final = "agent-memory.socket"
USER: Final = "agent-memory"
STATE: Final = Path("/var/lib/agent-memory")
"""StateDirectory= of the system service."""

_CLOSING_SECONDS = 25.0
"""What follows the drain: calls that are cancelled, a store that is closed, each bounded itself."""

_PLAIN_ENVIRONMENT = re.compile(r"[A-Za-z0-9_./:@%+,=~*?&#\[\]{}()<>|;!^-]*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@+,=-]+")
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What the units depend on. `command` starts this program; `seen` are the folders that it is read from;
    `written` those that it writes, besides its own; `drain_seconds` is its grace period.
    """

    command: Sequence[str]
    seen: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()
    drain_seconds: float = 5.0


def user_units(installation: Installation) -> dict[str, str]:
    """By file name."""
    return {SERVICE: _filled("user.service", installation), SOCKET: _filled("user.socket", installation)}


def system_units(installation: Installation) -> dict[str, str]:
    """By file name."""
    return {SERVICE: _filled("system.service", installation), SOCKET: _filled("system.socket", installation)}


def sysusers() -> str:
    return _template("sysusers.conf")


def in_a_home(path: Path) -> bool:
    """Where ProtectHome= keeps services out."""
    return any(path.is_relative_to(home) for home in _HOMES)


def environment_line(name: str, value: str) -> str:
    """For EnvironmentFile=. Quoted only where it must be: `docker run --env-file` takes quotes literally."""
    if _PLAIN_ENVIRONMENT.fullmatch(value) and not value.startswith(("#", ";")):
        return f"{name}={value}"
    quoted = re.sub(r'(["\\$`])', r"\\\1", value)
    return f'{name}="{quoted}"'


def environment_value(text: str) -> str:
    """What stands right of `=` in an environment file, as systemd reads the lines that `environment_line` makes."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r'\\(["\\$`])', r"\1", text[1:-1])
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    return text


def _template(name: str) -> str:
    return (Path(__file__).parent / "units" / name).read_text(encoding="utf-8")


def _filled(name: str, installation: Installation) -> str:
    outside = [path for path in installation.written if not path.is_relative_to(STATE)]
    writable = "".join(f"ReadWritePaths={_word(str(path))}\n" for path in outside)
    return (
        _template(name)
        .replace("@COMMAND@", _command_line(installation.command))
        .replace("@STOP_SECONDS@", str(math.ceil(installation.drain_seconds + _CLOSING_SECONDS)))
        .replace(
            "@PROTECT_HOME@", "read-only" if any(in_a_home(path) for path in installation.seen) else "yes"
        )
        .replace("@WRITABLE@\n", writable)
    )


def _command_line(command: Sequence[str]) -> str:
    """Variables are put into arguments, but not into the program's own path."""
    program, *arguments = command
    if re.search(r"[\"'\\]", program):
        raise Rejected(f"{program}: systemd starts no program with a quote or a backslash in its path")
    return " ".join([_word(program), *(_word(each).replace("$", "$$") for each in arguments)])


def _word(text: str) -> str:
    """One word of a unit file: `%` begins a specifier; quotes, spaces and backslashes mean something as well."""
    escaped = text.replace("%", "%%")
    if _PLAIN_WORD.fullmatch(text):
        return escaped
    inside = escaped.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'
