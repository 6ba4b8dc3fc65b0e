"""`AGENT_MEMORY_PERF=1`: a line for each call, which says where its time went, and nothing of what it was about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..logs import Log
    from .current import Call
    from .figures import Figures
    from .measures import Measures


class CallLines:
    """Milliseconds by part: `storage.get`, `cache.hit`, `limiter.hit`. Pool and breaker are as they were last seen."""

    def __init__(self, log: Log, measures: Measures, figures: Figures) -> None:
        self._log = log
        self._measures = measures
        self._figures = figures

    def tell(self, name: str, call: Call, outcome: str, seconds: float) -> None:
        facts: dict[str, Any] = {"tool": name, "outcome": outcome, "ms": _millis(seconds)}
        if call.parts:
            facts["parts"] = {part: _millis(spent) for part, spent in call.parts.items()}
        database = self._figures.database
        if "pool_size" in database:
            facts["pool"] = {"size": database["pool_size"], "idle": database["idle_connections"]}
        if self._measures.breaker_states:
            facts["breaker"] = dict(self._measures.breaker_states)
        self._log.info("call", **facts)


def _millis(seconds: float) -> float:
    return round(seconds * 1000, 3)
