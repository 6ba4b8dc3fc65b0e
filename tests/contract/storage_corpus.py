"""A small world that tries every filter against every other, and a filter so plain that it can be trusted."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.ports.changes import AddEntry, Change, PutVectors, RemoveEntries, ReplaceEntry
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import KINDS, STATES, Entry
from agent_memory.ports.scopes import ScopeFilter

from .builders import after, changed, entry, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPES = (
    "global", "acme", "acme-2", "acme/web", "acme/web2", "acme/web/s1", "acme/web/s10", "acme/a_b", "acme/aXb",
    "acme/a.b", "Acme/web", "other/web",
)  # fmt: skip
TAGS = ("red", "Red", "redder", "re%", "r_d", "blue green", "blue")
WORD = "kiwi"
MODEL = "m"
END = 1000

AXES: dict[str, tuple[Any, ...]] = {
    "where": (
        ScopeFilter(descendants=True),
        ScopeFilter(scope="acme/web"),
        ScopeFilter(scope="acme/web/s1", inherit=False),
        ScopeFilter(scope="acme", inherit=False, descendants=True),
        ScopeFilter(scope="acme/a_b", descendants=True),
        ScopeFilter(scope="acme/web/s1", ceiling="acme/web"),
        ScopeFilter(descendants=True, ceiling="acme"),
        ScopeFilter(scope="acme", descendants=True, ceiling="other"),
    ),
    "kinds": (("tool",), ("note", "knowledge")),
    "states": ((), ("active",), ("superseded", "archived"), ("deleted",)),
    "tags": (("red",), ("red", "blue"), ("re%",)),
    "tags_any": (("Red", "blue"), ("r_d",)),
    "since": (after(200), after(500)),
    "until": (after(500), after(800)),
    "live_at": (after(300), after(700)),
    "as_of": (after(250), after(600)),
}
OPEN: dict[str, Any] = {"where": ScopeFilter(descendants=True), "states": ()}


class Corpus(msgspec.Struct, frozen=True):
    """`changes` build it; `revisions` are what each entry then was, oldest first."""

    changes: tuple[Change, ...]
    revisions: tuple[tuple[Entry, ...], ...]

    def expected(self, asked: EntryFilter) -> list[tuple[str, int]]:
        """(id, version) of every match, oldest first."""
        found = [e for past in self.revisions if (e := _standing(past, asked)) and admits(asked, e)]
        return [(e.id, e.version) for e in sorted(found, key=lambda e: (e.at, e.id))]


def _standing(past: tuple[Entry, ...], asked: EntryFilter) -> Entry | None:
    if asked.as_of is None:
        return past[-1]
    return next((e for e in reversed(past) if e.updated_at <= asked.as_of), None)


def sees(where: ScopeFilter, scope: str) -> bool:
    """Whether the filter admits the scope, segment by segment."""
    path, asked, ceiling = (
        [] if text == "global" else text.split("/") for text in (scope, where.scope, where.ceiling)
    )
    named = path == asked
    inherited = where.inherit and asked[: len(path)] == path
    below = where.descendants and path[: len(asked)] == asked
    return path[: len(ceiling)] == ceiling and (named or inherited or below)


def admits(asked: EntryFilter, e: Entry) -> bool:
    """Everything but `as_of`, on one revision."""
    live = asked.live_at is None or (
        (e.valid_from is None or e.valid_from <= asked.live_at)
        and (e.valid_until is None or asked.live_at < e.valid_until)
        and (e.expires_at is None or asked.live_at < e.expires_at)
    )
    return (
        live
        and sees(asked.where, e.scope)
        and (not asked.kinds or e.kind in asked.kinds)
        and (e.state in asked.states if asked.states else e.state != "deleted")
        and set(asked.tags) <= set(e.tags)
        and (not asked.tags_any or not set(asked.tags_any).isdisjoint(e.tags))
        and (asked.since is None or asked.since <= e.at)
        and (asked.until is None or e.at < asked.until)
    )


def pairs() -> Iterator[EntryFilter]:
    """Each filter alone, and each together with each other."""
    for axis, values in AXES.items():
        for value in values:
            yield EntryFilter(**{**OPEN, axis: value})
    for one, two in itertools.combinations(AXES, 2):
        for value, other in itertools.product(AXES[one], AXES[two]):
            yield EntryFilter(**{**OPEN, one: value, two: other})


def _fields(chance: random.Random) -> dict[str, Any]:
    begins, lasts = chance.randrange(END), chance.randrange(END)
    return {
        "kind": chance.choice(KINDS),
        "state": chance.choices(STATES[:3], (6, 1, 1))[0],
        "tags": tuple(chance.sample(TAGS, chance.randrange(4))),
        "occurred_at": chance.choice((None, after(chance.randrange(END)))),
        "valid_from": chance.choice((None, after(begins))),
        "valid_until": chance.choice((None, after(begins + lasts + 1))),
        "expires_at": chance.choice((None, after(chance.randrange(END)))),
    }


def build(size: int = 150, seed: int = 7) -> Corpus:
    """Entries of which some were changed since, and some deleted; all hold WORD and one vector of MODEL."""
    chance = random.Random(seed)
    changes: list[Change] = []
    revisions: list[tuple[Entry, ...]] = []
    for n in range(size):
        at = chance.randrange(END // 2)
        past = [entry(f"{WORD} {n}", scope=SCOPES[n % len(SCOPES)], at=after(at), **_fields(chance))]
        changes.append(AddEntry(past[0]))
        if chance.random() < 0.4:
            at += chance.randrange(1, END // 4)
            past.append(changed(past[-1], at=after(at), content=f"{WORD} {n} again", **_fields(chance)))
            changes.append(ReplaceEntry(past[-1], 1))
        embedded = (vector(1, n),)
        changes.append(PutVectors(past[-1].id, past[-1].version, MODEL, after(at), embedded))
        if chance.random() < 0.15:
            at += chance.randrange(1, END // 4)
            past.append(changed(past[-1], at=after(at), state="deleted"))
            changes.append(RemoveEntries((past[0].id,), at=after(at)))
        revisions.append(tuple(past))
    return Corpus(tuple(changes), tuple(revisions))
