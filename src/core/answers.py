"""Answers kept and given again, as long as they are what the store would answer.

A recall is kept under the generation of the scopes it sees, with the stretch of time for which it holds; any number of
processes may share it. A get by id costs the store little, so it is kept only under this process's own moment.

Never kept: errors, degraded answers (they would outlast their cause; but the past is always searched by words alone),
explanations (they tell of one search).
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.errors import Rejected
from ..ports.instants import to_micros
from ..ports.scopes import ScopeFilter
from .freshness import Moment
from .recall import seen_by
from .results import GetResult, RecallResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from ..ports.cache import Cache
    from .caller import Caller
    from .freshness import Freshness
    from .requests import Get, Recall

_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_ASKED = 1_000
"""Gets of which it is known that they were asked before."""
_DECODED = 128
_SMALL = 16 * 1024
"""Bytes. So many answers of at most this size stand ready: decoding is a third of what giving one again costs."""


_EVERYTHING = ScopeFilter(inherit=False, descendants=True)


class _Recalled(msgspec.Struct, frozen=True, array_like=True):
    """Holds during [since, until), microseconds as ports/instants.py has them."""

    answer: RecallResult
    since: int = _FIRST
    until: int = _LAST


class _Got(msgspec.Struct, frozen=True, array_like=True):
    answer: GetResult
    moment: Moment


class Answers:
    """`shared` keeps recalls and may be another process's too, `own` gets. `schema` is of the answers' form: programs
    that differ in it share nothing. `process` is a name that no other process has. `ttl` in seconds.

    Words are ranked by how rare they are in the whole store. `exact`: an answer to words ends with a write to any
    scope. Otherwise with one that it can see, and its order may be by figures as old as `ttl`.
    """

    def __init__(
        self,
        freshness: Freshness,
        *,
        shared: Cache,
        own: Cache,
        ttl: float,
        schema: str,
        process: str,
        exact: bool,
    ) -> None:
        self._freshness = freshness
        self._shared = shared
        self._own = own
        self._ttl = ttl
        self._exact = exact
        self._recalled = schema.encode() + b"\0recall\0"
        self._got = f"{schema}\0get\0{process}\0".encode()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode_recall = msgspec.msgpack.Decoder(_Recalled).decode
        self._decode_get = msgspec.msgpack.Decoder(_Got).decode
        self._wholes: dict[str, ScopeFilter] = {}
        self._asked: dict[str, None] = {}
        self._ready: dict[str, tuple[bytes, _Recalled]] = {}

    def wrote(self) -> None:
        """To be said after each write of this process, before its caller hears of it."""
        self._freshness.wrote()

    async def recall(
        self, request: Recall, caller: Caller, now: datetime, search: Callable[[], Awaitable[RecallResult]]
    ) -> RecallResult:
        """What `search` answers at `now`. The outlook is read before it searches: an answer worked out later than the
        generation it is kept under is served only while that generation still stands, so nothing came in between.
        """
        if request.explain:
            return await search()
        try:
            where = seen_by(request, caller)
        except Rejected:
            return await search()
        if self._exact and request.query.strip():
            where = _EVERYTHING
        outlook = await self._freshness.outlook(where, now)
        key = self._key(self._recalled, request, caller, outlook.generation)
        kept = await self._shared.get(key)
        instant = to_micros(now)
        if kept is not None:
            held = self._read(key, kept)
            if held is not None and held.since <= instant < held.until:
                return held.answer
        answer = await search()
        if answer.degraded and request.as_of is None:
            return answer
        if request.as_of is not None:
            # The past is judged as of then, whatever the time is now.
            held = _Recalled(answer)
        else:
            until = _LAST if outlook.until is None else to_micros(outlook.until)
            held = _Recalled(answer, since=instant, until=until)
        kept = self._encode(held)
        self._stand_ready(key, kept, held)
        await self._shared.put(key, kept, ttl=self._ttl)
        return answer

    async def get(self, request: Get, caller: Caller, read: Callable[[], Awaitable[GetResult]]) -> GetResult:
        """What `read` answers. Whether an entry is live does not matter to it, so time does not either.

        Kept from the second time on: a moment costs something, and most entries are read once.
        """
        key = self._key(self._got, request, caller)
        kept = await self._own.get(key)
        if kept is None and not self._asked_before(key):
            return await read()
        moment = self._freshness.moment(self._whole(caller.ceiling))
        if moment is None:
            return await read()
        if kept is not None:
            got = self._decode_get(kept)
            if got.moment == moment:
                return got.answer
        answer = await read()
        with suppress(OverflowError):
            # Metadata may hold whole numbers that no other form than JSON carries.
            await self._own.put(key, self._encode(_Got(answer, moment)), ttl=self._ttl)
        return answer

    def _asked_before(self, key: str) -> bool:
        if key in self._asked:
            return True
        if len(self._asked) >= _ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[key] = None
        return False

    def _read(self, key: str, kept: bytes) -> _Recalled | None:
        """None for what is none of ours. The cache says what is kept: decoded before is only the very same bytes."""
        ready = self._ready.get(key)
        if ready is not None and ready[0] is kept:
            return ready[1]
        try:
            held = self._decode_recall(kept)
        except msgspec.DecodeError:
            return None
        self._stand_ready(key, kept, held)
        return held

    def _stand_ready(self, key: str, kept: bytes, held: _Recalled) -> None:
        if len(kept) > _SMALL:
            return
        if key not in self._ready and len(self._ready) >= _DECODED:
            del self._ready[next(iter(self._ready))]
        self._ready[key] = kept, held

    def _key(self, kind: bytes, request: Recall | Get, caller: Caller, state: str = "") -> str:
        asked = kind + self._encode((caller.ceiling, state, request))
        return blake2b(asked, digest_size=16, usedforsecurity=False).hexdigest()

    def _whole(self, ceiling: str) -> ScopeFilter:
        """All that a ceiling lets through."""
        whole = self._wholes.get(ceiling)
        if whole is None:
            whole = ScopeFilter(scope=ceiling, inherit=False, descendants=True, ceiling=ceiling)
            self._wholes[ceiling] = whole
        return whole
