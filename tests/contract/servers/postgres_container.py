"""PostgreSQL in a container, through testcontainers."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from agent_memory.adapters.postgres.config import PostgresSettings

from .postgres_cluster import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Generator


_DEFAULT_HOST = "unix:///var/run/docker.sock"


@cache
def docker_answers() -> bool:
    host = os.environ.get("DOCKER_HOST", _DEFAULT_HOST)
    if host.startswith("unix://") and not _is_open(host.removeprefix("unix://")):
        return False  # docker's own client would leave a socket behind, which fails some later test
    from docker import from_env  # type: ignore[import-untyped] # noqa: PLC0415 - untyped, and slow to import
    from docker.errors import DockerException  # type: ignore[import-untyped] # noqa: PLC0415 - same

    try:
        client = from_env(timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())  # pyright: ignore[reportUnknownMemberType] - untyped
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _is_open(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(path) == 0


@contextmanager
def running_container(image: str) -> Generator[PostgresSettings]:
    """Raises what Docker says when the image cannot be had."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - needs Docker
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - same

    # The keeper stops the container; the reaper would be one more image to fetch.
    testcontainers_config.ryuk_disabled = True
    with PostgresContainer(
        image, username=USER, password=PASSWORD, dbname="postgres", driver=None
    ) as container:
        yield PostgresSettings(
            host=container.get_container_host_ip(),
            port=int(container.get_exposed_port(5432)),
            database="postgres",
            user=USER,
            password=PASSWORD,
            ssl="disable",
        )
