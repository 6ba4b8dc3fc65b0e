"""What an import brings is looked through for secrets as what is told is: no file carries one past that."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from ...ports.errors import Rejected
from ...ports.records import Relation, Session, Vote
from .. import limits
from ..drafting import checked_content, checked_metadata
from ..requests import NewEntry
from ..requests_team import SessionCall, VoteCall
from ..tags import normal_tags
from ..text import checked, checked_line, content_hash
from .grouping import Whole
from .records import Section

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.records import Entry
    from ..redaction.cleaning import Cleaner, Said
    from ..requests import Remember
    from .grouping import Batch

T = TypeVar("T", Relation, Session, Vote)
Left = tuple[Section, str, str]


class Cleansing:
    """`redacted` counts the places so far."""

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self.redacted = 0
        self._left: list[Left] = []

    def left(self) -> list[Left]:
        """What could not be taken in since this was last asked, and why: a name with a secret in it, or a text that is
        too long without the one that it had.
        """
        left, self._left = self._left, []
        return left

    async def batch(self, batch: Batch) -> Batch:
        """Each without secrets, in its place; the very same where it had none."""
        first = batch[0]
        if isinstance(first, Whole):
            return await self._wholes(cast("list[Whole]", batch))
        if isinstance(first, Relation):
            return await self._each(cast("list[Relation]", batch), "relations", self._relation)
        if isinstance(first, Session):
            return await self._each(cast("list[Session]", batch), "sessions", self._session)
        return await self._each(cast("list[Vote]", batch), "votes", self._vote)

    async def _each(self, items: list[T], section: Section, clean: Callable[[T], Awaitable[T]]) -> list[T]:
        done: list[T] = []
        for item in items:
            try:
                done.append(await clean(item))
            except Rejected as error:
                self._left.append((section, _named(item), str(error)))
        return done

    async def _wholes(self, wholes: list[Whole]) -> list[Whole]:
        versions = [entry for whole in wholes for entry in whole.versions]
        told = [
            NewEntry(
                content=entry.content, title=entry.title, author=entry.author, tags=list(entry.tags),
                metadata=entry.metadata,
            )
            for entry in versions
        ]  # fmt: skip
        found = iter(await self._cleaner.entries([(new, new.content) for new in told]))
        done: list[Whole] = []
        for whole in wholes:
            cleaned = [next(found) for _ in whole.versions]
            try:
                entries = [
                    self._entry(entry, *each) for entry, each in zip(whole.versions, cleaned, strict=True)
                ]
            except Rejected as error:
                self._left.append(("entries", whole.entry.id, str(error)))
                continue
            former = tuple(
                msgspec.structs.replace(past, entry=entry)
                for past, entry in zip(whole.former, entries, strict=False)
            )
            done.append(Whole(entries[-1], former))
            self.redacted += sum(len(said) for *_, said in cleaned)
        return done

    def _entry(self, entry: Entry, new: NewEntry | Remember, content: str, said: Said) -> Entry:
        made = entry.provenance
        self._cleaner.refuse_secrets(
            ("scope", entry.scope), ("provenance.client", made.client), ("provenance.agent", made.agent),
            ("provenance.tool", made.tool),
        )  # fmt: skip
        if not said:
            return entry
        return msgspec.structs.replace(
            entry,
            content=checked_content(content),
            title=checked_line(new.title, "title", most=limits.TITLE_CHARS),
            author=checked_line(new.author, "author", most=limits.AUTHOR_CHARS),
            tags=normal_tags(new.tags),
            metadata=checked_metadata(new.metadata),
            content_hash=content_hash(content, entry.valid_from, entry.valid_until),
        )

    async def _relation(self, relation: Relation) -> Relation:
        self._cleaner.refuse_secrets(("agent", relation.agent))
        return relation

    async def _session(self, session: Session) -> Session:
        self._cleaner.refuse_secrets(("scope", session.scope), ("agent", session.agent))
        call = SessionCall(action="end", purpose=session.purpose, summary=session.summary)
        clean, said = await self._cleaner.session(call)
        if not said:
            return session
        purpose = checked_line(clean.purpose, "purpose", most=limits.PURPOSE_CHARS)
        summary = checked(clean.summary, "summary", most=limits.SUMMARY_BYTES, unit="bytes")
        self.redacted += len(said)
        return msgspec.structs.replace(session, purpose=purpose, summary=summary)

    async def _vote(self, vote: Vote) -> Vote:
        self._cleaner.refuse_secrets(("scope", vote.scope), ("agent", vote.agent))
        call = VoteCall(action="cast", question=vote.question, choice=vote.choice)
        clean, said = await self._cleaner.vote(call)
        if not said:
            return vote
        question = checked_line(clean.question or "", "question", most=limits.QUESTION_CHARS)
        choice = checked_line(clean.choice or "", "choice", most=limits.CHOICE_CHARS)
        self.redacted += len(said)
        return msgspec.structs.replace(vote, question=question, choice=choice)


def _named(item: Relation | Session | Vote) -> str:
    """Without what may be at fault."""
    match item:
        case Relation():
            return f"{item.source} {item.type} {item.target}"
        case Session():
            return item.id
        case Vote():
            return f"cast at {item.cast_at.isoformat()}"
