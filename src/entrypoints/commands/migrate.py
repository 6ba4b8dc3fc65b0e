"""`agent-memory migrate`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Rejected
from ..settings import read_settings
from ..settings_postgres import postgres_driver_needed, postgres_settings
from .output import complain, show, show_json
from .parsing import Parser

if TYPE_CHECKING:
    from ...adapters.postgres.config import PostgresSettings

_UP_TO_DATE, _BEHIND = 0, 1


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`missing`: the migrations between the database's schema and the program's, by name."""

    database: str
    schema: int
    newest: int
    missing: tuple[str, ...]


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    reading = read_settings(os.environ)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    settings = reading.settings
    if settings.db_type == "sqlite":
        raise Rejected("an SQLite file is brought up to date whenever it is opened; there is nothing to do")
    if settings.db_type != "postgresql":
        raise Rejected(
            f"{settings.db_type} is brought up to date by its own package; this command is PostgreSQL's"
        )
    state = asyncio.run(
        _migrate(postgres_settings(settings), settings.place, check=given["check"], to=given.get("to"))
    )
    if given["json"]:
        show_json(state)
    else:
        show(_told(state))
    return _BEHIND if given["check"] and state.missing else _UP_TO_DATE


async def _migrate(server: PostgresSettings, place: str, *, check: bool, to: int | None) -> State:
    with postgres_driver_needed():
        from ...adapters.postgres.migrate import (  # noqa: PLC0415 - needs the driver
            migrate,
            migrations,
            schema_state,
        )
    state = await schema_state(server)
    if to is not None and not state.version <= to <= state.newest:
        raise Rejected(
            f"to {to}: the database has schema {state.version} and this program knows up to {state.newest}; "
            "there is no way back but a backup",
            "to",
        )
    if not check or state.version > state.newest:  # which it refuses, in its own words
        state = await migrate(server, to=to)
    return State(
        database=place,
        schema=state.version,
        newest=state.newest,
        missing=tuple(each.name for each in migrations() if each.number > state.version),
    )


def _told(state: State) -> str:
    head = f"{state.database}: schema {state.schema}"
    if not state.missing:
        return f"{head}, up to date"
    return f"{head} of {state.newest}; missing: {', '.join(state.missing)}"


def _parser() -> Parser:
    parser = Parser(
        "migrate",
        "PostgreSQL: bring the database's schema up to this program's. Every start does so by itself; this is for "
        "operators who want it apart, as a user who may create tables, before the programs start. With --check "
        "nothing is changed, and the exit code is 1 when something is missing.",
        {
            "bring it up to date": "migrate",
            "only look": "migrate --check",
            "no further than schema 1": "migrate --to 1",
        },
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check", action="store_true", default=False, help="say what is missing, change nothing"
    )
    mode.add_argument("--to", type=int, metavar="N", help="stop at schema N")
    parser.json()
    return parser
