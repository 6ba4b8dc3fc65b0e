"""What callers do that work together: sessions, votes, locks, context, prompts."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from .oracle import Known, Oracle, inside, segments

if TYPE_CHECKING:
    from agent_memory.entrypoints.wiring import App

    from .programs import Step
    from .surface import Surface

PATHS = ("src/a.py", "src/b.py")
QUESTIONS = ("tabs or spaces?", "which way?")


class TeamActs:
    """One program on one memory: `ceilings` are the callers, and where they write."""

    def __init__(self, app: App, ceilings: list[str], surfaces: list[Surface], oracle: Oracle) -> None:
        self.app = app
        self.ceilings = ceilings
        self.surfaces = surfaces
        self.oracle = oracle
        self._numbers = count(1)

    async def step(self, step: Step) -> None:
        surface = self.surfaces[step.caller % len(self.surfaces)]
        scope = self.ceilings[step.scope % len(self.ceilings)]
        await getattr(self, f"act_{step.act}")(surface, scope, step)

    def marker(self) -> str:
        return f"mark{next(self._numbers):05}x"

    def known(self, number: int) -> Known | None:
        entries = self.oracle.entries
        return entries[number % len(entries)] if entries else None

    async def act_lock(self, surface: Surface, scope: str, step: Step) -> None:
        """Callers of one ceiling exclude each other; others neither see nor block them."""
        del scope
        path, locks = PATHS[step.entry % len(PATHS)], self.oracle.locks
        agent = f"{self.marker()}-agent"
        self.oracle.named[agent] = {surface.ceiling}
        answer = await surface.call("memory_file_lock", action="checkout", file_path=path, agent_id=agent)
        assert bool(answer.error) == ((surface.ceiling, path) in locks), answer.text
        locks.setdefault((surface.ceiling, path), agent)
        listed = await surface.call("memory_file_lock", action="list")
        mine = {held: by for (ceiling, held), by in locks.items() if ceiling == surface.ceiling}
        assert {lock["file_path"]: lock["agent"] for lock in listed.data["locks"]} == mine

    async def act_session(self, surface: Surface, scope: str, step: Step) -> None:
        """Begun, listed, and ended with a summary, which becomes an entry of the project."""
        oracle, mine = self.oracle, inside(scope, surface.ceiling)
        if len(segments(scope)) == 3:
            purpose = f"purpose {self.marker()}"
            begun = await surface.call("memory_session", action="begin", scope=scope, purpose=purpose)
            assert bool(begun.error) == (not mine or oracle.sessions.get(scope, False)), begun.text
            if not begun.error:
                oracle.sessions[scope] = True
                oracle.named[purpose] = {scope}
                oracle.changed.add(scope)
            if step.options["purge"]:
                await self._end(surface, scope, mine=mine)
        listed = await surface.call("memory_session", action="list", scope=scope, limit=50)
        assert bool(listed.error) != mine, listed.text
        if mine:
            expected = {held for held in oracle.sessions if inside(held, scope)}
            assert {session["scope"] for session in listed.data["sessions"]} == expected

    async def _end(self, surface: Surface, scope: str, *, mine: bool) -> None:
        oracle, marker = self.oracle, self.marker()
        summary = f"the okapi was told of {marker}"
        kept_in = scope if segments(surface.ceiling) == segments(scope) else scope.rpartition("/")[0]
        if mine:
            oracle.named[marker] = {scope, kept_in}
        ended = await surface.call("memory_session", action="end", scope=scope, summary=summary)
        if not mine or scope not in oracle.sessions:
            assert ended.error in {"rejected", "not_found"}, ended.text
        elif not ended.error:
            oracle.sessions[scope] = False
            oracle.changed.update((scope, kept_in))
            entry = ended.data.get("summary_entry")
            if entry is not None:
                oracle.entries.append(Known(entry, kept_in, summary, ("session-summary",), {marker}))

    async def act_vote(self, surface: Surface, scope: str, step: Step) -> None:
        oracle, mine = self.oracle, inside(scope, surface.ceiling)
        question, agent, choice = (
            QUESTIONS[step.entry % 2],
            f"agent-{self.marker()}",
            f"choice-{self.marker()}",
        )
        for said in (agent, choice):
            oracle.named[said] = {scope} if mine else set()
        given = {"action": "cast", "scope": scope, "question": question}
        cast = await surface.call("memory_vote", **given, agent_id=agent, choice=choice)
        assert bool(cast.error) != mine, cast.text
        tallied = await surface.call("memory_vote", action="tally", scope=scope, question=question)
        listed = await surface.call("memory_vote", action="list", scope=scope, question=question)
        questions = await surface.call("memory_vote", action="list", scope=scope)
        if not mine:
            assert all(answer.error for answer in (tallied, listed, questions))
            return
        votes = oracle.votes.setdefault((scope, question), {})
        votes[agent] = choice
        oracle.changed.add(scope)
        assert tallied.data["voters"] == len(votes)
        assert {vote["agent"]: vote["choice"] for vote in listed.data["votes"]} == votes
        for each in questions.data["questions"]:
            assert each["voters"] == len(oracle.votes[each["scope"], each["question"]])

    async def act_context(self, surface: Surface, scope: str, step: Step) -> None:
        """That it holds nothing of others is looked at as with every answer."""
        mine, task = inside(scope, surface.ceiling), "the okapi" if step.options["dry_run"] else ""
        context = await surface.call("memory_context", scope=scope, task=task, max_tokens=20_000)
        assert bool(context.error) != mine, context.text
        for name in ("recall-before-work", "remember-after-work"):
            assert (await surface.prompt(name, scope=scope, task="the okapi") is not None) == mine
