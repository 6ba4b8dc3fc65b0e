"""`agent-memory service status` and `uninstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .output import show, show_json
from .service_files import check_ours, state_of
from .service_systemctl import Systemctl
from .service_units import SERVICE, SOCKET

if TYPE_CHECKING:
    from pathlib import Path

    from .service_places import Places

_RUNS, _DOES_NOT = 0, 1
_PROPERTIES = {
    "ActiveState": "active",
    "SubState": "sub",
    "Result": "result",
    "UnitFileState": "enabled",
    "MainPID": "pid",
    "NRestarts": "restarts",
    "MemoryCurrent": "memory",
    "ExecMainStatus": "exit",
    "StatusText": "says",
}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: absent, ours, edited. `service` and `socket`: what systemd says, by shorter names."""

    runs: bool
    files: dict[str, str]
    service: dict[str, str]
    socket: dict[str, str]


def status(where: Places, *, as_json: bool) -> int:
    files: dict[str, str] = {str(path): state_of(path) for path in _unit_files(where)}
    systemctl = Systemctl(where)
    systemctl.check_running()
    service = _named(systemctl.properties(SERVICE, *_PROPERTIES))
    socket = _named(systemctl.properties(SOCKET, "ActiveState", "SubState", "UnitFileState"))
    found = Status(runs=service.get("active") == "active", files=files, service=service, socket=socket)
    if as_json:
        show_json(found)
    else:
        show(_told(found))
    return _RUNS if found.runs else _DOES_NOT


def uninstall(where: Places, *, force: bool) -> int:
    """What was remembered and how it was set stays: only a person throws that away."""
    present = [path for path in _unit_files(where) if state_of(path) != "absent"]
    if not present:
        show("not installed: there are no units of this service")
        return 0
    if not force:
        check_ours(present, doing="removing")
    systemctl = Systemctl(where)
    if where.root is not None:
        systemctl.do("disable", SOCKET, SERVICE)
    else:
        systemctl.check_running()
        # The socket first: a client that comes in between would start the service again.
        systemctl.do("disable", "--now", SOCKET, SERVICE)
    for path in present:
        path.unlink()
        show(f"removed   {path}")
    if where.root is None:
        systemctl.do("daemon-reload")
    kept = [where.environment] if where.environment.exists() else []
    for path in kept:
        show(f"kept      {path}")
    show("kept      the memory itself" + (", and the user agent-memory" if where.system else ""))
    return 0


def _unit_files(where: Places) -> list[Path]:
    return [where.service, where.socket, *([where.sysusers] if where.sysusers else [])]


def _named(properties: dict[str, str]) -> dict[str, str]:
    """Without what does not apply: systemd says so by an empty value, `[not set]` or a number that none is."""
    return {
        short: properties[name]
        for name, short in _PROPERTIES.items()
        if properties.get(name) not in {None, "", "[not set]", str(2**64 - 1)}
    }


def _told(found: Status) -> str:
    lines = [f"{state:<10}{path}" for path, state in found.files.items()]
    for name, part in (("service", found.service), ("socket", found.socket)):
        lines.append(f"{name:<10}" + ", ".join(f"{short} {value}" for short, value in part.items()))
    return "\n".join(lines)
