"""Runs as a process: keeps one Redis for as long as the test run lasts.

Arguments: the folder, then `process`, the flavour, `durable` or `fast` and the server's own options; or `container` and
the image.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .free_port import free_port
from .keeping import alive, ready_until_nobody_needs
from .redis_container import running_container
from .redis_process import Address, RedisProcess

if TYPE_CHECKING:
    from collections.abc import Generator


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """`process` is missing where the server is not ours to stop and start."""

    address: Address
    process: RedisProcess | None = None


@contextmanager
def _running(process: RedisProcess) -> Generator[None]:
    process.start()
    try:
        yield
    finally:
        # A test may have stopped it already. Nothing that it holds is of use to anyone now.
        if process.runs:
            process.kill()


def main(folder: Path, source: str, what: str, durability: str = "fast", *options: str) -> None:
    with alive(folder):
        if source == "container":
            with running_container(what) as address:
                ready_until_nobody_needs(folder, msgspec.json.encode(Description(address=address)))
            return
        process = msgspec.convert(
            {
                "folder": folder,
                "flavour": what,
                "port": free_port(),
                "durable": durability == "durable",
                "options": options,
            },
            RedisProcess,
        )
        with _running(process):
            description = Description(address=process.address, process=process)
            ready_until_nobody_needs(folder, msgspec.json.encode(description, enc_hook=str))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    main(Path(sys.argv[1]), *sys.argv[2:])
