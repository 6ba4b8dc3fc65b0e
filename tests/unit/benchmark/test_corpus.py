from __future__ import annotations

from collections import Counter

from agent_memory.entrypoints.benchmark.corpus import Corpus


def test_the_same_seed_gives_the_same_texts() -> None:
    assert Corpus(seed=1).take(5) == Corpus(seed=1).take(5)
    assert Corpus(seed=1).take(5) != Corpus(seed=2).take(5)


def test_no_two_texts_are_alike_across_calls() -> None:
    corpus = Corpus()
    texts = corpus.take(200) + corpus.take(200)
    assert len(set(texts)) == 400


def test_words_are_as_unequal_as_in_natural_text() -> None:
    counts = Counter(word for text in Corpus().take(200) for word in text.split())
    shares = [count / counts.total() for _, count in counts.most_common(1)]
    assert 0.05 < shares[0] < 0.15


def test_a_question_is_three_words_and_none_of_the_most_frequent() -> None:
    corpus = Corpus()
    frequent = {word for word, _ in Counter(" ".join(corpus.take(500)).split()).most_common(20)}
    words = [corpus.question().split() for _ in range(50)]
    assert {len(each) for each in words} == {3}
    assert not frequent & {word for each in words for word in each}
