"""`agent-memory certify`: what it is asked must be askable. What it finds: tests/integration/test_third_party.py."""

from __future__ import annotations

import sys

import pytest

from agent_memory.entrypoints import cli


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say which adapter"),
        (["lock"], "say which adapter"),
        (["lock", "sqlite", "--all"], "--all takes no adapter"),
        (["--all", "--url", "redis://h"], "--all takes no adapter and no --url"),
        (["lock", "sqlit"], "no lock adapter 'sqlit' is installed (did you mean sqlite?)"),
        (["lock", "sqlite", "--report", "/nowhere/at/all.json"], "there is no folder /nowhere/at"),
        pytest.param(
            ["lock", "sqlite", "--report", "/proc/c.json"],
            "--report: /proc/c.json cannot be written",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="a folder that nobody can write to"),
        ),
        (["lock", "sqlite", "--report", "/tmp"], "--report: /tmp is a folder"),
        (["lock", "sqlite", "--report", "/tmp/c.md"], "--report: /tmp/c.md is where the page goes"),
        (["locks", "sqlite"], "invalid choice: 'locks'"),
        (["lock", "sqlite", "--level", "hard"], "invalid choice: 'hard'"),
    ],
)
def test_what_cannot_be_tried_is_a_matter_of_usage(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["certify", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def only_anyio(name: str) -> object:
        return name if name == "anyio" else None

    monkeypatch.setattr("agent_memory.entrypoints.commands.certify.find_spec", only_anyio)
    assert cli.main(["certify", "lock", "sqlite"]) == 2
    assert "certify needs pytest, hypothesis: pip install 'agent-memory[certify]'" in capsys.readouterr().err
