"""A child process that answers lines with lines, seen from a client that costs next to nothing.

Blocking on purpose: client and server share the same few cores, and what the client burns is taken from the figure.
"""

from __future__ import annotations

import os
import select
import selectors
import subprocess
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_CHUNK = 1 << 16
_EXIT_SECONDS = 30.0


class Exchange(NamedTuple):
    """The answers in the order they came, and how long each call took."""

    answers: list[bytes]
    seconds: list[float]


class LineChild:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own program)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment), bufsize=0
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input = self.process.stdin.fileno()
        self.output = self.process.stdout.fileno()
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._input, data) :]

    def receive(self) -> list[bytes]:
        """At least one whole line; waits for it."""
        while True:
            data = os.read(self.output, _CHUNK)
            if not data:
                raise EOFError(f"the child ended with exit code {self.process.wait()}")
            *lines, self._rest = (self._rest + data).split(b"\n")
            if lines:
                return lines

    def ask(self, line: bytes) -> bytes:
        self.send(line)
        return self.receive()[0]

    def one_by_one(self, lines: Sequence[bytes]) -> Exchange:
        answers: list[bytes] = []
        seconds: list[float] = []
        for line in lines:
            started = perf_counter()
            answers.append(self.ask(line))
            seconds.append(perf_counter() - started)
        return Exchange(answers, seconds)

    def many_at_once(self, lines: Sequence[bytes], in_flight: int) -> list[bytes]:
        """Always `in_flight` calls under way, until none are left to send.

        Reads while it waits to write: a server may well stop listening to a client that does not.
        """
        answers: list[bytes] = []
        sent = min(in_flight, len(lines))
        os.set_blocking(self._input, False)
        rest = self._send_some(b"".join(lines[:sent]))
        while len(answers) < len(lines):
            if rest and not select.select([self.output], [self._input], [])[0]:
                rest = self._send_some(rest)
                continue
            came = self.receive()
            answers += came
            more = lines[sent : sent + len(came)]
            sent += len(more)
            rest = self._send_some(rest + b"".join(more))
        os.set_blocking(self._input, True)
        return answers

    def _send_some(self, data: bytes) -> bytes:
        """What the pipe would not take."""
        try:
            while data:
                data = data[os.write(self._input, data) :]
        except BlockingIOError:
            pass
        return data


def side_by_side(children: Sequence[LineChild], lines: Sequence[Sequence[bytes]]) -> Exchange:
    """Every child with one call under way, until each has had its own lines."""
    done = Exchange([], [])
    waiting = [iter(own) for own in lines]
    started = [0.0] * len(children)
    with selectors.DefaultSelector() as ready:
        for place, child in enumerate(children):
            ready.register(child.output, selectors.EVENT_READ, place)
            started[place] = perf_counter()
            child.send(next(waiting[place]))
        while ready.get_map():
            for key, _ in ready.select():
                number: int = key.data
                done.answers.extend(children[number].receive())
                now = perf_counter()
                done.seconds.append(now - started[number])
                following = next(waiting[number], None)
                if following is None:
                    ready.unregister(key.fd)
                else:
                    started[number] = perf_counter()
                    children[number].send(following)
    return done
