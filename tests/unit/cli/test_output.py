"""What the commands print."""

from __future__ import annotations

import io
import sys

import pytest

from agent_memory.entrypoints.commands import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nover lines", "plain\ttext\nover lines"),
        ("clear \x1b[2J", "clear \\x1b[2J"),
        ("bell \x07, delete \x7f, C1 \x9b", "bell \\x07, delete \\x7f, C1 \\x9b"),
        ("over\rwritten", "over\\x0dwritten"),
        ("right to left \u202e", "right to left \\u202e"),
        ("Grüße, 世界, 🎉", "Grüße, 世界, 🎉"),
    ],
)
def test_what_someone_stored_does_not_drive_the_terminal(text: str, shown: str) -> None:
    assert output.visible(text) == shown


def test_a_terminal_without_a_character_shows_its_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    output.show("Grüße, 世界")
    sys.stdout.flush()
    assert raw.getvalue() == "Grüße, \\u4e16\\u754c\n".encode("latin-1")


def test_json_is_one_line_of_utf8_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    output.show_json({"a": "世\n界"})
    assert raw.getvalue() == '{"a":"世\\n界"}\n'.encode()
