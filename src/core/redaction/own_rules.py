"""Kinds of secrets that gitleaks does not know, or not as they stand in notes: data beside its rules."""

# ruff: noqa: E501 - one kind a line

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .assignments import looks_secret
from .findings import MIXED, Finding, entropy, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .redactor import Token

# fmt: off
_B, _E = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))", r"(?![A-Za-z0-9])"
TOKENS: tuple[Token, ...] = (
    ("docker-pat", ("dckr_pat_", "dckr_oat_"), 0, rf"{_B}dckr_[po]at_[\w-]{{20,64}}{_E}", 3.0),
    ("google-oauth-client-secret", ("gocspx-",), 0, rf"{_B}GOCSPX-[\w-]{{24,40}}{_E}", 3.0),
    ("google-refresh-token", ("1//0",), 0, rf"(?<![\w/.-])1//0[\w-]{{40,200}}{_E}", 4.0),
    ("groq-api-key", ("gsk_",), 0, rf"{_B}gsk_[A-Za-z0-9]{{40,64}}{_E}", 3.5),
    ("xai-api-key", ("xai-",), 0, rf"{_B}xai-[A-Za-z0-9]{{60,100}}{_E}", 4.0),
    ("replicate-api-token", ("r8_",), 0, rf"{_B}r8_[A-Za-z0-9]{{37}}{_E}", 3.5),
    ("supabase-token", ("sbp_",), 0, rf"{_B}sbp_(?:v0_)?[a-f0-9]{{40}}{_E}", 3.0),
    ("supabase-secret-key", ("sb_secret_",), 0, rf"{_B}sb_secret_[\w-]{{22,64}}{_E}", 3.5),
    ("figma-pat", ("figd_",), 0, rf"{_B}figd_[\w-]{{36,64}}{_E}", 3.5),
    ("netlify-pat", ("nfp_",), 0, rf"{_B}nfp_[A-Za-z0-9]{{36,44}}{_E}", 3.5),
    ("notion-integration-secret", ("secret_",), 0, rf"(?<![\w-])secret_[A-Za-z0-9]{{43}}{_E}", 4.0),
    ("new-relic-user-api-key", ("nrak-",), 0, rf"{_B}NRAK-[A-Z0-9]{{27}}{_E}", 3.0),
    ("mailgun-private-api-token", ("key-",), 0, r"(?<![\w-])key-[a-f0-9]{32}(?![\w-])", 3.0),
    ("mailchimp-api-key", ("-us",), 32, r"(?<![\w-])[a-f0-9]{32}-us\d{1,2}(?![\w-])", 3.0),
    ("telegram-bot-api-token", (":aa",), 10, r"(?<![\w-])\d{8,10}:AA[\w-]{33}(?![\w-])", 3.5),
    ("square-access-token", ("eaaa",), 0, r"(?<![\w+/-])EAAA[\w-]{56,64}(?![\w+/=-])", 4.0),
    ("facebook-access-token", ("eaa",), 0, r"(?<![\w+/-])EAA[A-Za-z0-9]{100,250}(?![\w+/=-])", 4.5),
    ("azure-storage-key", ("accountkey",), 0, r"(?i:AccountKey)=([A-Za-z0-9+/]{86}==)", 4.0),
    ("azure-sas-signature", ("sig=",), 0, r"(?<=[?&;])sig=([A-Za-z0-9+/%]{43,80}(?:=|%3[Dd]))", 4.0),
    ("discord-webhook-url", ("discord.com/api/", "discordapp.com/api/"), 0,
     r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{15,21}/([\w-]{60,80})", 3.5),
)


class Shape(NamedTuple):
    """`cues`: one of them stands in the text in lower case. The secret is the group of the pattern."""

    kind: str
    cues: tuple[str, ...]
    pattern: re.Pattern[str]
    how: str
    """`said`: in prose, so it must be mixed; `given`: where only a password stands; `key`: of a form of its own."""


def _shape(kind: str, cues: str, pattern: str, how: str) -> Shape:
    return Shape(kind, tuple(cues.split()), re.compile(pattern, re.ASCII | re.IGNORECASE | re.MULTILINE), how)


_PASS = r"(?:password|passwort|passwd|passphrase)"  # noqa: S105 - a pattern
_VALUE = r"[\"'`]?([^\s\"'`|<>]{8,128})"
SHAPES = (
    _shape("laravel-app-key", "app_key",
           r"\bAPP_(?:PREVIOUS_)?KEYS?[\"']?[ \t]{0,3}[=:][ \t]{0,3}[\"']?(base64:[A-Za-z0-9+/]{40,44}={0,2})", "key"),
    _shape("docker-auth", "auth", r"\"auth\"\s{0,8}:\s{0,8}\"([A-Za-z0-9+/]{16,512}={0,2})\"", "key"),
    _shape("discord-bot-token", ".", r"(?<![\w.-])((?-i:[MNO])[a-z0-9]{22,27}\.[\w-]{6}\.[\w-]{27,40})(?![\w.-])", "key"),
    _shape("session-cookie", "cookie",
           r"\bcookie[\"']?[ \t]{0,3}[:=][^\n]{0,200}?[ \t;\"':](?:[\w.-]{0,20}sess(?:ion)?[\w.-]{0,8}|[\w.-]{0,16}sid"
           r"|auth[\w.-]{0,12}|[\w.-]{0,16}token|remember[\w.-]{0,24})=([^\s;,\"']{16,512})", "key"),
    _shape("sql-password", "password identified",
           r"\b(?:PASSWORD|IDENTIFIED[ \t]{1,3}BY)[ \t]{1,3}'([^'\s]{8,128})'", "given"),
    _shape("netrc-password", "login", r"\blogin\s{1,8}\S{1,64}\s{1,8}password\s{1,8}(\S{6,128})", "said"),
    _shape("command-password", "sshpass", r"\bsshpass[ \t]{1,3}-p[ \t]{0,3}" + _VALUE, "given"),
    _shape("command-password", "mysql mariadb",
           r"\b(?:mysql|mariadb)\w{0,8}[ \t](?:[^\n]{0,100}?[ \t])?-p[\"']?([^\s\"'-][^\s\"']{7,127})", "said"),
    _shape("command-password", "redis-cli",
           r"\bredis-cli[ \t](?:[^\n]{0,100}?[ \t])?(?:-a|--pass)[ \t]{1,3}" + _VALUE, "given"),
    _shape("command-password", "--",
           r"(?<!\S)--(?:[a-z]{1,16}-){0,2}(?:password|passwd|pass|passphrase|token|secret)(?:=|[ \t]{1,3})" + _VALUE, "said"),
    _shape("password", "</", r"<(?:\w{0,20}[._-]?)(?:password|passwd|passphrase|secret|apikey)>\s{0,8}([^<>\s]{6,128})\s{0,8}</", "given"),
    _shape("password", "|", r"\|[ \t*]{0,6}(?:[\w-]{1,16}[ _-]){0,3}" + _PASS + r"[ \t*:]{0,6}\|[ \t`*]{0,6}([^\s|`*]{6,128})[ \t`*]{0,6}(?:\||$)", "given"),
    _shape("password", "**", r"\*\*[^*\n]{0,40}" + _PASS + r":?\*\*:?[ \t]{1,3}" + _VALUE, "given"),
    _shape("password", "pass", r"\b" + _PASS + r"[ \t]{1,3}(?:for|of|on|to|at)[ \t]{1,3}(?:[\w.-]{1,40}[ \t]{1,3}){1,4}(?:is|was|=)[ \t]{1,3}" + _VALUE, "said"),
    _shape("password", "pass",
           r"\b" + _PASS + r"(?:[ \t]{1,3}(?:for|of|on)(?:[ \t]{1,3}[\w.-]{1,40}){1,3})?[ \t]{1,3}(?:(?:was|is|has been|is now|got)[ \t]{1,3})?"
           r"(?:changed|reset|set|rotated|updated|now)[ \t]{1,3}(?:to[ \t]{1,3})?" + _VALUE, "said"),
)
# fmt: on
_CLOSING = ".,;:!?)]}"


def told_by_shape(text: str) -> Iterator[Finding]:
    lower = text.lower()
    for shape in SHAPES:
        if not any(cue in lower for cue in shape.cues):
            continue
        for match in shape.pattern.finditer(text):
            secret = match[1] if shape.how == "key" else match[1].rstrip(_CLOSING)
            if _is_real(secret, shape.how):
                yield Finding(match.start(1), match.start(1) + len(secret), shape.kind)


def _is_real(secret: str, how: str) -> bool:
    if how == "key":
        return entropy(secret) >= 3.0 and not is_placeholder(secret) and MIXED.search(secret) is not None
    return MIXED.search(secret) is not None and looks_secret(secret, password=True, said=how == "said")
