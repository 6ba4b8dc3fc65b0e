"""`agent-memory jobs` and `agent-memory worker --once`, on a store with jobs in every state."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.drafting import expire_jobs
from agent_memory.ports.changes import AddEntry, Enqueue, NewJob
from agent_memory_contract.builders import entry

from .clients.live_server import server_environment
from .postgres_shape import Run, run_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def program(folder: Path, *arguments: str, **settings: str) -> asyncio.Task[Run]:
    return asyncio.create_task(run_program(server_environment(folder, **settings), *arguments))


async def store_with_jobs(folder: Path) -> None:
    """1 and 2 dead, 3 running, 4 waiting, each of the kind that says so."""
    now = datetime.now(UTC)
    async with SqliteStorage(folder / "memory.db", clock=SystemClock(), origin="t") as store:
        kinds = ("dead", "dead", "runs")
        await store.apply(*(Enqueue(NewJob(kind=kind, max_attempts=1, payload=b"x"), now) for kind in kinds))
        await store.apply(Enqueue(NewJob(kind="waits", run_at=now + timedelta(hours=1)), now))
        for lease in await store.lease_jobs(["dead", "runs"], owner="w", ttl=3600, limit=9):
            if lease.job.kind == "dead":
                await store.fail_job(lease, reason="no\x1b[31m network", retry_in=0)


async def test_jobs_are_listed_retried_and_discarded(tmp_path: Path) -> None:
    await store_with_jobs(tmp_path)
    listed = (await program(tmp_path, "jobs", "list")).output.splitlines()
    assert [line.split("  ")[:2] for line in listed[:2]] == [["4", "waits"], ["3", "runs"]]
    assert "waiting at" in listed[0]
    assert "running until" in listed[1]
    assert listed[-1] == "1 waiting  1 running  2 dead"

    dead = await program(tmp_path, "jobs", "list", "--dead")
    assert "no\\x1b[31m network" in dead.output
    as_json = json.loads((await program(tmp_path, "jobs", "list", "--dead", "--json")).output)
    assert [(job["id"], job["state"], job["attempts"]) for job in as_json["jobs"]] == [
        (2, "dead", 1),
        (1, "dead", 1),
    ]

    retried = await program(tmp_path, "jobs", "retry", "1", "99")
    assert (retried.code, retried.output) == (1, "1 of 2 retried\n")
    assert retried.errors == "agent-memory: job 99: there is no such job\n"
    discarded = await program(tmp_path, "jobs", "discard", "2", "--json")
    assert (discarded.code, json.loads(discarded.output)) == (0, {"discarded": 1, "refused": {}})
    none = await program(tmp_path, "jobs", "discard", "2")
    assert (none.code, none.output) == (1, "0 of 1 discarded\n")
    assert none.errors == "agent-memory: job 2: there is no such job\n"
    alive = await program(tmp_path, "jobs", "discard", "1", "3", "4", "3")
    assert (alive.code, alive.output) == (1, "0 of 3 discarded\n")
    assert alive.errors.splitlines() == [
        "agent-memory: job 1: not a dead letter, it is due",
        "agent-memory: job 3: not a dead letter, it is running",
        "agent-memory: job 4: not a dead letter, it is waiting",
    ]
    left = json.loads((await program(tmp_path, "jobs", "list", "--json")).output)
    assert {job["id"]: job["state"] for job in left["jobs"]} == {1: "due", 3: "running", 4: "waiting"}


@pytest.mark.parametrize(
    "arguments", [("list", "1"), ("retry",), ("retry", "1", "--dead"), ("list", "--limit", "0"), ("undo",)]
)
async def test_a_command_that_cannot_be_meant_changes_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert (await program(tmp_path, "jobs", *arguments)).code == 2
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in an async test


async def test_worker_once_does_what_is_due_and_ends(tmp_path: Path) -> None:
    gone = datetime.now(UTC) - timedelta(seconds=1)
    new = entry(at=gone - timedelta(seconds=9), expires_at=gone)
    async with SqliteStorage(tmp_path / "memory.db", clock=SystemClock(), origin="t") as store:
        await store.apply(AddEntry(new, expire_jobs(new.id, gone)))
    once = await program(tmp_path, "worker", "--once", BACKUP_EVERY_HOURS="24", LOG_LEVEL="warning")
    assert (once.code, once.output, once.errors) == (0, "", "")
    shown = json.loads((await program(tmp_path, "get", new.id, "--json")).output)
    assert shown["entries"][0]["state"] == "archived"
    assert len(os.listdir(tmp_path / "memory.db-backups")) == 1  # noqa: PTH208 - in an async test
    jobs = json.loads((await program(tmp_path, "jobs", "list", "--json")).output)["jobs"]
    assert {job["state"] for job in jobs} == {"waiting"}
    assert "upkeep.backup" in {job["kind"] for job in jobs}


async def test_worker_once_says_that_something_failed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = {"BACKUP_EVERY_HOURS": "24", "BACKUP_DIR": str(tmp_path / "file" / "backups")}
    assert (await program(tmp_path, "remember", "a fact")).code == 0
    once = await program(tmp_path, "worker", "--once", LOG_LEVEL="warning", **settings)
    assert once.code == 1
    assert "upkeep.backup" in once.errors
