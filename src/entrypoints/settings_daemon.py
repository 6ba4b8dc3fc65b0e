"""The settings of the daemon, and of clients that look for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .daemon.address import LONGEST_PATH
from .setting import Setting, choice, number, path, seconds_from_millis

if TYPE_CHECKING:
    from pathlib import Path


def _socket(text: str) -> Path:
    where = path(text)
    if len(bytes(where)) > LONGEST_PATH:
        raise ValueError(
            f"{len(bytes(where))} bytes are too long for a socket's path (at most {LONGEST_PATH})"
        )
    return where


DAEMON_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="DAEMON",
        default="auto",
        field="daemon",
        read=choice("auto", "off", "required"),
        meaning=(
            "whether `agent-memory mcp` hands its client to the daemon of the same memory: auto (where one answers), "
            "off, required (or it ends with code 75)"
        ),
    ),
    Setting(
        name="SOCKET",
        default="",
        field="socket",
        read=_socket,
        meaning="the daemon's Unix socket (default: agent-memory-ID.sock in RUNTIME_DIR, ID made of the database)",
    ),
    Setting(
        name="RUNTIME_DIR",
        default="",
        field="runtime_dir",
        read=path,
        meaning=(
            "folder of the daemon's socket (default: agent-memory in $XDG_RUNTIME_DIR, else the data folder; for a "
            "service of systemd its RuntimeDirectory)"
        ),
    ),
    Setting(
        name="DAEMON_CLIENTS_MAX",
        default="256",
        field="daemon_clients_max",
        read=number(1, 10_000),
        meaning="clients of one daemon at most; to further ones it says that it is busy",
    ),
    Setting(
        name="DAEMON_RECONNECT_MS",
        default="10000",
        field="daemon_reconnect",
        read=seconds_from_millis(0, 600_000),
        meaning="how long a client's process waits for a daemon that went away before it ends with code 75",
    ),
)
