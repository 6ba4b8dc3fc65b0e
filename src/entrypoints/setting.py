"""What one setting is, and how its text is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

_NAME = re.compile(r"[\w.+-]*")
_SECRET_OPTION = re.compile(
    r"([?&][^=&#]*(?:pass|pwd|key|token|secret|auth|cred|sig)[^=&#]*=)([^&#]+)", re.IGNORECASE
)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One environment variable: its name without the prefix, its default as text, what it means, how it is read.

    `read` raises `ValueError` or `Rejected` with what is allowed. One that `guards` is refused when it is set but
    blank: an empty template must not open what it was to close. An `address` may hold a password, which is hidden.
    """

    name: str
    default: str
    meaning: str
    read: Callable[[str], object]
    field: str
    secret: bool = False
    guards: bool = False
    address: bool = False


def secrets_in(address: str) -> tuple[str, ...]:
    """A password, and options whose names say so, as they stand there, percent signs and all."""
    password = _password_in(address)
    options = tuple(found[2] for found in _SECRET_OPTION.finditer(address.partition("://")[2]))
    return (password, *options) if password else options


def _password_in(address: str) -> str:
    user, at, _ = address.partition("://")[2].partition("/")[0].rpartition("@")
    return user.partition(":")[2] if at else ""


def without_secrets(address: str) -> str:
    password = _password_in(address)
    shown = address.replace(f":{password}@", ":(hidden)@", 1) if password else address
    return _SECRET_OPTION.sub(r"\1(hidden)", shown)


def name_only(address: str) -> str:
    """Of one that was refused: where in it a password begins and ends nobody knows."""
    name, mark, _ = address.partition("://")
    if not _NAME.fullmatch(name):
        return "(hidden)"
    return f"{name}://(hidden)" if mark else name


def path(text: str) -> Path:
    if text == ":memory:" or text.startswith("file:"):
        raise ValueError("must be the path of a file or folder; the memory is always kept in a file")
    if "://" in text:
        raise ValueError(
            "must be the path of a file or folder; the address of a store goes into AGENT_MEMORY_STORAGE"
        )
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def choice(*allowed: str, fold: Callable[[str], str] = str.lower) -> Callable[[str], str]:
    def read(text: str) -> str:
        value = fold(text)
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def flag(text: str) -> bool:
    return choice("true", "false", "1", "0", "yes", "no", "on", "off")(text) in {"true", "1", "yes", "on"}


def number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number, {least} to {most}")
        return int(text)

    return read


def seconds_from_millis(least: int, most: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number of milliseconds, {least} to {most}")
        return int(text) / 1000

    return read
