"""What agents that work together are told, as short text.

No age and no clock is in a context: asked again, it is the same text, unless something changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .quoting import day, flagged, on_one_line, quoted
from .text import left_out, shown

if TYPE_CHECKING:
    from ...core.results_team import ContextResult, SessionResult, SessionView, VoteResult


def session_told(result: SessionResult) -> str:
    if result.sessions is not None:
        lines = [_session_line(one) for one in result.sessions]
        if result.truncated:
            lines.append("(there are more; give a narrower scope or a larger limit)")
        return "\n".join(lines) or "No sessions here."
    one = result.session
    if one is None:
        return ""
    if result.changed is not None:
        verb = "begun" if one.state == "open" else "ended"
        already = "" if result.changed else " before"
        line = f"session {one.id} {verb}{already}: scope {one.scope}"
        if one.state == "open":
            line += "; write in it by that scope, and end it with a summary"
        elif result.summary_entry:
            line += f"; its summary is entry {result.summary_entry}"
        return line + left_out(result.redacted)
    lines = [f"{one.id} {_session_line(one, whole=True)}"]
    if one.entries is not None:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(one.entries.by_kind.items()))
        lines.append(f"entries in its scope: {one.entries.total}" + (f" ({kinds})" if kinds else ""))
    return "\n".join(lines)


def _session_line(one: SessionView, *, whole: bool = False) -> str:
    when = f"begun {day(one.began_at)}" + (f", ended {day(one.ended_at)}" if one.ended_at else "")
    line = f"{one.scope} {one.state}, {when}{_by(one)}{_purpose(one)}"
    if not one.summary:
        return line
    return f"{line}\n{flagged(one.flags)}{quoted(one.summary)}" + (
        "\n(cut; get shows it whole)" if one.summary_truncated and not whole else ""
    )


def _by(one: SessionView) -> str:
    return f", agent {on_one_line(one.agent)}" if one.agent else ""


def _purpose(one: SessionView) -> str:
    return f": {on_one_line(one.purpose)}" if one.purpose else ""


def vote_told(result: VoteResult) -> str:
    if result.questions is not None:
        lines = [f"{one.scope}: {on_one_line(one.question)} ({one.voters} voted)" for one in result.questions]
        return "\n".join([*lines, *_more(result)]) or "Nothing was voted on here."
    if result.votes is not None:
        lines = [
            f"{on_one_line(one.agent)}: {on_one_line(one.choice)}{' (replaced since)' if one.replaced else ''}"
            for one in result.votes
        ]
        return "\n".join([*_more(result), *lines]) or "Nobody has voted on this."
    return "\n".join(_counted(result))


def _more(result: VoteResult) -> list[str]:
    return ["(and more, cast or asked before)"] if result.truncated else []


def _counted(result: VoteResult) -> list[str]:
    lines: list[str] = []
    if result.changed is not None:
        instead = f" instead of {on_one_line(result.replaced)}" if result.replaced else ""
        line = f"your vote counts{instead}" if result.changed else "you have voted so already"
        lines.append(line + left_out(result.redacted))
    if not result.counts:
        return [*lines, "Nobody has voted on this."]
    lines.append(", ".join(f"{on_one_line(one.choice)}: {one.votes}" for one in result.counts))
    if result.tied:
        lines.append(f"tied: {', '.join(on_one_line(choice) for choice in result.tied)}")
    else:
        lines.append(f"{on_one_line(result.leader or '')} leads by {result.margin}")
    if result.decision is not None:
        lines.append(
            f"decided: {on_one_line(result.decision)} was first ahead by {result.k}; later votes do not change it"
        )
    else:
        lines.append(f"not decided: no choice has been ahead by {result.k}")
    return lines


def context_told(result: ContextResult) -> str:
    parts = [
        ("Guidelines", [shown(one) for one in result.guidelines]),
        ("Known", [shown(one) for one in result.knowledge]),
        ("Handed over", [_session_line(one) for one in result.handovers]),
        ("Open sessions", [f"{one.scope}{_by(one)}{_purpose(one)}" for one in result.sessions]),
        (
            "Files checked out",
            [f"{on_one_line(one.file_path)}: {on_one_line(one.agent)}" for one in result.locks],
        ),
    ]
    told = [f"# {title}\n" + "\n".join(lines) for title, lines in parts if lines]
    if not told:
        told = ["Nothing is known here yet."]
    if result.truncated:
        told.append("(cut to max_tokens; memory_recall finds more)")
    if result.degraded:
        told.append("(not complete: a part of the search, or the locks, could not be asked)")
    return "\n".join(told)
