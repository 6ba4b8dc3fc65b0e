"""The harnesses of the PostgreSQL adapters. `Bench.url` is a source of servers/postgres.py, or a server's address."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent_memory.adapters.postgres.event_bus import PostgresEventBus
from agent_memory.adapters.postgres.lock import PostgresLock
from agent_memory_contract.servers.postgres import DSN_VARIABLE, SOURCES

from .postgres_harness import PostgresHarness
from .storage_postgres_harness import PostgresStorageHarness, postgres_storage_harness

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from .harness import Bench


def storage(bench: Bench) -> AbstractAsyncContextManager[PostgresStorageHarness]:
    return postgres_storage_harness(_source(bench))


def lock(bench: Bench) -> PostgresHarness[PostgresLock]:
    return PostgresHarness(_source(bench), lambda settings, clock: PostgresLock(settings, clock=clock))


def event_bus(bench: Bench) -> PostgresHarness[PostgresEventBus]:
    return PostgresHarness(_source(bench), lambda settings, clock: PostgresEventBus(settings, clock=clock))


def _source(bench: Bench) -> str:
    if "://" not in bench.url:
        return bench.url or SOURCES[0]
    # Keepers of servers are told by the environment, too: it is where a given one is found.
    os.environ[DSN_VARIABLE] = bench.url
    return "given"
