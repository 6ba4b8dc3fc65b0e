"""A process with a lifecycle and nothing else. Arguments: grace, then what it does."""

from __future__ import annotations

import asyncio
import sys
import time

from agent_memory.entrypoints.lifecycle import Lifecycle
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.supervision import supervise
from agent_memory.ports.errors import Misconfigured, Unavailable

GRACE, WAY = float(sys.argv[1]), sys.argv[2]
LOG = Log("info")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def crash() -> None:
    raise ValueError("broken")


async def main(life: Lifecycle) -> None:
    if WAY == "misconfigured":
        raise Misconfigured("a setting")
    if WAY == "unavailable":
        raise Unavailable("a store")
    async with asyncio.TaskGroup() as group:
        if WAY == "crash":
            supervise(group, "crasher", crash, log=LOG, restarts=2, first_wait=0.01)
        if WAY == "unhealthy":
            life.watch(lambda: False)
        life.ready("serving")
        say("ready")
        if WAY == "freeze":
            time.sleep(600)  # noqa: ASYNC251 - that is the point
        try:
            await life.stopped()
            say("stopping")
            if WAY in {"drain", "stubborn"}:
                await asyncio.sleep(600)
        except asyncio.CancelledError:
            say("cancelled")
            while WAY == "stubborn":
                try:
                    await asyncio.sleep(600)
                except asyncio.CancelledError:
                    continue
            raise


async def run() -> int:
    life = Lifecycle(LOG, grace=GRACE)
    return await life.run(lambda: main(life))


sys.exit(asyncio.run(run()))
