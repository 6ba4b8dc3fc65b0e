"""`agent-memory health`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..health import Health, check_health
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App

_CODES = {"healthy": 0, "degraded": 1, "unhealthy": 3}
_DAMAGED = 65


def run(arguments: list[str]) -> int:
    parser = Parser(
        "health",
        "Open the store and say whether it works. Exits with 0 when healthy, 1 when degraded, 3 when it is not "
        "there, 65 when it is damaged.",
        {
            "look": "health",
            "how many entries": "health --json | jq .entries.active",
            "as a check in a container": "health --json",
        },
    )
    parser.json()
    as_json = parser.read(arguments)["json"]

    async def use(app: App, caller: Caller) -> int:
        health = await check_health(app, caller.ceiling)
        if as_json:
            show_json(health)
        else:
            show(_told(health, app.settings.place))
        damaged = any(problem.startswith("corrupt:") for problem in health.problems)
        return _DAMAGED if damaged else _CODES[health.status]

    return use_memory("health", use)


def _told(health: Health, place: str) -> str:
    lines = [f"{health.status}  (agent-memory {health.version}, {place})"]
    for part in ("database", "cache", "entries", "jobs", "locks", "limiter", "breaker", "vector_db", "redis"):
        figures: dict[str, object] = getattr(health, part)
        if figures:
            lines.append(
                f"{part:<10}" + ", ".join(f"{name} {_figure(value)}" for name, value in figures.items())
            )
    lines += [f"problem:  {problem}" for problem in health.problems]
    return "\n".join(lines)


def _figure(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
