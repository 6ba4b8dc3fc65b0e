"""Makes src/core/redaction/rules.py from the rules of gitleaks.

    uv run python scripts/redaction_rules.py path/to/gitleaks.toml > src/core/redaction/rules.py

The file is config/gitleaks.toml of a release (https://github.com/gitleaks/gitleaks, MIT); `gitleaks` carries it within.
gitleaks finds secrets in files of code, line by line, with RE2. Here they stand in prose as well, Python's `re` reads
the patterns, and a false alarm changes what somebody remembered. So each rule becomes one of two kinds:

- a token that says itself what it is (`ghp_...`): its pattern, ended by whatever cannot go on a token;
- a value that only its label tells (`ADAFRUIT_KEY=...`): label and value apart, to be compared with the assignments that
  are found in a text once for all rules.
"""

# ruff: noqa: E501 - a licence, and a generated line

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_END = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
_AFTER = r"(?![\w+/=-])"
_ASSIGNED = re.compile(
    r"""(?s)^(?:\(\?i\))?\[\\w\.-\]\{0,50\}\?(?:\(\?i:\[\\w\.-\]\{0,50\}\?)?\((?:\?:)?(?P<label>.*?)\)"""
    r"""\(\?:\[ \\t\\w\.-\]\{0,20\}\)\[\\s'"\]\{0,3\}\)?\(\?:=\|>.*?\)\[\\x60'"\\s=\]\{0,5\}(?P<value>.*)$"""
)
_LEFT_OUT = {
    "generic-api-key": "our own, in assignments.py: this one finds identifiers and hashes in prose",
    "hashicorp-tf-password": "our own finds it",
    "curl-auth-header": "our own finds it, in linear time",
    "curl-auth-user": "our own finds it, in linear time",
    "private-key": "our own finds it, in linear time",
    "kubernetes-secret-yaml": "scans 300 characters from each `data:`",
    "nuget-config-password": "XML of one program",
    "freemius-secret-key": "our own finds it",
    "jwt-base64": "a token within base64 cannot be told from a picture",
    "facebook-access-token": "digits, a bar and letters: only the word `facebook` anywhere before tells it",
    "sidekiq-sensitive-url": "our own finds it",
    "sidekiq-secret": "its label does not say that it is one",
    "pkcs12-file": "a file's name",
    "aws-amazon-bedrock-api-key-short-lived": "only the beginning, which all of them share",
    "adobe-client-id": "a name, no secret",
    "asana-client-id": "a name, no secret",
    "bitbucket-client-id": "a name, no secret",
    "discord-client-id": "a name, no secret",
    "flutterwave-public-key": "public",
    "linkedin-client-id": "a name, no secret",
    "lob-pub-api-key": "public",
    "looker-client-id": "a name, no secret",
    "mailgun-pub-key": "public",
    "messagebird-client-id": "a name, no secret",
    "new-relic-browser-api-token": "public",
    "new-relic-user-api-id": "a name, no secret",
    "plaid-client-id": "a name, no secret",
    "sendbird-access-id": "a name, no secret",
    "sumologic-access-id": "a name, no secret",
}
_INSTEAD = {
    # Without what base64 and hashes look like.
    "sourcegraph-access-token": r"\b(sgp_(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40})",
    "square-access-token": r"\b(sq0(?:atp|csp|idp)-[\w-]{22,60})",
    "atlassian-api-token": r"\b(ATATT3[A-Za-z0-9_\-=]{186})",
    "vault-service-token": r"\b((?:hvs\.[\w-]{90,120}|s\.(?=[a-z]*\d)(?i:[a-z0-9]{24})))",
    "twilio-api-key": r"\b(SK[0-9a-f]{32})",
    "azure-ad-client-secret": r"(?<![\w~.-])([a-zA-Z0-9_~.]{3}\dQ~[a-zA-Z0-9_~.-]{31,34})",
    "grafana-api-key": r"\b(eyJrIjoi[A-Za-z0-9]{70,400}={0,3})",
}
_KEYWORDS = {
    # What stands in the token itself.
    "airtable-personnal-access-token": ["pat"],
    "atlassian-api-token": ["atatt3"],
    "cloudflare-origin-ca-key": ["v1.0-"],
    "intra42-client-secret": ["s-s4t2"],
    "microsoft-teams-webhook": ["webhook.office.com"],
    "slack-app-token": ["xapp-"],
    "slack-bot-token": ["xoxb-"],
    "slack-legacy-bot-token": ["xoxb-"],
    "slack-legacy-token": ["xoxo-", "xoxs-"],
    "slack-legacy-workspace-token": ["xoxa-", "xoxr-"],
    "sourcegraph-access-token": ["sgp_"],
    "square-access-token": ["sq0"],
}

_DISTINCT = re.compile(r"[_.-]")
_DISTINCT_TOO = {"aws-access-token", "gcp-api-key", "jwt"}
"""Rules whose tokens begin so that they are known whatever touches them: words with a sign in them, and these."""

