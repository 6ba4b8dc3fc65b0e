"""A program, played on a memory that begins empty."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.scopes import GLOBAL

from .acts import Play
from .oracle import Known, Oracle, inside
from .surface import CONTEXT, Leak, Surface

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.entrypoints.settings import Settings
    from agent_memory.entrypoints.wiring import App

    from .programs import Step

LAST = "zulu"
"""An organisation that no program knows: what is written there last ends the wait for what is told."""


async def play(settings: Settings, ceilings: list[str], steps: list[Step]) -> None:
    """`Leak`, or another `AssertionError`, where somebody learns or does what is not theirs."""
    async with open_app(settings, Log("error")) as app, surfaces_of(app, ceilings) as (oracle, surfaces):
        scene = Play(app, ceilings, surfaces, oracle)
        # What looks for similar entries is there once something has been asked.
        await surfaces[0].call("memory_recall", query="okapi")
        honoured = [await listens(surface, ceilings) for surface in surfaces]
        outside: list[list[str]] = [[] for _ in surfaces]
        for step in steps:
            entries = len(oracle.entries)
            await scene.step(step)
            for known in oracle.entries[entries:]:
                for surface, strange in zip(surfaces, outside, strict=True):
                    strange.extend(await hears_of(surface, known))
        await everything_is_told(app)
        for surface, uris, strangers in zip(surfaces, honoured, outside, strict=True):
            told(surface, uris, strangers)
        await untouched(scene)


@asynccontextmanager
async def surfaces_of(app: App, ceilings: list[str]) -> AsyncGenerator[tuple[Oracle, list[Surface]]]:
    oracle = Oracle()
    async with AsyncExitStack() as stack:
        surfaces = [Surface(app, ceiling, oracle) for ceiling in ceilings]
        for surface in surfaces:
            stack.push_async_callback(surface.close)
            await surface.watch()
        yield oracle, surfaces


async def listens(surface: Surface, ceilings: list[str]) -> list[str]:
    uris = {f"memory://scope/{scope}": inside(scope, surface.ceiling) for scope in ceilings}
    honoured = await surface.listen([*uris, "memory://stats"])
    assert set(honoured) == {uri for uri, mine in uris.items() if mine} | {"memory://stats"}
    return honoured


async def hears_of(surface: Surface, known: Known) -> list[str]:
    """Nothing, of an entry that is not its own. Its URI is given back for such."""
    if inside(known.scope, surface.ceiling):
        return []
    uri = f"memory://entry/{known.id}"
    await surface.listen([uri])
    return [uri]


async def everything_is_told(app: App) -> None:
    """Bursts are told to all at once, so that who hears of the last write knows that all have heard of the others."""
    last = Surface(app, GLOBAL, Oracle())
    try:
        assert await last.listen(["memory://scope/global"])
        await last.call("memory_remember", content="the last", scope=LAST)
        async with asyncio.timeout(60):
            while f"memory://scope/{LAST}" not in last.told:
                last.stirred.clear()
                await last.stirred.wait()
    finally:
        await last.close()


def told(surface: Surface, honoured: list[str], strangers: list[str]) -> None:
    for uri in surface.told:
        scope = uri.removeprefix("memory://scope/")
        if uri in strangers or (uri.startswith("memory://scope/") and not inside(scope, surface.ceiling)):
            raise Leak(f"{surface.ceiling!r} was told of {uri}")
        assert uri in honoured or uri.startswith("memory://scope/")
    written = any(inside(scope, surface.ceiling) for scope in surface.oracle.changed)
    if surface.ceiling != GLOBAL:  # who sees everything hears of the last write, too
        assert ("memory://stats" in surface.told) == written, f"{surface.ceiling!r}: {surface.told}"


async def untouched(scene: Play) -> None:
    """At the end everything is as the oracle has it: nobody changed or deleted what was not theirs."""
    known = {entry.id: entry for entry in scene.oracle.entries}
    if not known:
        return
    whole = Surface(scene.app, GLOBAL, scene.oracle)
    arguments = msgspec.Raw(msgspec.json.encode({"ids": list(known)}))
    result = await whole.tools.call_tool("memory_get", arguments, CONTEXT)
    stored = msgspec.to_builtins(result.structured)["entries"]
    assert {entry["id"] for entry in stored} == {entry.id for entry in known.values() if entry.there}
    for entry in stored:
        mine = known[entry["id"]]
        assert (entry["scope"], entry["content"], entry["state"]) == (mine.scope, mine.content, mine.state)
