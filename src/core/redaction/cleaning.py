"""What a call wants to store, without the secrets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET

from .. import limits
from ..results import RedactedAt
from .names import SHORTEST, refuse_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ports.worker import Worker
    from ..requests import NewEntry, Remember, Update
    from ..requests_team import SessionCall, VoteCall
    from .redactor import Redactor

    New = TypeVar("New", NewEntry, Remember)
    Call = TypeVar("Call", SessionCall, VoteCall)

T = TypeVar("T")
Said = tuple[RedactedAt, ...]

_AT_ONCE = 8 * 1024
"""Characters. More is looked through beside the event loop."""
_NAMES = 1_024
_NAME_KEPT = 256


class Cleaner:
    """`worker` is where long texts are looked through."""

    def __init__(self, redactor: Redactor, worker: Worker) -> None:
        self._redactor = redactor
        self._worker = worker
        self._clean_names: set[str] = set()

    def refuse_secrets(self, *names: tuple[str, str | None]) -> None:
        """By (field, name) each. The same few come with most calls: they are looked at once."""
        for field, name in names:
            if name and name not in self._clean_names and len(name) >= SHORTEST:
                self._look_at(field, name)

    def _look_at(self, field: str, name: str) -> None:
        refuse_secret(name, field, self._redactor)
        if len(name) <= _NAME_KEPT:
            if len(self._clean_names) >= _NAMES:
                self._clean_names.clear()
            self._clean_names.add(name)

    def client(self, name: str) -> str:
        """What a client calls itself is no address: it is kept without."""
        return self._redactor.redact(name).text

    async def entries(
        self, entries: Sequence[tuple[NewEntry | Remember, str]]
    ) -> list[tuple[NewEntry | Remember, str, Said]]:
        """Each with its content, and what was taken out of it."""
        size = sum(len(content) + _size(new) for new, content in entries)
        return await self._run(size, lambda: [self._entry(new, content) for new, content in entries])

    async def update(self, request: Update) -> tuple[Update, Said]:
        size = (0 if request.content is UNSET else len(request.content)) + _size(request)
        return await self._run(size, lambda: self._update(request))

    async def session(self, request: SessionCall) -> tuple[SessionCall, Said]:
        return await self._call(request, "purpose", "summary")

    async def vote(self, request: VoteCall) -> tuple[VoteCall, Said]:
        """The same question becomes the same one."""
        return await self._call(request, "question", "choice")

    async def _call(self, request: Call, *fields: str) -> tuple[Call, Said]:
        given: dict[str, str] = {field: text for field in fields if (text := getattr(request, field))}

        def clean() -> tuple[Call, Said]:
            said: list[RedactedAt] = []
            cleaned = {field: self._text(text, field, said) for field, text in given.items()}
            return (msgspec.structs.replace(request, **cleaned) if said else request), tuple(said)

        return await self._run(sum(map(len, given.values())), clean)

    async def _run(self, size: int, work: Callable[[], T]) -> T:
        return work() if size <= _AT_ONCE else await self._worker.run(work)

    def _entry(self, new: NewEntry | Remember, content: str) -> tuple[NewEntry | Remember, str, Said]:
        said: list[RedactedAt] = []
        content = self._text(content, "", said)
        title, author = self._text(new.title, "title", said), self._text(new.author, "author", said)
        tags = self._tags(new.tags, "tags", said)
        metadata = self._metadata(new.metadata, said)
        if said:
            new = msgspec.structs.replace(new, title=title, author=author, tags=tags, metadata=metadata)
        return new, content, tuple(said)

    def _update(self, request: Update) -> tuple[Update, Said]:
        said: list[RedactedAt] = []
        fields: dict[str, Any] = {"add_tags": self._tags(request.add_tags, "add_tags", said)}
        if request.content is not UNSET:
            fields["content"] = self._text(request.content, "", said)
        if request.title is not UNSET:
            fields["title"] = self._text(request.title, "title", said)
        if request.tags is not UNSET:
            fields["tags"] = self._tags(request.tags, "tags", said)
        if request.metadata is not UNSET:
            fields["metadata"] = self._metadata(request.metadata, said)
        return (msgspec.structs.replace(request, **fields) if said else request), tuple(said)

    def _text(self, text: str, field: str, said: list[RedactedAt], label: str = "") -> str:
        """Of more than may be stored nothing is looked at: it is refused later."""
        if (len(text) < SHORTEST and not label) or len(text) > limits.CONTENT_BYTES:
            return text
        redacted = self._redactor.redact(text, label)
        said += [RedactedAt(kind=one.kind, offset=one.start, field=field) for one in redacted.found]
        return redacted.text

    def _tags(self, tags: list[str], field: str, said: list[RedactedAt]) -> list[str]:
        return [self._text(tag, field, said) for tag in tags]

    def _metadata(self, metadata: dict[str, Any], said: list[RedactedAt]) -> dict[str, Any]:
        cleaned = self._value(metadata, "metadata", "", said, 0)
        assert isinstance(cleaned, dict)
        return cleaned  # pyright: ignore[reportUnknownVariableType] (JSON)

    def _value(self, value: Any, field: str, label: str, said: list[RedactedAt], level: int) -> Any:
        """What is nested deeper than may be stored is refused later. The name of a value tells what it is, and may be a
        secret itself: two that become one name are told apart by a number.
        """
        if isinstance(value, str):
            return self._text(value, field, said, label)
        if level > limits.METADATA_DEPTH:
            return value
        if isinstance(value, dict):
            cleaned: dict[str, Any] = {}
            for key, one in value.items():  # pyright: ignore[reportUnknownVariableType] (JSON)
                name = plain = self._text(f"{key}", field, said)
                count = 1
                while name in cleaned or (name != key and name in value):
                    count += 1
                    name = f"{plain}-{count}"
                cleaned[name] = self._value(one, f"{field}.{plain}", f"{key}", said, level + 1)
            return cleaned
        if isinstance(value, list):
            return [self._value(one, field, label, said, level + 1) for one in value]  # pyright: ignore[reportUnknownVariableType]
        return value


def _size(new: NewEntry | Remember | Update) -> int:
    """Of all texts beside the content: nothing of it has been held against a bound yet."""
    size = len(getattr(new, "author", "")) + (0 if new.title is UNSET else len(new.title))
    for tags in (getattr(new, "add_tags", ()), () if new.tags is UNSET else new.tags):
        if tags:
            size += sum(map(len, tags))
    return size + (len(msgspec.json.encode(new.metadata)) if new.metadata else 0)
