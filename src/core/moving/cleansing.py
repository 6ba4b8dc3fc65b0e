"""What an import brings is looked through for secrets as what is told is: no file carries one past that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.records import Session, Vote
from ..requests import NewEntry
from ..requests_team import SessionCall, VoteCall
from ..tags import normal_tags
from ..text import content_hash
from .grouping import Whole

if TYPE_CHECKING:
    from ...ports.records import Entry
    from ..redaction.cleaning import Cleaner
    from .grouping import Batch


class Cleansing:
    """`redacted` counts the places so far."""

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner
        self.redacted = 0

    async def batch(self, batch: Batch) -> Batch:
        """Each without secrets, in its place; the very same where it had none."""
        wholes = [item for item in batch if isinstance(item, Whole)]
        if wholes:
            return await self._wholes(wholes)
        sessions = [await self._session(item) for item in batch if isinstance(item, Session)]
        return sessions or [await self._vote(item) for item in batch if isinstance(item, Vote)] or batch

    async def _wholes(self, wholes: list[Whole]) -> list[Whole]:
        versions = [entry for whole in wholes for entry in whole.versions]
        cleaned = iter(await self._entries(versions))
        done: list[Whole] = []
        for whole in wholes:
            former = tuple(msgspec.structs.replace(past, entry=next(cleaned)) for past in whole.former)
            done.append(Whole(next(cleaned), former))
        return done

    async def _entries(self, entries: list[Entry]) -> list[Entry]:
        told = [
            NewEntry(
                content=entry.content, title=entry.title, author=entry.author, tags=list(entry.tags),
                metadata=entry.metadata,
            )
            for entry in entries
        ]  # fmt: skip
        found = await self._cleaner.entries([(new, new.content) for new in told])
        cleaned: list[Entry] = []
        for entry, (new, content, said) in zip(entries, found, strict=True):
            self.redacted += len(said)
            cleaned.append(
                entry
                if not said
                else msgspec.structs.replace(
                    entry, content=content, title=new.title, author=new.author, tags=normal_tags(new.tags),
                    metadata=new.metadata, content_hash=content_hash(content, entry.valid_from, entry.valid_until),
                )
            )  # fmt: skip
        return cleaned

    async def _session(self, session: Session) -> Session:
        call = SessionCall(action="end", purpose=session.purpose, summary=session.summary)
        clean, said = await self._cleaner.session(call)
        if not said:
            return session
        self.redacted += len(said)
        return msgspec.structs.replace(session, purpose=clean.purpose, summary=clean.summary)

    async def _vote(self, vote: Vote) -> Vote:
        clean, said = await self._cleaner.vote(
            VoteCall(action="cast", question=vote.question, choice=vote.choice)
        )
        if not said:
            return vote
        self.redacted += len(said)
        return msgspec.structs.replace(vote, question=clean.question or "", choice=clean.choice or "")
