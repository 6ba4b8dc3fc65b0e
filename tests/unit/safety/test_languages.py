"""Passwords, as notes in other languages than English give them."""

# ruff: noqa: RUF001 - as those languages are written

from __future__ import annotations

import unicodedata
from itertools import product
from typing import Literal

import pytest

from agent_memory.core.redaction.redactor import Redactor

REDACTOR = Redactor()
FORMS: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")
MADE = "Kq8xz7" + "vRt2mP"
OF_ALL_KINDS = "Kq8!z7" + "vRt2mP"
TOLD = (
    "contraseña: {}", "La contraseña es {}", "La contraseña de la base de datos es {}.", "CONTRASEÑA: {}",
    "Contraseña de la base: {}", "contrasena={}", "El password ahora es {}", "**Contraseña**: {}",
    "`contraseña`: `{}`", '"contraseña": "{}"', "Contraseña (wifi): {}", "clave: {}", "clave = '{}'",
    "le mot de passe est {}", "Mot de passe : {}", "Le mot de passe du serveur de test est {}, garde-le", "MDP: {}",
    "senha: {}", "A senha é {}", "La parola d'ordine è {}", "Datenbankpasswort: {}", "Das Passwort lautet {}",
    "Das Kennwort für das WLAN ist {}.", "Het wachtwoord is {}", "Lösenordet är {}", "Adgangskoden er {}",
    "passordet er {}", "salasana: {}", "Salasana on {}", "hasło: {}", "Hasło do bazy to {}", "heslo je {}",
    "jelszó: {}", "şifre: {}", "Şifresi: {}", "mật khẩu: {}", "Mật khẩu là {}", "пароль: {}", "Пароль от базы: {}",
    "пароль — {}", "Пароль это {}", "парола: {}", "κωδικός: {}", "הסיסמה היא {}", "סיסמה: {}", "كلمة المرور هي {}",
    "كلمة المرور: {}", "पासवर्ड: {}", "पासवर्ड है {}", "รหัสผ่าน: {}", "รหัสผ่านคือ {}", "密码：{}", "密码是{}",
    "数据库密码是 {}，请保密", "密码:{}。", "password：{}，请", "パスワードは{}です", "パスワード：{}",
    "パスワードは「{}」です", "비밀번호는 {} 입니다", "비밀번호: {}", "암호: {}", "**Kennwort:** {}",
    "**Contraseña:** `{}`",
    "**Пароль:** {}", "**密码：** {}", "**Mot de passe :** {}", "LE MOT DE PASSE EST {}", "La CONTRASEÑA ES {}",
    "le mot de passe est «\u00a0{}\u00a0»", "mot de passe\u202f: « {} »", "mot de passe :\u00a0{}", "密码：\u3000{}",
    "Пароль {}", "密码 {}", "Passwort → {}", "password -> {}", "| contraseña | {} |", "Пароль от базы — {}",
    "Le MDP du serveur c'est {}", "La contraseña ahora es {}", "contraseña nueva = {}", "用户名：admin，密码：{}",
    "Benutzer: admin Passwort: {}", "La password del database è: {}", "The new password will be {}",
)  # fmt: skip
LIKE_WORDS = (
    "contraseña: {}", "Mot de passe : {}", "Passwort: {}", "Datenbankpasswort: {}", "**Hasło**: {}", "пароль: {}",
    "密码：{}",
)  # fmt: skip
"""Right behind the word and a sign, what a person makes up is one too."""
DOUBTFUL = ("La clave del servidor es {}", "parola è {}", "ο κωδικός είναι {}", "암호는 {}")
"""The word means other things too, so the value must leave no doubt."""
WITH_WIDE_SIGNS = ("token＝{}", "API_KEY：{}，谢谢", "client_secret：「{}」")
ORDINARY = (
    "Contraseña: mínimo 8 caracteres", "La clave es usar índices2024", "clave: valor", "clave primaria: id_usuario_2",
    "Passwort: mindestens 12 Zeichen", "пароль: см. 1Password", "La contraseña es obligatoria", "密码：至少8位",
    "密码至少需要12个字符", "パスワードは8文字以上です", "The enclave: section42b", "La clave es config.py2",
    "clave: sha256", "mot de passe: ${DB_PASS2}", "mot de passe: <votre-mot-de-passe1>", "clave: user_id_42",
    "La clave es PostgreSQL16", "clave: /etc/keys/app2.pem", "La clave está en https://vault.example.com/v1",
    "A senha está no 1Password.", "parola: v1.2.3-beta", "la palabra clave: python3-asyncio", "clave: Release2024",
    "La clave es OAuth2Client", "암호는 ChaCha20-Poly1305", "암호: AES-256-GCM", "Il nome utente è ada-lovelace2",
    "пароль: {{ vault_db_password2 }}", "密码：changeme123", "Das Passwort steht in der Datei secrets2.yaml",
    "κωδικός: E-1042-b", "Das Passwort ist abgelaufen am 2026-11-27T10:00",
    "The password on staging2-db.internal works",
)  # fmt: skip


