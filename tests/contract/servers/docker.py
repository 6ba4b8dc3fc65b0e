"""Whether there is a Docker to run containers."""

from __future__ import annotations

import os
import socket
from functools import cache

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
