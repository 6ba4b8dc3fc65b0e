"""`agent-memory worker`."""

from __future__ import annotations

import os

from ..settings import read_settings
from ..worker_command import WorkerOptions
from ..worker_command import run as work
from .parsing import Parser


def run(arguments: list[str]) -> int:
    parser = Parser(
        "worker",
        "Do the work that follows from what was stored (entries that expire, sessions left idle), keep indexes and "
        "statistics in order, and make backups. Runs until SIGTERM or SIGINT, which let it end what it is at; a second "
        "one does not. Any number may share a store; scheduled work is done by one of them. Settings come from the "
        "environment (`agent-memory config` lists them). Exits with 75 when the store is unavailable at start, with 78 "
        "when a setting is wrong, and with --once with 1 when a job failed.",
        {
            "beside the clients": "worker",
            "one process for all clients of this memory": "worker --listen",
            "from cron, what is due by now": "worker --once",
        },
    )
    parser.add_argument(
        "--concurrency",
        type=int,
        metavar="N",
        help="batches of one kind at once (default: as WORKER_CONCURRENCY says)",
    )
    parser.add_argument(
        "--once", action="store_true", help="do what is due and end; exits with 1 if any failed"
    )
    parser.add_argument(
        "--listen",
        nargs="?",
        const="",
        metavar="PATH",
        help="serve clients on a Unix socket too (default: where `agent-memory mcp` looks for it, or as systemd says)",
    )
    given = parser.read(arguments)
    if given.get("concurrency", 1) < 1:
        parser.error("argument --concurrency: at least 1")
    if given.get("once") and "listen" in given:
        parser.error("--once does what is due and ends: it serves nobody")
    return work(read_settings(os.environ), WorkerOptions(**given))
