"""What the script of the circuit breaker says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ...ports.circuit_breaker import BreakerState

if TYPE_CHECKING:
    from collections.abc import Sequence


_MICROS = 1_000_000
_STATES: dict[bytes, BreakerState] = {b"closed": "closed", b"open": "open", b"half-open": "half-open"}


class Answer(msgspec.Struct, frozen=True):
    """`transitions`: before and after of those that led to `generation`, as many as the asker had not seen."""

    admitted: bool
    epoch: int
    generation: int
    state: BreakerState
    failures: int
    successes: int
    wait: float
    transitions: tuple[tuple[BreakerState, BreakerState], ...]

    def transitions_after(self, generation: int) -> tuple[tuple[BreakerState, BreakerState], ...]:
        missed = min(self.generation - generation, len(self.transitions))
        return self.transitions[len(self.transitions) - missed :]


def read_answer(row: Sequence[Any]) -> Answer:
    admitted, epoch, generation, state, failures, successes, wait, *told = row
    states: list[BreakerState] = [_STATES[each] for each in told]
    return Answer(
        bool(admitted),
        int(epoch),
        generation,
        _STATES[state],
        failures,
        successes,
        wait / _MICROS,
        tuple(zip(states[::2], states[1::2], strict=True)),
    )
