"""The package of docs/adapters.md, as its readers would make it: built as a wheel, installed beside ours in a fresh
environment, found, certified by each door, and used by a real server. And a broken one, which is refused.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client

from agent_memory_contract.pages import read
from agent_memory_contract.servers.run_folder import begin_run, once_a_run

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapters.md"
PROMISE = "if excess > 0 and ends"
BROKEN_PROMISE = "if excess > 1 and ends"
SUBCLASS = """
import acme_memory.bench
import pytest
from agent_memory_contract.declaration import Declaration
from agent_memory_contract.harness import Bench
from agent_memory_contract.rate_limiter_contract import RateLimiterContract

class TestAcme(Declaration, RateLimiterContract):
    adapter = "acme"

    @pytest.fixture
    async def harness(self, tmp_path):
        async with acme_memory.bench.limiter(Bench(folder=tmp_path)) as harness:
            yield harness
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Away from the sources and from what this run of pytest was told."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "AGENT_MEMORY_", "PYTHONPATH", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def done(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def write_package(folder: Path, *, broken: bool) -> None:
    """The files that the page shows."""
    files = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(files) == 4
    for name, text in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(PROMISE, BROKEN_PROMISE) if broken else text)


def wheel_of(project: Path, into: Path) -> Path:
    done(
        run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", into, cwd=project)
    )
    [wheel] = into.glob("*.whl")
    return wheel


def install(folder: Path) -> None:
    """Two environments: one with the package as the page has it, one with it broken."""
    ours = wheel_of(ROOT, folder / "ours")
    for name in ("good", "broken"):
        write_package(folder / name, broken=name == "broken")
        theirs = wheel_of(folder / name, folder / name / "dist")
        environment = folder / name / "venv"
        wanted = ("-c", ROOT / "constraints.txt", f"agent-memory[certify] @ {ours.as_uri()}", theirs)
        if uv := shutil.which("uv"):
            done(run(uv, "venv", "--python", sys.executable, environment, cwd=folder))
            python = environment / "bin" / "python"
            done(run(uv, "pip", "install", "--python", python, *wanted, cwd=folder))
        else:
            done(run(sys.executable, "-m", "venv", environment, cwd=folder))
            done(run(environment / "bin" / "python", "-m", "pip", "install", *wanted, cwd=folder))


@pytest.fixture(scope="session")
def installed() -> Path:
    """Once for all processes of a run, and gone with it."""
    folder = begin_run() / "third-party"
    folder.mkdir(exist_ok=True)
    once_a_run("third-party", lambda: install(folder), timeout=500)
    return folder


@pytest.fixture
def good(installed: Path) -> Path:
    return installed / "good" / "venv" / "bin"


@pytest.fixture
def broken(installed: Path) -> Path:
    return installed / "broken" / "venv" / "bin"


def test_it_is_listed_with_its_origin_and_capabilities(good: Path, tmp_path: Path) -> None:
    rows = msgspec.json.decode(done(run(good / "agent-memory", "adapters", "--json", cwd=tmp_path)))
    [row] = [row for row in rows if row["name"] == "acme"]
    assert (row["port"], row["package"], row["version"]) == ("rate_limiter", "acme-memory", "1.0")
    assert row["capabilities"] == {"name": "acme", "shared": "host"}
    assert row["importable"]


def test_the_command_certifies_it(good: Path, tmp_path: Path) -> None:
    command = ("certify", "rate_limiter", "acme", "--report", "certificate.json")
    said = done(run(good / "agent-memory", *command, cwd=tmp_path))
    assert said.startswith("CERTIFIED: rate_limiter adapter acme of acme-memory 1.0, level faulty")
    [certificate] = read(tmp_path / "certificate.json")
    assert certificate.certified
    assert certificate.adapter.implementation == "acme_memory.limiter.AcmeLimiter"
    assert certificate.adapter.packages["acme-memory"] == "1.0"
    assert {each.outcome for each in certificate.clauses} == {"kept", "not applicable"}
    page = (tmp_path / "certificate.md").read_text()
    assert all(each.id in page and each.title in page for each in certificate.clauses)


def test_pytest_certifies_it_by_name(good: Path, tmp_path: Path) -> None:
    options = ("--pyargs", "agent_memory_contract", "-p", "agent_memory_contract.plugin", "--adapter", "acme")
    said = done(
        run(good / "python", "-m", "pytest", *options, "--certificate", "certificate.json", cwd=tmp_path)
    )
    [certificate] = read(tmp_path / "certificate.json")
    assert certificate.certified
    assert "CERTIFIED: rate_limiter adapter acme" in said


