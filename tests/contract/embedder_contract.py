"""The Embedder contract, complete: subclass `EmbedderContract` and override `harness`."""

from __future__ import annotations

from itertools import pairwise

from .embedder_calls import EmbedderCalls
from .embedder_vectors import BLANK, TEXTS, EmbedderHarness, numbered

__all__ = ["EmbedderContract", "EmbedderHarness"]

PROSE = "\n\n".join(" ".join(numbered(25)[part : part + 5]) for part in range(20))


class EmbedderContract(EmbedderCalls):
    """EMB-01 to EMB-12 are in `embedder_vectors`, EMB-21 to EMB-29 in `embedder_calls`; here: where texts are cut."""

    async def test_emb_41_a_short_text_is_one_span(self, harness: EmbedderHarness) -> None:
        """All of it, blanks around it included."""
        async with harness.open() as embedder:
            texts = [TEXTS[0], f"  {TEXTS[1]}\n", "x"]
            for text, spans in zip(texts, await embedder.split(texts), strict=True):
                assert [(span.start, span.end) for span in spans] == [(0, len(text))]

    async def test_emb_42_a_blank_text_has_no_span(self, harness: EmbedderHarness) -> None:
        """There is nothing to find in it. Its neighbours keep their places."""
        async with harness.open() as embedder:
            cut = await embedder.split([*BLANK, TEXTS[0]])
            assert cut[:-1] == [()] * len(BLANK)
            assert len(cut[-1]) == 1

    async def test_emb_43_every_word_of_a_long_text_is_in_a_span(self, harness: EmbedderHarness) -> None:
        """Spans go forward, and each begins before the former one ends."""
        async with harness.open() as embedder:
            for spans in await embedder.split([PROSE, f"\n \n{PROSE} \n"]):
                assert len(spans) > 1
            spans = (await embedder.split([PROSE]))[0]
            assert not PROSE[: spans[0].start].strip()
            assert not PROSE[spans[-1].end :].strip()
            for former, next_ in pairwise(spans):
                assert former.start < next_.start < former.end < next_.end

    async def test_emb_44_a_span_is_short_enough(self, harness: EmbedderHarness) -> None:
        """None is cut again."""
        async with harness.open() as embedder:
            for text in (PROSE, "日本語の文章" * 400, "x1y2" * 1_000, "a " * 2_000):
                spans = (await embedder.split([text]))[0]
                parts = [text[span.start : span.end] for span in spans]
                for part, again in zip(parts, await embedder.split(parts), strict=True):
                    assert [(span.start, span.end) for span in again] == [(0, len(part))]

    async def test_emb_45_cuts_lie_between_words(self, harness: EmbedderHarness) -> None:
        """Where a text has any."""
        async with harness.open() as embedder:
            for span in (await embedder.split([PROSE]))[0]:
                assert not PROSE[max(0, span.start - 1) : span.start].strip()
                assert not PROSE[span.end : span.end + 1].strip()

    async def test_emb_46_a_text_without_blanks_is_cut_too(self, harness: EmbedderHarness) -> None:
        """A page of Japanese: all of it is in a span."""
        text = "日本語の文章" * 400
        async with harness.open() as embedder:
            spans = (await embedder.split([text]))[0]
            assert len(spans) > 1
            assert (spans[0].start, spans[-1].end) == (0, len(text))
            for former, next_ in pairwise(spans):
                assert former.start < next_.start <= former.end < next_.end
