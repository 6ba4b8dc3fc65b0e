from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.results_team import (
    CastVoteView,
    Choice,
    ContextResult,
    HeldFile,
    QuestionView,
    SessionResult,
    SessionView,
    VoteResult,
)
from agent_memory.entrypoints.mcp.text_team import context_told, session_told, vote_told

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def a_session(text: str, summary: str) -> SessionView:
    return SessionView(
        id="i", scope="a/b/c", state="open", began_at=NOW, purpose=text, agent=text, summary=summary
    )


@given(ANY_TEXT, ANY_TEXT)
def test_nothing_of_a_session_leaves_its_line_or_its_quotation(text: str, summary: str) -> None:
    head, *rest = session_told(SessionResult(sessions=(a_session(text, summary),))).splitlines()
    assert head.startswith("a/b/c open, begun 2026-03-01, agent ")
    assert rest
    assert all(line.startswith("> ") for line in rest)


@given(ANY_TEXT)
def test_nothing_of_others_work_leaves_its_line(text: str) -> None:
    context = ContextResult(
        guidelines=(),
        knowledge=(),
        handovers=(a_session(text, "s"),),
        sessions=(a_session(text, ""),),
        locks=(HeldFile(file_path=text, agent=text),),
        truncated=False,
        degraded=False,
    )
    lines = context_told(context).splitlines()
    assert len(lines) == 7
    assert (lines[0], lines[3], lines[5]) == ("# Handed over", "# Open sessions", "# Files checked out")


@given(ANY_TEXT)
def test_nothing_of_a_vote_leaves_its_line(text: str) -> None:
    counted = VoteResult(
        question=text, changed=True, replaced=text, counts=(Choice(choice=text, votes=2),), leader=text, margin=2, k=2,
        decided=True, decision=text,
    )  # fmt: skip
    assert len(vote_told(counted).splitlines()) == 4
    tied = VoteResult(question=text, counts=(Choice(choice=text, votes=1),) * 2, tied=(text, text), k=2)
    assert len(vote_told(tied).splitlines()) == 3
    cast = VoteResult(question=text, votes=(CastVoteView(agent=text, choice=text, cast_at=NOW),))
    assert len(vote_told(cast).splitlines()) == 1
    asked = VoteResult(questions=(QuestionView(scope="a", question=text, voters=1),))
    assert len(vote_told(asked).splitlines()) == 1
