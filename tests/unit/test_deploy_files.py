"""What `deploy/` says twice says the same, and the image's health check tells ready from not ready."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_SOURCES = Path(__file__).parents[2]
_COMPOSE = (_SOURCES / "compose.yaml").read_text()
_SCRIPT = (_SOURCES / "deploy/start-without-compose").read_text()
_READY = _SOURCES / "deploy/container/ready.py"


def test_compose_and_the_script_set_the_same() -> None:
    by_compose = dict(re.findall(r'^ +(AGENT_MEMORY_\w+): "?([\w.]+)"?$', _COMPOSE, re.MULTILINE))
    by_script = dict(re.findall(r"--env (AGENT_MEMORY_\w+)=([\w.]+)", _SCRIPT))
    assert len(by_compose) == 5
    assert by_compose == by_script


@pytest.mark.parametrize("name", ["POSTGRES_IMAGE", "POSTGRES_DATA", "REDIS_IMAGE", "IMAGE"])
def test_compose_and_the_script_start_the_same(name: str) -> None:
    usual = re.compile(rf"\$\{{{name}:-([^}}]+)}}")
    assert usual.findall(_COMPOSE) == usual.findall(_SCRIPT)


@pytest.mark.parametrize(
    ("compose", "script"),
    [
        ("stop_grace_period: 30s", "--stop-timeout 30"),
        ("stop_grace_period: 60s", "--stop-timeout 60"),
        ("mem_limit: 1g", "--memory 1g"),
        ("mem_limit: 384m", "--memory 384m"),
        ("pids_limit: 256", "--pids-limit 256"),
        ("/run/agent-memory:uid=10001,gid=10001,mode=0700,size=1m",) * 2,
        ("--maxmemory 256mb --maxmemory-policy noeviction",) * 2,
    ],
)
def test_compose_and_the_script_limit_the_same(compose: str, script: str) -> None:
    assert compose in _COMPOSE
    assert script in _SCRIPT


@contextmanager
def _answering(answer: bytes) -> Generator[int]:
    """A worker that says this to one question, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


def _ready(port: int | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-E", str(_READY)],
        check=False,
        capture_output=True,
        text=True,
        env={"AGENT_MEMORY_METRICS_PORT": str(port), "AGENT_MEMORY_METRICS_HOST": "0.0.0.0"},
    )


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nready\n", 0, "ready\n"),
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\nthe store does not answer\n",
            1,
            "the store does not answer\n",
        ),
        (b"", 1, "no answer that makes sense\n"),
    ],
    ids=["ready", "not ready", "no answer"],
)
def test_the_health_check_is_what_the_worker_says(answer: bytes, code: int, told: str) -> None:
    with _answering(answer) as port:
        check = _ready(port)
    assert (check.returncode, check.stdout, check.stderr) == (code, told, "")


def test_a_worker_that_is_not_there_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert _ready(port).returncode == 1


def test_a_worker_without_a_port_needs_another_health_check() -> None:
    check = _ready(0)
    assert check.returncode == 1
    assert "another health check" in check.stdout
