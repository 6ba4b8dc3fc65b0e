"""LoCoMo (Maharana et al., 2024) as records: turns to remember, questions to ask. Reads the published JSON as it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ADVERSARIAL = 5
"""The category of questions that have no answer in the conversation."""

_SESSION = re.compile(r"session_(\d+)")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said. `dia_id` names it within its conversation."""

    dia_id: str
    session: int
    speaker: str
    content: str
    occurred_at: datetime


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`evidence`: the turns that hold the answer, each once, at least one."""

    text: str
    category: int
    evidence: tuple[str, ...]


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def read_conversations(data: bytes) -> list[Conversation]:
    return [_conversation(item, f"conv-{n}") for n, item in enumerate(msgspec.json.decode(data), 1)]


def chosen(conversations: list[Conversation], places: Sequence[int] | None) -> list[Conversation]:
    """By their places in the file, from 1; all where none are named."""
    return [conversations[place - 1] for place in places] if places else conversations


def evidence_ids(strings: Iterable[str], known: frozenset[str]) -> tuple[str, ...]:
    """Some strings hold several ids, some a malformed one: what names no turn is dropped."""
    named = (part for text in strings for part in re.split(r"[;\s]+", text))
    return tuple(dict.fromkeys(part for part in named if part in known))


def session_time(text: str) -> datetime:
    """`1:56 pm on 8 May, 2023`, taken as UTC: the data names no zone."""
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _conversation(item: dict[str, Any], fallback_name: str) -> Conversation:
    turns = tuple(_turns(item["conversation"]))
    known = frozenset(turn.dia_id for turn in turns)
    return Conversation(
        name=item.get("sample_id", fallback_name),
        turns=turns,
        questions=tuple(_questions(item["qa"], known)),
    )


def _turns(conversation: dict[str, Any]) -> Iterator[Turn]:
    numbers = sorted(int(match[1]) for name in conversation if (match := _SESSION.fullmatch(name)))
    for number in numbers:
        when = session_time(conversation[f"session_{number}_date_time"])
        for turn in conversation[f"session_{number}"]:
            caption = turn.get("blip_caption")
            said = f"{turn['speaker']}: {turn['text']}"
            yield Turn(
                dia_id=turn["dia_id"],
                session=number,
                speaker=turn["speaker"],
                content=f"{said} [{caption}]" if caption else said,
                occurred_at=when,
            )


def _questions(items: Iterable[dict[str, Any]], known: frozenset[str]) -> Iterator[Question]:
    for item in items:
        evidence = evidence_ids(item.get("evidence", ()), known)
        if item["category"] != ADVERSARIAL and evidence:
            yield Question(text=item["question"], category=item["category"], evidence=evidence)