_LEAD = {
    "azure-ad-client-secret": 4,
    "hashicorp-tf-api-token": 15,
    "maxmind-license-key": 37,
    "microsoft-teams-webhook": 72,
    "openai-api-key": 88,
    "slack-webhook-url": 8,
}
"""Characters that may stand before the first of a rule's words; the others begin with it."""


def main() -> None:
    path = Path(sys.argv[1])
    version = sys.argv[2] if len(sys.argv) > 2 else "v8.30.1"
    tokens: list[str] = []
    labelled: list[str] = []
    for rule in tomllib.loads(path.read_text(encoding="utf-8"))["rules"]:
        kind, entropy = rule["id"], float(rule.get("entropy", 0))
        if kind in _LEFT_OUT:
            continue
        pattern = _INSTEAD.get(kind, rule["regex"])
        match = _ASSIGNED.match(pattern)
        if match is None:
            keywords = tuple(_KEYWORDS.get(kind, rule["keywords"]))
            distinct = kind in _DISTINCT_TOO or all(map(_DISTINCT.search, keywords))
            token = _ended(_python(pattern))
            token = re.compile(_loosened(token) if distinct else token, re.ASCII).pattern
            tokens.append(f"    ({kind!r}, {keywords!r}, {_LEAD.get(kind, 0)}, {token!r}, {entropy}),")
        else:
            label = _python(match["label"])
            value = _python(match["value"].removesuffix(_END))
            whole = pattern.startswith("(?i)")
            value = f"(?i:{value})" if whole else value
            re.compile(label + value, re.ASCII)
            labelled.append(f"    ({kind!r}, {tuple(rule['keywords'])!r}, {label!r}, {value!r}, {entropy}),")
    print(_HEAD.replace("VERSION", version).rstrip())
    print("\nTOKENS: tuple[tuple[str, tuple[str, ...], int, str, float], ...] = (")
    print("\n".join(tokens))
    print(")\n\nLABELLED: tuple[tuple[str, tuple[str, ...], str, str, float], ...] = (")
    print("\n".join(labelled))
    print(")")


_HEAD = '''"""Kinds of secrets, from gitleaks VERSION (config/gitleaks.toml). Made by scripts/redaction_rules.py: edit that.

Copyright (c) 2019 Zachary Rice, MIT licence:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions: The above copyright notice and this permission notice
shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY
OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR
PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

# ruff: noqa: E501
# fmt: off
# TOKENS: kind, words one of which stands in the token (lower case), how many characters may stand before it there,
# pattern, least entropy in bits a character.
# LABELLED: kind, words one of which stands in label or value, what is in the label, what the whole value is, least entropy.
'''


def _ended(pattern: str) -> str:
    """In prose a token may be followed by a comma or a full stop."""
    for end in (_END, r"""(?:[\x60'"\s;]|\\[nr]|$|\b)""", r"(?:[^\w-]|\Z)", r"(?:[^a-zA-Z0-9+/]|\Z)", r"\b"):
        pattern = pattern.removesuffix(end)
    begin = "" if pattern.lstrip("(?i)").startswith("\\b") else "(?<![A-Za-z0-9])"
    begin = "" if pattern.startswith("(?<!") else begin
    flags, pattern = ("(?i)", pattern[4:]) if pattern.startswith("(?i)") else ("", pattern)
    return f"{flags}{begin}{pattern}{_AFTER}"


def _loosened(pattern: str) -> str:
    """Within a longer name, behind `%20` and a line's end that is written out; before any sign."""
    flags, pattern = ("(?i)", pattern[4:]) if pattern.startswith("(?i)") else ("", pattern)
    for begin in ("\\b", "(?<![A-Za-z0-9])"):
        pattern = pattern.removeprefix(begin)
    begin = "" if pattern.startswith("(?<!") else r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
    return f"{flags}{begin}{pattern.removesuffix(_AFTER)}(?![A-Za-z0-9])"


def _python(pattern: str) -> str:
    pattern = pattern.replace("[[:alnum:]]", "[A-Za-z0-9]").replace(r"\z", r"\Z")
    while (at := pattern.find("(?i)", 1)) > 0:
        end = _end_of_group(pattern, at + 4)
        pattern = f"{pattern[:at]}(?i:{pattern[at + 4 : end]}){pattern[end:]}"
    return pattern


def _end_of_group(pattern: str, start: int) -> int:
    """Where the group ends that `start` is in. RE2 lets a flag hold until there."""
    depth, at = 0, start
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            at = pattern.index("]", at + 2)
        elif pattern[at] == "(":
            depth += 1
        elif pattern[at] == ")":
            if depth == 0:
                return at
            depth -= 1
        elif pattern[at] == "|" and depth == 0:
            raise ValueError(pattern)
        at += 1
    # At the top the flag would hold for what ends the token as well, which has no letters.
    return len(pattern.removesuffix(_END).removesuffix(r"\b"))


if __name__ == "__main__":
    main()
