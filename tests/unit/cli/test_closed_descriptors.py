"""Started without stdin, stdout or stderr, as some schedulers do: a line where it can be said, and never a defect."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MODULE = (sys.executable, "-m", "agent_memory.entrypoints.cli")


def _started(closing: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *MODULE, *arguments],
        capture_output=True, stdin=subprocess.DEVNULL, check=False,
        env={**own, "AGENT_MEMORY_DB_PATH": str(folder / "memory.db")},
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["recall", "x"],
        ["recall", "x", "--json"],
        ["recall", "--help"],
        ["config"],
        ["remember", "x"],
        ["remember", "--jsonl", "-"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_without_stdout_nothing_is_begun(arguments: list[str], tmp_path: Path) -> None:
    ran = _started(">&-", *arguments, folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (
        74,
        b"agent-memory: stdout is closed: the answer has nowhere to go\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["remember", "-"], ["remember", "--jsonl", "-"], ["update", "some-id", "--content", "-"]],
    ids=" ".join,
)
def test_what_would_read_a_closed_stdin_says_so(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "memory.db").touch()
    ran = _started("<&-", *arguments, folder=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (74, b"", b"agent-memory: stdin: is closed\n")


def test_what_reads_no_stdin_does_without_one(tmp_path: Path) -> None:
    ran = _started("<&-", "remember", "x", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(("closing", "number"), [("<&-", 0), (">&-", 1), ("<&- >&-", 0)])
def test_a_server_without_a_client_names_the_descriptor(closing: str, number: int, tmp_path: Path) -> None:
    ran = _started(closing, "mcp", folder=tmp_path)
    assert ran.returncode == 78
    assert ran.stderr.startswith(f"agent-memory: misconfigured: descriptor {number} is closed".encode())
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nope"], 2), (["recall", "--limit", "ten"], 2), (["remember", " "], 1), (["recall", "x"], 3)],
    ids=str,
)
def test_without_stderr_the_exit_code_still_tells(arguments: list[str], code: int, tmp_path: Path) -> None:
    ran = _started("2>&-", *arguments, folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (code, b"")


def test_a_server_without_any_descriptor_still_tells_by_its_exit_code(tmp_path: Path) -> None:
    assert _started("<&- >&- 2>&-", "mcp", folder=tmp_path).returncode == 78
