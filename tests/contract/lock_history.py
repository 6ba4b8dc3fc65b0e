"""Whether what clients of a lock saw can have been one lock: a check of a recorded history for linearizability.

After Wing and Gong, "Testing and verifying concurrent objects" (JPDC 1993), with the memory of visited states of Lowe,
"Testing for linearizability" (2017): search for an order of the calls in which each takes effect at one moment between
its beginning and its end, and every answer is right. Names are checked apart: a history is linearizable if that of
each object is (Herlihy and Wing, TOPLAS 1990). The object is a lease with a fencing token: granted only where none
lives, each token greater than those before (Gray and Cheriton 1989; Kleppmann 2016).

Time passes by ticks, calls of the harness that stand in the history as well. A lease granted beside a tick may have
begun before or after it, so near its end both are taken for possible.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = 4.0
"""Seconds. The ttls that are used end between two ticks."""

ENDLESS = 10**9
ATTEMPTS = 50_000
"""States of a lock looked at in search of an order: a few seconds."""

Action = Literal["acquire", "renew", "release", "inspect", "force", "give back", "tick"]
Answer = Literal["done", "refused", "not held", "nothing", "unknown", "cancelled"]


class Call(msgspec.Struct, eq=False):
    """`began` and `ended` count what happened; `late` is set where it spans a tick. `of` is the cancelled call whose
    lease is given back.
    """

    action: Action
    name: str = ""
    owner: str = ""
    token: int = 0
    ttl: float = 0.0
    began: int = 0
    ended: int = ENDLESS
    answer: Answer = "unknown"
    late: bool = False
    of: int = -1


class Living(msgspec.Struct, frozen=True):
    """A lease: it surely lives until `sure` and surely no longer than `at_most`. A token of 0 is one nobody told us.
    `due` is the call that must give it back.
    """

    token: int
    owner: str
    sure: float
    at_most: float
    due: int = -1


class State(msgspec.Struct, frozen=True):
    now: float = 0.0
    highest: int = 0
    lease: Living | None = None

    def surely(self, call: Call) -> bool:
        """A lease lives, whatever beside a tick the call may have met."""
        return self.lease is not None and self.now + TICK * call.late < self.lease.sure

    def possibly(self, call: Call) -> bool:
        return self.lease is not None and self.now - TICK * call.late < self.lease.at_most

    def holding(self, call: Call, due: int = -1) -> State:
        slack = TICK * call.late
        until = self.now + call.ttl
        living = Living(call.token, call.owner, until - slack, until + slack, due)
        return State(self.now, max(self.highest, call.token), living)

    def free(self) -> State:
        return State(self.now, self.highest)

    def is_of(self, call: Call) -> bool:
        return self.lease is not None and (
            self.lease.token == call.token or (not self.lease.token and self.lease.owner == call.owner)
        )


def after(state: State, call: Call, index: int) -> Iterator[State]:
    """Every state that the lock may be in once the call has taken effect; none where its answer is wrong."""
    match call.action:
        case "tick":
            yield State(state.now + TICK, state.highest, state.lease)
        case "give back":
            mine = state.lease is not None and state.lease.due == call.of
            yield state.free() if mine else state
        case "acquire":
            yield from _acquired(state, call, index)
        case "renew":
            yield from _used(state, call, _renewed(state, call))
        case "release":
            yield from _used(state, call, state.free())
        case _:
            yield from _looked(state, call)


def _acquired(state: State, call: Call, index: int) -> Iterator[State]:
    if call.answer == "done":
        if call.token > state.highest and not state.surely(call):
            yield state.holding(call)
    elif call.answer == "refused":
        if state.possibly(call):
            yield state
    else:
        yield state
        if not state.surely(call):
            yield state.holding(call, index if call.answer == "cancelled" else -1)


def _renewed(state: State, call: Call) -> State:
    return msgspec.structs.replace(state.holding(call), highest=state.highest)


def _used(state: State, call: Call, following: State) -> Iterator[State]:
    """Renewed or released: what only the holder of the live lease may do."""
    may = state.possibly(call) and state.is_of(call)
    if call.answer in {"unknown", "cancelled"}:
        yield state
        if may:
            yield following
    elif call.answer == "done":
        if may:
            yield following
    elif not (state.surely(call) and state.is_of(call)):
        yield state


def _looked(state: State, call: Call) -> Iterator[State]:
    """Looked at, and ended where the call is by force."""
    following = state.free() if call.action == "force" else state
    if call.answer in {"unknown", "cancelled"}:
        yield state
        if call.action == "force":
            yield following
    elif call.answer == "nothing":
        if not state.surely(call):
            yield state
    elif state.possibly(call) and state.is_of(call):
        yield following


def unexplained(calls: list[Call]) -> Call | None:
    """The call that no order explains: the last that the longest attempt got to. None where an order exists, or where
    none was found among the `ATTEMPTS` likeliest: of thirty calls at once there are more than anyone can try.
    """
    needed = sum(1 << index for index, call in enumerate(calls) if call.ended < ENDLESS)
    seen: set[tuple[int, State]] = set()
    stack = [(0, State())]
    furthest, stuck = -1, None
    while stack:
        if len(seen) > ATTEMPTS:
            return None
        done, state = stack.pop()
        if done & needed == needed:
            return None
        if (done, state) in seen:
            continue
        seen.add((done, state))
        waiting = [index for index in range(len(calls)) if not done >> index & 1]
        first_end = min(calls[index].ended for index in waiting)
        if first_end > furthest:
            furthest = first_end
            stuck = next(calls[index] for index in waiting if calls[index].ended == first_end)
        # The first to be answered is tried first: mostly it was the first to take effect.
        for index in sorted(waiting, key=lambda index: calls[index].ended, reverse=True):
            call = calls[index]
            if call.began > first_end or (call.of >= 0 and not done >> call.of & 1):
                continue
            stack.extend((done | 1 << index, following) for following in after(state, call, index))
    return stuck


class History:
    """What clients did and were told, in the order in which it happened."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._moments = itertools.count(1)

    def begin(self, call: Call) -> Call:
        call.began = next(self._moments)
        self.calls.append(call)
        return call

    def end(self, call: Call, answer: Answer, token: int = 0) -> None:
        call.answer = answer
        if answer != "unknown":  # What was not answered may still take effect.
            call.ended = next(self._moments)
        if token:
            call.token = token

    def tick_over(self, tick: Call) -> None:
        """What was cancelled before this tick has left no trace after it."""
        self.end(tick, "done")
        for call in self.calls:
            if (
                call.of >= 0
                and call.ended == ENDLESS
                and call.began < tick.began
                and self._is_cancelled(call.of)
            ):
                call.ended = self.calls[call.of].ended = next(self._moments)

    def cut(self) -> None:
        """The backend is away: what was cancelled may not have been undone."""
        for call in self.calls:
            if call.answer == "cancelled" and call.ended == ENDLESS:
                call.answer = "unknown"

    def cancelled(self, call: Call) -> None:
        """It took effect or not; if it did, that is undone by the end of the next tick."""
        call.answer = "cancelled"
        self.begin(Call("give back", call.name, call.owner, answer="done", of=self.calls.index(call)))

    def _is_cancelled(self, place: int) -> bool:
        return self.calls[place].answer == "cancelled"

    def check(self) -> None:
        ticks = [call for call in self.calls if call.action == "tick"]
        for name in sorted({call.name for call in self.calls if call.name}):
            own = [call for call in self.calls if call.name == name or call.action == "tick"]
            for call in own:
                if call.of >= 0:
                    call.of = own.index(self.calls[call.of])
                call.late = any(call.began < tick.ended and tick.began < call.ended for tick in ticks)
            wrong = unexplained(own)
            assert wrong is None, _told(wrong, own)


def _told(wrong: Call, calls: list[Call]) -> str:
    lines = [
        f"  {call.began:3}-{call.ended if call.ended < ENDLESS else '...':3} {call.action:9} "
        + (f"{call.owner or '-':4} token {call.token} {call.answer}" if call.action != "tick" else "")
        + ("   <- no order explains this" if call is wrong else "")
        for call in calls
    ]
    return f"not one lock: {wrong.action} answered {wrong.answer!r}\n" + "\n".join(lines)
