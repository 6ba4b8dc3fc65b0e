"""The call under way in a task, so that lines in the log and spans can say which one they belong to.

Nothing is worked out before it is needed: most calls log nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from os import urandom
from typing import Final

import msgspec

_ABSENT: Final = msgspec.Raw(b"{}")
_HEX: Final = frozenset("0123456789abcdef")


class _Traced(msgspec.Struct, frozen=True):
    traceparent: str | None = None
    tracestate: str | None = None


_META: Final = msgspec.json.Decoder(_Traced)


class TraceParent(msgspec.Struct, frozen=True):
    """What the caller says of the trace that a call belongs to. `state` is its `tracestate`, as it came."""

    trace: str
    span: str
    sampled: bool
    state: str = ""


def trace_parent(meta: msgspec.Raw) -> TraceParent | None:
    """From `_meta` of a request. None where nothing is said, or nothing that W3C Trace Context allows (section 3.2)."""
    try:
        said = _META.decode(meta)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fields = (said.traceparent or "").split("-", 4)
    if [len(field) for field in fields[:4]] != [2, 32, 16, 2] or not _HEX.issuperset("".join(fields[:4])):
        return None
    version, trace, span, flags = fields[:4]
    # A later version may say more after a hyphen; this one says four things and no more.
    if version == "ff" or (version == "00" and len(fields) > 4) or not int(trace, 16) or not int(span, 16):
        return None
    return TraceParent(trace, span, bool(int(flags, 16) & 1), said.tracestate or "")


class Call:
    """One request, from its start to its end. `parts` is None where nobody wants to know where its time went."""

    __slots__ = ("_id", "_meta", "_trace", "open", "parts")

    def __init__(self, meta: msgspec.Raw = _ABSENT) -> None:
        self._meta = meta
        self._id = ""
        self._trace = ""
        self.open = True
        self.parts: dict[str, float] | None = None

    @property
    def id(self) -> str:
        """Made by this process: a client's own ids are unique on its connection only."""
        if not self._id:
            self._id = urandom(8).hex()
        return self._id

    @property
    def parent(self) -> TraceParent | None:
        return trace_parent(self._meta)

    @property
    def trace(self) -> str:
        """The caller's, else that of the span, else one of its own."""
        if not self._trace:
            parent = self.parent
            self._trace = urandom(16).hex() if parent is None else parent.trace
        return self._trace

    @trace.setter
    def trace(self, trace: str) -> None:
        self._trace = trace

    def end(self) -> None:
        """Tasks begun in it, and not for it alone, may live longer: what they log is no longer of this call."""
        self.open = False

    def note(self, part: str, seconds: float) -> None:
        if self.parts is not None:
            self.parts[part] = self.parts.get(part, 0.0) + seconds


_current: ContextVar[Call | None] = ContextVar("agent_memory_call", default=None)


def begin_call(meta: msgspec.Raw) -> Call:
    """For the rest of this task."""
    call = Call(meta)
    _current.set(call)
    return call


def current_call() -> Call | None:
    call = _current.get()
    return call if call is not None and call.open else None


def call_facts() -> dict[str, str]:
    """What every line of a call says, none outside of one."""
    call = current_call()
    return {} if call is None else {"request": call.id, "trace": call.trace}
