"""Secrets go, and nothing else."""

# ruff: noqa: RUF001 - as other languages are written

from __future__ import annotations

from random import Random
from time import process_time

import pytest
from benchmarks.redaction_about import ABOUT
from benchmarks.redaction_ordinary import ordinary
from benchmarks.redaction_secrets import kinds, secrets
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.redaction import rules
from agent_memory.core.redaction.redactor import Redactor

REDACTOR = Redactor()
SECRETS = [secret for seed in range(3) for secret in secrets(Random(seed))]
ORDINARY = [*ordinary(Random(7)), *ABOUT]


def test_the_corpus_has_thirty_kinds_and_more_each_in_several_places() -> None:
    assert len({secret.kind for secret in SECRETS}) == len(kinds()) > 30
    assert all(sum(one.kind == kind for one in SECRETS) >= 15 for kind in kinds())


@pytest.mark.parametrize("kind", kinds())
def test_every_secret_of_a_kind_is_caught_and_what_is_around_it_stays(kind: str) -> None:
    for secret in (one for one in SECRETS if one.kind == kind):
        redacted = REDACTOR.redact(secret.text)
        before, _, after = secret.text.partition(secret.secret)
        (found, *more) = redacted.found
        assert not more, secret.text
        assert (
            redacted.text == f"{secret.text[: found.start]}[redacted:{found.kind}]{secret.text[found.end :]}"
        )
        assert found.start == pytest.approx(len(before), abs=len("https://")), secret.text
        assert redacted.text.endswith(after)
        assert secret.secret not in redacted.text


@pytest.mark.parametrize("text", ORDINARY, ids=range(len(ORDINARY)))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert REDACTOR.redact(text).found == ()
    assert REDACTOR.redact(text).text == text


_PARTS = st.one_of(
    st.sampled_from([secret.text for secret in SECRETS] + ORDINARY),
    st.sampled_from(
        [
            "\n",
            " ",
            "é",
            "İ",
            "密码",
            "\U0001f511",
            "password=",
            "token: ",
            "[redacted:secret]",
            "'",
            '"',
            "=",
        ]
    ),
    st.text(max_size=20),
)


@given(st.lists(_PARTS, max_size=6))
def test_redacting_again_changes_nothing_and_places_are_those_in_the_text(parts: list[str]) -> None:
    text = "".join(parts)
    once = REDACTOR.redact(text)
    assert REDACTOR.redact(once.text).text == once.text
    assert REDACTOR.redact(once.text).found == ()
    rebuilt, at = "", 0
    for found in once.found:
        assert at <= found.start < found.end <= len(text)
        rebuilt += text[at : found.start] + f"[redacted:{found.kind}]"
        at = found.end
    assert rebuilt + text[at:] == once.text


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert REDACTOR.redact(text).text is not None


def test_several_secrets_in_one_text_are_all_told() -> None:
    chosen = [
        secret for secret in SECRETS if secret.kind in {"github-pat", "stripe-access-token", "gcp-api-key"}
    ][:9]
    text = "ключи 🔑 " + " und ".join(secret.secret for secret in chosen)
    redacted = REDACTOR.redact(text)
    assert [text[one.start : one.end] for one in redacted.found] == [secret.secret for secret in chosen]


@pytest.mark.parametrize("label", ["password", "db_password", "apiKey", "client-secret", "GITHUB_TOKEN"])
def test_the_name_of_a_field_is_a_label(label: str) -> None:
    assert (
        REDACTOR.redact("hT7w2Qk9Zp4x", label).text
        == f"[redacted:{'password' if 'pass' in label else 'secret'}]"
    )
    assert REDACTOR.redact("hT7w2Qk9Zp4x", "color").found == ()


def test_a_key_that_is_cut_off_goes_as_far_as_it_reaches() -> None:
    pem = next(secret.secret for secret in SECRETS if secret.kind == "private-key")
    cut = pem[:400]
    redacted = REDACTOR.redact(f"{cut}")
    assert redacted.text == "[redacted:private-key]"


_WORST = (
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n" + "A" * 70, "a://b:c", "curl -u a:", "curl x ",
    "authorization: bearer ", "password=", "password=1", "token is ", " is to was ", "=a1b2c3d4e5 ", "a", "1", "A1",
    "ey", "eyJaaaaaaaaaaaaaaaaaaaaa.", "glpat-", "xapp-1-A1-", "s.", "SK", "sk_live_", "a1.atlasv1.", "ops_eyJ",
    "T3BlbkFJ", "_mmk1", "https://a.webhook.office.com/webhookb2/", "[redacted:x]", "password=[redacted:x]", "'",
    "-----", "contraseña ", "Contraseña de la base ", "clave=", "密码：", "密码", "пароль б ", "Пароль от ",
    "password -> ", "mot de passe a b c ", "salasana on ", "parola d'ordine: (", "passwortwort", "`", "« ", " — ",
    "はが",
)  # fmt: skip
_HOSTILE = (*_WORST, *(word * 3 for _, words, _, _, _ in rules.TOKENS for word in words))


@pytest.mark.parametrize("seed", range(4))
def test_64_kib_of_whatever_is_worst_take_no_time_that_grows_faster_than_they_do(seed: int) -> None:
    """Of this process alone: others share the machine. A pattern that backtracks would take minutes."""
    random = Random(seed)
    for piece in {*_WORST[seed::4], *random.sample(_HOSTILE, 30)}:
        start = process_time()
        REDACTOR.redact((piece * 65_536)[:65_536])
        assert process_time() - start < 5, piece
    mixed = "".join(random.choice(_HOSTILE) for _ in range(20_000))[:65_536]
    start = process_time()
    once = REDACTOR.redact(mixed)
    assert process_time() - start < 5
    assert REDACTOR.redact(once.text).found == ()


def test_rules_keep_whom_they_are_from() -> None:
    assert rules.__doc__ is not None
    assert "gitleaks" in rules.__doc__
    assert "Permission is hereby granted" in rules.__doc__
    assert len(rules.TOKENS) + len(rules.LABELLED) > 150


def test_what_stands_for_a_secret_is_none() -> None:
    made = next(secret for secret in SECRETS if secret.kind == "github-pat").secret
    assert REDACTOR.redact(f"use {made[:4]}{'x' * 36} here").found == ()
