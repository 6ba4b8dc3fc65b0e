from __future__ import annotations

from unittest.mock import patch

import pytest

from agent_memory.adapters.inprocess.entropy import Entropy


@pytest.mark.parametrize("count", [1, 32, 41, 2_048])
def test_as_many_bits_as_were_asked_for(count: int) -> None:
    entropy = Entropy()
    drawn = [entropy.bits(count) for _ in range(200)]
    assert all(0 <= value < 1 << count for value in drawn)
    assert max(drawn).bit_length() > count - 12, "the highest bits are never set"


def test_every_bit_of_the_system_is_given_once_and_in_its_place() -> None:
    given = bytes(range(256))
    with patch("agent_memory.adapters.inprocess.entropy.os.urandom", return_value=given):
        entropy = Entropy()
        drawn = [entropy.bits(8) for _ in range(256)]
    assert sorted(drawn) == list(range(256))


def test_two_of_them_share_nothing() -> None:
    one, other = Entropy(), Entropy()
    assert {one.bits(64) for _ in range(100)}.isdisjoint({other.bits(64) for _ in range(100)})


def test_what_is_left_over_is_never_stretched() -> None:
    with patch(
        "agent_memory.adapters.inprocess.entropy.os.urandom", side_effect=[b"\x00" * 256, b"\xff" * 256]
    ):
        entropy = Entropy()
        entropy.bits(2_040)
        assert entropy.bits(41) == (1 << 41) - 1
