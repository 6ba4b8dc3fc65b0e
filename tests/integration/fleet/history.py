"""What a fleet's agents saw, and what must hold of it. All times are of one clock, that of the test."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RETRYABLE = frozenset({"unavailable", "circuit_open", "rate_limited", "lock_timeout", "conflict"})
"""The codes that the documentation allows an agent to meet while a backend is away."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """`error` is the code of a refusal, empty where the call was answered."""

    server: int
    agent: str
    tool: str
    sent: float
    received: float
    error: str = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """An agent believed to have the file from `began`, when it was told so, to `ended`, when it let go or gave up."""

    path: str
    agent: str
    token: int
    began: float
    ended: float


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """Acknowledged at `at`."""

    entry: str
    version: int
    server: int
    at: float


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Asked at `sent`."""

    entry: str
    version: int
    server: int
    sent: float


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of `memory_health`."""

    server: int
    sent: float
    received: float
    status: str
    connected: bool


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody listened from `began` to `ended`."""

    began: float
    ended: float


def undocumented_errors(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.error and call.error not in RETRYABLE]


def broken_exclusions(holds: Iterable[Hold]) -> list[tuple[Hold, Hold]]:
    """Pairs on one path that overlap, or whose tokens do not grow in the order of the holds."""
    by_path: defaultdict[str, list[Hold]] = defaultdict(list)
    for hold in holds:
        by_path[hold.path].append(hold)
    broken: list[tuple[Hold, Hold]] = []
    for some in by_path.values():
        in_order = sorted(some, key=lambda hold: hold.began)
        broken += [
            (one, next_)
            for one, next_ in pairwise(in_order)
            if next_.began < one.ended or next_.token <= one.token
        ]
    return broken


def too_many(calls: Iterable[Call], limit: int, period: float) -> tuple[float, int] | None:
    """When, and how many calls, if more than `limit` were certainly admitted within less than one `period`.

    A call is admitted somewhere between `sent` and `received`: those wholly inside a stretch count in it.
    """
    admitted = sorted((call.received, call.sent) for call in calls if not call.error)
    starts = sorted(sent for _, sent in admitted)
    for begin in starts:
        inside = sum(1 for received, sent in admitted if sent >= begin and received < begin + period)
        if inside > limit:
            return begin, inside
    return None


def stale_reads(writes: Sequence[Write], reads: Iterable[Read], bound: float) -> list[tuple[Read, int]]:
    """Reads that show less than a write acknowledged `bound` seconds before they were asked, with the version that they
    owed. A server owes its own writes at once.
    """
    by_entry: defaultdict[str, list[Write]] = defaultdict(list)
    for write in writes:
        by_entry[write.entry].append(write)
    stale: list[tuple[Read, int]] = []
    for read in reads:
        owed = max(
            (
                write.version
                for write in by_entry[read.entry]
                if write.at + (0.0 if write.server == read.server else bound) <= read.sent
            ),
            default=0,
        )
        if read.version < owed:
            stale.append((read, owed))
    return stale


def untrue_looks(
    looks: Iterable[Look], outages: Sequence[Outage], *, notice: float, heal: float
) -> list[Look]:
    """Health that called a lost Redis well `notice` seconds after it was lost, or a present one lost `heal` seconds
    after it was back.
    """
    untrue: list[Look] = []
    for look in looks:
        away = any(o.began + notice <= look.sent and look.received <= o.ended for o in outages)
        there = all(look.received <= o.began or look.sent >= o.ended + heal for o in outages)
        if (away and (look.connected or look.status != "degraded")) or (
            there and not (look.connected and look.status == "healthy")
        ):
            untrue.append(look)
    return untrue
