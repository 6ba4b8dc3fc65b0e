"""The demo, as a person would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent_memory.entrypoints.commands import demo, demo_server
from agent_memory.entrypoints.commands.demo_stage import DemoFailed, held

ROOT = Path(__file__).parents[2]


def _play(*options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "AGENT_MEMORY_DB_PATH": str(folder / "mine.db")}
    return subprocess.run(
        [sys.executable, "-m", "agent_memory.entrypoints.cli", "demo", *options],
        capture_output=True, text=True, check=False, env=environment, cwd=folder,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("client", "named"), [("sdk", "the official MCP SDK"), ("own", "this package's own client")]
)
def test_every_step_holds_and_the_user_s_memory_is_not_touched(
    client: str, named: str, tmp_path: Path
) -> None:
    ran = _play("--client", client, folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert named in ran.stdout
    for part in (
        "SIGKILL",
        "healthy, 26 entries",
        "already known",
        "conflict:",
        "is not a time",
        "would forget 3",
    ):
        assert part in ran.stdout
    assert "Everything held." in ran.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("client", ["sdk", "own"])
def test_a_step_that_does_not_hold_fails_the_demo(
    client: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "sample", lambda: [{"content": "one and the same"}] * 2)
    assert demo.run(["--client", client]) == 1
    captured = capsys.readouterr()
    assert captured.err == "agent-memory: demo: expected that all of them were new\n"
    assert "Everything held." not in captured.out


@pytest.mark.parametrize("client", ["sdk", "own"])
def test_a_server_that_cannot_start_is_a_line_that_says_why(
    client: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [sys.executable, "-c", "import sys; sys.exit('no room on the disk')"]
    monkeypatch.setattr(demo_server, "server_command", lambda: broken)
    assert demo.run(["--client", client]) == 1
    err = capsys.readouterr().err
    assert err.startswith("agent-memory: demo: ")
    assert "no room on the disk" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("client", ["sdk", "own"])
def test_a_reader_that_leaves_ends_the_demo_quietly(client: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [sys.executable, "-m", "agent_memory.entrypoints.cli", "demo", "--client", client],
        stdout=writer, stderr=subprocess.PIPE, check=False, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, b"")
    assert list(tmp_path.iterdir()) == []


def test_what_is_expected_is_what_is_reported() -> None:
    with pytest.raises(DemoFailed, match="expected that it rains"):
        held([], "it rains")


def test_the_sample_is_the_file_among_the_examples() -> None:
    lines = (ROOT / "examples" / "sample-memory.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == demo.sample()


def test_the_example_program_runs_twice(tmp_path: Path) -> None:
    program = [sys.executable, str(ROOT / "examples" / "notes.py"), str(tmp_path / "notes.db")]
    outputs = [subprocess.run(program, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert all("The staging database is refreshed every night at two" in out for out in outputs)
    assert ["(known already)" in out for out in outputs] == [False, True]
