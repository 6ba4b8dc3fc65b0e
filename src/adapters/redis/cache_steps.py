"""What the cache asks of the server, one by one, and how many of them go in one message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from redis import exceptions as driver

from ...ports.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from redis.asyncio.connection import AbstractConnection

    from .cache_keys import CacheKeys
    from .connection import Command, Value
    from .scripts import Scripts

SCRIPTS = ("cache_get", "cache_put", "cache_claim", "cache_give", "cache_keep_claim")
MOST_READS = 512
"""In one script: others on the same server wait while it runs."""
_SCAN = 1000


class Step:
    """One request. `owed` is the key whose value must go if nobody knows how it ended."""

    __slots__ = ("answer", "arguments", "keys", "octets", "owed", "script")

    def __init__(
        self, script: str, keys: Sequence[bytes], arguments: Sequence[Any] = (), *, owed: str | None = None
    ) -> None:
        self.script = script
        self.keys = keys
        self.arguments = arguments
        self.owed = owed
        self.octets = sum(len(each) for each in arguments if isinstance(each, bytes))
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(self, answer: object) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
            self.answer.exception()  # who asked may have gone; asyncio would report what nobody picked up
        else:
            self.answer.set_result(answer)


class Read(Step):
    """Its answer: the value and the seconds that it still has to live, or None. Neighbours go in one message.

    `is_stale`: its key was changed since, so that what comes back is good for those who asked before and no one else.
    """

    __slots__ = ("asked_at", "is_stale", "key")

    def __init__(self, key: str, name: bytes) -> None:
        super().__init__("cache_get", (name,))
        self.key = key
        self.is_stale = False
        self.asked_at = 0.0


class Sweep(Step):
    """Remove all that begins with `prefix`. Goes alone: it takes as many messages as there are keys to look at."""

    __slots__ = ("prefix",)

    def __init__(self, prefix: str) -> None:
        super().__init__("", ())
        self.prefix = prefix


def in_messages(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Reads that follow each other together, everything else by itself; in order."""
    reads: list[Step] = []
    for step in steps:
        if isinstance(step, Read) and len(reads) < MOST_READS:
            reads.append(step)
            continue
        if reads:
            yield reads
            reads = []
        if isinstance(step, Read):
            reads.append(step)
        else:
            yield [step]
    if reads:
        yield reads


async def converse(connection: AbstractConnection, scripts: Scripts, steps: Sequence[Step]) -> list[Any]:
    """The answers, in order; the refusal where the server refused. What does not know the scripts is taught them."""
    messages = list(in_messages(steps))
    answers = await _exchange(connection, [_command(scripts, message) for message in messages])
    for number, answer in enumerate(answers):
        if isinstance(answer, driver.NoScriptError):
            await _exchange(connection, [("SCRIPT", "LOAD", scripts[name].source) for name in SCRIPTS])
            # From there on, so that the order stays; all of it may be done twice.
            rest = [_command(scripts, message) for message in messages[number:]]
            answers = [*answers[:number], *await _exchange(connection, rest)]
            break
    return [
        each for message, answer in zip(messages, answers, strict=True) for each in _dealt(message, answer)
    ]


async def sweep(connection: AbstractConnection, keys: CacheKeys, prefix: str) -> int:
    """How many there were. Loads under way keep nothing, of whatever prefix."""
    await command(connection, "INCR", keys.clears)
    pattern = keys.pattern(prefix)
    cursor: bytes | int = 0
    removed = 0
    while True:
        answer: tuple[bytes, list[bytes]] = await command(
            connection, "SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN
        )
        cursor, found = answer
        if found:
            removed += await command(connection, "UNLINK", *found)
        if int(cursor) == 0:
            return removed


async def command(connection: AbstractConnection, *words: Value) -> Any:
    await connection.send_command(*words)
    return cast("Any", await connection.read_response())


def _command(scripts: Scripts, message: Sequence[Step]) -> Command:
    first = message[0]
    if first.script in SCRIPTS:
        names = [name for step in message for name in step.keys]
        return ("EVALSHA", scripts[first.script].digest, len(names), *names, *first.arguments)
    return (first.script, *first.keys)


def _dealt(message: Sequence[Step], answer: Any) -> Iterator[Any]:
    if not isinstance(message[0], Read) or isinstance(answer, Exception):
        for _ in message:
            yield answer
        return
    for value, left in zip(answer[::2], answer[1::2], strict=True):
        # One without an end is not of ours, and nobody knows its age.
        yield None if value is None or left < 0 else (value, left / 1_000)


async def _exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    await connection.send_packed_command(connection.pack_commands(commands))
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except driver.BusyLoadingError as error:
            raise Unavailable(str(error)) from error
        except driver.ResponseError as error:
            answers.append(error)
    return answers
