"""A class of someone else's that subclasses a contract, run by pytest: each way of asking for less is caught.

The adapter is a good one (the in-process rate limiter), so that nothing but the cheating is left to object to.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.pages import read

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory_contract.certificate import Certificate

START = """
import pytest
from agent_memory_contract import inprocess_harnesses
from agent_memory_contract.declaration import Declaration
from agent_memory_contract.harness import Bench
from agent_memory_contract.rate_limiter_contract import RateLimiterContract
"""
CLASS = """
class Test{name}({bases}):
    adapter = "in-process"

    @pytest.fixture
    async def harness(self, tmp_path):
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            yield harness
"""
OVERRIDDEN = """
    async def test_limiter_01_admits_up_to_the_limit(self, harness):
        pass
"""
HONEST = "Declaration, RateLimiterContract"
REMOVED = """
    test_limiter_01_admits_up_to_the_limit = None
"""
EXCUSED = """
    pytestmark = [pytest.mark.anyio, pytest.mark.xfail(strict=False)]
"""
SKIPPED = """
    pytestmark = [pytest.mark.anyio, pytest.mark.skip(reason="no time")]
"""
OTHER_FIXTURE = """
    @pytest.fixture
    def seed(self):
        return 4
"""
HOOKS = """
import pytest

async def easy(harness):
    pass

def pytest_collection_modifyitems(items):
    first = {item.cls.__name__: item for item in items if "limiter_01" in item.name}
    first["TestExcusedByAHook"].add_marker(pytest.mark.xfail)
    items.remove(first["TestDroppedByAHook"])
    first["TestReplacedByAHook"].obj = easy
"""
OTHER_KIT = """
async def easy(self, harness):
    pass
easy.__name__ = "test_limiter_01_admits_up_to_the_limit"
RateLimiterContract.test_limiter_01_admits_up_to_the_limit = easy
del RateLimiterContract.test_limiter_02_concurrent_calls_get_exactly_the_limit
"""


HANGING = """
import asyncio

class TestHanging(RateLimiterContract):
    @pytest.fixture
    async def harness(self, tmp_path):
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            harness.advance = lambda seconds: asyncio.Event().wait()
            yield harness
"""

BLOCKING = """
import fcntl
import socket
import time
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter

class Limiter(InProcessRateLimiter):
    async def hit(self, windows, *, cost=1):
        await self.wait()
        return await super().hit(windows, cost=cost)

class Sleeps(Limiter):
    async def wait(self):
        time.sleep(0.001)

class Locks(Limiter):
    async def wait(self):
        with open(__file__) as file:
            fcntl.flock(file, fcntl.LOCK_SH)

class Connects(Limiter):
    async def wait(self):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
            pass

class OnAThread(Limiter):
    async def wait(self):
        import asyncio
        await asyncio.to_thread(time.sleep, 0.001)

class Tried(RateLimiterContract):
    @pytest.fixture
    async def harness(self, tmp_path):
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            harness.open = lambda: self.kind(clock=harness._clock)
            yield harness

class TestSleeps(Tried):
    kind = Sleeps

class TestLocks(Tried):
    kind = Locks

class TestConnects(Tried):
    kind = Connects

class TestOnAThread(Tried):
    kind = OnAThread
"""
LATE = """
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
import msgspec

class Late(InProcessRateLimiter):
    async def hit(self, windows, *, cost=1):
        decision = await super().hit(windows, cost=cost)
        return msgspec.structs.replace(decision, retry_after=decision.retry_after / 2)

class TestLate(RateLimiterContract):
    @pytest.fixture
    async def harness(self, tmp_path):
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            harness.open = lambda: Late(clock=harness._clock)
            yield harness
