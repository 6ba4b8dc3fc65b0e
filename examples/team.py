"""Four agents write a small shop together: `python examples/team.py` (needs the package `mcp`, the official SDK).

Each agent is a program of its own, an MCP client with a server process of its own; what they know of each other is in
the memory. One of them is killed half way, and another goes on from what the memory tells. Settings in the environment
hold, so that the same team works on PostgreSQL or with Redis; without any, the memory is a file in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

PROGRAM = [sys.executable, "-m", "agent_memory.entrypoints.cli"]
PROJECT = "acme/shop"
TEAM = ("ada", "bob", "cyd", "dan")
QUESTION = "How are prices rounded?"
BALLOTS = {"ada": ["half even"], "bob": ["half up"], "cyd": ["half even"], "dan": ["down", "half even"]}
HALF_WAY = "half way"

PLAN: list[dict[str, Any]] = [
    {"kind": "guideline", "content": "Check a file out before you edit it, and in after.", "importance": 0.9},
    {"kind": "guideline", "content": "Every module has a line in CHANGES.md."},
    {"title": "Task: prices", "content": "ada writes shop/prices.py: price(amount), as we vote.", "tags": ["task"]},
    {"title": "Task: stock", "content": "bob writes shop/stock.py: take(what, number).", "tags": ["task"]},
    {"title": "Task: bill", "content": "cyd writes shop/bill.py: line(what, number, total).", "tags": ["task"]},
    {"title": "Task: orders", "content": "dan writes shop/orders.py: order(what, number).", "tags": ["task"]},
    {"title": "Board", "content": "planned", "tags": ["board"]},
]  # fmt: skip
MODULES = {
    "prices": """from decimal import ROUND_{rule}, Decimal


def price(amount):
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_{rule})
""",
    "stock": """LEFT = {{"tea": 40, "salt": 3}}


def take(what, number):
    if LEFT[what] < number:
        raise ValueError(f"{{LEFT[what]}} {{what}} left")
    LEFT[what] -= number
""",
    "bill": """def line(what, number, total):
    return f"{{number}} {{what}}: {{total}}"
""",
    "orders": """from .bill import line
from .prices import price
from .stock import take

PRICES = {{"tea": "2.665", "salt": "0.99"}}


def order(what, number):
    take(what, number)
    return line(what, number, price(PRICES[what]) * number)
""",
}


class Refused(Exception):
    """A tool answered with an error: its code, what it says, and what stands in a conflict's way."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["message"])
        self.code: str = answer["error"]
        self.current: dict[str, Any] = answer.get("current", {})


