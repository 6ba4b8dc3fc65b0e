"""The alert rules as data: which series they speak of, and by which labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

RULES = Path(__file__).parents[3] / "deploy" / "alerts.yml"

_SERIES = re.compile(r"(agent_memory_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPED = re.compile(r"\b(?:without|by)\s*\(([^)]*)\)")


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def accepts(self, value: str) -> bool:
        same = re.fullmatch(self.value, value) is not None if "~" in self.operator else value == self.value
        return same is not self.operator.startswith("!")


class Named(NamedTuple):
    """A series as an expression names it. `grouped`: labels that the expression drops or keeps."""

    alert: str
    name: str
    matchers: tuple[Matcher, ...]
    grouped: frozenset[str]


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def series_of(rule: dict[str, Any]) -> list[Named]:
    expression: str = rule["expr"]
    grouped = {
        label.strip() for found in _GROUPED.findall(expression) for label in found.split(",") if label.strip()
    }
    return [
        Named(
            rule["alert"],
            name,
            tuple(Matcher(*found) for found in _MATCHER.findall(matchers)),
            frozenset(grouped),
        )
        for name, matchers in _SERIES.findall(expression)
    ]
