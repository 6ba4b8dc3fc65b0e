"""The CircuitBreaker port with its state in Redis, and without it where Redis is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, Self

from ...ports.breaker_rules import FAILURES, check_thresholds
from ...ports.circuit_breaker import BreakerStatus, CircuitBreakerCapabilities, Thresholds, Transition
from ...ports.errors import CircuitOpen, PortError
from .breaker_answer import Answer, read_answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from ...ports.circuit_breaker import BreakerState, CircuitBreaker
    from ...ports.clock import Clock
    from .connection import RedisServer

    Act = Literal["admit", "renew", "withdrawn", "succeeded", "failed", "status"]

_log = logging.getLogger(__name__)

_MICROS = 1_000_000
_PROBE_LEASE = 15.0
"""Seconds for which a prober that died keeps others out. One that lives renews it, however long it takes."""
_PAUSE = 1.0
"""Seconds between two looks whether Redis is back."""
_TRUST = 0.05
"""Seconds for which a circuit that was closed is taken to be."""
_REPEATABLE = frozenset({"admit", "renew", "withdrawn", "status"})


class RedisCircuitBreaker:
    """Key: `{prefix}breaker:{name}`. All instances count together and have one probe between them.

    Admission is a round trip, but where the circuit was closed a moment ago none; an outcome is one where it changes a
    count. So an opening by another instance is noticed within that moment (0.05 s); a probe is never admitted without
    asking. Where Redis does not answer, calls go through `fallback`, a breaker of this process (entered and left by its
    owner), until it does: the first call may wait for the command timeout, no other. `fallback` knows nothing of what
    was counted in Redis, nor the reverse.

    Transitions of other instances are told when this one next asks. When Redis goes or comes back, and the state is
    another one there, that is told as a transition too.
    """

    def __init__(
        self,
        server: RedisServer,
        name: str,
        *,
        clock: Clock,
        fallback: CircuitBreaker,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._thresholds = Thresholds() if thresholds is None else thresholds
        check_thresholds(name, self._thresholds)
        self._server = server
        self._name = name
        self._clock = clock
        self._fallback = fallback
        self._key = f"{server.prefix}breaker:{name}"
        self._listeners: list[Callable[[Transition], None]] = []
        self._seen: Answer | None = None
        self._seen_at = 0.0
        self._state: BreakerState = "closed"
        self._recovery: asyncio.Task[None] | None = None
        fallback.on_transition(self._fallback_changed)

    @property
    def capabilities(self) -> CircuitBreakerCapabilities:
        return CircuitBreakerCapabilities(name="redis", shared="network")

    @property
    def is_local(self) -> bool:
        """Redis is away, and this process counts for itself."""
        return self._recovery is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listeners.clear()
        if self._recovery is not None:
            self._recovery.cancel()

    def guard(self) -> AbstractAsyncContextManager[None]:
        return _Guard(self)

    async def status(self) -> BreakerStatus:
        if not self.is_local:
            try:
                answer = await self._ask("status")
            except PortError:
                pass
            else:
                return BreakerStatus(
                    name=self._name,
                    state=answer.state,
                    failures=answer.failures,
                    successes=answer.successes,
                    retry_after=answer.wait,
                )
        return await self._fallback.status()

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        self._listeners.append(listener)

    async def admit(self) -> Admission | AbstractAsyncContextManager[None]:
        """By Redis, or by the fallback, whose guard has then been entered."""
        if not self.is_local:
            try:
                return await self._admit()
            except CircuitOpen:
                raise
            except PortError:
                pass
        guard = self._fallback.guard()
        await guard.__aenter__()
        return guard

    async def feed(self, act: Literal["withdrawn", "succeeded", "failed"], admission: Admission) -> None:
        """What cannot be told is not counted."""
        if admission.keeper is not None:
            admission.keeper.cancel()
        answer = admission.answer
        if answer.state == "closed":
            if act == "withdrawn":
                return
            seen = self._seen
            if act == "succeeded" and not answer.failures and (seen is None or not seen.failures):
                return  # nothing to begin anew
        if not self.is_local:
            with contextlib.suppress(PortError):
                await self._ask(act, admission)

    async def _admit(self) -> Admission:
        caller = token_hex(8)
        seen = self._seen
        if seen is not None and seen.state == "closed" and self._clock.monotonic() - self._seen_at < _TRUST:
            return Admission(caller, seen)
        task = self._asking("admit", caller)
        try:
            answer = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda ended: self._give_back(caller, ended))
            raise
        if answer.admitted:
            admission = Admission(caller, answer)
            if answer.state == "half-open":
                admission.keeper = self._server.keep(self._keep(admission))
            return admission
        what = (
            "open, tried again" if answer.state == "open" else "half-open, a probe is under way: tried again"
        )
        raise CircuitOpen(f"circuit {self._name!r}: {what} in {answer.wait:.3g} s", answer.wait)

    def _give_back(self, caller: str, task: asyncio.Task[Answer]) -> None:
        """A probe that was cancelled while it was admitted."""
        if not task.cancelled() and task.exception() is None:
            answer = task.result()
            if answer.admitted and answer.state == "half-open":
                self._asking("withdrawn", caller, answer)

    async def _keep(self, probe: Admission) -> None:
        while True:
            await self._clock.sleep(_PROBE_LEASE / 3)
            await self._ask("renew", probe)

    async def _ask(self, act: Act, admission: Admission | None = None) -> Answer:
        if admission is None:
            return await asyncio.shield(self._asking(act))
        return await asyncio.shield(self._asking(act, admission.caller, admission.answer))

    def _asking(self, act: Act, caller: str = "", admitted: Answer | None = None) -> asyncio.Task[Answer]:
        """Goes on when its caller is cancelled, so that nothing is asked whose answer nobody learns from."""
        return self._server.keep(self._ask_now(act, caller, admitted))

    async def _ask_now(self, act: Act, caller: str, admitted: Answer | None) -> Answer:
        thresholds = self._thresholds
        seen = self._seen
        try:
            answer = read_answer(
                await self._server.run(
                    "breaker",
                    (self._key,),
                    (
                        act,
                        caller,
                        *(("", 0) if admitted is None else (admitted.epoch, admitted.generation)),
                        *(("", 0) if seen is None else (seen.epoch, seen.generation)),
                        thresholds.failures,
                        round(thresholds.reset_timeout * _MICROS),
                        thresholds.successes,
                        round(_PROBE_LEASE * _MICROS),
                    ),
                    again=act in _REPEATABLE,
                    retries=0,
                )
            )
        except PortError as error:
            await self._go_local(error)
            raise
        if not self.is_local:
            self._learn(answer)
        return answer

    def _learn(self, answer: Answer) -> None:
        seen = self._seen
        if seen is not None and (answer.epoch, answer.generation) < (seen.epoch, seen.generation):
            return  # overtaken on its way
        self._see(answer)
        if seen is None or seen.epoch == answer.epoch:
            # What another answer has told of meanwhile is at the beginning.
            new = answer.transitions if seen is None else answer.transitions_after(seen.generation)
            for before, after in new:
                self._tell(Transition(self._name, before, after))
        self._become(answer.state)

    def _see(self, answer: Answer) -> None:
        self._seen = answer
        self._seen_at = self._clock.monotonic()

    def _become(self, state: BreakerState) -> None:
        if state != self._state:
            self._tell(Transition(self._name, self._state, state))

    def _tell(self, transition: Transition) -> None:
        self._state = transition.after
        for listener in tuple(self._listeners):
            try:
                listener(transition)
            except Exception:  # noqa: BLE001 - the circuit has changed, whatever a listener makes of it
                _log.exception("circuit %r: a listener failed on %s", self._name, transition)

    def _fallback_changed(self, transition: Transition) -> None:
        if self.is_local:
            self._tell(transition)

    async def _go_local(self, error: PortError) -> None:
        if self._recovery is None:
            _log.warning("circuit %r: counted in this process alone: %s", self._name, error)
            self._recovery = self._server.keep(self._recover())
            self._become((await self._fallback.status()).state)

    async def _recover(self) -> None:
        while True:
            await self._clock.sleep(_PAUSE)
            try:
                answer = await self._ask("status")
            except PortError:
                continue
            _log.info("circuit %r: counted with all others again", self._name)
            self._recovery = None
            self._see(answer)
            self._become(answer.state)
            return


class Admission:
    """`keeper` renews the lease of a probe."""

    __slots__ = ("answer", "caller", "keeper")

    def __init__(self, caller: str, answer: Answer) -> None:
        self.caller = caller
        self.answer = answer
        self.keeper: asyncio.Task[None] | None = None


class _Guard:
    """One call. A timeout belongs inside the block: from outside it comes as a cancellation, which says nothing."""

    __slots__ = ("_admission", "_breaker")

    def __init__(self, breaker: RedisCircuitBreaker) -> None:
        self._breaker = breaker

    async def __aenter__(self) -> None:
        self._admission = await self._breaker.admit()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        admission = self._admission
        if not isinstance(admission, Admission):
            return await admission.__aexit__(kind, error, trace)
        if isinstance(error, FAILURES):
            await self._breaker.feed("failed", admission)
        elif error is None or isinstance(error, Exception):
            await self._breaker.feed("succeeded", admission)
        else:
            await self._breaker.feed("withdrawn", admission)
        return None
