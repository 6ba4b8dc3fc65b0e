"""The units themselves: that systemd understands them, and that the published ones are those that are installed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.commands.service_units import (
    Installation,
    environment_line,
    environment_value,
    system_units,
    sysusers,
    user_units,
)
from agent_memory.ports.errors import Rejected

_PUBLISHED = Path(__file__).parents[3] / "deploy/systemd"
_USUAL = Installation(command=("/opt/agent-memory/bin/agent-memory",))
_analyze = which("systemd-analyze")
_needs_systemd = pytest.mark.skipif(_analyze is None, reason="no systemd-analyze (Debian package systemd)")


def _published() -> dict[str, str]:
    texts = {f"user/{name}": text for name, text in user_units(_USUAL).items()}
    return {**texts, **system_units(_USUAL), "agent-memory.sysusers.conf": sysusers()}


@pytest.mark.parametrize("name", sorted(_published()))
def test_the_published_units_are_those_that_are_installed(name: str) -> None:
    assert (_PUBLISHED / name).read_text() == _published()[name]


def _written(folder: Path, *, system: bool) -> list[str]:
    program = folder / "all my programs, 50%" / "agent-memory"
    program.parent.mkdir()
    program.touch(0o755)
    installation = Installation(command=(str(program), "-m", "a $HOME b"), written=(folder / "two words",))
    units = system_units(installation) if system else user_units(installation)
    for name, text in units.items():
        (folder / name).write_text(text)
    return [str(folder / name) for name in units]


def _systemd(*arguments: str, runtime: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_analyze), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )


@_needs_systemd
@pytest.mark.parametrize("system", [True, False], ids=["system", "user"])
def test_systemd_finds_nothing_wrong_with_them(system: bool, tmp_path: Path) -> None:
    units = _written(tmp_path, system=system)
    verdict = _systemd(
        *([] if system else ["--user"]), "verify", "--recursive-errors=no", *units, runtime=tmp_path
    )
    assert (verdict.returncode, verdict.stderr) == (0, "")


@_needs_systemd
def test_systemd_would_find_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    service, _ = _written(tmp_path, system=True)
    Path(service).write_text(Path(service).read_text().replace("PrivateTmp=", "PrivateTemp="))
    verdict = _systemd("verify", "--recursive-errors=no", service, runtime=tmp_path)
    assert "PrivateTemp" in verdict.stderr


@_needs_systemd
def test_the_system_s_service_is_exposed_to_little(tmp_path: Path) -> None:
    verdict = _systemd(
        "security", "--offline=true", "--no-pager", *_written(tmp_path, system=True)[:1], runtime=tmp_path
    )
    level = re.search(r"Overall exposure level for agent-memory.service: ([0-9.]+)", verdict.stdout)
    assert level is not None
    assert float(level[1]) <= 1.5


def test_a_program_that_systemd_would_not_start_is_refused() -> None:
    with pytest.raises(Rejected, match="no program with a quote"):
        user_units(Installation(command=("/home/ada's/agent-memory",)))


def test_a_stop_waits_longer_than_the_service_drains() -> None:
    for seconds, told in ((5.0, "30"), (90.5, "116")):
        installation = Installation(command=("/x",), drain_seconds=seconds)
        for units in (user_units(installation), system_units(installation)):
            assert f"\nTimeoutStopSec={told}\n" in units["agent-memory.service"]


def test_the_system_s_service_may_write_where_its_database_is_and_nowhere_else() -> None:
    unit = system_units(
        Installation(command=("/x",), written=(Path("/srv/memory"), Path("/var/lib/agent-memory/db")))
    )["agent-memory.service"]
    assert [line for line in unit.splitlines() if line.startswith(("ReadWrite", "ProtectSystem"))] == [
        "ProtectSystem=strict",
        "ReadWritePaths=/srv/memory",
    ]


def test_a_program_that_stands_in_a_home_can_be_read_there() -> None:
    def protect(*seen: str) -> str:
        unit = system_units(Installation(command=("/x",), seen=tuple(Path(each) for each in seen)))
        return next(
            line for line in unit["agent-memory.service"].splitlines() if line.startswith("ProtectHome")
        )

    assert protect("/opt/agent-memory", "/usr") == "ProtectHome=yes"
    assert protect("/home/ada/.venv/bin", "/usr") == "ProtectHome=read-only"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])).map(str.strip))
def test_a_value_comes_back_as_it_was_written(value: str) -> None:
    assert environment_value(environment_line("NAME", value).partition("=")[2]) == value
