"""The quick look that lets most texts pass must let none pass in which a secret would be found."""

# pyright: reportPrivateUsage=false
# What it misses shows only beside what is found without it.
# ruff: noqa: RUF001 - as other languages are written

from __future__ import annotations

import unicodedata
from itertools import product
from random import Random

import pytest
from benchmarks.redaction_secrets import secrets

from agent_memory.core.redaction import languages, redactor
from agent_memory.core.redaction.redactor import Redactor

REDACTOR = Redactor()
WORDS = (
    *languages._PLAIN, *languages._DOUBTFUL, "parola d’ordine", "passphrase", "db_pass", "pwd", "API key", "secret",
    "auth token", "client_secret", "connection string", "pin code", "--db-admin-password", "sshpass -p",
    "mysql -u app -p", "mariadb -p", "redis-cli -a", "curl -u a:", "curl --user ab:", "<apiKey>", "<db.secret>",
    "login ada password", "Bearer", "authorization", "IDENTIFIED BY", "identified\tby", "ALTER ROLE a PASSWORD",
    "-H 'X-Api-Key",
)  # fmt: skip
SAYING = (
    *languages._IS, *languages._IS_JOINED, "is", "was", "to", "will be", "on", "is now", "was changed to", "ahora es",
)  # fmt: skip
SIGNS = (
    "", " ", "  ", "\t", ": ", ":", "=", " = ", ":=", " => ", "＝", "：", "：\u3000", " | ", "**: ", "** : `", "=>",
    "：「", ": «\u00a0", " - ", " — ", " → ", " -> ", "->", " '", " (wifi): ", " de la base: ", " of staging is ",
    " for x was ",
    *(before + word + after for word in SAYING for before, after in ((" ", " "), (" ", "  "), ("", ""), (" nu ", " "))),
)  # fmt: skip
VALUES = (
    "Kq8!z7vRt2mP", "Kq8xz7vRt2mP", "hunter22abc", "Käse2024!xyZ", "Пр0ивет!23a", "abc1234!", "!!Secretly!", "abc$1@h",
)  # fmt: skip


def missed(text: str) -> bool:
    return not redactor._may_hold(text) and any(True for _ in REDACTOR._all(text, ""))


@pytest.mark.parametrize("word", WORDS)
def test_it_misses_no_secret_whatever_stands_between_it_and_its_word(word: str) -> None:
    forms = {word, word.upper(), word.title(), unicodedata.normalize("NFC", word.upper())}
    for form, sign, value in product(sorted(forms), SIGNS, VALUES):
        for put in {sign, sign.upper()}:
            text = f"{form}{put}{value}"
            assert not missed(text), text
            assert not missed(f"x {text} y"), text


def test_every_word_of_other_languages_is_looked_for() -> None:
    for word in (*languages._PLAIN, *languages._DOUBTFUL):
        for form in (word, word.upper(), word.title()):
            assert redactor._names_secret(redactor.lowered(form)), form


def test_it_misses_no_secret_of_the_corpus() -> None:
    for secret in (one for seed in range(3) for one in secrets(Random(seed))):
        assert not missed(secret.text), secret.text
        assert redactor._may_hold(secret.text), secret.text


PIECES = (
    "password", "Pass", "passw", "passphrase", "PASSW", "sshpass", "mysql", "mariadb", "--", "token", "secret",
    "IDENTIFIED", "identified", " BY ", "</", "apiKey>", ":", "=", " is ", " was ", "'", " ", "\n", "\u2028", "\x1f",
    "abcdefgh", "0123456789abcdef", "-----BEGIN", "ABCD-1234", "7", "!", "\u00a0", "\u00e9", "\uff1a", "\u0130",
)  # fmt: skip


def test_looking_for_a_sign_before_a_pattern_misses_nothing_that_the_pattern_finds() -> None:
    for one, other, third in product(PIECES, repeat=3):
        text = one + other + third
        by_pattern = any(each.search(text) for each in (redactor._RUN, redactor._SIGN, redactor._SAID))
        named = redactor._NAMED.search(redactor.lowered(text)) or redactor._names_secret(
            redactor.lowered(text)
        )
        found = redactor._MIXED.search(text) is not None and bool(by_pattern or named)
        assert redactor._may_hold(text) is found, text
