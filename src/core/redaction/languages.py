"""What a password is called in languages other than English, and how a note or a sentence gives one there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from .assignments import leaves_no_doubt, looks_secret
from .findings import MIXED, Finding, lowered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WORDS = (
    "contraseña", "mot de passe", "mdp", "senha", "palavra-passe", "parola d'ordine", "passwort", "kennwort",
    "wachtwoord", "lösenord", "adgangskode", "passord", "salasana", "hasło", "heslo", "geslo", "lozinka", "jelszó",
    "şifre", "kata sandi", "mật khẩu", "пароль", "парола", "лозинка", "סיסמה", "كلمة المرور", "كلمة السر", "رمز عبور",
    "पासवर्ड", "รหัสผ่าน", "密码", "密碼", "口令", "パスワード", "비밀번호",
)  # fmt: skip
_ALSO_OTHERS = ("clave", "parola", "parolă", "κωδικός", "암호", "password")
"""A key, a word, a code or a cipher too; and English, which `assignments` reads, in sentences of other languages."""
_COMPOUND = 7
"""Letters of a word that may end another and mean the same (`Datenbankpasswort`); `heslo` ends what is none."""
_IS = (
    "es", "est", "c'est", "é", "è", "este", "ist", "lautet", "is", "är", "er", "to", "je", "jest", "là", "adalah",
    "это", "είναι", "היא", "هي", "है",
)  # fmt: skip
_IS_JOINED = ("是", "为", "為", "は", "が", "는", "은", "คือ")
_CLOSING = ".,;:?)]}"
"""What may end a sentence; `!` ends more passwords."""


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


_B = r"[ \t\u00a0\u202f\u3000]"
_ENDING = r"(?!s\b)[^\W\d_]{0,2}(?![^\W\d_])"
"""A case or an article hung on (`Lösenordet`, `Şifresi`). More is another word, and many passwords are none."""
_VALUE = (
    rf"[\"'`*«“„「『]{{0,3}}{_B}?"
    r"([!#-&(-;=?-_a-{}~\u00c0-\u024f\u0300-\u036f\u0370-\u03ff\u0400-\u052f]{8,128})"
)
_CLOSED = r"[\"'`*_)\]»]{0,3}"
_NOTE = rf"(?:\([^()\n]{{0,20}}\){_B}{{0,3}})?"
_SIGN = rf"{_B}{{0,3}}{_CLOSED}{_B}{{0,3}}{_NOTE}(?:[:=\uff1a\uff1d]>?|\|){_CLOSED}{_B}{{0,4}}"
_ASIDE = rf"(?:{_B}{{1,3}}[^\s:=,;!?|]{{0,30}}[^\s:=,;.!?|])"
"""A word of what it is the password of: `de la base`."""
_GIVEN = re.compile(rf"{_ENDING}{_SIGN}{_VALUE}")
_GIVEN_OF = re.compile(rf"{_ENDING}{_ASIDE}{{1,8}}?{_SIGN}{_VALUE}")
_SAID = re.compile(
    rf"(?:{_ENDING}{_ASIDE}{{0,8}}?{_B}{{1,3}}(?:{'|'.join(_written(_IS))}|(?<=asana )on|[-\u2013\u2014]){_B}{{1,3}}"
    rf"|(?:{'|'.join(_written(_IS_JOINED))}){_B}{{0,3}}){_VALUE}",
    re.IGNORECASE,
)
_BESIDE = re.compile(rf"{_ENDING}{_B}{{1,3}}(?:(?:->|=>|[-\u2013\u2014\u2192]){_B}{{0,3}})?{_VALUE}")
_PLAIN, _DOUBTFUL = _without_marks(_WORDS), _without_marks(_ALSO_OTHERS)


def told_in_other_words(text: str) -> Iterator[Finding]:
    lower = lowered(text)
    for word in (*_PLAIN, *_DOUBTFUL):
        at = lower.find(word)
        while at >= 0:
            end = at + len(word)
            if len(word) >= _COMPOUND or not word.isascii() or not lower[at - 1 : at].isalpha():
                yield from _behind(text, end, doubtful=word in _DOUBTFUL)
            at = lower.find(word, end)


def _behind(text: str, end: int, *, doubtful: bool) -> Iterator[Finding]:
    """Only what stands right behind the word and a sign is believed as it is behind an English one."""
    for pattern in (_GIVEN, _GIVEN_OF, _SAID, _BESIDE):
        match = pattern.match(text, end)
        if match is None:
            continue
        secret = match[1].rstrip(_CLOSING)
        sure = pattern is _GIVEN and not doubtful
        if (sure and MIXED.search(secret) and looks_secret(secret, password=True, said=False)) or (
            leaves_no_doubt(secret) and looks_secret(secret, password=True, said=True)
        ):
            yield Finding(match.start(1), match.start(1) + len(secret), "password")
            return
