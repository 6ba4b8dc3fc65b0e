"""From the command line to a command, and from what goes wrong to a line and an exit code."""

from __future__ import annotations

import errno
import subprocess
import sys
from importlib import import_module
from typing import NoReturn

import pytest

from agent_memory import __version__
from agent_memory.entrypoints import cli
from agent_memory.ports.errors import (
    CircuitOpen,
    Conflict,
    Corrupt,
    Misconfigured,
    NotFound,
    PortError,
    Rejected,
    Unavailable,
)


def _fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def run(_arguments: list[str]) -> NoReturn:
        raise error

    monkeypatch.setitem(cli.COMMANDS, "broken", ("types:run", ""))
    monkeypatch.setattr("types.run", run, raising=False)
    return cli.main(["broken"])


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_in_the_table_can_be_loaded(name: str) -> None:
    module, function = cli.COMMANDS[name][0].split(":")
    assert callable(getattr(import_module(module, cli.__package__), function))


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_the_help_of_a_command_teaches_by_examples_and_names_the_exit_codes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"usage: agent-memory {name}" in shown
    assert "examples:" in shown
    assert "agent-memory " in shown.split("examples:")[1]
    assert "exit codes:" in shown


def test_the_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, (_, line) in cli.COMMANDS.items():
        assert f"  {name:<10}{line}\n" in shown


def test_no_command_shows_the_help_as_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: agent-memory COMMAND")


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recal"]) == 2
    assert "'recal' (did you mean 'recall'?)" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"agent-memory {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("since: no time"), 1),
        (NotFound("no entry"), 1),
        (Conflict("at version 2"), 1),
        (Unavailable("busy"), 3),
        (CircuitOpen("open", 3.0), 3),
        (Corrupt("page 7"), 65),
        (Misconfigured("AGENT_MEMORY_SCOPE='..'"), 78),
    ],
    ids=lambda value: value.code if isinstance(value, PortError) else str(value),
)
def test_a_port_error_is_one_line_and_its_exit_code(
    error: PortError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fails_with(error, monkeypatch) == code
    captured = capsys.readouterr()
    assert captured.err == f"agent-memory: {error.code}: {error}\n"
    assert captured.out == ""


def test_a_message_of_several_lines_stays_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fails_with(Rejected("one\n  two\x1b[31m"), monkeypatch) == 1
    assert capsys.readouterr().err == "agent-memory: rejected: one two\\x1b[31m\n"


def test_a_defect_is_a_line_and_no_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGENT_MEMORY_LOG_LEVEL", raising=False)
    assert _fails_with(KeyError("x"), monkeypatch) == 70
    err = capsys.readouterr().err
    assert err.startswith("agent-memory: defect: KeyError: 'x'")
    assert err.count("\n") == 1


def test_a_defect_shows_its_trace_when_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_LOG_LEVEL", "debug")
    assert _fails_with(KeyError("x"), monkeypatch) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", "entries.jsonl")
    assert _fails_with(missing, monkeypatch) == 74
    assert capsys.readouterr().err == "agent-memory: entries.jsonl: No such file or directory\n"


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _fails_with(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr() == ("", "")


def test_the_way_to_the_server_loads_nothing_that_it_does_not_need() -> None:
    """A client waits for it, some for 1.5 s only."""
    unneeded = ("argparse", "structlog", "anyio", "importlib.metadata", "difflib", "hypothesis", "mcp")
    program = (
        "import sys; import agent_memory.entrypoints.cli, agent_memory.entrypoints.commands.mcp; "
        f"print([name for name in {unneeded!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