"""


def tried(
    folder: Path, module: str, *options: str, conftest: str = ""
) -> tuple[int, str, dict[str, Certificate]]:
    """The exit code, what was said, and the certificates by the names of the classes, in their order."""
    (folder / "test_theirs.py").write_text(START + module)
    (folder / "conftest.py").write_text(conftest)
    certificate = folder / "certificate.json"
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "agent_memory_contract.plugin", "-p", "no:cacheprovider",
            "-c", os.devnull, "--rootdir", str(folder), "--certificate", str(certificate), *options, "test_theirs.py",
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert certificate.exists(), ended.stdout + ended.stderr
    names = re.findall(r"class Test(\w+)", module)
    return ended.returncode, ended.stdout, dict(zip(names, read(certificate), strict=True))


def test_an_honest_class_is_certified(tmp_path: Path) -> None:
    code, said, certificates = tried(tmp_path, CLASS.format(name="Honest", bases=HONEST))
    certificate = certificates["Honest"]
    assert code == 0, said
    assert certificate.certified
    assert (certificate.adapter.name, certificate.adapter.package) == ("in-process", "agent-memory")
    assert {each.outcome for each in certificate.clauses} == {"kept", "not applicable"}
    assert "CERTIFIED: rate_limiter adapter in-process of agent-memory" in said
    assert "**CERTIFIED**" in (tmp_path / "certificate.md").read_text()


def test_one_that_asks_for_less_is_not(tmp_path: Path) -> None:
    """Beside an honest one, which is."""
    wrong = {
        "Overridden": (OVERRIDDEN, "LIMITER-01 is overridden"),
        "Removed": (REMOVED, "LIMITER-01 is not tried"),
        "Excused": (EXCUSED, "ADAPTER-01 is excused"),
        "Skipped": (SKIPPED, "ADAPTER-01 is not tried: Is what its descriptor says. Seen: skipped: no time"),
        "OtherFixture": (OTHER_FIXTURE, "seed of the contract class is overridden"),
        "ExcusedByAHook": ("", "LIMITER-01 is excused"),
        "DroppedByAHook": ("", "LIMITER-01 is not tried"),
        "ReplacedByAHook": ("", "LIMITER-01 is overridden"),
    }
    module = CLASS.format(name="Honest", bases=HONEST) + "".join(
        CLASS.format(name=name, bases=HONEST) + more for name, (more, _) in wrong.items()
    )
    code, said, certificates = tried(tmp_path, module, conftest=HOOKS)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert certificates.pop("Honest").certified
    assert not any(certificate.certified for certificate in certificates.values())
    found = {
        name: certificate.reasons[0][: len(wrong[name][1])] for name, certificate in certificates.items()
    }
    assert found == {name: reason for name, (_, reason) in wrong.items()}
    assert said.count("NOT CERTIFIED") == len(wrong)
    assert f"## 1 of {len(wrong) + 1} certified" in (tmp_path / "certificate.md").read_text()


def test_nor_one_that_changes_the_kit(tmp_path: Path) -> None:
    code, _, certificates = tried(tmp_path, CLASS.format(name="Theirs", bases=HONEST) + OTHER_KIT)
    certificate = certificates["Theirs"]
    assert code == pytest.ExitCode.TESTS_FAILED
    assert not certificate.certified
    assert [reason.partition(":")[0] for reason in certificate.reasons] == [
        "LIMITER-01 is overridden",
        "LIMITER-02 is not tried",
    ]


def test_nor_one_that_is_run_in_part(tmp_path: Path) -> None:
    """At a lower level, which is said, and holds for the clauses of that level."""
    module = CLASS.format(name="Theirs", bases=HONEST)
    code, _, certificates = tried(tmp_path, module, "--level", "plain", "--seed", "5", "-k", "not limiter_01")
    certificate = certificates["Theirs"]
    assert code == pytest.ExitCode.TESTS_FAILED
    assert not certificate.certified
    assert [reason.partition(":")[0] for reason in certificate.reasons] == ["LIMITER-01 is not tried"]
    assert (certificate.level, certificate.seed) == ("plain", 5)
    assert {each.level for each in certificate.clauses} == {"plain"}
    assert len(certificate.clauses) < certificate.contract.clauses


def test_a_clause_that_hangs_is_broken(tmp_path: Path) -> None:
    """And the others are tried."""
    options = ("--patience", "0.5", "-p", "no:timeout", "-k", "limiter_06 or limiter_12")
    _, _, certificates = tried(tmp_path, HANGING, *options)
    found = {each.id: each for each in certificates["Hanging"].clauses}
    assert found["LIMITER-06"].outcome == "broken"
    assert "it hangs: no end after 0.5 s" in found["LIMITER-06"].seen
    assert found["LIMITER-12"].outcome == "kept"


def test_one_that_holds_up_the_event_loop_breaks_the_clause(tmp_path: Path) -> None:
    """Where the waiting is seen: asleep, for a file lock, for a connection. On a thread it may wait."""
    _, _, certificates = tried(tmp_path, BLOCKING, "-k", "limiter_01")
    found = {
        name: next(each for each in certificate.clauses if each.id == "LIMITER-01")
        for name, certificate in certificates.items()
    }
    assert found.pop("OnAThread").outcome == "kept"
    assert {each.outcome for each in found.values()} == {"broken"}
    seen = {name: each.seen.partition(" at ")[0] for name, each in found.items()}
    assert seen == {
        "Sleeps": "the event loop was held up: time.sleep(0.001)",
        "Locks": "the event loop was held up: fcntl.flock that waits",
        "Connects": "the event loop was held up: a socket that blocks was connected",
    }
    assert "test_theirs.py" in found["Sleeps"].seen


def test_what_a_clause_says_in_words_is_all_that_is_told(tmp_path: Path) -> None:
    """Not pytest's account of the expression, too."""
    _, _, certificates = tried(tmp_path, LATE, "-k", "limiter_24")
    seen = next(each.seen for each in certificates["Late"].clauses if each.id == "LIMITER-24")
    assert re.fullmatch(
        r"AssertionError: told to wait [\d.e-]+ s, and then [\d.e-]+ s more\n\(at: assert then.allowed.*",
        seen,
        re.DOTALL,
    )


def test_where_no_certificate_can_be_written_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(START + CLASS.format(name="Honest", bases=HONEST))
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "agent_memory_contract.plugin", "-p", "no:cacheprovider",
            "--certificate", "nowhere/certificate.json", "test_theirs.py",
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert ended.stderr.strip() == f"ERROR: --certificate: there is no folder {tmp_path / 'nowhere'}"


def test_nor_one_in_a_name_that_nobody_checked(tmp_path: Path) -> None:
    """A registered adapter's name stands on a certificate only where it was held against its descriptor."""
    module = CLASS.format(name="Unchecked", bases="RateLimiterContract") + CLASS.format(
        name="AnotherName", bases=HONEST
    ).replace('"in-process"', '"redis"')
    options = ("--level", "plain", "-k", "adapter_01 or limiter_01")
    _, _, certificates = tried(tmp_path, module, *options)
    found = {name: certificate.clauses[0] for name, certificate in certificates.items()}
    assert {name: (each.id, each.outcome) for name, each in found.items()} == {
        "Unchecked": ("ADAPTER-01", "not tried"),
        "AnotherName": ("ADAPTER-01", "broken"),
    }
    assert "'in-process'" in found["AnotherName"].seen
