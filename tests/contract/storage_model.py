"""The store as a few dicts, to be held against a real one after many random changes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import (
    Added,
    AddEntry,
    AddRelation,
    Linked,
    Removed,
    RemoveEntries,
    RemoveRelation,
    Replaced,
    ReplaceEntry,
    Unlinked,
)
from agent_memory.ports.errors import Conflict, NotFound
from agent_memory.ports.records import KINDS, RELATION_TYPES, Relation, Revision

from .builders import after, changed, entry

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.ports.changes import Change, Outcome
    from agent_memory.ports.records import Entry

SCOPES = ("global", "acme", "acme/web", "acme/web/s1")
WORDS = ("giraffe", "okapi", "zebra", "kudu")


class Model:
    """`past` holds every revision of an entry, the current one last. Copy it to be able to go back."""

    def __init__(self, other: Model | None = None) -> None:
        self.past: dict[str, tuple[Entry, ...]] = dict(other.past) if other else {}
        self.relations: dict[tuple[str, str, str], Relation] = dict(other.relations) if other else {}
        self.events: list[tuple[str, str]] = list(other.events) if other else []

    def current(self, entry_id: str) -> Entry | None:
        """Unless deleted."""
        past = self.past.get(entry_id)
        return past[-1] if past and past[-1].state != "deleted" else None

    def active(self) -> list[Entry]:
        return [past[-1] for past in self.past.values() if past[-1].state == "active"]

    def history(self, entry_id: str) -> list[Revision]:
        past = self.past.get(entry_id)
        if past is None:
            return []
        ends: list[datetime | None] = [*(e.updated_at for e in past[1:]), None]
        return [Revision(entry=e, until=end) for e, end in zip(past, ends, strict=True)][::-1]

    def visible_relations(self) -> list[Relation]:
        return [r for r in self.relations.values() if self.current(r.source) and self.current(r.target)]

    def apply(self, change: Change) -> Outcome:
        match change:
            case AddEntry():
                return self._add(change.entry)
            case ReplaceEntry():
                return self._replace(change.entry, change.expected_version)
            case RemoveEntries():
                return self._remove(change)
            case AddRelation():
                return self._relate(change.relation)
            case RemoveRelation():
                return self._unrelate(change)
            case _:
                raise NotImplementedError(change)

    def _twin(self, e: Entry) -> Entry | None:
        same = (o for o in self.active() if (o.scope, o.content_hash) == (e.scope, e.content_hash))
        return next((o for o in same if o.id != e.id), None)

    def _add(self, e: Entry) -> Outcome:
        if twin := self._twin(e):
            return Added(twin.id, twin.version, duplicate=True)
        self.past[e.id] = (e,)
        self.events.append(("entry.added", e.id))
        return Added(e.id, 1, duplicate=False)

    def _replace(self, e: Entry, expected: int) -> Outcome:
        current = self.current(e.id)
        if current is None:
            raise NotFound(e.id)
        if current.version != expected or (e.state == "active" and self._twin(e)):
            raise Conflict(e.id)
        self.past[e.id] += (e,)
        self.events.append(("entry.updated", e.id))
        return Replaced(e.id, e.version)

    def _remove(self, change: RemoveEntries) -> Outcome:
        removed: list[str] = []
        for entry_id in change.ids:
            if entry_id not in self.past or not (change.purge or self.current(entry_id)):
                continue
            removed.append(entry_id)
            if change.purge:
                del self.past[entry_id]
                self.relations = {k: r for k, r in self.relations.items() if entry_id not in k}
                self.events.append(("entry.purged", entry_id))
            else:
                self.past[entry_id] += (changed(self.past[entry_id][-1], at=change.at, state="deleted"),)
                self.events.append(("entry.removed", entry_id))
        return Removed(tuple(removed))

    def _relate(self, r: Relation) -> Outcome:
        if not (self.current(r.source) and self.current(r.target)):
            raise NotFound(r.source)
        key = (r.source, r.target, r.type)
        if key in self.relations:
            return Linked(created=False)
        self.relations[key] = r
        self.events.append(("relation.added", ""))
        return Linked(created=True)

    def _unrelate(self, change: RemoveRelation) -> Outcome:
        keys = [k for k in self.relations if k[:2] == (change.source, change.target)]
        for key in keys:
            del self.relations[key]
        self.events.extend([("relation.removed", "")] * bool(keys))
        return Unlinked(len(keys))


class Monkey:
    """Random changes, most of them sensible, on what a model holds by now."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._step = 0

    def changes(self, model: Model) -> tuple[Change, ...]:
        """One unit of one to four changes."""
        return tuple(self._change(model) for _ in range(self._chance.choice((1, 1, 1, 2, 4))))

    def _text(self) -> str:
        return f"{self._chance.choice(WORDS)} {self._chance.choice(WORDS)} {self._chance.randrange(20)}"

    def _change(self, model: Model) -> Change:
        chance = self._chance
        self._step += 1
        at = after(self._step)
        known = [past[-1] for past in model.past.values()]
        if not known or chance.random() < 0.4:
            tags = tuple(chance.sample(WORDS, chance.randrange(3)))
            scope, kind = chance.choice(SCOPES), chance.choice(KINDS)
            return AddEntry(entry(self._text(), scope=scope, kind=kind, tags=tags, at=at))
        one, two = chance.choice(known), chance.choice(known)
        which = chance.random()
        if which < 0.45:
            expected = one.version - (chance.random() < 0.1)
            state = chance.choice(("active", "active", "active", "superseded", "archived"))
            tags = tuple(chance.sample(WORDS, chance.randrange(3)))
            following = changed(one, at=at, content=self._text(), state=state, tags=tags)
            return ReplaceEntry(msgspec.structs.replace(following, version=expected + 1), expected)
        if which < 0.7:
            return RemoveEntries((one.id, two.id), at=at, purge=chance.random() < 0.3)
        if which < 0.9:
            type_ = chance.choice(RELATION_TYPES)
            return AddRelation(Relation(source=one.id, target=two.id, type=type_, created_at=at))
        return RemoveRelation(one.id, two.id, at)
