"""The settings of rate limits and circuit breakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.circuit_breaker import Thresholds
from .setting import Setting, choice, number, seconds_from_millis

if TYPE_CHECKING:
    from .settings import Settings

_WORDS = {"1": "on", "true": "on", "0": "off", "false": "off"}
_LONGEST_MS = 86_400_000
_MOST = 1_000_000


def limits_are_on(settings: Settings) -> bool:
    """`auto`: where strangers share a store over a network. One user's own programs on one file are trusted, and write
    thousands a second. And where who counts was chosen.
    """
    if settings.rate_limit == "auto":
        return settings.db_type == "postgresql" or settings.redis_enabled or bool(settings.rate_limiter)
    return settings.rate_limit == "on"


def breaker_thresholds(settings: Settings) -> Thresholds:
    return Thresholds(
        failures=settings.cb_failure_threshold,
        reset_timeout=settings.cb_reset_timeout,
        successes=settings.cb_success_threshold,
    )


def _on_off_auto(text: str) -> str:
    word = choice("auto", "on", "off", "1", "0", "true", "false")(text)
    return _WORDS.get(word, word)


LIMIT_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="RATE_LIMIT",
        default="auto",
        field="rate_limit",
        read=_on_off_auto,
        meaning="limits on tool calls: 1 (on), 0 (off), auto: on where a store is shared (PostgreSQL or Redis)",
    ),
    Setting(
        name="RATE_LIMIT_PER_AGENT_MAX",
        default="500",
        field="rate_per_agent_max",
        read=number(1, _MOST),
        meaning="calls of one agent at most within RATE_LIMIT_PER_AGENT_WINDOW_MS",
    ),
    Setting(
        name="RATE_LIMIT_PER_AGENT_WINDOW_MS",
        default="60000",
        field="rate_per_agent_window",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="the time in which an agent's calls are counted",
    ),
    Setting(
        name="RATE_LIMIT_GLOBAL_MAX",
        default="5000",
        field="rate_global_max",
        read=number(1, _MOST),
        meaning="calls of everyone together at most within RATE_LIMIT_GLOBAL_WINDOW_MS; of this process without Redis",
    ),
    Setting(
        name="RATE_LIMIT_GLOBAL_WINDOW_MS",
        default="60000",
        field="rate_global_window",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="the time in which everyone's calls are counted",
    ),
    Setting(
        name="RATE_LIMIT_BURST_MAX",
        default="50",
        field="rate_burst_max",
        read=number(1, _MOST),
        meaning="calls of one agent at most within RATE_LIMIT_BURST_WINDOW_MS",
    ),
    Setting(
        name="RATE_LIMIT_BURST_WINDOW_MS",
        default="1000",
        field="rate_burst_window",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="the short time in which an agent's calls are counted",
    ),
    Setting(
        name="RATE_LIMIT_FAIL_MODE",
        default="local",
        field="rate_fail_mode",
        read=choice("local", "closed", "open"),
        meaning="when Redis cannot count: local (each process counts its own), closed (refuse calls), open (admit all)",
    ),
    Setting(
        name="CB_FAILURE_THRESHOLD",
        default="5",
        field="cb_failure_threshold",
        read=number(1, _MOST),
        meaning="failures in a row until PostgreSQL, Redis (locks, limits) or an embedding server (2 at most) rests",
    ),
    Setting(
        name="CB_RESET_TIMEOUT_MS",
        default="30000",
        field="cb_reset_timeout",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="that while, after which one call tries again; for Redis 2 s at most",
    ),
    Setting(
        name="CB_SUCCESS_THRESHOLD",
        default="2",
        field="cb_success_threshold",
        read=number(1, _MOST),
        meaning="successful tries in a row after which all calls go out again",
    ),
)
