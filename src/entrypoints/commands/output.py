"""What the commands print: answers to stdout, remarks to stderr."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from ...core.redaction.redactor import scrubbed

if TYPE_CHECKING:
    from typing import TextIO

_CONTROLS = [c for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in {0x09, 0x0A}]
_BIDIRECTIONAL = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_VISIBLE = {c: f"\\x{c:02x}" for c in _CONTROLS} | {c: f"\\u{c:04x}" for c in _BIDIRECTIONAL}


def visible(text: str) -> str:
    """Control and direction characters spelt out: what someone stored must not drive a terminal."""
    return text.translate(_VISIBLE)


def show(text: str) -> None:
    _write(sys.stdout, visible(text) + "\n")


def show_json(value: object) -> None:
    """One document on one line, always UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def complain(message: str) -> None:
    """One line, whatever the message holds, without the secrets that were typed in the wrong place."""
    with suppress(OSError):  # nobody is there to be told; the exit code tells the rest
        _write(sys.stderr, f"agent-memory: {visible(' '.join(scrubbed(message).split()))}\n")


def _write(stream: TextIO, text: str) -> None:
    """A terminal that cannot show a character shows its escape."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
