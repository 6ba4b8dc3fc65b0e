"""A walk through every tool with every argument, the same for each client program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from .live_server import ADMIN_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

TOOL_NAMES = [
    "memory_remember",
    "memory_recall",
    "memory_get",
    "memory_update",
    "memory_forget",
    "memory_link",
    "memory_file_lock",
    "memory_context",
    "memory_session",
    "memory_vote",
    "memory_health",
    "memory_export",
    "memory_import",
    "memory_maintain",
]


class Outcome(msgspec.Struct, frozen=True):
    """What the program behind the client gets to see: `structured` after success, `text` always after an error."""

    text: str
    is_error: bool
    structured: Json | None = None


class ToolClient(Protocol):
    async def list_tools(self) -> list[str]: ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome: ...


async def walk_through(client: ToolClient) -> None:
    assert await client.list_tools() == TOOL_NAMES
    decision, lesson = await _remember(client)
    await _recall(client, decision)
    await _change(client, decision)
    await _tie(client, decision, lesson)
    await _lock(client)
    await _move(client)
    await _together(client)
    await _forget(client, decision, lesson)
    assert (await _done(client, "memory_health", {}))["status"] == "healthy"
    refused = await _refused(client, "memory_remember", {"content": "x", "importance": 7})
    assert "importance" in refused


async def _done(client: ToolClient, name: str, arguments: Mapping[str, Any]) -> Json:
    outcome = await client.call(name, arguments)
    assert not outcome.is_error, f"{name} {arguments}: {outcome.text}"
    assert outcome.structured is not None
    return outcome.structured


async def _refused(client: ToolClient, name: str, arguments: Mapping[str, Any]) -> str:
    outcome = await client.call(name, arguments)
    assert outcome.is_error, f"{name} {arguments}: {outcome}"
    return outcome.text


async def _remember(client: ToolClient) -> tuple[str, str]:
    everything = {
        "content": "We store instants in UTC and convert them in the browser.",
        "title": "Time zones",
        "kind": "knowledge",
        "scope": "acme/web",
        "author": "Ada",
        "tags": ["Time", "decision"],
        "metadata": {"ticket": 17, "links": ["a", "b"]},
        "importance": 0.9,
        "occurred_at": "2026-01-02T03:04:05Z",
        "valid_from": "2026-01-01",
        "valid_until": "2999-01-01",
        "expires_at": "2999-06-01T00:00:00+02:00",
        "agent_id": "planner",
        "idempotency_key": "walk-1",
    }
    first = await _done(client, "memory_remember", everything)
    again = await _done(client, "memory_remember", everything)
    assert first == {"results": [{"id": first["results"][0]["id"], "version": 1, "duplicate": False}]}
    assert again == {**first, "replayed": True}
    several = {
        "entries": [
            {"content": "Deploys on Friday went wrong twice.", "kind": "experience", "tags": ["deploy"]},
            {"content": "Ask Grace before touching the billing tables.", "kind": "guideline"},
        ],
        "scope": "acme/web",
    }
    lesson, _rule = (await _done(client, "memory_remember", several))["results"]
    return first["results"][0]["id"], lesson["id"]


async def _recall(client: ToolClient, decision: str) -> None:
    wanted = {
        "query": "which time zone do we store instants in?",
        "scope": "acme/web/session-1",
        "inherit": True,
        "descendants": True,
        "kinds": ["knowledge"],
        "tags": ["time"],
        "tags_any": ["decision", "other"],
        "since": "2026-01-01",
        "until": "2026-02-01",
        "limit": 5,
        "max_tokens": 500,
        "mode": "lexical",
        "explain": True,
    }
    (found,) = (await _done(client, "memory_recall", wanted))["results"]
    assert (found["id"], found["scope"], found["match"]) == (decision, "acme/web", "lexical")
    assert found["source"]["author"] == "Ada"
    assert found["source"]["agent"] == "planner"
    assert found["explain"]["rank"] == 1
    earlier = await _done(client, "memory_recall", {"scope": "acme/web", "as_of": "2020-01-01"})
    assert earlier == {"results": [], "truncated": False, "degraded": False}


async def _change(client: ToolClient, decision: str) -> None:
    everything = {
        "id": decision,
        "expected_version": 1,
        "content": "We store instants in UTC with microseconds.",
        "title": "Instants",
        "tags": ["time"],
        "add_tags": ["storage"],
        "remove_tags": ["time"],
        "metadata": {"ticket": 18},
        "importance": 0.4,
        "valid_until": None,
        "expires_at": "2999-01-01",
        "state": "archived",
        "agent_id": "planner",
    }
    changed = await _done(client, "memory_update", everything)
    assert changed == {"id": decision, "version": 2, "changed": True}
    stale = {"id": decision, "expected_version": 1, "title": "Mine"}
    conflict = await _refused(client, "memory_update", stale)
    assert conflict.startswith("conflict: ")
    assert "version 2" in conflict


async def _tie(client: ToolClient, decision: str, lesson: str) -> None:
    edge = {"from": decision, "to": lesson, "type": "derived_from"}
    tied = await _done(client, "memory_link", {"action": "link", **edge, "agent_id": "planner"})
    assert tied == {"changed": True}
    around = {"action": "neighbors", "from": lesson, "depth": 2, "limit": 9}
    assert (await _done(client, "memory_link", around))["relations"] == [edge]
    path = await _done(client, "memory_link", {"action": "path", "from": lesson, "to": decision})
    assert path["found"]
    assert path["relations"] == [edge]
    wanted = {"ids": [decision, lesson], "history": True, "relations": True}
    whole, _lesson = (await _done(client, "memory_get", wanted))["entries"]
    assert whole["tags"] == ["storage"]
    assert whole["metadata"] == {"ticket": 18}
    assert "valid_until" not in whole
    assert [past["title"] for past in whole["history"]] == ["Time zones"]
    assert whole["relations"] == [edge]
    untied = await _done(client, "memory_link", {"action": "unlink", **edge})
    assert untied == {"changed": True}


async def _lock(client: ToolClient) -> None:
    mine = {"file_path": "src/./app.py", "agent_id": "planner"}
    wanted = {"action": "checkout", "ttl_seconds": 600, "wait_seconds": 0, **mine}
    got = await _done(client, "memory_file_lock", wanted)
    assert (got["file_path"], got["status"], got["agent"]) == ("src/app.py", "yours", "planner")
    token = got["token"]
    taken = await _refused(client, "memory_file_lock", {**wanted, "agent_id": "coder"})
    assert taken.startswith("lock_timeout: src/app.py is checked out by 'planner' since ")
    assert got["until"][:19] in taken
    kept = await _done(client, "memory_file_lock", {"action": "renew", "token": token, **mine})
    assert kept["token"] == token
    (listed,) = (await _done(client, "memory_file_lock", {"action": "list"}))["locks"]
    assert (listed["file_path"], listed["agent"]) == ("src/app.py", "planner")
    free = await _done(client, "memory_file_lock", {"action": "checkin", "token": token, **mine})
    assert free == {"file_path": "src/app.py", "status": "free"}
    assert await _done(client, "memory_file_lock", {"action": "status", **mine}) == free
    await _done(client, "memory_file_lock", wanted)
    force = {"action": "force_unlock", "file_path": "src/app.py", "reason": "the planner died"}
    assert "admin_key" in await _refused(client, "memory_file_lock", {**force, "admin_key": "guess"})
    ended = (await _done(client, "memory_file_lock", {**force, "admin_key": ADMIN_KEY}))["ended"]
    assert ended["agent"] == "planner"


async def _move(client: ToolClient) -> None:
    everything = await _done(
        client, "memory_export", {"action": "export", "format": "jsonl", "scope": "acme", "agent_id": "ada"}
    )
    assert everything["counts"]["entries"] == 3
    kept = await _done(client, "memory_export", {"name": "acme.md", "format": "markdown", "scope": "acme"})
    assert (kept["name"], kept["digest"]) == ("acme.md", everything["digest"])
    wanted = {"format": "markdown", "on_conflict": "update", "dry_run": True, "admin_key": ADMIN_KEY}
    assert "admin_key" in await _refused(
        client, "memory_import", {**wanted, "name": "acme.md", "admin_key": "guess"}
    )
    tried = await _done(client, "memory_import", {**wanted, "name": "acme.md"})
    assert tried["entries"] == {"created": 0, "updated": 0, "skipped": 3, "conflicts": 0}
    text = {"content": everything["content"], "format": "jsonl", "admin_key": ADMIN_KEY, "action": "import"}
    text["agent_id"] = "ada"
    assert (await _done(client, "memory_import", text))["entries"]["skipped"] == 3
    cut = {**text, "content": everything["content"][:-9]}
    assert "content" in await _refused(client, "memory_import", cut)
    maintain = {"action": "consolidate", "dry_run": True, "scope": "acme", "agent_id": "ada"}
    assert "admin_key" in await _refused(client, "memory_maintain", maintain)
    found = await _done(client, "memory_maintain", {**maintain, "admin_key": ADMIN_KEY})
    assert found["found"] == 0


async def _together(client: ToolClient) -> None:
    """Sessions, votes, context."""
    scope = {"scope": "acme/web/s1"}
    begin = {"action": "begin", **scope, "purpose": "move to UTC", "agent_id": "planner"}
    begun = (await _done(client, "memory_session", begin))["session"]
    assert (begun["scope"], begun["state"], begun["agent"]) == ("acme/web/s1", "open", "planner")
    question = {"question": "Which zone is stored?", "scope": "acme/web"}
    cast = {"action": "cast", **question, "choice": "UTC", "agent_id": "planner"}
    stands = await _done(client, "memory_vote", cast)
    assert (stands["leader"], stands["margin"], stands["decided"]) == ("UTC", 1, False)
    tallied = await _done(client, "memory_vote", {"action": "tally", **question, "k": 1})
    assert tallied["decision"] == "UTC"
    listed = await _done(client, "memory_vote", {"action": "list", "scope": "acme"})
    assert listed["questions"] == [{**question, "voters": 1}]
    wanted = {
        "scope": "acme/web",
        "max_tokens": 1000,
        "task": "touch the billing tables",
        "agent_id": "planner",
    }
    context = await _done(client, "memory_context", wanted)
    assert [one["content"] for one in context["guidelines"]] == [
        "Ask Grace before touching the billing tables."
    ]
    assert [one["purpose"] for one in context["sessions"]] == ["move to UTC"]
    assert context == await _done(client, "memory_context", wanted)
    ended = await _done(client, "memory_session", {"action": "end", **scope, "summary": "All is UTC now."})
    got = (await _done(client, "memory_session", {"action": "get", **scope}))["session"]
    assert (got["summary"], got["entries"]) == ("All is UTC now.", {"total": 0, "by_kind": {}})
    (entry,) = (await _done(client, "memory_get", {"ids": [ended["summary_entry"]]}))["entries"]
    assert (entry["content"], entry["scope"]) == ("All is UTC now.", "acme/web")
    (only,) = (await _done(client, "memory_session", {"action": "list", "limit": 1}))["sessions"]
    assert only["state"] == "ended"


async def _forget(client: ToolClient, decision: str, lesson: str) -> None:
    wanted = {
        "scope": "acme/web",
        "kinds": ["experience"],
        "tags": ["deploy"],
        "after": "2020-01-01",
        "before": "2999-01-01",
    }
    gone = {"forgotten": 1, "ids": [lesson], "missing": [], "more": False, "dry_run": False}
    tried = await _done(client, "memory_forget", {"filter": wanted, "dry_run": True})
    assert tried == {**gone, "dry_run": True}
    assert await _done(client, "memory_forget", {"filter": wanted, "agent_id": "planner"}) == gone
    purge = {"ids": [decision], "purge": True}
    assert "admin_key" in await _refused(client, "memory_forget", {**purge, "admin_key": "guess"})
    purged = await _done(client, "memory_forget", {**purge, "admin_key": ADMIN_KEY})
    assert purged == {**gone, "ids": [decision]}
    after = await _done(client, "memory_get", {"ids": [decision]})
    assert after == {"entries": [], "missing": [decision]}
