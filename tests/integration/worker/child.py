"""The worker as a process to be killed: the real one, with jobs and a schedule that tell when they begin and end.

`python child.py HISTORY`: settings come from the environment as always.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from agent_memory.core.work.kinds import Backoff, JobKind, each
from agent_memory.core.work.schedule import Progress, Schedule
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.work import Work, job_kinds
from agent_memory.entrypoints.worker_command import WorkerOptions, run
from agent_memory.ports.changes import AddEntry
from agent_memory_contract.builders import entry

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.entrypoints.wiring import App
    from agent_memory.ports.changes import Change
    from agent_memory.ports.records import JobLease

LEASE = 2.0
SLOW = {b"slow": 0.5, b"endless": 1000.0}
TICK = 0.1


class Told:
    """Lines `event subject token pid seconds`, each written at once; seconds by the clock that processes share."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def __call__(self, event: str, subject: int, token: int = 0) -> None:
        os.write(self._file, f"{event} {subject} {token} {os.getpid()} {time.monotonic()}\n".encode())


def kinds(app: App, told: Told) -> tuple[JobKind, ...]:
    async def effect(lease: JobLease) -> tuple[Change, ...]:
        """Each run would store another entry: an effect that is applied twice is seen."""
        told("start", lease.job.id, lease.token)
        await asyncio.sleep(SLOW.get(lease.job.payload, random.random() * 0.02))
        new = entry(f"run {token_hex(8)}", author=lease.job.payload.decode(), id=unique_id())
        told("end", lease.job.id, lease.token)
        return (AddEntry(new),)

    async def poison(_: JobLease) -> tuple[Change, ...]:
        raise ValueError("this job cannot be done")

    async def crash(_: JobLease) -> tuple[Change, ...]:
        os.kill(os.getpid(), signal.SIGKILL)
        return ()

    quick = Backoff(first=0.01, most=0.05)
    return (
        *job_kinds(app),
        JobKind(name="effect", handle=each(effect), batch=2, concurrency=4, lease=LEASE),
        JobKind(name="poison", handle=each(poison), batch=2, backoff=quick, lease=LEASE),
        JobKind(name="crash", handle=each(crash), backoff=quick, lease=LEASE),
    )


def unique_id() -> str:
    """Unique over processes."""
    text = f"{int(time.time() * 1000):012x}7{token_hex(8)[:3]}8{token_hex(8)[:15]}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def ticks(told: Told) -> Schedule:
    async def tick(_: datetime) -> Progress:
        told("start", 0)
        await asyncio.sleep(TICK)
        told("end", 0)
        return Progress()

    return Schedule(name="tick", every=TICK, run=tick)


def main() -> int:
    told = Told(sys.argv[1])

    def compose(app: App, _: WorkerOptions) -> Work:
        return Work(app, kinds(app, told), [ticks(told)], poll=app.settings.worker_poll)

    told("up", 0)
    return run(read_settings(os.environ), WorkerOptions(), compose)


if __name__ == "__main__":
    # Not of its own folder: what it imports is the installed program.
    sys.path[:] = [place for place in sys.path if Path(place) != Path(__file__).parent]
    sys.exit(main())
