"""Bytes between a client's pipes and its daemon, both ways, in one thread that only ever waits in poll(2)."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import time
from typing import TYPE_CHECKING

from .link import LONGEST, Refused, reach
from .traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .link import Link

_CHUNK = 256 * 1024
_FULL = 1024 * 1024
"""Bytes on their way in one direction beyond which no more are read."""
_CALLS = 128
"""In flight at once, of a client that is a file: it has no reader who could be told that the server is busy."""
_TRIES = 0.1
_ATTEMPT = 2.0
"""Seconds for one try, during which a signal waits. A daemon that starts on demand may need several."""
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL
OK, TEMPORARY = 0, 75


class Pump:
    """One client. `run` returns the exit code: 0 when the client went away or a signal came and all is answered, 75
    (EX_TEMPFAIL) when the daemon did and did not come back, so that the client starts a new process.
    """

    def __init__(
        self, link: Link, paths: Sequence[str], hello: bytes, *, patience: float, grace: float
    ) -> None:
        """Where the daemon is lost it is looked for at `paths` for `patience` seconds. After a signal the calls in
        flight have `grace` seconds.
        """
        self._socket = link.socket
        self._version = link.said.get("version")
        self._paths = paths
        self._hello = hello
        self._patience = patience
        self._grace = grace
        self._traffic = Traffic()
        self._up = bytearray()
        self._down = bytearray(self._traffic.answered(link.rest))
        self._stdin_open = True
        self._half_closed = False
        self._connected = True
        self._signals = 0
        self._deadline: float | None = None
        self._reader_gone = False
        self._windowed = not _can_be_polled(0)
        self._alarm, self._bell = socket.socketpair()

    def run(self) -> int:
        blocking = os.get_blocking(1)
        former = {number: signal.signal(number, self._heard) for number in (signal.SIGTERM, signal.SIGINT)}
        self._alarm.settimeout(0)
        self._bell.settimeout(0)
        former_bell = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        try:
            os.set_blocking(1, False)
            code = self._pump()
            self._flush()
        finally:
            signal.set_wakeup_fd(former_bell)
            for number, handler in former.items():
                signal.signal(number, handler)
            os.set_blocking(1, blocking)
            for end in (self._alarm, self._bell, self._socket):
                end.close()
        return code

    def _heard(self, _number: int, _frame: Any) -> None:
        """The first signal ends the input; the second ends the calls too."""
        self._signals += 1

    def _pump(self) -> int:
        while True:
            if self._signals and self._stdin_open:
                self._end_input(whole=False)
                self._deadline = time.monotonic() + self._grace + 1.0  # the daemon's own grace comes first
            late = self._deadline is not None and time.monotonic() > self._deadline
            if self._signals > 1 or late:
                self._down += self._traffic.lost()[1] + self._traffic.given_up()
                return OK
            if not self._connected:
                if not self._stdin_open and self._traffic.idle:
                    return OK
                if not self._reconnect():
                    self._down += self._traffic.given_up()
                    return TEMPORARY
            self._turn()
            if self._reader_gone:
                return OK

    def _turn(self) -> None:
        """Wait until one of the ends can do something, and do it."""
        self._send()
        if not self._connected:
            return
        if not self._up and not self._stdin_open and not self._traffic.queued and not self._half_closed:
            self._half_closed = True
            self._socket.shutdown(socket.SHUT_WR)
        poll = select.poll()
        poll.register(self._alarm, select.POLLIN)
        poll.register(1, select.POLLOUT if self._down else 0)
        if self._stdin_open and self._traffic.queued < _FULL:
            poll.register(0, select.POLLIN)
        wanted = (select.POLLIN if len(self._down) < _FULL else 0) | (select.POLLOUT if self._up else 0)
        poll.register(self._socket, wanted)
        timeout = None if self._deadline is None else max(0.0, self._deadline - time.monotonic()) * 1000 + 1
        for descriptor, event in poll.poll(timeout):
            if descriptor == self._socket.fileno():
                self._serve_socket(event)
            elif descriptor == 1:
                self._serve_output(event)
            elif descriptor == 0:
                self._read_input()
            else:
                self._alarm.recv(4096)

    def _serve_socket(self, event: int) -> None:
        if not event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._down += self._traffic.answered(data)
        else:
            self._lose()
        self._serve_output(0)

    def _send(self) -> None:
        """As much as the socket takes just now."""
        while True:
            if not self._up:
                self._up += self._traffic.next_lines(_CHUNK, _CALLS if self._windowed else None)
            if not self._up:
                return
            try:
                del self._up[: self._socket.send(self._up)]
            except BlockingIOError:
                return
            except OSError:
                self._lose()
                return

    def _serve_output(self, event: int) -> None:
        if event & _GONE:
            self._reader_gone = True
        elif self._down:
            try:
                del self._down[: os.write(1, self._down)]
            except BlockingIOError:
                return
            except OSError:
                # Broken, or a full disk: there is no one to tell, and silence must not pass for success.
                self._reader_gone = True

    def _read_input(self) -> None:
        data = os.read(0, _CHUNK if not self._windowed else 4096)
        if data:
            self._traffic.asked(data)
        else:
            self._end_input(whole=True)

    def _end_input(self, *, whole: bool) -> None:
        self._stdin_open = False
        if whole:
            self._traffic.asked_all()

    def _lose(self) -> None:
        """The daemon has gone. What it had read and not answered is told; what it had not is kept for the next."""
        if not self._connected:
            return
        try:
            while data := self._socket.recv(_CHUNK):  # it may have answered before it went
                self._down += self._traffic.answered(data)
        except OSError:
            pass
        self._connected = False
        self._socket.close()
        self._up.clear()
        ended_by_us = self._half_closed
        caught, errors = self._traffic.lost()
        self._down += errors
        if not ended_by_us or caught:
            told = f"; {caught} calls in flight are answered with an error" if caught else ""
            say(f"the daemon went away{told}")

    def _reconnect(self) -> bool:
        ends = time.monotonic() + self._patience
        while True:
            try:
                link = reach(self._paths, self._hello, min(max(_TRIES, ends - time.monotonic()), _ATTEMPT))
            except Refused as refused:
                if refused.code not in {"stopping", "busy"}:
                    say(f"the daemon that is there now declines: {refused}")
                    return False
                link = None
            if link is not None:
                return self._resume(link)
            self._wait_a_little()
            if self._signals or self._reader_gone:
                return False
            if time.monotonic() > ends:
                say(f"the daemon did not come back within {self._patience:g} s")
                return False

    def _wait_a_little(self) -> None:
        """Meanwhile answers are written, and a signal or the client's end is noticed."""
        poll = select.poll()
        poll.register(self._alarm, select.POLLIN)
        poll.register(1, select.POLLOUT if self._down else 0)
        ends = time.monotonic() + _TRIES
        while (left := ends - time.monotonic()) > 0 and not self._signals and not self._reader_gone:
            for descriptor, event in poll.poll(left * 1000 + 1):
                if descriptor == 1:
                    self._serve_output(event)
                    poll.modify(1, select.POLLOUT if self._down else 0)

    def _resume(self, link: Link) -> bool:
        """Make the new daemon know what the old one knew of this session: the handshake, if there was one."""
        greeting = self._traffic.greeting()
        answer = bytearray(link.rest)
        try:
            if greeting:
                link.socket.settimeout(self._patience)
                link.socket.sendall(greeting)
                while b"\n" not in answer:
                    data = link.socket.recv(LONGEST)
                    if not data:
                        raise ConnectionResetError
                    answer += data
                more = self._traffic.greeted(bytes(answer))
                if more is None:
                    say(
                        "the daemon that is there now is another version: this process ends so that a new one begins"
                    )
                    link.socket.close()
                    return False
                link.socket.sendall(more)
                link.socket.settimeout(0)
        except OSError:
            link.socket.close()
            return self._reconnect_later()
        self._socket = link.socket
        self._connected = True
        self._half_closed = False
        say("the daemon is back")
        return True

    def _reconnect_later(self) -> bool:
        self._wait_a_little()
        return not self._signals and not self._reader_gone

    def _flush(self) -> None:
        """What is still to be told, to a reader that reads."""
        ends = time.monotonic() + self._grace
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        while self._down and not self._reader_gone and (left := ends - time.monotonic()) > 0:
            for _, event in poll.poll(left * 1000):
                self._serve_output(event)


def say(line: str) -> None:
    """To a person, on stderr, where there is one."""
    try:
        sys.stderr.write(f"agent-memory: {line}\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return


def _can_be_polled(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
