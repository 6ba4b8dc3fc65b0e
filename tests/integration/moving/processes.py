"""The real command, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "agent_memory.entrypoints.cli")


class Run(NamedTuple):
    code: int
    output: bytes
    errors: str


def environment(path: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    mine = {"DB_PATH": str(path), "DAEMON": "off", **settings}
    return kept | {f"AGENT_MEMORY_{name}": value for name, value in mine.items()}


async def started(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
    )


async def run(environment: dict[str, str], *arguments: str, stdin: bytes = b"") -> Run:
    process = await started(environment, *arguments)
    output, errors = await process.communicate(stdin)
    assert process.returncode is not None
    return Run(process.returncode, output, errors.decode())
