from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from benchmarks.locomo import Conversation, evidence_ids, read_conversations, session_time

SAMPLE = {
    "sample_id": "conv-7",
    "conversation": {
        "speaker_a": "Ann",
        "speaker_b": "Bob",
        "session_10_date_time": "12:05 am on 1 February, 2023",
        "session_10": [{"speaker": "Bob", "dia_id": "D10:1", "text": "Late already."}],
        "session_2_date_time": "1:56 pm on 8 May, 2022",
        "session_2": [
            {"speaker": "Ann", "dia_id": "D2:1", "text": "Look!", "blip_caption": "a photo of a red kite"},
            {"speaker": "Bob", "dia_id": "D2:2", "text": "Nice."},
        ],
    },
    "qa": [
        {"question": "What flew?", "answer": "a kite", "evidence": ["D2:1"], "category": 4},
        {"question": "Two?", "answer": "yes", "evidence": ["D2:2; D10:1", "D2:2"], "category": 1},
        {"question": "Never?", "evidence": ["D2:1"], "category": 5},
        {"question": "Unknown?", "answer": "?", "evidence": ["D", "D:2:1"], "category": 2},
    ],
}


def sample() -> Conversation:
    return read_conversations(msgspec.json.encode([SAMPLE]))[0]


def test_turns_come_by_session_number_and_carry_the_session_s_time() -> None:
    turns = sample().turns
    assert [turn.dia_id for turn in turns] == ["D2:1", "D2:2", "D10:1"]
    assert [turn.session for turn in turns] == [2, 2, 10]
    assert turns[0].occurred_at == datetime(2022, 5, 8, 13, 56, tzinfo=UTC)
    assert turns[2].occurred_at == datetime(2023, 2, 1, 0, 5, tzinfo=UTC)


def test_content_is_speaker_text_and_caption() -> None:
    turns = sample().turns
    assert turns[0].content == "Ann: Look! [a photo of a red kite]"
    assert turns[1].content == "Bob: Nice."
    assert turns[1].speaker == "Bob"


def test_adversarial_questions_and_those_without_a_known_turn_are_left_out() -> None:
    assert [question.text for question in sample().questions] == ["What flew?", "Two?"]


def test_several_ids_in_one_string_are_split_and_each_counts_once() -> None:
    assert sample().questions[1].evidence == ("D2:2", "D10:1")


def test_what_names_no_turn_is_dropped() -> None:
    known = frozenset({"D8:6", "D9:17"})
    assert evidence_ids(["D8:6; D9:17"], known) == ("D8:6", "D9:17")
    assert evidence_ids(["D8:6 D9:17 "], known) == ("D8:6", "D9:17")
    assert evidence_ids(["D", "D:8:6", "D1:1", ""], known) == ()


def test_noon_and_midnight_are_told_apart() -> None:
    assert session_time("12:30 pm on 3 March, 2023").hour == 12
    assert session_time("12:30 am on 3 March, 2023").hour == 0