@pytest.mark.parametrize(("form", "text"), list(product(FORMS, TOLD)))
def test_a_password_in_another_language_goes(form: Literal["NFC", "NFD"], text: str) -> None:
    before, _, after = text.partition("{}")
    whole = unicodedata.normalize(form, text).format(MADE)
    redacted = REDACTOR.redact(whole)
    assert [whole[one.start : one.end] for one in redacted.found] == [MADE]
    assert unicodedata.normalize("NFC", redacted.text) == f"{before}[redacted:password]{after}"


@pytest.mark.parametrize(
    ("text", "secret"), list(product(LIKE_WORDS, ("hunter22abc", "Winter2024!", "Käse2024!xy", "Пр0ивет!23")))
)
def test_behind_the_word_and_a_sign_less_is_asked_of_it(text: str, secret: str) -> None:
    redacted = REDACTOR.redact(text.format(secret))
    assert redacted.text.rstrip("!") == text.format("[redacted:password]")


@pytest.mark.parametrize("secret", ["Winter2024!", "Käse2024!xy", "Ñandú2024!x"])
@pytest.mark.parametrize("text", ["La contraseña es {}", "Das Passwort ist {}", "Пароль это {}", "密码是{}"])
def test_a_sentence_gives_what_is_well_mixed(text: str, secret: str) -> None:
    assert secret not in REDACTOR.redact(text.format(secret)).text


def test_english_passwords_may_hold_letters_of_other_alphabets() -> None:
    assert REDACTOR.redact("password: Käse2024!xy").text == "password: [redacted:password]"
    assert REDACTOR.redact("DB_PASSWORD=Пр0ивет!23").text == "DB_PASSWORD=[redacted:password]"


def test_pass_is_a_password_where_no_test_has_passed() -> None:
    for text in ("PASS=hunter22abc", "DB_PASS: hunter22abc", "pass: hunter22abc", "SMTP_PASS='hunter22abc'"):
        assert "hunter22abc" not in REDACTOR.redact(text).text, text
    for text in ("--- PASS: TestOAuth2Flow", "PASS: tests/auth2.test.ts", "ski pass: SEASON2024x"):
        assert REDACTOR.redact(text).found == (), text


@pytest.mark.parametrize("before", ["Host: db-prod-01\n", ""])
@pytest.mark.parametrize("text", TOLD)
def test_it_is_found_whatever_else_the_note_says(text: str, before: str) -> None:
    assert MADE not in REDACTOR.redact(before + text.format(MADE)).text


@pytest.mark.parametrize("text", DOUBTFUL)
def test_where_the_word_means_other_things_the_value_decides(text: str) -> None:
    assert OF_ALL_KINDS not in REDACTOR.redact(text.format(OF_ALL_KINDS)).text
    assert REDACTOR.redact(text.format("PostgreSQL16")).found == ()


@pytest.mark.parametrize("text", WITH_WIDE_SIGNS)
def test_a_wide_sign_is_a_sign(text: str) -> None:
    redacted = REDACTOR.redact(text.format(MADE))
    assert redacted.text == text.format("[redacted:secret]")


@pytest.mark.parametrize("text", ORDINARY)
def test_what_looks_like_one_is_left_alone(text: str) -> None:
    assert REDACTOR.redact(text).found == ()


def test_ten_characters_that_are_well_mixed_are_a_secret() -> None:
    assert REDACTOR.redact("secret = " + "Zx9!kk" + "Lq22").text == "secret = [redacted:secret]"
    assert REDACTOR.redact("secret = " + "zx9aaa" + "bqq2").found == ()
