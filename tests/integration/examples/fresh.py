"""A fresh environment with our wheel and those of other packages, built here: as whoever installs them has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"


class Fresh:
    """`folder` holds the environment, and is the working directory of whatever runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = folder / "environment" / "bin"
        self._run("uv", "venv", "--quiet", "--python", sys.executable, str(folder / "environment"))

    def install(self, *projects: Path) -> None:
        """Ours first, then each project, from wheels: not from the folders where they are written."""
        wheels = [self._wheel(ROOT, "[certify]"), *(self._wheel(project) for project in projects)]
        self._run(
            "uv", "pip", "install", "--quiet", "--python", str(self._bin / "python"),
            "--constraints", str(ROOT / "constraints.txt"), *wheels,
        )  # fmt: skip

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, whatever it ends with."""
        return subprocess.run(
            [str(self._bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def variables(self, **more: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AGENT_MEMORY_", "PYTEST_", "PYTHON", "VIRTUAL_ENV"))
        }
        return kept | {"HOME": str(self.folder / "home")} | more

    def converse(self, *calls: tuple[str, dict[str, Any]], **variables: str) -> list[Any]:
        """A session over MCP: what each tool answers, in order."""
        process = subprocess.Popen(
            [str(self._bin / "agent-memory"), "mcp"],
            cwd=self.folder,
            env=self.variables(**variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            start = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "example", "version": "1"},
            }
            answers: list[Any] = []
            asked = [("initialize", start)]
            asked += [("tools/call", {"name": name, "arguments": arguments}) for name, arguments in calls]
            for number, (method, params) in enumerate(asked):
                message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
                answer = json.loads(process.stdout.readline() or "{}")
                if "result" not in answer:
                    process.kill()
                    pytest.fail(f"{method}: {answer}: {process.communicate()[1][-2_000:]}")
                answers.append(answer["result"])
            process.stdin.close()
            assert process.wait(timeout=30) == 0
        return answers[1:]

    def _wheel(self, project: Path, extra: str = "") -> str:
        """The project's wheel, built outside its folder."""
        to = self.folder / "wheels" / project.name
        self._run("uv", "build", "--quiet", "--wheel", "--out-dir", str(to), str(project))
        [wheel] = to.glob("*.whl")
        return f"{wheel}{extra}"

    def _run(self, *command: str) -> None:
        program = shutil.which(command[0])
        if program is None:
            pytest.skip(f"{command[0]} is not installed")
        ended = subprocess.run(
            [program, *command[1:]], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr[-2_000:]


def certified_by_three_doors(fresh: Fresh, port: str, name: str, project: Path) -> None:
    """The command, the kit as pytest runs it, and the package's own tests of the contract. What each clause shows is
    shown by the first and the last of them: of the second, that it is a door.
    """
    report = fresh.folder / "certificate.json"
    command = fresh.run("agent-memory", "certify", port, name, "--report", str(report))
    assert command.returncode == 0, command.stdout + command.stderr
    assert "CERTIFIED" in command.stdout
    assert report.exists()

    kit = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    by_name = fresh.run(
        *kit, "--pyargs", "agent_memory_contract", "-p", "agent_memory_contract.plugin",
        "--adapter", name, "--level", "plain",
    )  # fmt: skip
    assert by_name.returncode == 0, by_name.stdout[-3_000:] + by_name.stderr[-2_000:]
    assert f"CERTIFIED: {port} adapter {name}" in by_name.stdout

    tests = fresh.folder / "of the package"
    shutil.copytree(project / "tests", tests / "tests")
    shutil.copy(project / "pyproject.toml", tests)
    own = fresh.run(*kit, "-c", str(tests / "pyproject.toml"), "--rootdir", str(tests), str(tests / "tests"))
    assert own.returncode == 0, own.stdout[-3_000:] + own.stderr[-2_000:]
    assert "CERTIFIED" in own.stdout