class Agent:
    def __init__(self, name: str, client: Client, folder: Path) -> None:
        self.name = name
        self.client = client
        self.folder = folder
        self.session = ""

    def say(self, text: str) -> None:
        print(f"{self.name}: {text}", flush=True)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(f"memory_{tool}", arguments)
        answer: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            raise Refused(answer)
        return answer

    async def begin(self, purpose: str, task: str, number: int = 1) -> dict[str, Any]:
        """What is known comes first."""
        context = await self.call("context", scope=PROJECT, task=task, max_tokens=3000)
        rules, known = len(context["guidelines"]), len(context["knowledge"])
        self.say(f"starts from {rules} guidelines and {known} entries: {task}")
        self.session = f"{PROJECT}/{self.name}-{number}"
        await self.call("session", action="begin", scope=self.session, purpose=purpose)
        return context

    async def end(self, summary: str, session: str = "") -> None:
        await self.call("session", action="end", scope=session or self.session, summary=summary)
        self.say(f"hands over: {summary}")

    async def board(self) -> dict[str, Any]:
        (found,) = (await self.call("recall", scope=PROJECT, tags=["board"]))["results"]
        return (await self.call("get", ids=[found["id"]]))["entries"][0]

    async def note(self, line: str, board: dict[str, Any] | None = None) -> None:
        """A line on the board that all write on. Who comes too late is shown what stands there, and merges."""
        current = board or await self.board()
        conflicts = 0
        while True:
            lines = sorted({*current["content"].splitlines(), line})
            try:
                await self.call(
                    "update", id=current["id"], expected_version=current["version"], content="\n".join(lines)
                )
            except Refused as refused:
                if refused.code != "conflict":
                    raise
                current = refused.current
                conflicts += 1
            else:
                break
        self.say(f"on the board: {line} (after {conflicts} conflicts)")

    async def arrive(self) -> None:
        """All read the board before anybody writes on it."""
        board = await self.board()
        await self.call("vote", action="cast", question="Who is here?", choice="here", scope=PROJECT)
        await self.tally("Who is here?", lambda stands: stands["voters"] == len(TEAM))
        await self.note(f"{self.name} is here", board)

    async def vote(self) -> str:
        """The rule that was first ahead by two. It stays, whoever votes later, so that work goes on from it."""
        for choice in BALLOTS[self.name]:
            await self.call("vote", action="cast", question=QUESTION, choice=choice, scope=PROJECT)
        decision: str = (await self.tally(QUESTION, lambda stands: stands["decided"]))["decision"]
        self.say(f"votes {' then '.join(BALLOTS[self.name])}; decided: {decision}")
        return decision

    async def tally(self, question: str, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Asked again until it is enough: those who vote are other programs."""
        while True:
            stands = await self.call("vote", action="tally", question=question, scope=PROJECT, k=2)
            if enough(stands):
                return stands
            await asyncio.sleep(0.05)

    @asynccontextmanager
    async def checked_out(self, path: str, ttl: float = 60) -> AsyncGenerator[Path]:
        mine = {"file_path": path}
        lock = await self.call("file_lock", action="checkout", ttl_seconds=ttl, wait_seconds=60, **mine)
        yield self.folder / path
        await self.call("file_lock", action="checkin", token=lock["token"], **mine)

    async def write(self, module: str, decision: str) -> str:
        """A module, its line in the changes, what the others should know, and the board. The entry's id."""
        path = f"shop/{module}.py"
        async with self.checked_out(path) as file:
            file.write_text(MODULES[module].format(rule=decision.upper().replace(" ", "_")))
        async with self.checked_out("CHANGES.md") as file:
            lines = file.read_text().splitlines() if file.exists() else []
            file.write_text("\n".join(sorted([*lines, f"- {path}"])) + "\n")
        fact = {
            "content": f"{path} is written and stands in CHANGES.md.",
            "kind": "knowledge",
            "scope": PROJECT,
        }
        stored = await self.call("remember", **fact, tags=["module"])
        await self.note(f"{module}: done by {self.name}")
        entry: str = stored["results"][0]["id"]
        return entry

    async def work(self, module: str) -> None:
        await self.begin(f"write {module}", f"Task: {module}")
        await self.arrive()
        decision = await self.vote()
        if self.name == "dan":
            await self.stop_half_way(module)
        entry = await self.write(module, decision)
        if self.name == "ada":
            rule = {
                "content": f"Prices are rounded {decision}: we voted.",
                "kind": "knowledge",
                "scope": PROJECT,
            }
            voted = (await self.call("remember", **rule, author="the team"))["results"][0]["id"]
            await self.call("link", **{"action": "link", "from": entry, "to": voted, "type": "depends_on"})
        await self.end(f"{module} is done, nothing is open.")

    async def stop_half_way(self, module: str) -> None:
        """It holds the file and has begun it, when it is killed."""
        async with self.checked_out(f"shop/{module}.py", ttl=2) as file:
            file.write_text("from .bill import line\n")
            text = f"{module}: the imports are begun; open: take from the stock, then the line of the bill."
            await self.call("remember", content=text, scope=self.session)
            self.say(HALF_WAY)
            await asyncio.Event().wait()

    async def take_over(self) -> None:
        """A new program, which knows nothing but what the memory tells."""
        context = await self.begin("go on with what is open", "what is open, and who works on it", number=2)
        (left,) = [one for one in context["sessions"] if one["agent"] != self.name]
        module = left["purpose"].removeprefix("write ")
        self.say(f"finds {left['scope']} open, {left['agent']} was to {left['purpose']}")
        for told in context["handovers"]:
            self.say(f"reads what was handed over: {told['summary']}")
        (found,) = (await self.call("recall", scope=left["scope"], inherit=False))["results"]
        self.say(f"reads in it: {found['content']}")
        stands = await self.tally(QUESTION, lambda stands: stands["decided"])
        await self.write(module, stands["decision"])
        await self.end(f"{left['agent']} stopped half way; {self.name} has finished {module}.", left["scope"])
        await self.end("All modules are done.")


@asynccontextmanager
async def agent(name: str, folder: Path) -> AsyncGenerator[Agent]:
    environment = {
        "AGENT_MEMORY_DB_PATH": str(folder / "memory.db"),
        **os.environ,
        "AGENT_MEMORY_AGENT_ID": name,
    }
    server = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], "mcp"], env=environment)
    async with Client(stdio_client(server)) as client:
        yield Agent(name, client, folder)


