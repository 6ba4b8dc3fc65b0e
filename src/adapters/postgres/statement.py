"""SQL with named parameters, as PostgreSQL numbers them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Parameters = dict[str, Any]

_NAME = re.compile(r"(?<!:):([a-z][a-z_0-9]*)")


class Statement:
    """`text` names its parameters `:name`; a cast keeps its two colons."""

    def __init__(self, text: str) -> None:
        names: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"${names.setdefault(match[1], len(names) + 1)}"

        self.sql = _NAME.sub(number, text)
        self.names = tuple(names)

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """Those that it names, in its order; others are left alone."""
        return [parameters[name] for name in self.names]
