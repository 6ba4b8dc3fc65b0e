"""`agent-memory adapters`."""

from __future__ import annotations

from typing import Any

import msgspec

from ...ports.adapter import GROUPS
from ...ports.errors import Misconfigured
from ..registry import Registered, astray, find, load, missing, registered
from .output import complain, show, show_json
from .parsing import Parser

_SETTINGS = {
    "storage": "AGENT_MEMORY_DB_TYPE or AGENT_MEMORY_STORAGE",
}
"""What chooses an adapter of a port, where it is not the port's own name."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` says why it cannot be used here, and is empty where it can. `capabilities` are None where they are
    known only once it is set up.
    """

    port: str
    name: str
    package: str
    version: str
    summary: str = ""
    contract: int | None = None
    capabilities: dict[str, Any] | None = None
    importable: bool
    problem: str = ""


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    rows = [_row(one) for port in _ports(given) for one in registered(port)]
    if given["json"]:
        show_json(rows)
    else:
        show("\n\n".join(_of_port(port, rows) for port in _ports(given)))
    for line in astray():
        complain(line)
    return 0


def _ports(given: dict[str, Any]) -> list[str]:
    return [given["port"]] if given.get("port") else list(GROUPS)


def _row(one: Registered) -> Row:
    try:
        adapter = load(find(one.port, one.name))
    except Misconfigured as error:
        return Row(
            port=one.port,
            name=one.name,
            package=one.package,
            version=one.version,
            importable=False,
            problem=str(error),
        )
    lacking = missing(adapter)
    return Row(
        port=one.port,
        name=one.name,
        package=one.package,
        version=one.version,
        summary=adapter.summary,
        contract=adapter.contract,
        capabilities=None if adapter.capabilities is None else msgspec.structs.asdict(adapter.capabilities),
        importable=not lacking,
        problem=f"not installed: {', '.join(lacking)}" if lacking else "",
    )


def _of_port(port: str, rows: list[Row]) -> str:
    lines = [f"{port} ({_SETTINGS.get(port, f'AGENT_MEMORY_{port.upper()}')})"]
    for row in rows:
        if row.port == port:
            lines.append(f"  {row.name:<12} {row.package} {row.version}: {row.summary or row.problem}")
            if row.capabilities:
                lines.append(f"  {'':<12} {_told(row.capabilities)}")
            if row.summary and row.problem:
                lines.append(f"  {'':<12} {row.problem}")
    return "\n".join(lines)


def _told(capabilities: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {_word(value)}"
        for name, value in capabilities.items()
        if name != "name" and value is not None
    )


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _parser() -> Parser:
    parser = Parser(
        "adapters",
        "List what is installed behind each port, from this package and from others: name, package, what it can do, "
        "and whether it can be used here. `agent-memory certify` tries one.",
        {"all": "adapters", "of one port, for a script": "adapters lock --json"},
    )
    parser.add_argument(
        "port", nargs="?", default=None, choices=sorted(GROUPS), help="only those of this port"
    )
    parser.json()
    return parser
