"""sd_notify(3): tells the service manager that started this process how it is. Without one, nothing happens."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_RETRY_SECONDS: Final = 0.1
_WAITING: Final = 16
"""Messages kept for a manager that is slow to read; the oldest go first."""


class Notifier:
    """Never blocks and never fails: the service is worth more than the word about it. For one loop."""

    def __init__(self, address: str = "", *, watchdog: float | None = None) -> None:
        """`address` as in NOTIFY_SOCKET: a path, or an abstract name that begins with `@`. `watchdog` is the time in
        which the manager wants a sign of life, in seconds.
        """
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = watchdog if address else None
        self._socket: socket.socket | None = None
        self._waiting: deque[bytes] = deque(maxlen=_WAITING)
        self._retry: asyncio.TimerHandle | None = None

    @property
    def watchdog(self) -> float | None:
        return self._watchdog

    @property
    def heard(self) -> bool:
        """Whether there is a manager to tell."""
        return self._address.startswith(("/", "\0"))

    @property
    def waiting(self) -> int:
        """Messages that the manager has not taken yet."""
        return len(self._waiting)

    def tell(self, *facts: str) -> None:
        """Each as `NAME=value`, all in one datagram."""
        if not self.heard:
            return
        self._waiting.append("\n".join(fact.replace("\n", " ") for fact in facts).encode())
        if self._retry is None:
            self._send()

    def close(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
            self._send(again=False)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *, again: bool = True) -> None:
        self._retry = None
        while self._waiting:
            try:
                self._opened().sendto(self._waiting[0], self._address)
            except BlockingIOError:
                if again:
                    self._retry = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._send)
                return
            except OSError:
                pass  # the manager is gone, or never was: there is nobody else to tell
            self._waiting.popleft()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.settimeout(0)
        return self._socket


def notifier_from(environment: Mapping[str, str]) -> Notifier:
    """By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them."""
    watchdog: float | None = None
    meant = environment.get("WATCHDOG_PID", "")
    if not meant or meant == str(os.getpid()):
        with suppress(ValueError):
            watchdog = int(environment.get("WATCHDOG_USEC", "")) / 1_000_000
    return Notifier(environment.get("NOTIFY_SOCKET", ""), watchdog=watchdog or None)
