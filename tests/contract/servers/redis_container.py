"""Redis in a container, through testcontainers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .redis_process import Address

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def running_container(image: str) -> Generator[Address]:
    """Raises what Docker says when the image cannot be had."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - needs Docker
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - same
    from testcontainers.core.waiting_utils import wait_for_logs  # noqa: PLC0415 - same

    # The keeper stops the container; the reaper would be one more image to fetch.
    testcontainers_config.ryuk_disabled = True
    with DockerContainer(image).with_exposed_ports(6379) as container:
        wait_for_logs(container, "Ready to accept connections", timeout=60)
        yield Address(host=container.get_container_host_ip(), port=int(container.get_exposed_port(6379)))
