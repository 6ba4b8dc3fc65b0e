"""Runs as a process: keeps one PostgreSQL for as long as the test run lasts.

Arguments: the folder, then `wheel`, the version and `durable` or `fast`; or `container` and the image.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.postgres.config import PostgresSettings

from .free_port import free_port
from .keeping import alive, ready_until_nobody_needs
from .postgres_cluster import Cluster
from .postgres_container import running_container

if TYPE_CHECKING:
    from collections.abc import Generator


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """`cluster` is missing where the server is not ours to stop and start."""

    settings: PostgresSettings
    cluster: Cluster | None = None


@contextmanager
def _running_cluster(cluster: Cluster) -> Generator[None]:
    cluster.initialise()
    cluster.start()
    try:
        yield
    finally:
        # A test may have stopped it already.
        if (cluster.folder / "data" / "postmaster.pid").exists():
            cluster.stop()


def main(folder: Path, source: str, what: str, durability: str = "fast") -> None:
    with alive(folder):
        if source == "container":
            with running_container(what) as settings:
                ready_until_nobody_needs(folder, msgspec.json.encode(Description(settings=settings)))
            return
        cluster = msgspec.convert(
            {"folder": folder, "version": what, "port": free_port(), "durable": durability == "durable"},
            Cluster,
        )
        with _running_cluster(cluster):
            description = Description(settings=cluster.settings, cluster=cluster)
            ready_until_nobody_needs(folder, msgspec.json.encode(description, enc_hook=str))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    main(Path(sys.argv[1]), *sys.argv[2:])
