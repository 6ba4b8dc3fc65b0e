"""What the documents say is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent_memory.entrypoints import cli
from agent_memory.entrypoints.commands.clients import CLIENTS, configuration_for
from agent_memory.entrypoints.mcp.tools import TOOLS
from agent_memory.entrypoints.settings import PREFIX, SETTINGS

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "adr").glob("*.md")})


def test_the_readme_s_tools_are_those_of_the_server() -> None:
    assert re.findall(r"^\| `(memory_\w+)` \|", README, re.MULTILINE) == [tool["name"] for tool in TOOLS]


def test_the_readme_s_settings_exist() -> None:
    known = {PREFIX + setting.name for setting in SETTINGS}
    assert set(re.findall(PREFIX + r"[A-Z_]+", README)) <= known


def test_the_readme_s_client_configurations_have_the_shape_that_the_program_prints() -> None:
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    made = [configuration_for(client, {}) for client in ("claude-desktop", "claude-code", "cursor", "vscode")]
    assert len(CLIENTS) == len(made)
    for one, other in zip(shown, made, strict=True):
        (key,) = other
        assert list(one) == [key]
        assert one[key]["agent-memory"].keys() == other[key]["agent-memory"].keys()


def test_the_page_of_tools_names_every_tool_and_argument() -> None:
    """If not: uv run python examples/tools_page.py > docs/tools.md"""
    page = (ROOT / "docs" / "tools.md").read_text()
    parts = dict(re.findall(r"^## (memory_\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(parts) == {tool["name"] for tool in TOOLS}
    for tool in TOOLS:
        named = re.findall(r"^- `(\w+)` \(", parts[tool["name"]], re.MULTILINE)
        assert named == list(tool["inputSchema"]["properties"])


def test_the_page_of_commands_names_every_command() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert set(cli.COMMANDS) <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def test_the_page_of_commands_and_the_help_name_the_same_exit_codes() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == re.findall(
        r"^  (\d+) ", cli.EXIT_CODES, re.MULTILINE
    )


def test_the_page_of_tools_tells_what_stands_in_no_schema() -> None:
    page = (ROOT / "docs" / "tools.md").read_text()
    for told in (
        "`occurred_at`, else",
        "`max_tokens` 4000",
        "lower-cased",
        "case-sensitive",
        '"not_kept": [',
        '"similar": [',
    ):
        assert told in page


def test_the_example_program_without_a_file_says_how_it_is_used() -> None:
    program = [sys.executable, str(ROOT / "examples" / "notes.py")]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "usage: python examples/notes.py FILE\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_index_of_decisions_lists_every_decision() -> None:
    index = (ROOT / "adr" / "README.md").read_text()
    decisions = {path.name for path in (ROOT / "adr").glob("0*.md")}
    assert set(re.findall(r"\]\((0\d+[^)]+)\)", index)) == decisions


def test_the_two_commands_of_the_readme_stand_there_exactly() -> None:
    blocks = re.findall(r"```\n(.*?)\n```", README, re.DOTALL)
    assert "pip install uv && uv run agent-memory demo" in blocks
    assert "pip install uv && uv run pytest" in blocks
    assert "pip install uv && uv run pytest\n" in (ROOT / ".ci" / "run").read_text()
