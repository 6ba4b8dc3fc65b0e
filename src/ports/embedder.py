"""Embedder: text to vectors whose nearness is nearness of meaning.

Promises. One model from opening to closing: `model` and `dimension` are known from the start and never change, and
embedders with equal `model` give vectors that may be compared. Each vector is `dimension` little-endian float32 of
unit length (`records.Vector.values`), one for each text, in their order; a text's vector is the same alone and in
company, within 1e-3. A text without a word that the model knows (an empty or blank one, say) has one fixed vector of
unit length, which means nothing. Any text that UTF-8 can carry is accepted, however long and in whatever script; what
is beyond `max_tokens` is not looked at, so give long ones to `split` first.

The event loop is never blocked: models are loaded, and texts embedded, on threads of the adapter or by someone else's
server; at most a short text is embedded in place, where that takes less time (0.1 ms) than waking a thread. Entering
loads nothing and calls nobody; the first call, or `prepare`, starts loading in the background.

Not promised. That a text means much to the model: a language that it was not trained on gives vectors, of less use.
Comparable vectors across models. The same vectors bit for bit on another machine.

Errors: `Unavailable` when the backend fails or does not answer in time; `Misconfigured` when no call can ever succeed
as things are set up: files that are missing or no model, a key refused, an answer with vectors of another dimension;
`Rejected` when the backend refuses these very texts (or one of them). A call fails whole: it never gives fewer
vectors. After a failure the next call tries again. Cancelling a call gives it up at once; a load under way goes on
for the others.

Where there is to be no embedder (`off`), there is none: the program holds None, not a port that answers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

Kind = Literal["query", "document"]
"""Some models are trained to tell a question from what may answer it."""


class EmbedderCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """`place`: where texts go; "network": out of this process, and a call takes as long as that takes.

    `max_tokens`: how much of a text is looked at. `split_tokens`: the longest span that `split` makes. `batch`: how
    many texts are worth giving in one call.
    """

    name: str
    place: Literal["process", "network"]
    max_tokens: int
    split_tokens: int
    batch: int


class Span(msgspec.Struct, frozen=True):
    """Character offsets into a text: `text[start:end]`."""

    start: int
    end: int


class Embedder(Protocol):
    @property
    def capabilities(self) -> EmbedderCapabilities: ...

    @property
    def model(self) -> str:
        """Names the weights and whatever else decides the vectors. At most 200 characters, printable, no spaces."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def ready(self) -> bool:
        """False until the first load has succeeded: till then a call waits for it. Where nothing loads, always True."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def prepare(self) -> None:
        """Return once `ready`, with the errors that a call would raise. Calls no backend that costs money."""
        ...

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        """Any number of texts; more than `batch` are cut up by the adapter. None: []."""
        ...

    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Where to cut each text so that no part is longer than `split_tokens`.

        In order, each begun before the former one ends (they overlap, so that no sentence is only ever seen in
        halves), together all of the text that is not blank; cut between words where there are any. One span, the whole
        text, when that is short enough; no span for a blank one. `max_tokens` leaves room before a span for a title.
        """
        ...
