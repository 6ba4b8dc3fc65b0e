"""`agent-memory service install`."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints import cli
from agent_memory.entrypoints.commands.service_files import marked

from .fake_systemd import FakeSystemd

if TYPE_CHECKING:
    from pathlib import Path

_CHECK = "--user show --property=Version"
_LOOK = "--user show agent-memory.service --property=ActiveState"
_ENABLE = "--user enable agent-memory.socket agent-memory.service"
_START = "--user start agent-memory.socket agent-memory.service"


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    return FakeSystemd(tmp_path, monkeypatch)


def _install(*arguments: str) -> int:
    return cli.main(["service", "install", *arguments])


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_writes_the_units_enables_and_starts_them(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _install() == 0
    assert systemd.calls() == [_CHECK, "--user daemon-reload", _ENABLE, _LOOK, _START]
    service = (systemd.units / "agent-memory.service").read_text()
    assert " -m agent_memory.entrypoints.cli worker --listen\n" in service
    assert service.split("ExecStart=")[1].startswith("/")
    assert "ListenStream=%t/agent-memory/" in (systemd.units / "agent-memory.socket").read_text()
    assert not systemd.environment.exists()
    captured = capsys.readouterr()
    assert "started: see `systemctl --user status agent-memory`" in captured.out
    assert "enable-linger" in captured.err


def test_done_again_it_changes_nothing_and_leaves_the_service_alone(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _install("SCOPE=acme") == 0
    before = _files(systemd.home)
    systemd.calls()
    capsys.readouterr()
    assert _install("SCOPE=acme", "--json") == 0
    assert _files(systemd.home) == before
    assert systemd.calls() == [_CHECK, "--user daemon-reload", _ENABLE, _LOOK]
    report = json.loads(capsys.readouterr().out)
    assert (set(report["files"].values()), report["started"]) == ({"unchanged"}, "running")


def test_settings_go_into_a_file_that_nobody_else_may_read(systemd: FakeSystemd) -> None:
    assert _install("AGENT_MEMORY_PG_PASSWORD=geheim", "AGENT_ID=a b", "DB_TYPE=postgresql") == 0
    assert stat.S_IMODE(systemd.environment.stat().st_mode) == 0o600
    assert systemd.environment.read_text().splitlines()[2:] == [
        "AGENT_MEMORY_PG_PASSWORD=geheim",
        'AGENT_MEMORY_AGENT_ID="a b"',
        "AGENT_MEMORY_DB_TYPE=postgresql",
    ]


def test_a_file_that_others_could_read_is_closed(systemd: FakeSystemd) -> None:
    assert _install("SCOPE=acme") == 0
    systemd.environment.chmod(0o644)
    assert _install() == 0
    assert stat.S_IMODE(systemd.environment.stat().st_mode) == 0o600


def test_a_setting_that_changes_restarts_the_service_and_the_other_lines_stay(systemd: FakeSystemd) -> None:
    assert _install("SCOPE=acme", "AGENT_ID=x") == 0
    with systemd.environment.open("a") as file:
        file.write("# mine\nTZ=UTC\nAGENT_MEMORY_SCOPE=again\n")
    systemd.calls()
    assert _install("SCOPE=other") == 0
    assert systemd.environment.read_text().splitlines()[2:] == [
        "AGENT_MEMORY_SCOPE=other",
        "AGENT_MEMORY_AGENT_ID=x",
        "# mine",
        "TZ=UTC",
    ]
    assert systemd.calls()[-1] == "--user restart agent-memory.service"


def test_a_secret_is_taken_from_the_environment_by_its_name(
    systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_ADMIN_KEY", "open-sesame")
    assert _install("ADMIN_KEY") == 0
    assert "AGENT_MEMORY_ADMIN_KEY=open-sesame\n" in systemd.environment.read_text()
    assert _install("--print") == 0
    captured = capsys.readouterr()
    assert "open-sesame" not in captured.out + captured.err
    assert "AGENT_MEMORY_ADMIN_KEY=(hidden)" in captured.out


def test_a_setting_of_this_shell_that_is_not_carried_over_is_a_warning(
    systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_SCOPE", "acme")
    assert _install("--print") == 0
    assert "AGENT_MEMORY_SCOPE is set here and not in the service" in capsys.readouterr().err
    assert systemd.calls() == []


def test_the_memory_of_this_shell_is_the_memory_of_the_service(
    systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert _install("DB_PATH=mine.db") == 0
    assert systemd.environment.read_text().splitlines()[2:] == [
        f"AGENT_MEMORY_DATA_DIR={tmp_path}/data/agent-memory",
        f"AGENT_MEMORY_DB_PATH={tmp_path}/mine.db",
    ]


@pytest.mark.parametrize("name", ["agent-memory.service", "agent-memory.socket"])
def test_what_a_person_edited_is_refused_before_anything_changes(
    name: str, systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _install() == 0
    with (systemd.units / name).open("a") as file:
        file.write("# my own line\n")
    before = _files(systemd.home)
    systemd.calls()
    assert _install("SCOPE=acme") == 1
    assert _files(systemd.home) == before
    assert systemd.calls() == [_CHECK]
    assert f"{name}: edited by hand" in capsys.readouterr().err
    assert _install("--force") == 0
    assert "# my own line" not in (systemd.units / name).read_text()


def test_units_of_a_former_version_are_replaced(
    systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _install("--no-start") == 0
    assert systemd.calls()[-1] == _ENABLE
    program = systemd.home / "agent-memory"
    program.touch(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    assert _install() == 0
    assert f"ExecStart={program} worker" in (systemd.units / "agent-memory.service").read_text()


def test_another_socket_is_opened_while_the_service_is_down(systemd: FakeSystemd) -> None:
    assert _install() == 0
    socket = systemd.units / "agent-memory.socket"
    body = socket.read_text().split("\n", 1)[1]
    socket.write_text(marked(body.replace("agent-memory.sock", "former.sock")))
    systemd.calls()
    assert _install() == 0
    assert systemd.calls()[-2:] == ["--user stop agent-memory.socket agent-memory.service", _START]


def test_print_shows_what_would_be_written_and_writes_nothing(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    systemd.program.unlink()
    assert _install("--print", "SCOPE=acme") == 0
    assert _files(systemd.home) == {}
    shown = capsys.readouterr().out
    for part in (f"# {systemd.units}/agent-memory.service\n[Unit]", "[Socket]", "AGENT_MEMORY_SCOPE=acme"):
        assert part in shown


@pytest.mark.parametrize("there", [True, False], ids=["not running", "not installed"])
def test_without_systemd_it_says_what_to_do_instead(
    there: bool, systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    if there:
        systemd.is_down()
    else:
        systemd.program.unlink()
    assert _install() == 1
    assert _files(systemd.home) == {}
    message = capsys.readouterr().err
    assert "agent-memory worker --listen" in message
    assert "container" in message
    assert message.count("\n") == 1


def test_a_service_that_does_not_start_is_told_with_the_place_to_look(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    systemd.refuses_to_start()
    assert _install() == 3
    assert "Job for agent-memory.service failed. why: journalctl --user -u" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        ("SCOPEE=acme", 1, "'SCOPEE' is not a setting (did you mean SCOPE?)"),
        ("SCOPE", 1, "SCOPE: named without a value"),
        ("AGENT_ID=a\nb", 1, "AGENT_ID: a value is one line"),
        ("SYNCHRONOUS=sometimes", 78, "AGENT_MEMORY_SYNCHRONOUS='sometimes'"),
    ],
)
def test_a_setting_that_the_service_could_not_start_with_is_refused_here(
    named: str, code: int, message: str, systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _install(named) == code
    assert message in capsys.readouterr().err
    assert _files(systemd.home) == {}


def test_the_system_s_service_is_for_root(
    systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert _install("--system") == 1
    assert "run it as root" in capsys.readouterr().err
    assert systemd.calls() == []


def test_into_an_image_it_writes_and_enables_but_starts_nothing(systemd: FakeSystemd, tmp_path: Path) -> None:
    image = tmp_path / "image"
    assert _install("--system", "--root", str(image), "DB_TYPE=postgresql") == 0
    assert systemd.calls() == [f"--root={image} enable agent-memory.socket agent-memory.service"]
    written = sorted(str(path.relative_to(image)) for path in image.rglob("*") if path.is_file())
    assert written == [
        "etc/agent-memory.env",
        "etc/systemd/system/agent-memory.service",
        "etc/systemd/system/agent-memory.socket",
        "etc/sysusers.d/agent-memory.conf",
    ]


def test_the_system_s_service_keeps_out_of_people_s_homes(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _install("--system", "--print", "DB_PATH=/home/ada/memory.db") == 1
    assert "keeps out of people's homes" in capsys.readouterr().err
    assert systemd.calls() == []
