"""The admin key: one place that asks for it, that a guesser gets nowhere with, and that says who tried."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agent_memory.core.caller import Caller
from agent_memory.entrypoints.admin import WINDOW, WRONG_KEYS, AdminGuard
from agent_memory.entrypoints.logs import Log
from agent_memory.ports.errors import RateLimited, Rejected
from agent_memory_contract.manual_clock import ManualClock

KEY = "open sesame"
ANYBODY = Caller(client="c\x1b[1m", tool="memory_forget")


class Lines(Log):
    def __init__(self) -> None:
        super().__init__("info")
        self.lines: list[tuple[int, str, dict[str, Any]]] = []

    def write(self, level: int, event: str, **facts: Any) -> None:
        self.lines.append((level, event, facts))


class Desk:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = Lines()
        self.guard = AdminGuard(self.clock, self.log)

    def ask(self, given: str | None, needed: str = KEY, caller: Caller = ANYBODY) -> None:
        self.guard.check(given, needed, caller, "purging", "nothing was purged")

    def guess(self, times: int, caller: Caller = ANYBODY) -> None:
        for number in range(times):
            with pytest.raises(Rejected):
                self.ask(f"guess {number}", caller=caller)


def test_the_key_opens_and_without_one_set_nothing_is_asked() -> None:
    desk = Desk()
    desk.ask(KEY)
    desk.ask(None, needed="")
    desk.ask("anything", needed="")
    assert desk.log.lines == []


@pytest.mark.parametrize("given", ["", "open sesam", "open sesame ", "\ud800", "Open sesame"])
def test_any_other_key_does_not(given: str) -> None:
    with pytest.raises(Rejected) as rejected:
        Desk().ask(given)
    assert rejected.value.field == "admin_key"


def test_a_wrong_key_is_logged_without_the_key() -> None:
    desk = Desk()
    desk.guess(1, Caller(client="c\x1b[1m", agent="a", tool="memory_forget", ceiling="acme"))
    ((level, event, facts),) = desk.log.lines
    assert (level, event) == (logging.WARNING, "wrong admin key")
    assert (facts["tool"], facts["scope"], facts["agent"]) == ("memory_forget", "acme", "'a'")
    assert "guess" not in repr(facts)
    assert "\x1b" not in facts["client"]


def test_a_missing_key_is_no_guess() -> None:
    desk = Desk()
    for _ in range(WRONG_KEYS + 1):
        with pytest.raises(Rejected):
            desk.ask(None)
    desk.ask(KEY)


async def test_after_too_many_wrong_ones_none_is_looked_at_for_a_while() -> None:
    desk = Desk()
    desk.guess(WRONG_KEYS)
    with pytest.raises(RateLimited) as limited:
        desk.ask(KEY)
    assert 0 < limited.value.retry_after <= WINDOW
    assert len(desk.log.lines) == WRONG_KEYS
    await desk.clock.advance(WINDOW)
    desk.ask(KEY)


def test_a_name_that_a_client_gives_itself_does_not_make_room_for_more() -> None:
    desk = Desk()
    for number in range(WRONG_KEYS):
        desk.guess(1, Caller(client=f"client {number}", tool=f"tool {number}"))
    with pytest.raises(RateLimited):
        desk.ask(KEY, caller=Caller(client="another"))


def test_who_guesses_locks_nobody_of_another_ceiling_or_pin_out() -> None:
    desk = Desk()
    desk.guess(WRONG_KEYS, Caller(agent="pinned", ceiling="acme"))
    desk.ask(KEY, caller=Caller(agent="pinned"))
    desk.ask(KEY, caller=Caller(ceiling="acme"))


def test_what_is_known_of_guessers_is_bounded() -> None:
    desk = Desk()
    for number in range(2_000):
        desk.guess(1, Caller(agent=f"agent {number}"))
    assert len(desk.guard) <= 1_000
