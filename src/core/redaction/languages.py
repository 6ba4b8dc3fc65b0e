"""What a password is called in languages other than English, and how a note or a sentence gives one there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from .assignments import looks_secret, of_all_kinds
from .findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WORDS = (
    "password", "contraseña", "mot de passe", "mdp", "senha", "palavra-passe", "parola d'ordine", "passwort",
    "kennwort", "wachtwoord", "lösenord", "adgangskode", "passord", "salasana", "hasło", "heslo", "geslo", "lozinka",
    "jelszó", "şifre", "kata sandi", "mật khẩu", "пароль", "парола", "лозинка", "סיסמה", "كلمة المرور", "كلمة السر",
    "رمز عبور", "पासवर्ड", "รหัสผ่าน", "密码", "密碼", "口令", "パスワード", "비밀번호",
)  # fmt: skip
ALSO_OTHERS = ("clave", "parola", "parolă", "κωδικός", "암호")
"""A key, a word, a code or a cipher too."""
_COMPOUND = 7
"""Letters of a word that may end another and mean the same (`Datenbankpasswort`); `heslo` ends what is none."""
_IS = (
    "es", "est", "é", "è", "este", "ist", "lautet", "is", "är", "er", "to", "je", "jest", "là", "adalah", "это",
    "είναι", "היא", "هي", "है",
)  # fmt: skip
_IS_JOINED = ("是", "为", "為", "は", "が", "는", "은", "คือ")
_CLOSING = ".,;:!?)]}"
_MIXED = re.compile(r"[\d!@#$%&*?^~]", re.ASCII)


def _written(words: Iterable[str]) -> tuple[str, ...]:
    """With a letter's marks in it, and as characters of their own behind it."""
    return tuple(dict.fromkeys(form for word in words for form in (word, unicodedata.normalize("NFD", word))))


def _without_marks(words: Iterable[str]) -> tuple[str, ...]:
    """Too, as who has no such keys writes them, where the letters are those of English but for marks."""
    bare = [
        unicodedata.normalize("NFD", word.replace("ł", "l")).encode("ascii", "ignore").decode()
        for word in words
        if word[0].isascii() or word[0] == "ş"
    ]
    return tuple(dict.fromkeys((*_written(words), *bare)))


_VALUE = r"[\"'`«“„「『]?([!#-&(-;=?-_a-{}~]{8,128})"
_GIVEN = re.compile(rf"[^\n:=\uff1a\uff1d]{{0,40}}?[:=\uff1a\uff1d]>?[ \t*]{{0,4}}{_VALUE}")
_SAID = re.compile(
    rf"(?:[^\W\d_]{{0,6}}(?:[ \t]{{1,3}}[^\s:=]{{1,40}}){{0,6}}?[ \t]{{1,3}}"
    rf"(?:{'|'.join(_written(_IS))}|(?<=asana )on|[-\u2013\u2014])[ \t]{{1,3}}"
    rf"|[^\n:=\x21-\x7e]{{0,20}}?(?:{'|'.join(_written(_IS_JOINED))})[ \t]{{0,3}}){_VALUE}",
    re.IGNORECASE,
)
_PLAIN, _DOUBTFUL = _without_marks(WORDS), _without_marks(ALSO_OTHERS)


def told_in_other_words(text: str) -> Iterator[Finding]:
    lower = text.replace("\u0130", "I").lower()  # the one letter that is two in lower case
    for word in (*_PLAIN, *_DOUBTFUL):
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            if len(word) >= _COMPOUND or not word.isascii() or not lower[at - 1 : at].isalpha():
                yield from _behind(text, end, doubtful=word in _DOUBTFUL)
            at = lower.find(word, end)


def _behind(text: str, end: int, *, doubtful: bool) -> Iterator[Finding]:
    for pattern in (_GIVEN, _SAID):
        match = pattern.match(text, end)
        if match is None:
            continue
        secret = match[1].rstrip(_CLOSING)
        said = pattern is _SAID
        is_real = of_all_kinds if doubtful and (said or len(secret) < 10) else _MIXED.search
        if is_real(secret) and looks_secret(secret, password=not doubtful, said=said or doubtful):
            yield Finding(match.start(1), match.start(1) + len(secret), "password")
            return