async def run(name: str, *arguments: str) -> None:
    """A program of its own. What it says is passed on; dan is killed when it is half way."""
    command = [sys.executable, __file__, "--agent", name, *arguments]
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert running.stdout is not None
    async for line in running.stdout:
        print(line.decode(), end="", flush=True)
        if line.decode() == f"dan: {HALF_WAY}\n":
            running.kill()
            print("(dan is killed)", flush=True)
    if await running.wait() != 0 and name != "dan":
        raise SystemExit(f"{name} failed")


async def state(reader: Agent) -> dict[str, Any]:
    """What the team leaves behind, without ids and times."""
    found = await reader.call("recall", scope=PROJECT, descendants=True, limit=100, max_tokens=100_000)
    ids = [one["id"] for one in found["results"]]
    entries = (await reader.call("get", ids=ids, relations=True))["entries"]
    content = {one["id"]: one["content"] for one in entries}
    kept = ("scope", "kind", "title", "content", "tags", "version")
    sessions = (await reader.call("session", action="list", scope=PROJECT))["sessions"]
    questions = (await reader.call("vote", action="list", scope=PROJECT))["questions"]
    cast = {
        one["question"]: (await reader.call("vote", action="list", question=one["question"], scope=PROJECT))[
            "votes"
        ]
        for one in questions
    }
    return {
        "entries": sorted(
            # The board has many authors: which of them was last is chance.
            [*(one.get(name, "") for name in kept), one["source"]["agent"] if one["version"] == 1 else ""]
            for one in entries
        ),
        "relations": sorted(
            [content[edge["from"]], edge["type"], content[edge["to"]]]
            for one in entries
            for edge in one.get("relations", ())
            if edge["from"] == one["id"]
        ),
        "sessions": sorted(
            [one[name] for name in ("scope", "state", "agent", "purpose", "summary")] for one in sessions
        ),
        "votes": {
            question: sorted([one["agent"], one.get("replaced", False), one["choice"]] for one in votes)
            for question, votes in cast.items()
        },
        "locks": (await reader.call("file_lock", action="list"))["locks"],
    }


async def play(folder: Path) -> dict[str, Any]:
    (folder / "shop").mkdir()
    async with agent("ines", folder) as ines:
        await ines.call("remember", scope=PROJECT, entries=PLAN)
        ines.say(f"plans {len(MODULES)} modules")
        await asyncio.gather(*(run(name, str(folder)) for name in TEAM))
        await run("ada", "--take-over", str(folder))
        return await state(ines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, help="an empty folder, in which everything stays")
    parser.add_argument("--state", type=Path, help="write what the team leaves in the memory to this file")
    parser.add_argument("--agent", help=argparse.SUPPRESS)
    parser.add_argument("--take-over", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.agent:
        async with agent(given.agent, given.folder) as one:
            await (one.take_over() if given.take_over else one.work(list(MODULES)[TEAM.index(one.name)]))
        return
    with TemporaryDirectory(prefix="agent-memory-team-") as name:
        folder = given.folder or Path(name)
        left = await play(folder)
        order = [sys.executable, "-c", "from shop.orders import order; print(order('tea', 3))"]
        running = await asyncio.create_subprocess_exec(*order, cwd=folder, stdout=asyncio.subprocess.PIPE)
        bill = (await running.communicate())[0].decode().strip()
        print(f"the shop works: {bill}\n{len(left['entries'])} entries, {len(left['sessions'])} sessions")
        if given.state:
            given.state.write_text(json.dumps({**left, "bill": bill}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
