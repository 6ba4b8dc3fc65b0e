from __future__ import annotations

import pytest

from agent_memory.core.search.words import Words, fold


def terms(text: str) -> list[str]:
    return list(Words().terms(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("buy", "bought"),
        ("Deployments", "deployed"),
        ("children", "child"),
        ("Straße", "STRASSE"),
        ("café", "cafe"),
        ("ёлка", "Елка"),
        ("naïve", "nai\u0308ve"),
        ("\uff21\uff11", "a1"),
    ],
)
def test_forms_of_one_word_share_their_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("getUserName()", "user"),
        ("HTTPServer", "server"),
        ("RETRY_AFTER_MS", "retri"),
        ("see PROJ-4821.", "4821"),
        ("src/core/recall.py", "recal"),
    ],
)
def test_an_identifier_is_found_by_its_parts(text: str, part: str) -> None:
    assert part in terms(text)


def test_an_identifier_is_found_by_its_whole_too() -> None:
    assert "getusername" in terms("getUserName")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("我们使用数据库", "数据"),
        ("データベースを使う", "ータ"),
        ("데이터베이스를", "이터"),
        ("ฐานข้อมูล", "ฐา"),
    ],
)
def test_scripts_without_spaces_stand_under_pairs(text: str, part: str) -> None:
    assert part in terms(text)


def test_a_lone_character_of_such_a_script_stands_alone() -> None:
    assert terms("猫 v3") == ["猫", "v3"]


def test_vowel_signs_stay_in_their_word() -> None:
    assert len(terms("हिन्दी भाषा")) == 2


def test_kana_keep_what_tells_them_apart() -> None:
    assert fold("が") != fold("か")


def test_stop_words_have_no_term() -> None:
    assert terms("What is it that they were doing?") == []


def test_a_long_run_of_data_is_cut() -> None:
    assert terms("A" * 5_000) == ["a" * 64]
