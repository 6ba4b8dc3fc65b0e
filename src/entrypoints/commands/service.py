"""`agent-memory service`: the daemon under systemd."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...ports.errors import Rejected
from .parsing import Parser
from .service_install import Order, install
from .service_places import places
from .service_status import status, uninstall


def run(arguments: list[str]) -> int:
    given = vars(_parser().parse_intermixed_args(arguments))  # settings before and after options
    action = given["action"]
    where = places(os.environ, system=given["system"], root=given.get("root"))
    if action == "status":
        if where.root is not None:
            raise Rejected("status: nothing runs below another root")
        return status(where, as_json=given["json"])
    changes = action == "uninstall" or not given["print"]
    if where.system and where.root is None and changes and os.geteuid() != 0:
        raise Rejected(f"service {action} --system changes the system: run it as root (sudo)")
    if action == "uninstall":
        return uninstall(where, force=given["force"])
    return install(where, _order(given))


def _order(given: dict[str, Any]) -> Order:
    return Order(
        named=given.get("settings", ()),
        force=given["force"],
        start=given["start"],
        only_print=given["print"],
        json=given["json"],
    )


def _root(text: str) -> Path:
    return Path(text).absolute()


def _parser() -> Parser:
    parser = Parser(
        "service",
        "Run `agent-memory worker --listen` as a service of systemd: your own (the default), or the system's. "
        "`install` writes the units and the settings that you name, and starts them; run again it changes what "
        "changed. `uninstall` keeps the memory and the settings.",
        {
            "your own service": "service install",
            "with settings": "service install DB_TYPE=postgresql PG_HOST=db.example PG_PASSWORD",
            "only look at the units": "service install --print",
            "for the whole machine, as root": "service install --system",
            "does it run": "service status",
        },
    )
    parser.add_argument("action", choices=["install", "status", "uninstall"], help="what to do")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="NAME[=VALUE]",
        help="install: a setting of the service, with or without the prefix AGENT_MEMORY_; without a value, the one "
        "that is set here (so that a secret is on no command line)",
    )
    parser.add_argument(
        "--system", action="store_true", default=False, help="the system's service; needs root"
    )
    parser.add_argument(
        "--root",
        type=_root,
        metavar="FOLDER",
        help="with --system: into the image in this folder; starts nothing",
    )
    parser.add_argument(
        "--print",
        action="store_true",
        default=False,
        help="install: show what would be written, write nothing",
    )
    parser.add_argument(
        "--no-start",
        dest="start",
        action="store_false",
        default=True,
        help="install: enable it, start it later",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        default=False,
        help="replace or remove units that were edited by hand too",
    )
    parser.json()
    return parser
