"""The first line that a client says to a daemon, and the daemon's answer. Then the line belongs to MCP.

Both are JSON objects in one line whose first member is `agent_memory_link`, the version of this agreement. A daemon
that ends says the same member with `goodbye`: all that it has read by then is answered, and what is not answered was
not read.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

VERSION = 1
KEY = "agent_memory_link"
MARK = b'{"agent_memory_link":'
"""How each line of the link begins, and no line of MCP does."""
LONGEST = 64 * 1024
_RETRY = 0.05
_FULL = 11  # EAGAIN: the daemon's queue of new connections is full


class Refused(Exception):
    """The daemon answers and does not serve this client. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Link:
    """A connection that the daemon has accepted. `rest` came after its answer, if anything."""

    __slots__ = ("rest", "said", "socket")

    def __init__(self, connection: socket.socket, said: dict[str, Any], rest: bytes) -> None:
        self.socket = connection
        self.said = said
        self.rest = rest


def line(**facts: Any) -> bytes:
    return json.dumps({KEY: VERSION, **facts}, separators=(",", ":")).encode() + b"\n"


def reach(paths: Sequence[str], hello: bytes, patience: float) -> Link | None:
    """The first daemon that accepts; None where none answers within `patience` seconds. `Refused` where one answers
    and all decline, for the last reason.
    """
    ends = time.monotonic() + patience
    refusal: Refused | None = None
    for path in paths:
        try:
            link = _greet(path, hello, ends)
        except Refused as refused:
            refusal = refused
        except OSError:
            continue
        else:
            if link is not None:
                return link
    if refusal is not None:
        raise refusal
    return None


def _greet(path: str, hello: bytes, ends: float) -> Link | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect(connection, path, ends)
        _check_owner(connection, path)
        connection.settimeout(_left(ends))
        connection.sendall(hello)
        answer = bytearray()
        while b"\n" not in answer:
            connection.settimeout(_left(ends))
            data = connection.recv(LONGEST)
            if not data or len(answer) > LONGEST:
                connection.close()
                return None  # it ended meanwhile, or is something else
            answer += data
        said = _understood(bytes(answer[: answer.index(b"\n")]))
    except BaseException:
        connection.close()
        raise
    connection.settimeout(0)
    return Link(connection, said, bytes(answer[answer.index(b"\n") + 1 :]))


def _connect(connection: socket.socket, path: str, ends: float) -> None:
    while True:
        connection.settimeout(_left(ends))
        try:
            connection.connect(path)
        except BlockingIOError as error:
            if error.errno != _FULL:
                raise
            time.sleep(min(_RETRY, _left(ends)))
        else:
            return


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the daemon did not answer in time")
    return left


def peer_user(connection: socket.socket) -> int | None:
    """Whose process is at the other end: of a client who connected, of a listener who made it listen. None where the
    system does not say.
    """
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return int(user)
    if sys.platform == "darwin":
        # LOCAL_PEERCRED of <sys/un.h>: struct xucred {u_int version; uid_t uid; ...}
        _, user = struct.unpack("II", connection.getsockopt(0, 1, 76)[:8])
        return int(user)
    return None


def _check_owner(connection: socket.socket, path: str) -> None:
    """Memories go to nobody else's process: root's is systemd, which holds sockets for its services."""
    owner = peer_user(connection)
    if owner is not None and owner not in {0, os.geteuid()}:
        raise Refused("foreign", f"{path} belongs to another user (id {owner})")


def _understood(text: bytes) -> dict[str, Any]:
    said = json_object(text)
    if said is None or said.get(KEY) != VERSION:
        raise Refused(
            "version", "what listens there speaks another language; is it a daemon of another version?"
        )
    if said.get("accepted") is not True:
        raise Refused(str(said.get("code", "refused")), str(said.get("message", "the daemon declined")))
    return said


def json_object(text: bytes) -> dict[str, Any] | None:
    """None where it is anything else."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if hasattr(value, "keys") else None
