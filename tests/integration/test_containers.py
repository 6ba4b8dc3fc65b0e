"""The image and the containers of a fleet, as `deploy/` starts them: built, shared by two clients, restarted."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.stdio_child import ServerGone
from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory_contract.servers.docker import docker_answers
from agent_memory_contract.servers.postgres import DEFAULT_IMAGE as POSTGRES
from agent_memory_contract.servers.postgres import IMAGE_VARIABLE as POSTGRES_VARIABLE
from agent_memory_contract.servers.redis import DEFAULT_IMAGE as REDIS
from agent_memory_contract.servers.redis import IMAGE_VARIABLE as REDIS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Generator

_SOURCES = Path(__file__).parents[2]
_BASE_VARIABLE = "AGENT_MEMORY_TEST_PYTHON_IMAGE"
_WORKERS = ("worker-1", "worker-2")


class _Fleet:
    """What `deploy/` does, under names that nobody else has. `image` None until it is built."""

    def __init__(self, folder: Path, base: str, postgres: str, redis: str) -> None:
        self.name = f"agentmem-test-{secrets.token_hex(4)}"
        self._base = base
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")},
            "NAME": self.name,
            "IMAGE": self.name,
            "POSTGRES_IMAGE": postgres,
            "POSTGRES_DATA": "/var/lib/pgdata",
            "REDIS_IMAGE": redis,
            "ENV_FILE": str(folder / "env"),
            "WORKERS": " ".join(_WORKERS),
            "DOCKER_BUILDKIT": "0",  # the old builder is everywhere, and knows less
        }

    def build(self) -> None:
        self._run(
            "docker", "build", "--network", "host", "--build-arg", f"BASE={self._base}", "-t", self.name, "."
        )

    def deploy(self, script: str, *arguments: str) -> None:
        self._run(str(_SOURCES / "deploy" / script), *arguments)

    async def deploy_meanwhile(self, script: str) -> None:
        await asyncio.to_thread(self.deploy, script)

    def client(self, worker: str) -> StdioClient:
        return StdioClient(
            (
                "docker",
                "exec",
                "-i",
                "-e",
                "AGENT_MEMORY_DAEMON=required",
                f"{self.name}-{worker}",
                "agent-memory",
                "mcp",
            )
        )

    def said(self, *command: str) -> str:
        return self._run(*command).stdout.strip()

    def secrets(self) -> list[str]:
        lines = Path(self._environment["ENV_FILE"]).read_text().splitlines()
        return [line.partition("=")[2] for line in lines if "_PASSWORD=" in line]

    def remove(self) -> None:
        self.deploy("start-without-compose", "destroy")
        self._run("docker", "image", "rm", "--force", self.name)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=_SOURCES,
            env=self._environment,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done


@contextmanager
def _fleet(folder: Path) -> Generator[_Fleet]:
    """Skips where it cannot be: without Docker, or without the images that everything stands on."""
    if shutil.which("docker") is None or not docker_answers():
        pytest.skip("no Docker answers: containers are not tried")
    images = [
        _present(_BASE_VARIABLE, "agentmem-test/python:3.11", "python:3.13-slim"),
        _present(POSTGRES_VARIABLE, "agentmem-test/postgres:18", POSTGRES),
        _present(REDIS_VARIABLE, "agentmem-test/redis:7", REDIS),
    ]
    fleet = _Fleet(folder, *images)
    fleet.build()
    try:
        yield fleet
    finally:
        fleet.remove()


def _present(variable: str, *usual: str) -> str:
    """Nothing is pulled: a test run is not to download hundreds of megabytes."""
    candidates = [os.environ[variable]] if os.environ.get(variable) else usual
    for image in candidates:
        if (
            subprocess.run(["docker", "image", "inspect", image], check=False, capture_output=True).returncode
            == 0
        ):
            return image
    pytest.skip(f"none of the images {', '.join(candidates)} is here (docker pull, or {variable})")


@pytest.mark.timeout(900)
async def test_two_clients_on_two_containers_share_a_memory_that_a_rolling_restart_does_not_interrupt(
    tmp_path: Path,
) -> None:
    with _fleet(tmp_path) as fleet:
        fleet.deploy("start-without-compose")
        _check_hardened(fleet)
        await _share(fleet)
        await _restart_under_load(fleet)
        fleet.deploy("start-without-compose")  # again: what runs stays
        left = fleet.said("docker", "ps", "--filter", f"name={fleet.name}-", "--format", "{{.Names}}")
        assert sorted(left.split()) == [f"{fleet.name}-{each}" for each in ("postgres", "redis", *_WORKERS)]


def _check_hardened(fleet: _Fleet) -> None:
    worker = f"{fleet.name}-worker-1"
    assert fleet.said("docker", "exec", worker, "id", "-u") == "10001"
    assert (
        fleet.said("docker", "exec", worker, "sh", "-c", "touch /opt/x 2>/dev/null || echo refused")
        == "refused"
    )
    assert fleet.said("docker", "inspect", "--format", "{{.State.Health.Status}}", worker) == "healthy"
    shown = fleet.said("docker", "top", f"{fleet.name}-redis", "-o", "pid,args")
    assert "redis-server" in shown
    assert not any(secret in shown for secret in fleet.secrets())


async def _share(fleet: _Fleet) -> None:
    async with fleet.client("worker-1") as here, fleet.client("worker-2") as there:
        remembered = await here.call_tool(
            "memory_remember", {"content": "We deploy on Fridays", "scope": "acme/shop"}
        )
        [first] = remembered.structured["results"]
        found = await there.call_tool("memory_recall", {"query": "when do we deploy", "scope": "acme/shop"})
        assert [hit["content"] for hit in found.structured["results"]] == ["We deploy on Fridays"]
        await there.call_tool("memory_update", {"id": first["id"], "content": "We deploy on Mondays"})
        assert await _content(here, first["id"], "We deploy on Mondays") == "We deploy on Mondays"
        checkout = {"action": "checkout", "file_path": "/src/a.py"}
        locked = await here.call_tool("memory_file_lock", {**checkout, "agent_id": "ada"})
        assert not locked.is_error
        refused = await there.call_tool("memory_file_lock", {**checkout, "agent_id": "bob"})
        assert refused.is_error or refused.structured.get("granted") is False


async def _content(client: StdioClient, entry: str, expected: str) -> str:
    """As another instance's write becomes visible: within the delay of an event."""
    content = ""
    async with asyncio.timeout(10):
        while content != expected:
            got = await client.call_tool("memory_get", {"ids": [entry]})
            content = got.structured["entries"][0]["content"]
            await asyncio.sleep(0.05)  # as often as the limits on calls allow
    return content


