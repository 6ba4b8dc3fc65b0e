"""The settings of the service: its environment file, with what the command line names put into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Rejected
from ..setting import path as path_of
from ..settings import PREFIX, SETTINGS, Reading, read_settings
from .service_units import environment_line, environment_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER = (
    "# Settings of the Agent Memory service, one NAME=VALUE a line; `agent-memory config` lists the names.\n"
    "# After a change: systemctl restart agent-memory (systemctl --user for a user's own service).\n"
)


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is the whole file, `values` what it sets, `reading` what the program will make of it."""

    text: str
    values: dict[str, str]
    reading: Reading


def service_settings(
    present: str | None,
    named: Sequence[str],
    environment: Mapping[str, str],
    *,
    unit: Mapping[str, str],
    wanted: Mapping[str, str],
) -> ServiceSettings:
    """The file `present` with what is `named`: NAME=VALUE, or NAME alone for its value in `environment`, which keeps a
    secret off the command line. Other lines stay as they are. `unit` is what the unit itself sets,
    `wanted` what is written unless the file sets it.

    `Rejected` for what is no setting's name; `Misconfigured` for a value that the program would refuse at its start.
    """
    values = dict(_assignment(each, environment) for each in named)
    lines: list[str] = []
    found: dict[str, str] = {}
    for line in (_HEADER if present is None else present).splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith(("#", ";")):
            lines.append(line)
            continue
        if name in found and name in values:
            continue
        lines.append(environment_line(name, values[name]) if name in values else line)
        found[name] = values.get(name, environment_value(value))
    values = {**wanted, **values}
    lines += [environment_line(name, value) for name, value in values.items() if name not in found]
    merged = values | found
    return ServiceSettings(
        text="\n".join(lines) + "\n",
        values=merged,
        reading=read_settings({**_surroundings(environment), **unit, **merged}),
    )


def written_folders(settings: ServiceSettings) -> tuple[Path, ...]:
    """Where the service writes: the data folder, and every other place that a setting of this file names."""
    named = (
        (each.name, path_of(value))
        for each in SETTINGS
        if each.read is path_of and (value := settings.values.get(PREFIX + each.name, "").strip())
    )
    folders = (place.parent if name == "DB_PATH" else place for name, place in named)
    return tuple(dict.fromkeys([settings.reading.settings.data_dir, *folders]))


def not_carried(environment: Mapping[str, str], settings: ServiceSettings) -> list[str]:
    """Settings of this shell that the service will not have: people expect them there."""
    return sorted(
        name
        for name, value in environment.items()
        if name in _names() and value and settings.values.get(name) != value
    )


def shown(settings: ServiceSettings) -> str:
    """The file without its secrets."""
    secrets = {PREFIX + each.name for each in SETTINGS if each.secret}
    hidden = {name for name in settings.values if name in secrets or _sounds_secret(name)}
    return "\n".join(
        f"{name}=(hidden)" if (name := line.strip().partition("=")[0]) in hidden else line
        for line in settings.text.splitlines()
    )


def _assignment(given: str, environment: Mapping[str, str]) -> tuple[str, str]:
    short, equals, value = given.partition("=")
    name = short if short.startswith(PREFIX) else PREFIX + short
    if name not in _names():
        raise Rejected(f"{short!r} is not a setting{_nearest(name)}; `agent-memory config` lists the names")
    if not equals:
        value = environment.get(name, "")
        if not value:
            raise Rejected(
                f"{short}: named without a value, and {name} is not set here; write {short}=VALUE, or set it"
            )
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise Rejected(f"{short}: a value is one line without control characters")
    return name, _absolute(name, value)


def _absolute(name: str, value: str) -> str:
    """The service runs in another folder and, for the system, another home."""
    setting = next(each for each in SETTINGS if PREFIX + each.name == name)
    try:
        meant = setting.read(value.strip())
    except (ValueError, Rejected):
        return value  # which reading the settings refuses, in words that name it
    return str(meant) if isinstance(meant, Path) else value


def _names() -> set[str]:
    return {PREFIX + each.name for each in SETTINGS}


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(name, _names(), n=1)
    return f" (did you mean {near[0].removeprefix(PREFIX)}?)" if near else ""


def _surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}


def _sounds_secret(name: str) -> bool:
    """Also URLs, which may hold a password, and names of a later version."""
    return name.endswith(("_PASSWORD", "_KEY", "_SECRET", "_TOKEN", "_URL"))
