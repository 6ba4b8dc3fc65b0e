"""`agent-memory service install`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import chown
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Rejected
from .clients import own_command
from .output import complain, show, show_json
from .service_files import check_ours, marked, read, write
from .service_settings import not_carried, service_settings, shown, written_folders
from .service_systemctl import Systemctl, make_user
from .service_units import (
    SERVICE,
    SOCKET,
    STATE,
    USER,
    Installation,
    in_a_home,
    system_units,
    sysusers,
    user_units,
)

if TYPE_CHECKING:
    from .service_places import Places
    from .service_settings import ServiceSettings

_SECRET, _PUBLIC = 0o600, 0o644


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says. `named`: settings."""

    named: Sequence[str] = ()
    force: bool = False
    start: bool = True
    only_print: bool = False
    json: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: each written, replaced or unchanged. `started`: started, restarted, running or not started."""

    files: dict[str, str]
    started: str


def install(where: Places, order: Order) -> int:
    settings = service_settings(
        read(where.environment), order.named, os.environ, unit=_of_the_unit(where), wanted=_own_folder(where)
    )
    texts = _texts(where, settings)
    for warning in settings.reading.warnings:
        complain(f"warning: {warning}")
    for name in not_carried(os.environ, settings):
        complain(f"warning: {name} is set here and not in the service; name it to carry it over")
    if order.only_print:
        for path, text in texts.items():
            show(f"# {path}\n{text}")
        show(f"# {where.environment}\n{shown(settings)}")
        return 0
    _check_reachable(where, force=order.force)
    systemctl = Systemctl(where)
    if where.root is None:
        systemctl.check_running()
    if not order.force:
        check_ours(list(texts), doing="replacing")
    report = _carry_out(where, order, texts, settings, systemctl)
    if order.json:
        show_json(report)
    else:
        _tell(where, report)
    return 0


def _carry_out(
    where: Places, order: Order, texts: dict[Path, str], settings: ServiceSettings, systemctl: Systemctl
) -> Report:
    changes: dict[str, str] = {}
    if settings.values or read(where.environment) is not None:
        changes[str(where.environment)] = write(where.environment, settings.text, _SECRET)
    for path, text in texts.items():
        changes[str(path)] = write(path, marked(text), _PUBLIC)
    if where.root is not None:
        systemctl.do("enable", SOCKET, SERVICE)
        return Report(files=changes, started="not started")
    if where.system:
        make_user()
        for folder in written_folders(settings):
            if folder != STATE and not folder.exists():
                _make_folder(folder)
                changes[str(folder)] = "written"
    systemctl.do("daemon-reload")
    systemctl.do("enable", SOCKET, SERVICE)
    started = _start(where, systemctl, changes) if order.start else "not started"
    return Report(files=changes, started=started)


def _start(where: Places, systemctl: Systemctl, changes: dict[str, str]) -> str:
    runs = systemctl.properties(SERVICE, "ActiveState").get("ActiveState") == "active"
    if changes[str(where.socket)] == "replaced":
        # systemd changes no socket under a service that has it.
        systemctl.do("stop", SOCKET, SERVICE)
    elif runs and set(changes.values()) == {"unchanged"}:
        return "running"
    elif runs:
        systemctl.do("restart", SERVICE)
        return "restarted"
    systemctl.do("start", SOCKET, SERVICE)
    return "restarted" if runs else "started"


def _texts(where: Places, settings: ServiceSettings) -> dict[Path, str]:
    command, arguments = own_command()
    installation = Installation(
        command=[command, *arguments],
        seen=tuple(_program_folders(command)) if where.system else (),
        written=written_folders(settings) if where.system else (),
        drain_seconds=settings.reading.settings.drain_timeout,
    )
    units = system_units(installation) if where.system else user_units(installation)
    texts = {where.service: units[SERVICE], where.socket: units[SOCKET]}
    if where.sysusers is not None:
        texts[where.sysusers] = sysusers()
    hidden = [str(path) for path in installation.written if in_a_home(path)]
    if hidden:
        raise Rejected(
            f"{hidden[0]}: a system service keeps out of people's homes; name a folder such as {STATE}, or install "
            "without --system"
        )
    return texts


def _of_the_unit(where: Places) -> dict[str, str]:
    """What the unit sets by Environment=, as far as it decides where things are kept."""
    return {"AGENT_MEMORY_DATA_DIR": str(STATE)} if where.system else {}


def _own_folder(where: Places) -> dict[str, str]:
    """The user's manager knows nothing of a shell's XDG_DATA_HOME, and would keep another memory."""
    base = os.environ.get("XDG_DATA_HOME", "")
    if where.system or not base.startswith("/"):
        return {}
    return {"AGENT_MEMORY_DATA_DIR": os.environ.get("AGENT_MEMORY_DATA_DIR") or f"{base}/agent-memory"}


def _program_folders(command: str) -> list[Path]:
    """The folders that a start reads: of the program, of Python, and of these sources."""
    package = Path(__file__).resolve().parents[2]
    return [Path(command).parent, Path(sys.prefix), Path(sys.base_prefix).resolve(), package]


def _check_reachable(where: Places, *, force: bool) -> None:
    """The system's service runs as a user of its own, which has to be able to read this program."""
    if not where.system or where.root is not None or force:
        return
    for folder in _program_folders(own_command()[0]):
        for part in (folder, *folder.parents):
            if not part.stat().st_mode & 0o001:
                raise Rejected(
                    f"{folder}: the service's user may not enter {part}; install the program where all can read it, "
                    "for example: python3 -m venv /opt/agent-memory && /opt/agent-memory/bin/pip install agent-memory"
                )


def _make_folder(folder: Path) -> None:
    """For the user of the service, which may write in it but not make it: all around it is read-only there."""
    folder.mkdir(mode=0o700, parents=True)
    chown(folder, USER, USER)


def _tell(where: Places, report: Report) -> None:
    for path, change in report.files.items():
        show(f"{change:<10}{path}")
    manager = "systemctl" if where.system else "systemctl --user"
    show(f"{report.started}: see `{manager} status agent-memory`, `agent-memory service status`")
    if not where.system and report.started != "not started":
        complain("a user's services end with the last session; `loginctl enable-linger` keeps them running")
