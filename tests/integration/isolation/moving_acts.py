"""What moves: exports hold what their caller may see, imports write nothing where it may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .oracle import inside
from .team_acts import TeamActs

if TYPE_CHECKING:
    from .programs import Step
    from .surface import Surface


class MovingActs(TeamActs):
    async def act_export(self, surface: Surface, scope: str, step: Step) -> None:
        del step
        answer = await surface.call("memory_export", scope=scope, format="jsonl")
        if not inside(scope, surface.ceiling):
            assert answer.error == "rejected", f"{surface.ceiling!r} exported {scope!r}"
            return
        records = [json.loads(line) for line in answer.data["content"].splitlines()]
        current = [each for each in records if each["record"] == "entry" and "until" not in each]
        expected = {known.id for known in self.oracle.visible(surface.ceiling) if inside(known.scope, scope)}
        assert {each["id"] for each in current if each["state"] != "deleted"} == expected
        edges = {(each["from"], each["to"]) for each in records if each["record"] == "relation"}
        assert edges == {edge for edge in self.oracle.edges if expected.issuperset(edge)}
        assert all(inside(each["scope"], scope) for each in records if "scope" in each)

    async def act_import(self, surface: Surface, scope: str, step: Step) -> None:
        """What stands there already, by whoever brings it: nothing changes, and beyond the ceiling nothing is said."""
        del step
        text = (await self.surfaces[0].call("memory_export", scope=scope, format="jsonl")).data["content"]
        held = [each for each in map(json.loads, text.splitlines()) if each["record"] != "export"]
        strange = [each for each in held if "scope" in each and not inside(each["scope"], surface.ceiling)]
        answer = await surface.call("memory_import", content=text, format="jsonl", on_conflict="update")
        if strange:
            assert answer.error == "rejected", f"{surface.ceiling!r} imported {scope!r}"
            return
        if answer.error:
            return
        entries = answer.data["entries"]
        assert (entries["created"], entries["updated"], entries["conflicts"]) == (0, 0, 0)
