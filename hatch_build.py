"""Editable installs: two directory links give `src/` and `tests/contract/` their import names.

Wheels map the folders by `sources` in pyproject.toml. An editable install cannot rename a folder, so
the links live in `.editable/`, which `dev-mode-dirs` puts on the path.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LINKS = {"agent_memory": "src", "agent_memory_contract": "tests/contract"}


class EditableLinks(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        if version != "editable":
            return
        folder = Path(self.root, ".editable")
        folder.mkdir(exist_ok=True)
        for name, target in LINKS.items():
            link = folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(Path("..", target), target_is_directory=True)
