from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.ports.circuit_breaker import Thresholds, Transition
from agent_memory.ports.errors import CircuitOpen, Misconfigured

if TYPE_CHECKING:
    from hypothesis.stateful import MultipleResults

    from agent_memory.ports.circuit_breaker import BreakerState

THRESHOLDS = Thresholds(failures=2, reset_timeout=10.0, successes=2)


class BreakerRules(RuleBasedStateMachine):
    """Calls in any number come and go in any order; a model written from the port's text says what must follow.

    A ticket is (its number for the machine, the model's count of transitions at its admission).
    """

    tickets: Bundle[tuple[int, int]] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.machine = BreakerMachine("db", THRESHOLDS)
        self.told: list[Transition] = []
        self.machine.listeners.append(self.told.append)
        self.now = 0.0
        self.state: BreakerState = "closed"
        self.expected: list[Transition] = []
        self.failures_in_a_row = 0
        self.good_probes = 0
        self.probes_out = 0
        self.opened_at = 0.0

    def enter(self, state: BreakerState) -> None:
        self.expected.append(Transition("db", self.state, state))
        self.state = state
        self.probes_out = 0

    def admitted(self) -> tuple[int, int]:
        if self.state == "open":
            self.good_probes = 0
            self.enter("half-open")
        self.probes_out += self.state == "half-open"
        return self.machine.admit(self.now), len(self.expected)

    @rule(target=tickets)
    def call(self) -> MultipleResults[tuple[int, int]]:
        probe_at = self.opened_at + THRESHOLDS.reset_timeout
        if self.probes_out or (self.state == "open" and self.now < probe_at):
            with pytest.raises(CircuitOpen) as refused:
                self.machine.admit(self.now)
            assert refused.value.retry_after > 0
            if self.state == "open":
                assert self.now + refused.value.retry_after == probe_at
            return multiple()
        return multiple(self.admitted())

    @rule()
    def fall_and_recover(self) -> None:
        """The long way round, which chance alone would seldom find; calls made before it are still out."""
        for end in (self.fail, self.fail, self.succeed, self.succeed):
            if self.state == "open":
                self.wait(THRESHOLDS.reset_timeout)
            if self.state == "closed" or not self.probes_out:
                end(self.admitted())

    @rule(ticket=consumes(tickets))
    def succeed(self, ticket: tuple[int, int]) -> None:
        self.machine.succeeded(ticket[0])
        if ticket[1] != len(self.expected):
            return
        if self.state == "closed":
            self.failures_in_a_row = 0
        else:
            self.probes_out -= 1
            self.good_probes += 1
            if self.good_probes == THRESHOLDS.successes:
                self.failures_in_a_row = 0
                self.enter("closed")

    @rule(ticket=consumes(tickets))
    def fail(self, ticket: tuple[int, int]) -> None:
        self.machine.failed(ticket[0], self.now)
        if ticket[1] != len(self.expected):
            return
        self.failures_in_a_row += 1
        if self.state == "half-open" or self.failures_in_a_row == THRESHOLDS.failures:
            self.opened_at = self.now
            self.enter("open")

    @rule(ticket=consumes(tickets))
    def cancel(self, ticket: tuple[int, int]) -> None:
        self.machine.withdrawn(ticket[0])
        if ticket[1] == len(self.expected) and self.state == "half-open":
            self.probes_out -= 1

    @rule(seconds=st.sampled_from([0.5, 4.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def one_probe_at_most(self) -> None:
        assert 0 <= self.probes_out <= 1

    @invariant()
    def the_state_is_the_models(self) -> None:
        status = self.machine.status(self.now)
        assert status.state == self.state
        assert status.failures == self.failures_in_a_row
        if self.state == "half-open":
            assert status.successes == self.good_probes
        left = self.opened_at + THRESHOLDS.reset_timeout - self.now
        assert status.retry_after == (max(0.0, left) if self.state == "open" else 0.0)

    @invariant()
    def every_transition_was_told_once_in_order(self) -> None:
        assert self.told == self.expected


TestBreakerRules = BreakerRules.TestCase
TestBreakerRules.settings = settings(deadline=None, stateful_step_count=60)


@pytest.mark.parametrize(
    "thresholds",
    [
        Thresholds(failures=0),
        Thresholds(successes=0),
        Thresholds(reset_timeout=0.0),
        Thresholds(reset_timeout=float("nan")),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(thresholds: Thresholds) -> None:
    with pytest.raises(Misconfigured, match="db"):
        BreakerMachine("db", thresholds)


def test_a_late_cancellation_frees_no_probes_place() -> None:
    machine = BreakerMachine("db", THRESHOLDS)
    late = machine.admit(0.0)
    for _ in range(THRESHOLDS.failures):
        machine.failed(machine.admit(0.0), 0.0)
    machine.admit(10.0)
    machine.withdrawn(late)
    with pytest.raises(CircuitOpen, match="a probe is under way"):
        machine.admit(10.0)
