"""What each caller may see, known independently of the program: scopes by their segments, entries as they were made.

Every entry carries a marker that nothing else does. What a caller is answered must hold no marker, id or scope of what
lies outside its ceiling, whatever was asked and however the answer is formed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Segments = tuple[str, ...]


def segments(scope: str) -> Segments:
    return () if scope == "global" else tuple(scope.split("/"))


def inside(scope: str, ceiling: str) -> bool:
    top = segments(ceiling)
    return segments(scope)[: len(top)] == top


def sees(entry_scope: str, scope: str, ceiling: str, *, inherit: bool, descendants: bool) -> bool:
    """Whether a question at `scope` reaches an entry."""
    mine, asked = segments(entry_scope), segments(scope)
    above = inherit and asked[: len(mine)] == mine
    below = descendants and mine[: len(asked)] == asked
    return inside(entry_scope, ceiling) and (mine == asked or above or below)


@dataclass
class Known:
    """An entry. `markers` are those of every content it ever had."""

    id: str
    scope: str
    content: str
    tags: tuple[str, ...]
    markers: set[str]
    state: str = "active"

    @property
    def there(self) -> bool:
        return self.state not in {"deleted", "purged"}


@dataclass
class Oracle:
    entries: list[Known] = field(default_factory=list[Known])
    edges: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    locks: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    keys: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    sessions: dict[str, bool] = field(default_factory=dict[str, bool])
    """Scopes of sessions, and whether the last one there is open."""
    votes: dict[tuple[str, str], dict[str, str]] = field(
        default_factory=dict[tuple[str, str], dict[str, str]]
    )
    """By scope and question: each agent's choice."""
    named: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Other texts that carry a marker, each with the scopes in which they were said."""
    changed: set[str] = field(default_factory=set[str])
    """Scopes in which something was written since it was last looked at."""

    def by_id(self, entry_id: str) -> Known:
        return next(known for known in self.entries if known.id == entry_id)

    def visible(self, ceiling: str) -> list[Known]:
        return [known for known in self.entries if known.there and inside(known.scope, ceiling)]

    def active(self, ceiling: str) -> list[Known]:
        return [known for known in self.visible(ceiling) if known.state == "active"]

    def twin(self, scope: str, content: str) -> Known | None:
        """The active entry that the same content in this scope repeats."""
        return next(
            (e for e in self.entries if e.state == "active" and (e.scope, e.content) == (scope, content)),
            None,
        )

    def neighbours(self, ceiling: str) -> set[tuple[str, str]]:
        seen = {known.id for known in self.visible(ceiling)}
        return {edge for edge in self.edges if seen.issuperset(edge)}

    def connected(self, ceiling: str, start: str, target: str, depth: int) -> bool:
        edges = self.neighbours(ceiling)
        reached = {start}
        for _ in range(depth):
            reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
        return target in reached

    def secrets(self, ceiling: str) -> set[str]:
        """Texts that no answer to this ceiling may hold."""
        public: set[str] = set()
        hidden: set[str] = set()
        for known in self.entries:
            (public if inside(known.scope, ceiling) else hidden).update(known.markers, {known.id})
        for marker, scopes in self.named.items():
            (public if any(inside(scope, ceiling) for scope in scopes) else hidden).add(marker)
        return hidden - public

    def leaks(self, ceiling: str, asked: str, answered: str) -> list[str]:
        """What is in an answer, was not in the question, and is none of the caller's business."""
        found = [secret for secret in self.secrets(ceiling) if secret in answered and secret not in asked]
        outside = {known.scope for known in self.entries if not inside(known.scope, ceiling)} - {"global"}
        for scope in outside:
            whole = re.compile(rf"(?<![\w./-]){re.escape(scope)}(?![\w./-])")
            if scope not in asked and whole.search(answered):
                found.append(scope)
        return found
