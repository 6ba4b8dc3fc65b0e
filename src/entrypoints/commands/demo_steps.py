"""The steps of the demo. Each shows something and checks what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .demo_stage import held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .demo_server import Server
    from .demo_stage import Stage

Sample = list[dict[str, Any]]

_LAST_WORDS = "The release train leaves on Tuesdays at ten."

_QUESTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "A question in plain words, asked at a project",
        {"query": "why did we choose PostgreSQL for orders?", "scope": "acme/shop", "limit": 2},
        "Decision: PostgreSQL for orders",
    ),
    (
        "A rule of the organisation, found from one of its projects (scopes inherit)",
        {"query": "when may I deploy", "scope": "acme/shop", "kinds": ["guideline"], "limit": 2},
        "No deploys on Fridays",
    ),
    (
        "Across all projects of the organisation, within a stretch of time",
        {
            "query": "lesson learned", "scope": "acme", "descendants": True, "since": "2025-06-01",
            "until": "2025-07-01", "limit": 2,
        },
        "Incident 31: checkout slow at noon",
    ),
    (
        "No question at all, only a tag: the newest decisions",
        {"scope": "acme/shop", "tags": ["decision"], "limit": 2},
        "Decision: feature flags in the database",
    ),
)  # fmt: skip


async def before_the_crash(stage: Stage, server: Server, entries: Sample) -> str:
    """Returns the id of what was acknowledged last."""
    await _list_tools(stage, server)
    await _remember(stage, server, entries)
    await _ask_all(stage, server)
    stage.heading("One more entry; the moment it is acknowledged, the server is killed with SIGKILL")
    answer = await stage.ask(server, "memory_remember", {"content": _LAST_WORDS, "scope": "acme/mobile"})
    last_words: str = answer.structured["results"][0]["id"]
    return last_words


async def after_the_crash(stage: Stage, server: Server, entries: Sample, last_words: str) -> None:
    await _all_is_there(stage, server, entries, last_words)
    await _repeat(stage, server, entries)
    await _two_agents_update(stage, server, last_words)
    await _bad_input(stage, server)
    await _forget(stage, server)


async def _list_tools(stage: Stage, server: Server) -> None:
    tools = await server.tools()
    ready = stage.since_start()
    stage.heading("The client asks what the server can do")
    size = len(msgspec.json.encode(tools)) / 1000
    stage.answered(
        "\n".join(f"{tool['name']:<16} {_first_sentence(tool['description'])}" for tool in tools[:6])
    )
    stage.remark(
        f"{len(tools)} tools in {size:.1f} KB; {ready} after the start of the process and the client."
    )
    held(
        {"memory_remember", "memory_recall", "memory_forget"} <= {t["name"] for t in tools},
        "the tools are listed",
    )


async def _remember(stage: Stage, server: Server, entries: Sample) -> None:
    stage.heading(f"An agent remembers {len(entries)} things: one call, all or none, on disk when it answers")
    answer = await stage.ask(server, "memory_remember", {"entries": entries})
    results = answer.structured["results"]
    held(len(results) == len(entries), f"{len(entries)} entries were stored")
    held(not any(one["duplicate"] for one in results), "all of them were new")


async def _ask_all(stage: Stage, server: Server) -> None:
    for heading, arguments, title in _QUESTIONS:
        stage.heading(heading)
        answer = await stage.ask(server, "memory_recall", arguments)
        held(_titles(answer.structured)[:1] == [title], f"{title!r} comes first")


async def _all_is_there(stage: Stage, server: Server, entries: Sample, last_words: str) -> None:
    await server.tools()
    stage.heading(
        f"The server is started again ({stage.since_start()}) on the same file: everything is there"
    )
    health = await stage.ask(server, "memory_health", {}, quietly=True)
    stage.asked("memory_health", {})
    stage.answered(f"{health.structured['status']}, {health.structured['entries']['active']} entries")
    held(
        health.structured["entries"]["active"] == len(entries) + 1,
        "every acknowledged entry survived the kill",
    )
    got = await stage.ask(server, "memory_get", {"ids": [last_words]})
    held(got.structured["entries"][0]["content"] == _LAST_WORDS, "the last acknowledged entry is whole")
    _, arguments, title = _QUESTIONS[0]
    answer = await stage.ask(server, "memory_recall", arguments)
    held(_titles(answer.structured)[:1] == [title], "the same question has the same answer")


async def _repeat(stage: Stage, server: Server, entries: Sample) -> None:
    stage.heading("The same thing remembered twice is kept once, and said to be known")
    answer = await stage.ask(server, "memory_remember", entries[0])
    held(answer.structured["results"][0]["duplicate"], "the repeat is recognised")


async def _two_agents_update(stage: Stage, server: Server, entry_id: str) -> None:
    stage.heading("Two agents correct the same entry: the second is told, and nothing is overwritten")
    first = {
        "id": entry_id,
        "expected_version": 1,
        "content": "The release train leaves on Tuesdays at noon.",
    }
    second = {"id": entry_id, "expected_version": 1, "content": "The release train leaves on Wednesdays."}
    updated = await stage.ask(server, "memory_update", {**first, "agent_id": "builder"})
    held(updated.structured["version"] == 2, "the first correction makes version 2")
    refused = await stage.ask(server, "memory_update", {**second, "agent_id": "tester"})
    held(refused.is_error and "noon" in refused.text, "the second one is refused with what stands there now")
    history = await stage.ask(server, "memory_get", {"ids": [entry_id], "history": True})
    held(
        history.structured["entries"][0]["history"][0]["content"] == _LAST_WORDS, "the former version is kept"
    )


async def _bad_input(stage: Stage, server: Server) -> None:
    stage.heading("What cannot be understood is an answer that says what to change, never an empty result")
    for arguments, told in (
        ({"query": "deploy", "since": "lately"}, "ISO 8601"),
        ({"query": "deploy", "scope": "acme/../secrets"}, "'..'"),
        ({"query": "deploy", "kinds": ["fact"]}, "knowledge"),
    ):
        answer = await stage.ask(server, "memory_recall", arguments)
        held(answer.is_error and told in answer.text, f"the answer names {told}")


async def _forget(stage: Stage, server: Server) -> None:
    stage.heading("A session is over: see what a filter would delete, then delete it")
    where: Mapping[str, Any] = {"filter": {"scope": "acme/shop/checkout-rewrite", "kinds": ["note"]}}
    tried = await stage.ask(server, "memory_forget", {**where, "dry_run": True})
    held(tried.structured["forgotten"] == 3, "the dry run counts 3 entries")
    done = await stage.ask(server, "memory_forget", where)
    held(done.structured["ids"] == tried.structured["ids"], "exactly these are deleted")
    again = await stage.ask(
        server, "memory_recall", {"query": "proxies buffer", "scope": "acme/shop/checkout-rewrite"}
    )
    held("proxies" not in again.text, "what was forgotten is not found")


def _titles(result: Any) -> Sequence[str]:
    return [hit.get("title", "") for hit in result["results"]]


def _first_sentence(text: str) -> str:
    return text.split(". ", 1)[0].rstrip(".") + "."
