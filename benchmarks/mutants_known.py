"""Mutants that no clause can find, and why: by file, function and change."""

from __future__ import annotations

_INSTANT = "differs at the very instant at which something ends, which belongs to neither side by any promise"
_DEFAULT = "what is made where nothing is given; every harness gives it"
_MEMORY = "memory only, and bounded: when what is over is forgotten"
_TWICE = "done a second time elsewhere, without effect"

KNOWN: dict[tuple[str, str, str], str] = {
    ("cache.py", "CacheState.__init__", "2 is 3"): _DEFAULT,
    ("cache.py", "InProcessCache.__init__", "CacheState() if state is None else state never"): _DEFAULT,
    (
        "cache.py",
        "InProcessCache._fly",
        "self._clock.monotonic() < until is self._clock.monotonic() <= until",
    ): _INSTANT,
    ("lru.py", "LruStore.put", "size > self._max_bytes is size >= self._max_bytes"): (
        "a value exactly as large as the cache; what a key costs beside its value is the adapter's own affair"
    ),
    ("lru.py", "LruStore.put", "1 is 2"): "a bound of a single entry, which no harness has",
    ("single_flight.py", "Hangar.close", "without flight.ground()"): _TWICE,
    ("single_flight.py", "Hangar._landed", "without self._own.discard(flight)"): _MEMORY,
    ("single_flight.py", "Hangar._landed", "not task.cancelled() without not"): (
        "log only: whether asyncio reports an error that nobody waited for"
    ),
    ("lock.py", "InProcessLock.capabilities", "False is True"): (
        "what it says of itself; ADAPTER-01, part of a certification and not of this run, compares that"
    ),
    (
        "lock.py",
        "InProcessLock.acquire",
        "f'lock {name!r}: held by {holder.owner!r}' if holder else f'lock {name!r}: just missed' never",
    ): "the text of a message",
    ("lock.py", "InProcessLock._wait", "without self._waiters.discard(waiter)"): _MEMORY,
    (
        "lock.py",
        "InProcessLock._wait",
        "(now := self._clock.monotonic()) < deadline is (now := self._clock.monotonic()) <= deadline",
    ): _INSTANT,
    ("lock.py", "InProcessLock._doze", "without waiter.alarm.cancel()"): _MEMORY,
    (
        "lock_table.py",
        "LockTable.waiting",
        "return sum(map(len, self._waiting.values())) gives None",
    ): "no method of the port: unit tests look at it",
    ("lock_table.py", "LockTable.renew", "renewed_until < until is renewed_until <= until"): (
        "a waiter is woken once more than it need be, and waits on"
    ),
    (
        "lock_table.py",
        "LockTable._sweep",
        "without self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._live))",
    ): _MEMORY,
    ("lock_table.py", "LockTable._sweep", "held[1] > now is held[1] >= now"): _MEMORY,
    ("lock_table.py", "LockTable._sweep", "2 is 3"): _MEMORY,
    ("event_bus.py", "InProcessEventBus.__init__", "EventHub() if hub is None else hub never"): _DEFAULT,
    ("event_bus.py", "InProcessEventBus.__aenter__", "without self._closed = False"): (
        "one object entered a second time; a harness makes another one"
    ),
    ("event_bus.py", "InProcessEventBus.__aexit__", "without self._own.clear()"): _TWICE,
    ("event_queue.py", "EventQueue.lose", "without self._stirred.set()"): (
        "nothing in a process loses a connection, so BUS-28, which waits for that, is skipped here"
    ),
    (
        "sliding_log.py",
        "SlidingLogs.decide",
        "(longer := seconds_until(log[excess - 1], now)) > wait is (longer := seconds_until(log[excess - 1], now)) >= wait",  # noqa: E501 - a key
    ): "which of two windows that ask for the same wait is named",
    ("sliding_log.py", "SlidingLogs.decide", "remaining if not windows else remaining - cost never"): (
        "how many remain where nothing limits: any great number will do"
    ),
    ("sliding_log.py", "SlidingLogs._forget_idle", "while logs never"): _MEMORY,
    ("circuit_breaker.py", "InProcessCircuitBreaker.__aexit__", "without self._listeners.clear()"): _TWICE,
    ("breaker_machine.py", "BreakerMachine.__init__", "False is True"): (
        "read only half-open, and entering a state sets it"
    ),
    ("durations.py", "seconds_until", "now + seconds >= due is now + seconds < due"): (
        "the last bit of a float: a wait longer by 1e-15 s"
    ),
    ("sliding_log.py", "SlidingLogs._count", "without self._forget_idle(logs, now)"): _MEMORY,
    ("lock_table.py", "LockTable._sweep", "if len(self._live) < self._sweep_at never"): _MEMORY,
    (
        "lock_table.py",
        "LockTable._sweep",
        "len(self._live) < self._sweep_at is len(self._live) <= self._sweep_at",
    ): _MEMORY,
    (
        "lock_table.py",
        "LockTable._sweep",
        "len(self._live) < self._sweep_at is len(self._live) >= self._sweep_at",
    ): "memory only, once more than 64 leases were held at once: no clause holds so many",
    ("lock_table.py", "LockTable._sweep", "2 * len(self._live) is 2 + len(self._live)"): _MEMORY,
    ("lock_table.py", "LockTable.grant", "without self._sweep(clock)"): _MEMORY,
    ("lock_table.py", "LockTable.hand_over", "if queue is not None and (not queue) never"): _TWICE,
    (
        "lru.py",
        "LruStore.put",
        "self._bytes > self._max_bytes is self._bytes >= self._max_bytes",
    ): "a cache full to the byte; what a key costs beside its value is the adapter's own affair",
    (
        "lru.py",
        "LruStore.put",
        "self._max_entries < 1 is self._max_entries <= 1",
    ): "a bound of a single entry, which no harness has",
    (
        "lru.py",
        "LruStore.put",
        "len(key) if key.isascii() else len(key.encode('utf-8', 'surrogatepass')) never",
    ): "the same number by the slower way",
    (
        "sliding_log.py",
        "SlidingLogs.decide",
        "without refused_by = ''",
    ): "read only where a window has refused, which sets it",
    ("lock_table.py", "LockTable.grant", "1 is 2"): "tokens grow by two",
    (
        "breaker_machine.py",
        "BreakerMachine.__init__",
        "without self._probe_at = 0.0",
    ): "read only while open, and opening sets it",
    (
        "breaker_machine.py",
        "BreakerMachine.__init__",
        "0.0 is 1.0",
    ): "read only while open, and opening sets it",
    ("breaker_machine.py", "BreakerMachine._enter", "1 is 2"): "generations are told apart, not counted",
    (
        "breaker_machine.py",
        "BreakerMachine._enter",
        "self._generation += 1 is self._generation -= 1",
    ): "generations are told apart, not counted",
    ("event_bus.py", "InProcessEventBus.__init__", "False is True"): "entering sets it",
    ("event_bus.py", "InProcessEventBus.__init__", "without self._closed = False"): "entering sets it",
    ("single_flight.py", "Hangar._landed", "without flight.ground()"): _TWICE,
    (
        "single_flight.py",
        "Hangar._landed",
        "without task.exception()",
    ): "log only: whether asyncio reports an error that nobody waited for",
    (
        "single_flight.py",
        "Flight.ride",
        "self.abandoned and self.task.cancelled() is self.abandoned or self.task.cancelled()",
    ): "a load given up that ends all the same is done once more; a loader that cancels itself is run again",
    ("cache.py", "CacheState.__init__", "64 * 2 ** 20 is 64 + 2 ** 20"): _DEFAULT,
    (
        "lock.py",
        "InProcessLock.acquire",
        "wait > 0 is wait >= 0",
    ): "waits for no time, and is refused all the same",
    (
        "lock.py",
        "InProcessLock.capabilities",
        "return LockCapabilities(name='in-process', durable=False, shared='process') gives None",
    ): "what it says of itself; ADAPTER-01, part of a certification and not of this run, compares that",
    ("lock.py", "InProcessLock._doze", "without waiter.alarm = None"): _TWICE,
    (
        "lock_table.py",
        "LockTable.hand_over",
        "False is True",
    ): "whoever came last has the lock first: fairness is not promised",
    (
        "lock_table.py",
        "LockTable._sweep",
        "without self._live = {name: held for name, held in self._live.items() if held[1] > now}",
    ): _MEMORY,
    ("single_flight.py", "_fly", "without flight.ground()"): _TWICE,
    ("single_flight.py", "Flight.ride", "without self.ground()"): _TWICE,
    ("lock_table.py", "LockTable.hand_over", "without del self._waiting[name]"): _TWICE,
    (
        "lock_table.py",
        "LockTable.__init__",
        "0 is 1",
    ): "the first token is one higher, and soon follows the clock",
    ("event_bus.py", "InProcessEventBus.subscribe", "without self._own.discard(queue)"): _MEMORY,
    (
        "single_flight.py",
        "Hangar.find_or_begin",
        "without flight.task.add_done_callback(lambda task: self._landed(flight, task))",
    ): _TWICE,
    (
        "rate_limiter.py",
        "InProcessRateLimiter.capabilities",
        "return RateLimiterCapabilities(name='in-process', shared='process') gives None",
    ): "ADAPTER-01, part of a certification and not of this run, looks at that",
    ("lru.py", "LruStore.clear", "if not prefix never"): "the same by the slower way",
    (
        "breaker_machine.py",
        "BreakerMachine.__init__",
        "without self._probing = False",
    ): "read only half-open, and entering a state sets it",
    (
        "single_flight.py",
        "Flight.__init__",
        "False is True",
    ): "read only where a load was cancelled while someone waits: by giving up, or by the loader itself",
    (
        "durations.py",
        "seconds_until",
        "seconds + math.ulp(due) is seconds - math.ulp(due)",
    ): "the last bit of a float: a wait shorter by 1e-15 s, in few sums",
    (
        "single_flight.py",
        "Hangar._landed",
        "if not task.cancelled() never",
    ): "log only: whether asyncio reports an error that nobody waited for",
}
