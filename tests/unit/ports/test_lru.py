from __future__ import annotations

from collections import OrderedDict

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.ports.lru import LruStore

KEYS = st.sampled_from(["a", "ab", "é", "long-key"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("put"), KEYS, st.binary(max_size=30), st.integers(1, 3)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("clear"), st.sampled_from(["", "a", "ab", "z"])),
        st.tuples(st.just("wait"), st.integers(1, 2)),
    ),
    min_size=10,
    max_size=60,
)


class Model:
    """The same rules said slowly: newest use last, counted afresh each time."""

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.kept: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def size(self) -> int:
        return sum(len(key.encode()) + len(value) for key, (value, _) in self.kept.items())

    def get(self, key: str, now: int) -> bytes | None:
        if key not in self.kept:
            return None
        value, until = self.kept.pop(key)
        if until <= now:
            return None
        self.kept[key] = (value, until)
        return value

    def put(self, key: str, value: bytes, until: int) -> None:
        self.kept.pop(key, None)
        if len(key.encode()) + len(value) > self.max_bytes:
            return
        self.kept[key] = (value, until)
        while self.size() > self.max_bytes or len(self.kept) > self.max_entries:
            self.kept.popitem(last=False)


@settings(deadline=None)
@given(steps=STEPS, max_bytes=st.integers(5, 80), max_entries=st.integers(1, 5))
def test_it_does_what_the_model_does(
    steps: list[tuple[str, str] | tuple[str, str, bytes, int] | tuple[str, int]],
    max_bytes: int,
    max_entries: int,
) -> None:
    store = LruStore(max_bytes=max_bytes, max_entries=max_entries)
    model = Model(max_bytes, max_entries)
    now = 0
    for step in steps:
        match step:
            case ("get", str(key)):
                assert store.get(key, now) == model.get(key, now)
            case ("put", str(key), value, ttl):
                store.put(key, value, now + ttl)
                model.put(key, value, now + ttl)
            case ("delete", str(key)):
                store.delete(key)
                model.kept.pop(key, None)
            case ("clear", str(prefix)):
                store.clear(prefix)
                for key in [k for k in model.kept if k.startswith(prefix)]:
                    del model.kept[key]
            case (_, int(seconds)):
                now += seconds
            case _:
                raise AssertionError(step)
        assert (store.stats().entries, store.stats().bytes) == (len(model.kept), model.size())


def test_a_value_is_gone_in_the_instant_in_which_its_time_is_up() -> None:
    store = LruStore(max_bytes=1_000, max_entries=2)
    store.put("a", b"1", 10.0)
    assert store.get("a", 9.999) == b"1"
    assert store.get("a", 10.0) is None
    assert (store.stats().entries, store.stats().bytes) == (0, 0)


def test_the_least_recently_used_goes_first() -> None:
    store = LruStore(max_bytes=1_000, max_entries=2)
    store.put("a", b"1", 10.0)
    store.put("b", b"2", 10.0)
    store.get("a", 0.0)
    store.put("c", b"3", 10.0)
    assert [store.get(key, 0.0) for key in "abc"] == [b"1", None, b"3"]
    assert store.stats().evictions == 1


def test_what_is_too_large_takes_its_predecessor_along_and_nothing_else() -> None:
    store = LruStore(max_bytes=20, max_entries=10)
    store.put("a", b"1", 10.0)
    store.put("b", b"2", 10.0)
    store.put("a", b"x" * 20, 10.0)
    assert [store.get(key, 0.0) for key in "ab"] == [None, b"2"]
    assert store.stats().evictions == 0


def test_a_key_that_utf8_cannot_write_is_a_key_like_any_other() -> None:
    store = LruStore(max_bytes=20, max_entries=10)
    store.put("\ud800", b"1", 10.0)
    assert store.get("\ud800", 0.0) == b"1"
