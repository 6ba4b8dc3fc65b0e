"""PostgreSQL in a container, through testcontainers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.postgres.config import PostgresSettings

from .postgres_cluster import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Generator


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
