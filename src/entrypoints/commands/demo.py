"""`agent-memory demo`: a real server and a real client, step by step, each step checked."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from .clients import configuration_for, own_command
from .demo_server import client_name, client_title, server_complaints, start_server
from .demo_stage import DemoFailed, Stage
from .demo_steps import after_the_crash, before_the_crash
from .output import complain, show
from .parsing import Parser

SAMPLE = Path(__file__).with_name("sample-memory.jsonl")


def run(arguments: list[str]) -> int:
    parser = Parser(
        "demo",
        "Watch a real server at work: it is started in a temporary folder, filled, asked, killed, started again and "
        "asked once more. Every step is checked; exits with 1 when one does not hold. Your own memory is not touched.",
        {"watch": "demo", "without the official MCP SDK": "demo --client own"},
    )
    parser.add_argument(
        "--client",
        choices=("auto", "sdk", "own"),
        default="auto",
        help="who talks to the server: the official MCP SDK or this package's own client (default: the SDK "
        "where it is installed)",
    )
    client = client_name(parser.read(arguments)["client"])
    try:
        asyncio.run(_play(client))
    except DemoFailed as failure:
        sys.stdout.flush()
        complain(f"demo: {failure}")
        return 1
    return 0


def sample() -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in SAMPLE.read_bytes().splitlines()]


async def _play(client: str) -> None:
    with TemporaryDirectory(prefix="agent-memory-demo-") as name:
        folder = Path(name)
        show(
            f"Agent Memory, a demonstration\n\nA server (`agent-memory mcp`) runs as a process of its own; "
            f"{client_title(client)} talks to it\nover stdin and stdout, as an AI client would. "
            f"Everything is kept in one file in\n{folder} and thrown away at the end."
        )
        try:
            await _act(client, folder)
        except Exception as error:
            inner = _innermost(error)
            if isinstance(inner, DemoFailed | BrokenPipeError):
                raise inner from None
            raise DemoFailed(f"{type(inner).__name__}: {inner} {server_complaints(folder)}") from error
    show(how_to_connect())


async def _act(client: str, folder: Path) -> None:
    stage = Stage()
    stage.starts()
    async with start_server(client, folder) as server:
        last_words = await before_the_crash(stage, server, sample())
        await server.kill()
    stage.starts()
    async with start_server(client, folder) as server:
        await after_the_crash(stage, server, sample(), last_words)


def _innermost(error: BaseException) -> BaseException:
    """The SDK's task groups wrap what is raised inside them."""
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return _innermost(parts[0]) if len(parts) == 1 else error


def how_to_connect() -> str:
    """With this program by its absolute path: not everyone who sees the demo has it on PATH."""
    document = msgspec.json.encode(configuration_for("claude-desktop", {}))
    program, arguments = own_command()
    command = shlex.join([program, *arguments, "config", "--client", "claude-code"])
    return (
        f"\nEverything held. To give this memory to an MCP client, put this into its configuration:\n\n"
        f"{msgspec.json.format(document, indent=2).decode()}\n\n"
        f"That of another client (claude-code, cursor, vscode) is printed by\n\n  {command}\n\n"
        f"Inside the clone of the repository the program is `uv run agent-memory` as well; after `uv tool install .`\n"
        f"there it is plain `agent-memory` anywhere."
    )
