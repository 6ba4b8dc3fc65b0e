"""Random programs: who does what to what, in which scope. Indices stand for entries: those there are, whosesoever."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

# Their texts sort and begin alike, in every way that a careless predicate could take one for another's child. They are
# few, so that many lie above and below each other.
LEVELS = (("alfa", "alfa0", "alfa-b", "alfa.b", "Alfa"), ("one", "one0"), ("s", "s."))
scopes = st.integers(1, 3).flatmap(
    lambda depth: st.tuples(*map(st.sampled_from, LEVELS[:depth])).map("/".join)
)
few_scopes = st.lists(scopes, min_size=4, max_size=8, unique=True).map(lambda drawn: ["global", *drawn])


class Step(NamedTuple):
    """`caller`, `scope` and the indices are taken modulo what there is."""

    act: str
    caller: int
    scope: int
    entry: int
    other: int
    options: dict[str, Any]


_flags = st.fixed_dictionaries(
    {
        name: st.booleans()
        for name in ("inherit", "descendants", "dry_run", "purge", "copies", "by_filter", "history")
    }
    | {
        "mode": st.sampled_from(["lexical", "hybrid", "dense"]),
        "query": st.sampled_from(["", "okapi", "marker", "river"]),
        "key": st.sampled_from(["", "", "once", "twice"]),
        "change": st.sampled_from(["title", "content", "archived", "superseded", "active"]),
        "depth": st.integers(1, 5),
    }
)


def steps(acts: list[str]) -> st.SearchStrategy[Step]:
    number = st.integers(0, 30)
    return st.builds(Step, st.sampled_from(acts), number, number, number, number, _flags)


def programs(acts: list[str]) -> st.SearchStrategy[tuple[list[str], list[Step]]]:
    """Scopes, each of them some caller's ceiling, and what is done in them: first by the one who sees everything, for
    there to be something to see.
    """
    written = st.lists(steps(["remember"]), min_size=6, max_size=14)
    tied = st.lists(steps(["link"]), min_size=4, max_size=12)
    done = st.lists(steps(acts), min_size=15, max_size=40)
    return st.tuples(few_scopes, written, tied, done).map(
        lambda drawn: (drawn[0], [step._replace(caller=0) for step in drawn[1] + drawn[2]] + drawn[3])
    )


def _step(act: str, *, by: int = 0, scope: int = 0, entry: int = 0, other: int = 0) -> Step:
    options = dict.fromkeys(
        ("inherit", "descendants", "dry_run", "purge", "copies", "by_filter", "history"), False
    ) | {"mode": "lexical", "query": "okapi", "key": "", "change": "title", "depth": 5}
    return Step(act, by, scope, entry, other, options)


RARE: tuple[list[str], list[Step]] = (
    ["global", "alfa/one", "alfa0/one", "alfa/one/s", "alfa/one/s."],
    [
        *(_step("remember", scope=scope) for scope in (1, 2, 1)),
        _step("link", entry=0, other=1),
        _step("link", entry=1, other=2),
        _step("walk", by=1, entry=0, other=2),
        _step("session", by=4, scope=4),
        _step("context", by=3, scope=3),
    ],
)
"""What chance hardly ever brings: a way whose middle lies elsewhere, and a context beside another's open session."""
