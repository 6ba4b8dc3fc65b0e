"""What callers do, each act with what it must answer. To have another one tried, write a method `act_NAME`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .moving_acts import MovingActs
from .oracle import Known, inside, sees

if TYPE_CHECKING:
    from .programs import Step
    from .surface import Surface

UNKNOWN = "01999999-0000-7000-8000-000000000000"


class Play(MovingActs):
    """One program on one memory: `ceilings` are the callers, and where they write."""

    """A program's acts, each with what it must answer."""

    # writes

    async def act_remember(self, surface: Surface, scope: str, step: Step) -> None:
        oracle, marker = self.oracle, self.marker()
        content = f"the okapi grazes by the river at dawn {marker}"
        markers = {marker}
        other = self.known(step.entry)
        if step.options["copies"] and other is not None and other.state != "purged":
            content, markers = (
                other.content,
                {word for word in other.content.split() if word.startswith("mark")},
            )
        tags = ("common", f"tag-{marker}")
        given: dict[str, Any] = {
            "content": content,
            "scope": scope,
            "title": f"T {content[-10:]}",
            "tags": tags,
        }
        key = step.options["key"]
        if key:
            given["idempotency_key"] = key
        allowed = inside(scope, surface.ceiling)
        oracle.named.setdefault(f"tag-{marker}", set())
        if allowed:
            # From now on it is theirs, too: they have just said it.
            for said in (*markers, f"tag-{marker}"):
                oracle.named.setdefault(said, set()).add(scope)
        twin = oracle.twin(scope, content)
        used = (surface.ceiling, key) in oracle.keys
        answer = await surface.call("memory_remember", **given)
        if not allowed or (used and answer.error):
            assert answer.error, f"{surface.ceiling!r} wrote into {scope!r}"
            return
        assert not answer.error, answer.text
        if key:
            oracle.keys.add((surface.ceiling, key))
        assert used or not answer.data.get("replayed"), "another's idempotency key was met"
        if answer.data.get("replayed"):
            return
        (result,) = answer.data["results"]
        assert result["duplicate"] == (twin is not None), (result, twin)
        if twin is not None:
            assert result["id"] == twin.id
            return
        oracle.entries.append(Known(result["id"], scope, content, tags, markers))
        oracle.changed.add(scope)

    async def act_update(self, surface: Surface, scope: str, step: Step) -> None:
        del scope
        known = self.known(step.entry)
        if known is None:
            return
        marker, change = self.marker(), step.options["change"]
        given: dict[str, Any] = {"state": change}
        if change in {"title", "content"}:
            given = {change: f"changed {marker}"}
        if inside(known.scope, surface.ceiling):
            known.markers.add(marker)
        answer = await surface.call("memory_update", id=known.id, **given)
        if not (known.there and inside(known.scope, surface.ceiling)):
            await self.like_unknown(surface, "memory_update", answer.text, known.id, {"id": UNKNOWN, **given})
            return
        if answer.error:
            assert answer.error == "conflict", answer.text
            return
        if answer.data["changed"]:
            known.content = given.get("content", known.content)
            known.state = given.get("state", known.state)
            self.oracle.changed.add(known.scope)

    async def act_forget(self, surface: Surface, scope: str, step: Step) -> None:
        options, oracle = step.options, self.oracle
        how = {"dry_run": options["dry_run"], "purge": options["purge"]}
        if options["by_filter"]:
            answer = await surface.call("memory_forget", filter={"scope": scope, "tags": ["common"]}, **how)
            if not inside(scope, surface.ceiling):
                assert answer.error, f"{surface.ceiling!r} forgot in {scope!r}"
                return
            expected = {
                known.id
                for known in oracle.visible(surface.ceiling)
                if known.scope == scope and "common" in known.tags
            }
        else:
            few = [known for n in (step.entry, step.other) if (known := self.known(n)) is not None]
            if not few:
                return
            answer = await surface.call("memory_forget", ids=[known.id for known in few], **how)
            expected = {k.id for k in few if inside(k.scope, surface.ceiling) and k.there}
            if options["purge"] and not options["dry_run"]:
                # What was deleted before can still be purged.
                expected |= {k.id for k in few if inside(k.scope, surface.ceiling) and k.state == "deleted"}
        assert not answer.error, answer.text
        assert set(answer.data["ids"]) == expected
        if options["dry_run"]:
            return
        for known in map(oracle.by_id, expected):
            known.state = "purged" if options["purge"] else "deleted"
            oracle.changed.add(known.scope)

    async def act_link(self, surface: Surface, scope: str, step: Step) -> None:
        del scope
        source, target = self.known(step.entry), self.known(step.other)
        if source is None or target is None or source is target:
            return
        action = "unlink" if step.options["purge"] else "link"
        answer = await surface.call("memory_link", action=action, **{"from": source.id, "to": target.id})
        seen = {known.id for known in self.oracle.visible(surface.ceiling)}
        if not seen.issuperset((source.id, target.id)):
            assert answer.error == "not_found", answer.text
            return
        edge = source.id, target.id
        assert answer.data["changed"] == ((edge in self.oracle.edges) == (action == "unlink"))
        (self.oracle.edges.add if action == "link" else self.oracle.edges.discard)(edge)
        self.oracle.changed.add(source.scope)

    # reads

    async def act_get(self, surface: Surface, scope: str, step: Step) -> None:
        del scope
        ids = [known.id for known in self.oracle.entries] or [UNKNOWN]
        answer = await surface.call("memory_get", ids=ids, history=step.options["history"], relations=True)
        seen = {known.id for known in self.oracle.visible(surface.ceiling)}
        assert {entry["id"] for entry in answer.data["entries"]} == seen
        assert set(answer.data["missing"]) == set(ids) - seen
        shown = {edge for entry in answer.data["entries"] for edge in edges_of(entry)}
        assert shown == self.oracle.neighbours(surface.ceiling)

    async def act_recall(self, surface: Surface, scope: str, step: Step) -> None:
        options = step.options
        flags = {name: options[name] for name in ("inherit", "descendants")}
        known = self.known(step.entry)
        query = known.content if options["query"] == "marker" and known is not None else options["query"]
        answer = await surface.call(
            "memory_recall", query=query, scope=scope, mode=options["mode"], limit=100, max_tokens=100_000,
            explain=options["history"], **flags,
        )  # fmt: skip
        if not inside(scope, surface.ceiling):
            assert answer.error == "rejected", f"{surface.ceiling!r} recalled from {scope!r}"
            return
        may = {e.id for e in self.oracle.active(surface.ceiling)
               if sees(e.scope, scope, surface.ceiling, **flags)}  # fmt: skip
        found = {hit["id"] for hit in answer.data["results"]}
        assert found <= may, f"beyond what was asked: {found - may}"
        if not query:
            assert found == may

    async def act_past(self, surface: Surface, scope: str, step: Step) -> None:
        """The store as it was a moment ago, before some of it was deleted or moved out of sight."""
        if not inside(scope, surface.ceiling):
            return
        answer = await surface.call(
            "memory_recall", scope=scope, descendants=True, as_of=datetime.now(UTC).isoformat(), limit=100,
            query="okapi" if step.options["query"] else "",
        )  # fmt: skip
        for hit in answer.data["results"]:
            assert inside(hit["scope"], surface.ceiling)

    async def act_walk(self, surface: Surface, scope: str, step: Step) -> None:
        del scope
        source, target = self.known(step.entry), self.known(step.other)
        if source is None or target is None or source is target:
            return
        depth, seen = step.options["depth"], {known.id for known in self.oracle.visible(surface.ceiling)}
        near = await surface.call(
            "memory_link", action="neighbors", depth=depth, limit=200, **{"from": source.id}
        )
        way = await surface.call(
            "memory_link", action="path", depth=5, **{"from": source.id, "to": target.id}
        )
        if source.id not in seen:
            assert near.error == way.error == "not_found"
            await self.like_unknown(
                surface, "memory_link", near.text, source.id, {"action": "neighbors", "from": UNKNOWN}
            )
            return
        edges = edges_of(near.data)
        visible = self.oracle.neighbours(surface.ceiling)
        assert edges <= visible
        if depth == 1:
            assert edges == {edge for edge in visible if source.id in edge}
        if target.id in seen:
            assert way.data["found"] == self.oracle.connected(surface.ceiling, source.id, target.id, 5)
        else:
            assert way.error == "not_found"

    async def act_count(self, surface: Surface, scope: str, step: Step) -> None:
        del scope, step
        active = self.oracle.active(surface.ceiling)
        health = (await surface.call("memory_health")).data
        entries = health["entries"]
        counted = {"entries", "pending"} & health["vectorDb"].keys()
        assert not counted or surface.ceiling == "global", "counts the index, which is of the whole store"
        assert entries["active"] == sum(entries["by_kind"].values()) == len(active)
        assert entries["scopes"] == len({known.scope for known in active})
        states = [
            k.state for k in self.oracle.entries if k.state != "purged" and inside(k.scope, surface.ceiling)
        ]
        assert entries["by_state"] == {state: states.count(state) for state in set(states)}
        assert await surface.read("memory://stats") is not None

    async def act_complete(self, surface: Surface, scope: str, step: Step) -> None:
        del scope, step
        active = self.oracle.active(surface.ceiling)
        scopes = await surface.complete("memory://scope/{+scope}", "scope")
        assert scopes == sorted({known.scope for known in active})
        tags = await surface.complete("memory://tag/{tag}", "tag")
        assert sorted(tags) == sorted({tag for known in active for tag in known.tags})
        ids = await surface.complete("memory://entry/{id}", "id")
        assert set(ids) == {known.id for known in active}

    async def act_resources(self, surface: Surface, scope: str, step: Step) -> None:
        listed = {uri.removeprefix("memory://entry/") for uri in await surface.listed()}
        active = {known.id for known in self.oracle.active(surface.ceiling)}
        assert listed - {"memory://stats", "memory://recent"} == active
        known = self.known(step.entry)
        if known is not None:
            entry = await surface.read(f"memory://entry/{known.id}")
            assert (entry is not None) == (known.there and inside(known.scope, surface.ceiling))
        for uri in (f"memory://scope/{scope}", "memory://recent", "memory://tag/common"):
            shown = await surface.read(uri)
            assert (shown is not None) == (inside(scope, surface.ceiling) or "scope" not in uri)
            assert shown is None or {hit["id"] for hit in shown["results"]} <= active

    async def like_unknown(
        self, surface: Surface, tool: str, text: str, entry_id: str, asked: dict[str, Any]
    ) -> None:
        """Whether there is such an entry elsewhere is not to be told from the words. `asked` is the same of none."""
        other = await surface.call(tool, **asked)
        assert text.replace(entry_id, UNKNOWN) == other.text


def edges_of(answered: dict[str, Any]) -> set[tuple[str, str]]:
    return {(edge["from"], edge["to"]) for edge in answered.get("relations", ())}


ACTS = [name.removeprefix("act_") for name in dir(Play) if name.startswith("act_")]