async def _restart_under_load(fleet: _Fleet) -> None:
    """Writers use whichever worker is there, as an agent does whose server has ended; at no time is there none."""
    restarted = asyncio.create_task(fleet.deploy_meanwhile("rolling-restart"))
    acknowledged: list[str] = []
    writers = [
        asyncio.create_task(_write_until(fleet, number, restarted, acknowledged))
        for number in range(len(_WORKERS))
    ]
    await asyncio.gather(restarted, *writers)
    assert len(acknowledged) > 20
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(fleet.client("worker-2"))
        for start in range(0, len(acknowledged), 100):
            got = await client.call_tool("memory_get", {"ids": acknowledged[start : start + 100]})
            assert got.structured["missing"] == []


async def _write_until(fleet: _Fleet, number: int, done: asyncio.Task[None], acknowledged: list[str]) -> None:
    turn, written = number, 0
    while not done.done():
        try:
            async with fleet.client(_WORKERS[turn % len(_WORKERS)]) as client:
                while not done.done():
                    fact = {"content": f"fact {number}.{written}", "scope": "load"}
                    answer = await client.call_tool("memory_remember", fact)
                    assert not answer.is_error, answer.text
                    acknowledged.append(answer.structured["results"][0]["id"])
                    written += 1
                    await asyncio.sleep(0.05)  # a load that leaves the restart something of two cores
        except ServerGone:
            turn += 1