def test_a_subclass_certifies_it(good: Path, tmp_path: Path) -> None:
    """The plugin is not there unless it is named."""
    (tmp_path / "test_acme.py").write_text(SUBCLASS)
    plain = done(run(good / "python", "-m", "pytest", "test_acme.py", cwd=tmp_path))
    assert "certification" not in plain
    options = ("-p", "agent_memory_contract.plugin", "--certificate", "certificate.json")
    done(run(good / "python", "-m", "pytest", *options, "test_acme.py", cwd=tmp_path))
    [certificate] = read(tmp_path / "certificate.json")
    assert certificate.certified
    assert (certificate.adapter.name, certificate.adapter.package) == ("acme", "acme-memory")


async def test_a_server_uses_it(good: Path, tmp_path: Path) -> None:
    """Its calls are counted there: the file is made, and the last call of a burst is refused."""
    file = tmp_path / "limits" / "acme.db"
    settings: Mapping[str, str] = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "AGENT_MEMORY_DATA_DIR": str(tmp_path / "data"),
        "AGENT_MEMORY_DAEMON": "off",
        "AGENT_MEMORY_RATE_LIMITER": f"acme://{file}?timeout=10",
        "AGENT_MEMORY_RATE_LIMIT_BURST_MAX": "3",
        "AGENT_MEMORY_RATE_LIMIT_BURST_WINDOW_MS": "3600000",
    }
    server = StdioServerParameters(command=str(good / "agent-memory"), args=["mcp"], env=dict(settings))
    async with Client(stdio_client(server)) as client:
        answers = [
            await client.call_tool("memory_remember", {"content": f"We deploy on day {day}"})
            for day in range(4)
        ]
        assert [answer.is_error for answer in answers] == [False, False, False, True]
        assert file.exists()
    said = run(good / "agent-memory", "recall", "deploy", "--json", cwd=tmp_path, **settings)
    assert "We deploy on day 2" in said.stdout


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("acmee", "did you mean acme?"),
        ("acme://?speed=9", "acme: option 'speed' is not known (one of timeout)"),
    ],
    ids=["name", "option"],
)
def test_a_setting_that_cannot_be_meant_is_refused_in_one_line(
    good: Path, tmp_path: Path, value: str, reason: str
) -> None:
    settings = {"AGENT_MEMORY_DATA_DIR": str(tmp_path), "AGENT_MEMORY_RATE_LIMITER": value}
    ended = run(good / "agent-memory", "remember", "x", cwd=tmp_path, **settings)
    assert ended.returncode == 78
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_broken_one_is_refused_with_the_clause_its_meaning_and_what_was_seen(
    broken: Path, tmp_path: Path
) -> None:
    command = ("certify", "rate_limiter", "acme", "--report", "certificate.json")
    ended = run(broken / "agent-memory", *command, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stdout.startswith("NOT CERTIFIED: rate_limiter adapter acme of acme-memory 1.0")
    assert (
        "LIMITER-02 is broken: Concurrent calls get exactly the limit. Two hundred at once, through two windows of "
        "which one is tighter.\n    Seen: AssertionError: assert 51 == 50\n    (at: assert sum("
    ) in ended.stdout
    [certificate] = read(tmp_path / "certificate.json")
    assert not certificate.certified
    assert any(reason.startswith("LIMITER-02 is broken") for reason in certificate.reasons)


def test_all_of_ours_are_tried_and_those_that_cannot_be_are_told(good: Path, tmp_path: Path) -> None:
    """Here nothing that needs a driver was installed."""
    command = ("certify", "rate_limiter", "--all", "--report", "certificates.json", "--level", "plain")
    ended = run(good / "agent-memory", *command, cwd=tmp_path)
    assert ended.returncode == 1
    assert "CERTIFIED: rate_limiter adapter in-process of agent-memory" in ended.stdout
    assert "NOT CERTIFIED: rate_limiter adapter redis could not be tried" in ended.stdout
    assert "needs redis, not installed here" in ended.stdout
    assert ended.stdout.endswith("1 of 2 certified\n")
    page = (tmp_path / "certificates.md").read_text()
    assert "## 1 of 2 certified" in page
    assert "| rate_limiter | redis | | **NOT CERTIFIED** | | could not be tried:" in page


def test_certify_says_what_it_cannot_try(good: Path, tmp_path: Path) -> None:
    ended = run(good / "agent-memory", "certify", "lock", "acme", cwd=tmp_path)
    assert ended.returncode == 2
    assert "no lock adapter 'acme' is installed" in ended.stderr
