from __future__ import annotations

import os
import sys

import pytest

from agent_memory.entrypoints.benchmark.line_child import LineChild, side_by_side

ECHO = "import sys\nfor line in sys.stdin:\n    sys.stdout.write(line)\n    sys.stdout.flush()\n"


def echo(code: str = ECHO) -> LineChild:
    return LineChild([sys.executable, "-c", code], os.environ)


def numbered(count: int) -> list[bytes]:
    return [b"%d\n" % number for number in range(count)]


def test_one_by_one_answers_and_times_each_line() -> None:
    with echo() as child:
        exchange = child.one_by_one(numbered(5))
    assert exchange.answers == [b"0", b"1", b"2", b"3", b"4"]
    assert len(exchange.seconds) == 5


@pytest.mark.parametrize("in_flight", [1, 7, 500])
def test_many_at_once_answers_every_line(in_flight: int) -> None:
    with echo() as child:
        answers = child.many_at_once(numbered(100), in_flight)
    assert sorted(map(int, answers)) == list(range(100))


def test_a_child_that_ends_early_is_an_error_with_its_exit_code() -> None:
    with echo("raise SystemExit(3)") as child, pytest.raises(EOFError, match="exit code 3"):
        child.receive()


def test_side_by_side_gives_each_child_its_own_lines() -> None:
    with echo() as one, echo() as other:
        exchange = side_by_side([one, other], [[b"a\n", b"b\n"], [b"c\n", b"d\n", b"e\n"]])
    assert sorted(exchange.answers) == [b"a", b"b", b"c", b"d", b"e"]
    assert len(exchange.seconds) == 5


def test_a_child_that_will_not_read_before_it_is_read_does_not_stall_it() -> None:
    """Both ways carry more than a pipe holds."""
    lines = [b"%06d%s\n" % (number, b"x" * 200_000) for number in range(8)]
    with echo() as child:
        answers = child.many_at_once(lines, 8)
    assert answers == [line[:-1] for line in lines]
