"""The demo, as a person would start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent_memory.entrypoints.commands import demo
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


def test_a_step_that_does_not_hold_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "sample", lambda: [{"content": "one and the same"}] * 2)
    assert demo.run(["--client", "own"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "agent-memory: demo: expected that all of them were new\n"
    assert "Everything held." not in captured.out


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
