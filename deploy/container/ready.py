"""The health check of the image: 0 when the worker in this container is ready, else 1 and why.

Nothing is imported but sockets: it runs every five seconds in every container.
"""

from __future__ import annotations

import os
import socket
import sys

_SECONDS = 4.0
_LONGEST_ANSWER = 65_536


def main() -> int:
    try:
        print(_answer())
    except OSError as error:
        print(error)
        return 1
    return 0


def _answer() -> str:
    """`OSError` unless the worker says that it is ready."""
    port = os.environ.get("AGENT_MEMORY_METRICS_PORT", "").strip() or "9464"
    if port == "0":
        raise OSError("AGENT_MEMORY_METRICS_PORT=0: nothing to ask; give the container another health check")
    host = os.environ.get("AGENT_MEMORY_METRICS_HOST", "").strip() or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    with socket.create_connection((host, int(port)), timeout=_SECONDS) as connection:
        connection.sendall(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while len(answer) < _LONGEST_ANSWER and (piece := connection.recv(4096)):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    told = body.decode(errors="replace").strip()
    if head.split(b" ")[1:2] != [b"200"]:
        raise OSError(told or "no answer that makes sense")
    return told


if __name__ == "__main__":
    sys.exit(main())
