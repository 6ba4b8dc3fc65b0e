import random
import uuid

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.ids import IdSource, is_id


@given(st.lists(st.integers(0, 2**48 - 2), min_size=1, max_size=50))
def test_ids_are_uuid7_and_ascend_whatever_the_clock_does(clock: list[int]) -> None:
    ticks = iter(clock)
    source = IdSource(lambda: next(ticks), random.Random(1).getrandbits)
    ids = [source() for _ in clock]
    assert ids == sorted(set(ids))
    for text in ids:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)
        assert is_id(text)


def test_the_time_stands_in_front() -> None:
    text = IdSource(lambda: 0x0123456789AB, random.Random(1).getrandbits)()
    assert text.startswith("01234567-89ab-7")


def test_a_counter_that_runs_over_moves_on_a_millisecond() -> None:
    full = (1 << 42) - 1
    source = IdSource(lambda: 5, lambda bits: 0 if bits == 32 else full)
    assert source() < source()
    assert source().startswith("00000000-0006-7")


def test_other_texts_are_no_ids() -> None:
    assert not any(
        map(is_id, ["", "x" * 36, "0123456789abcdef0123456789abcdef0123", str(uuid.uuid4()).upper()])
    )
