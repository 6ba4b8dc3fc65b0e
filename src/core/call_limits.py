"""How many calls an agent, and everyone together, may make: asked before a call does anything."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import msgspec

from ..ports.errors import CircuitOpen, Misconfigured, RateLimited, Unavailable
from ..ports.rate_limiter import Window
from ..ports.scopes import GLOBAL
from .limits import AGENT_CHARS
from .redaction.redactor import scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..ports.errors import PortError
    from ..ports.rate_limiter import Decision, RateLimiter
    from .caller import Caller

_WINDOWS = ("burst", "per-agent", "global", "uncounted")
FailMode = Literal["local", "closed", "open"]

_AWAY = (Unavailable, CircuitOpen, Misconfigured)
_PROBE = Window("health", 1_000_000, 1.0)
"""Counted, as a limiter may still be read that can no longer count."""


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` in any `period` seconds."""

    calls: int
    period: float


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`burst` is per agent, too: over everyone it would stand below what `total` allows."""

    burst: Limit
    agent: Limit
    total: Limit


class CallLimits:
    """Burst, agent and total in one decision: a refused call is counted in none of them.

    While `limiter` does not answer, `fail_mode` decides: `local` counts in this process alone, `closed` refuses,
    `open` admits. The next call asks `limiter` again, so that it heals by itself.
    """

    def __init__(
        self,
        limiter: RateLimiter,
        limits: Limits,
        *,
        local: RateLimiter,
        instance: str = "",
        fail_mode: FailMode = "local",
        on_change: Callable[[bool], None] | None = None,
    ) -> None:
        """`instance` tells callers apart that give no agent id. `on_change` is told False when `limiter` no longer
        answers, and True when it does again.
        """
        self._limiter = limiter
        self._limits = limits
        self._local = local
        self._instance = instance
        self._fail_mode = fail_mode
        self._on_change = on_change
        self._answers = True
        self._admitted = 0
        self._refusals: dict[str, int] = dict.fromkeys(_WINDOWS, 0)
        self._trouble = ""

    @property
    def shared(self) -> str:
        """By whom calls are counted together: process, host or network."""
        return self._limiter.capabilities.shared

    @property
    def answers(self) -> bool:
        """Whether `limiter` answered the last call or check."""
        return self._answers

    @property
    def trouble(self) -> str:
        """Why it did not."""
        return self._trouble

    @property
    def refused(self) -> int:
        """How many calls were refused so far."""
        return sum(self._refusals.values())

    @property
    def admitted(self) -> int:
        return self._admitted

    @property
    def refusals(self) -> Mapping[str, int]:
        """By the limit that refused; `uncounted`: none did, but none could be asked."""
        return self._refusals

    async def check(self) -> None:
        """Ask `limiter` now, at nobody's cost: how the last call went may be long ago."""
        try:
            await self._limiter.hit((_PROBE,))
        except _AWAY as error:
            self._heard(error)
        else:
            self._heard(None)

    async def admit(self, caller: Caller, agent_id: str | None) -> None:
        """`RateLimited` says which limit and for how long; `Unavailable` only where `closed`."""
        who, key = _who(caller, agent_id, self._instance)
        windows = self._windows(key)
        try:
            decision = await self._limiter.hit(windows)
        except _AWAY as error:
            self._heard(error)
            if self._fail_mode == "open":
                self._admitted += 1
                return
            if self._fail_mode == "closed":
                self._refusals["uncounted"] += 1
                raise Unavailable(
                    "calls cannot be counted now, and AGENT_MEMORY_RATE_LIMIT_FAIL_MODE=closed refuses them then"
                ) from error
            decision = await self._local.hit(windows)
        else:
            self._heard(None)
        if not decision.allowed:
            self._refusals[_refused_by(decision)] += 1
            raise self._refusal(who, decision)
        self._admitted += 1

    def _windows(self, key: str) -> tuple[Window, Window, Window]:
        burst, agent, total = self._limits.burst, self._limits.agent, self._limits.total
        return (
            Window(f"burst:{key}", burst.calls, burst.period),
            Window(key, agent.calls, agent.period),
            Window("global", total.calls, total.period),
        )

    def _refusal(self, who: str, decision: Decision) -> RateLimited:
        limits = self._limits
        name = _refused_by(decision)
        limit = {"global": limits.total, "burst": limits.burst, "per-agent": limits.agent}[name]
        whose = "all agents together have" if name == "global" else f"{who} has"
        return RateLimited(
            f"{name} limit: {whose} used up {limit.calls} calls in {limit.period:g} s; nothing was done, "
            f"retry_after {decision.retry_after:.3f} s. Wait, then send the same call again",
            decision.retry_after,
        )

    def _heard(self, error: PortError | None) -> None:
        answers = error is None
        self._trouble = "" if error is None else f"{error.code}: {error}"
        if answers != self._answers:
            self._answers = answers
            if self._on_change is not None:
                self._on_change(answers)


def _refused_by(decision: Decision) -> str:
    """By the key that `_windows` gave to the window."""
    if decision.refused_by == "global":
        return "global"
    return "burst" if decision.refused_by.startswith("burst:") else "per-agent"


def _who(caller: Caller, agent_id: str | None, instance: str) -> tuple[str, str]:
    """For people, and as a key. Agents of another ceiling are others, whatever they are called; so are clients of
    another server that give no name, for many have the same one.
    """
    agent = caller.agent or (agent_id or "").strip()[:AGENT_CHARS]
    kind, name = ("agent", agent) if agent else ("client", caller.client)
    if not name.isascii():
        name = name.encode("utf-8", "replace").decode()  # not checked yet: it may hold what no store takes
    name = _without_secrets(name)
    at = "" if caller.ceiling == GLOBAL else f"@{caller.ceiling}"
    key = f"{kind}{at}:{name}"
    return f"{kind} {name!r}", key if agent else f"{key} {instance}"


@lru_cache(maxsize=256)
def _without_secrets(name: str) -> str:
    """Keys lie in a server that others read. Two secrets are two agents still."""
    shown = scrubbed(name)
    return name if shown == name else f"{shown} {blake2b(name.encode(), digest_size=8).hexdigest()}"
