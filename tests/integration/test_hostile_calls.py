"""Calls that are well-formed each and make no sense, alone or after one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clients.live_server import ADMIN_KEY
from .clients.raw_server import raw_server

if TYPE_CHECKING:
    from pathlib import Path

    from .clients.raw_server import RawServer

NOBODY = "00000000-0000-7000-8000-000000000000"


async def remembered(server: RawServer, content: str, **more: Any) -> str:
    made = await server.done("memory_remember", {"content": content, **more})
    entry_id: str = made["results"][0]["id"]
    return entry_id


async def test_contradictory_arguments_are_refused(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        for tool, arguments, words in (
            ("memory_remember", {"content": "x", "entries": [{"content": "y"}]}, ("content", "entries")),
            ("memory_remember", {"entries": [{"content": "y"}], "title": "x"}, ("title", "entries")),
            ("memory_remember", {"entries": [{"content": "y"}], "kind": "guideline"}, ("kind", "entries")),
            ("memory_remember", {"entries": [{"content": "y"}], "importance": 0.9}, ("importance", "entries")),
            ("memory_remember", {"content": "x", "valid_from": "2026-02-01", "valid_until": "2026-01-01"},
             ("valid_until", "valid_from")),
            ("memory_remember", {"content": "x", "expires_at": "2001-01-01"}, ("expires_at", "passed")),
            ("memory_recall", {"since": "2026-02-01", "until": "2026-01-01"}, ("until", "since")),
            ("memory_recall", {"since": "2026-02-01", "until": "2026-01-31"}, ("until", "since")),
            ("memory_forget", {}, ("ids", "filter")),
            ("memory_forget", {"ids": [NOBODY], "filter": {"scope": "x"}}, ("ids", "filter")),
            ("memory_forget", {"filter": {"scope": "x", "after": "2026-02-01", "before": "2026-01-01"}},
             ("filter.before", "filter.after")),
            ("memory_update", {"id": NOBODY}, ("nothing to update", "content")),
            ("memory_link", {"action": "link", "from": NOBODY}, ("to is missing",)),
            ("memory_link", {"action": "path", "from": NOBODY}, ("to is missing",)),
        ):  # fmt: skip
            await server.refused(tool, arguments, "rejected: ", *words)
        assert await server.active() == 0


async def test_one_bad_entry_among_many_stores_none(tmp_path: Path) -> None:
    entries: list[dict[str, Any]] = [{"content": f"fact {number}"} for number in range(255)]
    async with raw_server(tmp_path) as server:
        await server.refused(
            "memory_remember", {"entries": [*entries, {"content": ""}]}, "entries[255].content"
        )
        assert await server.active() == 0
        await server.done("memory_remember", {"entries": [*entries, {"content": "the last"}]})
        assert await server.active() == 256


async def test_an_idempotency_key_used_for_something_else_is_refused_and_writes_nothing(
    tmp_path: Path,
) -> None:
    async with raw_server(tmp_path) as server:
        first = {"content": "one", "idempotency_key": "k"}
        await server.done("memory_remember", first)
        await server.refused("memory_remember", {**first, "content": "two"}, "rejected: ", "idempotency_key")
        await server.refused("memory_remember", {**first, "scope": "acme"}, "rejected: ", "idempotency_key")
        assert (await server.done("memory_remember", first))["replayed"]
        assert await server.active() == 1


async def test_what_was_forgotten_can_be_neither_updated_nor_forgotten_nor_linked_again(
    tmp_path: Path,
) -> None:
    async with raw_server(tmp_path) as server:
        gone, here = await remembered(server, "old"), await remembered(server, "new")
        wanted = {"ids": [gone, gone, NOBODY, "' OR 1=1 --", ""]}
        answer = await server.done("memory_forget", wanted)
        assert (answer["forgotten"], answer["ids"]) == (1, [gone])
        assert answer["missing"] == [NOBODY, "' OR 1=1 --", ""]
        again = await server.done("memory_forget", {"ids": [gone]})
        assert (again["forgotten"], again["missing"]) == (0, [gone])
        for update in ({"content": "back"}, {"state": "active"}, {"expected_version": 1, "title": "x"}):
            await server.refused("memory_update", {"id": gone, **update}, "not_found: ", gone)
        await server.refused(
            "memory_link", {"action": "link", "from": here, "to": gone}, "not_found: ", "to", gone
        )
        await server.refused(
            "memory_link", {"action": "link", "from": gone, "to": here}, "not_found: ", "from", gone
        )
        assert (await server.done("memory_get", {"ids": [gone]}))["missing"] == [gone]
        found = (await server.done("memory_recall", {"query": "old"}))["results"]
        assert gone not in [one["id"] for one in found]
        assert await server.active() == 1


async def test_the_argument_that_asked_for_what_is_not_there_is_told_to_programs(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        here = await remembered(server, "new")
        for tool, arguments, field in (
            ("memory_update", {"id": NOBODY, "title": "x"}, "id"),
            ("memory_link", {"action": "link", "from": here, "to": NOBODY}, "to"),
            ("memory_link", {"action": "neighbors", "from": NOBODY}, "from"),
            ("memory_session", {"action": "end", "scope": "acme/shop/s1", "summary": "x"}, "scope"),
            ("memory_import", {"name": "none.json", "admin_key": ADMIN_KEY}, "name"),
        ):
            answer = (await server.call(tool, arguments)).structured
            assert answer is not None
            assert (answer["error"], answer["field"]) == ("not_found", field)


async def test_a_fact_can_be_remembered_again_after_it_was_forgotten(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        first = await remembered(server, "The door code is 4711.")
        await server.done("memory_forget", {"ids": [first]})
        second = await remembered(server, "The door code is 4711.")
        assert second != first
        found = (await server.done("memory_recall", {"query": "door code"}))["results"]
        assert [hit["id"] for hit in found] == [second]


async def test_no_filter_reaches_beyond_the_scope_that_it_names(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        here = [await remembered(server, f"fact {number}") for number in range(3)]
        for scope in ("acme", "acme/web", "acme/web/s1", "other"):
            await remembered(server, "theirs", scope=scope)
        filters: tuple[dict[str, Any], ...] = (
            {},
            {"kinds": []},
            {"tags": []},
            {"after": "0001-01-01"},
            {"scope": None},
            {"scope": "*"},
        )
        for everything in filters:
            await server.refused("memory_forget", {"filter": everything}, "filter.scope")
        for root in ("", "/", "global"):
            tried = await server.done("memory_forget", {"filter": {"scope": root}, "dry_run": True})
            assert sorted(tried["ids"]) == here
        assert await server.active() == 7
        assert (await server.done("memory_forget", {"filter": {"scope": "acme"}}))["forgotten"] == 1
        assert await server.active() == 6


async def test_a_filter_forgets_more_than_one_answer_holds_by_being_called_again(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        for batch in range(5):
            entries = [{"content": f"fact {batch} {number}", "scope": "acme"} for number in range(250)]
            await server.done("memory_remember", {"entries": entries})
        wanted = {"filter": {"scope": "acme"}}
        first = await server.done("memory_forget", wanted)
        assert (first["forgotten"], first["more"]) == (1000, True)
        second = await server.done("memory_forget", wanted)
        assert (second["forgotten"], second["more"]) == (250, False)
        assert await server.active() == 0


async def test_a_ceiling_cannot_be_talked_around(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        secret = await remembered(server, "theirs", scope="other/team")
        parent = await remembered(server, "the whole company", scope="acme")
    async with raw_server(tmp_path, SCOPE="acme/web", AGENT_ID="pinned") as server:
        await server.refused("memory_remember", {"content": "x", "scope": "other"}, "scope", "acme/web")
        await server.refused("memory_remember", {"content": "x", "scope": "acme"}, "scope", "acme/web")
        await server.refused("memory_recall", {"scope": "global", "descendants": True}, "scope", "acme/web")
        await server.refused("memory_forget", {"filter": {"scope": "other/team"}}, "filter.scope", "acme/web")
        for foreign in (secret, parent):
            assert (await server.done("memory_get", {"ids": [foreign]}))["missing"] == [foreign]
            await server.refused("memory_update", {"id": foreign, "title": "mine"}, "not_found: ")
            assert (await server.done("memory_forget", {"ids": [foreign], "purge": True}))["forgotten"] == 0
            await server.refused("memory_link", {"action": "neighbors", "from": foreign}, "not_found: ")
        own = await remembered(server, "ours", agent_id="somebody else")
        (entry,) = (await server.done("memory_get", {"ids": [own]}))["entries"]
        assert (entry["scope"], entry["source"]["agent"]) == ("acme/web", "pinned")
        everything = await server.done("memory_recall", {"descendants": True})
        assert [hit["id"] for hit in everything["results"]] == [own]


async def test_purging_needs_the_admin_key_where_one_is_set(tmp_path: Path) -> None:
    async with raw_server(tmp_path, ADMIN_KEY=ADMIN_KEY) as server:
        entry_id = await remembered(server, "x")
        for guess in (
            {},
            {"admin_key": ""},
            {"admin_key": "guess"},
            {"admin_key": ADMIN_KEY + " "},
            {"admin_key": "ü"},
        ):
            wanted = {"ids": [entry_id], "purge": True, **guess}
            await server.refused("memory_forget", wanted, "admin_key")
            await server.refused("memory_forget", {**wanted, "dry_run": True}, "admin_key")
        assert await server.active() == 1
        assert (
            await server.done("memory_forget", {"ids": [entry_id], "purge": True, "admin_key": ADMIN_KEY})
        )["ids"]


async def test_cycles_and_loops_of_relations_end(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        ring = [await remembered(server, f"fact {number}") for number in range(5)]
        await server.refused("memory_link", {"action": "link", "from": ring[0], "to": ring[0]}, "same entry")
        for one, other in zip(ring, ring[1:] + ring[:1], strict=True):
            edge = {"action": "link", "from": one, "to": other}
            assert (await server.done("memory_link", edge))["changed"]
            assert not (await server.done("memory_link", edge))["changed"]
        near = await server.done(
            "memory_link", {"action": "neighbors", "from": ring[0], "depth": 5, "limit": 200}
        )
        assert len(near["relations"]) == 5
        cut = await server.done(
            "memory_link", {"action": "neighbors", "from": ring[0], "depth": 5, "limit": 2}
        )
        assert (len(cut["relations"]), cut["truncated"]) == (2, True)
        itself = await server.done("memory_link", {"action": "path", "from": ring[0], "to": ring[0]})
        assert itself["found"]
        assert itself["relations"] == []


async def test_entries_are_given_whole_up_to_a_bound_and_never_cut(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        ids: list[str] = []
        for batch in range(2):
            entries = [{"content": f"{batch} {number} ".ljust(65_536, "x")} for number in range(40)]
            ids += [
                made["id"] for made in (await server.done("memory_remember", {"entries": entries}))["results"]
            ]
        await server.refused("memory_get", {"ids": ids}, "rejected: ids", "4194304 bytes", "at most 64")
        assert len((await server.done("memory_get", {"ids": ids[:64]}))["entries"]) == 64
        for version in range(1, 52):
            changed = {"id": ids[0], "content": f"{version} ".ljust(65_536, "y")}
            await server.done("memory_update", changed)
        (entry,) = (await server.done("memory_get", {"ids": ids[:1], "history": True}))["entries"]
        assert len(entry["history"]) == 50
        await server.refused("memory_get", {"ids": ids[:20], "history": True}, "rejected: ids", "at most 14")


async def test_a_small_budget_still_gives_the_best_and_says_what_it_cut(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        entries = [{"content": f"topic {number} " + "word " * 2000} for number in range(20)]
        await server.done("memory_remember", {"entries": entries})
        outcome = await server.call("memory_recall", {"query": "topic", "limit": 100, "max_tokens": 50})
        assert outcome.structured is not None
        assert len(outcome.structured["results"]) == 1
        assert outcome.structured["truncated"]
        assert outcome.structured["results"][0]["content_truncated"]
        assert len(outcome.text) < 1000
