"""`agent-memory config`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from ..setting import secrets_in, without_secrets
from ..settings import PREFIX, SETTINGS, Reading, read_settings
from .clients import CLIENTS, configuration_for
from .output import complain, show, show_json
from .parsing import Parser

if TYPE_CHECKING:
    from ..setting import Setting


class Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: str
    default: str
    source: str
    meaning: str


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    reading = read_settings(os.environ)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    if "client" in given:
        _print_for(given["client"], reading)
    elif given["json"]:
        show_json([_row(setting, reading) for setting in SETTINGS])
    else:
        show("\n\n".join(_told(_row(setting, reading)) for setting in SETTINGS))
    return 0


def _print_for(client: str, reading: Reading) -> None:
    document = configuration_for(client, _own_settings(reading))
    show(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    complain(f"put this into {CLIENTS[client].where}")


def _own_settings(reading: Reading) -> dict[str, str]:
    """What the environment sets here, so that the client's server works on the same memory. Secrets stay out."""
    names = {
        PREFIX + s.name: _value(s, reading)
        for s in SETTINGS
        if reading.sources[s.name] == "environment" and not _holds_secret(s, reading)
    }
    hidden = [
        PREFIX + s.name
        for s in SETTINGS
        if reading.sources[s.name] == "environment" and _holds_secret(s, reading)
    ]
    for name in hidden:
        complain(f"warning: {name} is a secret and was left out; add it by hand where it is needed")
    return names


def _holds_secret(setting: Setting, reading: Reading) -> bool:
    value = getattr(reading.settings, setting.field)
    return setting.secret or (setting.address and bool(secrets_in(value)))


def _row(setting: Setting, reading: Reading) -> Row:
    return Row(
        name=PREFIX + setting.name,
        value=_value(setting, reading),
        default="" if setting.secret else setting.default,
        source=reading.sources[setting.name],
        meaning=setting.meaning,
    )


def _value(setting: Setting, reading: Reading) -> str:
    value = getattr(reading.settings, setting.field)
    if setting.secret:
        return "(hidden)" if value else ""
    if setting.address:
        return without_secrets(value)
    if setting.name.endswith("_MS"):
        return str(round(value * 1000))
    return "" if value is None else str(value)


def _told(row: Row) -> str:
    default = f", default {row.default}" if row.default and row.source != "default" else ""
    return f"{row.name}={row.value}\n    ({row.source}{default}) {row.meaning}"


def _parser() -> Parser:
    parser = Parser(
        "config",
        "List every setting with its value, where the value comes from, its default and what it means; or print the "
        "configuration that makes an MCP client start this program with the settings in force here.",
        {
            "what is in force": "config",
            "for a script": "config --json",
            "for a client": "config --client vscode > .vscode/mcp.json",
            "for a client, bound to one project": "config --client claude-code    "
            "(with AGENT_MEMORY_SCOPE=acme/shop in the environment)",
        },
    )
    parser.add_argument(
        "--client", choices=sorted(CLIENTS), help="print this client's configuration, as JSON"
    )
    parser.json()
    return parser
