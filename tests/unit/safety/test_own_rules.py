"""Kinds of our own, beside those of gitleaks."""

# ruff: noqa: E501 - one shape a line

from __future__ import annotations

import re
import string
from base64 import b64encode
from random import Random

import pytest
from benchmarks.redaction_secrets import kinds, secrets

from agent_memory.core.redaction import own_rules
from agent_memory.core.redaction.redactor import Redactor, Token

REDACTOR = Redactor()
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
RANDOM = Random(11)


def some(size: int, alphabet: str = ALNUM) -> str:
    return "".join(RANDOM.choices(alphabet, k=size - 2)) + "7a"


def b64(size: int) -> str:
    return b64encode(RANDOM.randbytes(size)).decode()


def word() -> str:
    return "Kx9" + some(11)


TOKENS = {
    "docker-pat": "dckr" + "_pat_" + some(27),
    "google-oauth-client-secret": "GOC" + "SPX-" + some(28),
    "google-refresh-token": "1/" + "/0" + some(60),
    "groq": "gs" + "k_" + some(52),
    "xai": "xa" + "i-" + some(80),
    "replicate": "r" + "8_" + some(37),
    "supabase": "sb" + "p_" + some(40, HEX),
    "figma": "fig" + "d_" + some(40),
    "netlify": "nf" + "p_" + some(40),
    "notion": "sec" + "ret_" + some(43),
    "new-relic": "NR" + "AK-" + some(27, string.ascii_uppercase + string.digits).upper(),
    "mailgun": "ke" + "y-" + some(32, HEX),
    "mailchimp": some(32, HEX) + "-us12",
    "telegram": some(8, string.digits)[:6] + "8123" + ":A" + "A" + some(33),
    "discord": "MT" + some(22) + "." + some(6) + "." + some(38),
    "square": "EA" + "AA" + some(60),
}
SHAPES = {
    "azure-account-key": ("DefaultEndpointsProtocol=https;AccountName=app;AccountKey={};EndpointSuffix=core.windows.net", b64(64)),
    "azure-sas": ("https://a.blob.core.windows.net/c/b?sv=2022-11-02&se=2027-01-01&sr=b&sig={}", b64(32).replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")),
    "docker-auth": ('{{"auths": {{"r.io": {{"auth": "{}"}}}}}}', b64(30)),
    "discord-webhook": ("https://discord.com/api/webhooks/112233445566778899/{}", some(68)),
    "fernet": ("FERNET_KEY={}", b64(32)),
    "session": ("SESSION_KEY={}", some(32)),
    "laravel": ("APP_KEY=base64:{}", b64(32)),
    "cookie": ("Cookie: theme=dark; sessionid={}", some(32)),
    "sql-create": ("CREATE USER bob WITH PASSWORD '{}'", word()),
    "sql-alter": ("ALTER ROLE app PASSWORD '{}';", word()),
    "netrc": ("machine api.example.com login bob password {}", word()),
    "sshpass": ("sshpass -p {} ssh root@h", word()),
    "mysql": ("mysql -p{} shop < dump.sql", word()),
    "mysql-as": ("mysql -u app -p{} shop", word()),
    "redis-cli": ("redis-cli -a {} ping", word()),
    "redis-cli-host": ("redis-cli -h cache.example --pass '{}' info", word()),
    "url-with-at": ("postgres://bob:{}@db.example/shop", "p@ss" + word()),
    "url-with-two": ("redis://:{}@cache.example:6379/0 and mail ada@example.com", word() + "@" + word()),
    "bold-label": ("**api_key:** {}", word()),
    "bold-word": ("- **Token**: `{}`", word()),
    "italic": ("*secret*: {}", word()),
    "underlined": ("__token__: {}", word()),
    "option": ("restore --password {} --all", word()),
    "option-assigned": ("restore --password={} --all", word()),
    "xml": ("<user>bob</user><password>{}</password>", word()),
    "table": ("| user | bob |\n| password | {} |\n", word()),
    "bold": ("- **Password**: {}", word()),
    "said-for": ("The password for staging is {}.", word()),
    "said-changed": ("The root password was changed to {}, tell Ada", word()),
}  # fmt: skip


MADE = [one.text for one in secrets(Random(5))]


@pytest.mark.parametrize("rule", own_rules.TOKENS, ids=lambda rule: rule[0])
def test_each_rule_of_a_token_has_a_sample(rule: Token) -> None:
    """So that the rate that is printed is one of every rule."""
    assert rule[0] in kinds()
    assert any(re.search(rule[3], text, re.ASCII) for text in MADE)


@pytest.mark.parametrize("shape", own_rules.SHAPES, ids=lambda shape: f"{shape.kind} {shape.cues[0]}")
def test_each_shape_has_a_sample(shape: own_rules.Shape) -> None:
    assert shape.kind in kinds()
    assert any(shape.pattern.search(text) for text in MADE)


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("text", ["{}", "use {} there", "set x to '{}'.", "({}),"])
def test_a_token_that_says_itself_what_it_is(kind: str, text: str) -> None:
    redacted = REDACTOR.redact(text.format(TOKENS[kind]))
    (found,) = redacted.found
    assert redacted.text == text.format(f"[redacted:{found.kind}]")


@pytest.mark.parametrize("kind", SHAPES)
def test_a_secret_that_its_place_tells(kind: str) -> None:
    text, secret = SHAPES[kind]
    redacted = REDACTOR.redact(text.format(secret))
    assert secret not in redacted.text
    assert REDACTOR.redact(redacted.text).found == ()
    assert redacted.text.startswith(text.format("\0").partition("\0")[0].removesuffix("base64:"))
    assert redacted.text.endswith(text.format("\0").partition("\0")[2])


@pytest.mark.parametrize(
    "text",
    [
        "The password for staging is rotated every 90 days.", "The password was changed to something longer.",
        "restore --password prompts for it", "| password | required |", "**Password**: required, 8 characters",
        "<password>changeme</password>", "CREATE USER bob WITH PASSWORD 'password'", "password file in /etc/passwd",
        "The key-value store and the key-d41d8 prefix", "sshpass -p $PASSWORD ssh h", "Cookie: theme=dark; lang=en",
        "The token to PaymentGatewayV2Client is passed in", f"token: {some(64, HEX)} (sha256)",
        "The password for the admin console is in 1Password.", "secret_manager_client_for_the_production_database_v2",
        "redis-cli -a $REDIS_PASSWORD2 ping", "redis-cli -h cache2.example -p 6379", "mysql -port3306 shop",
        "password: *db_password_2", "token=*args1_2", "**Note**: version1_2beta", "http://host:8080?x=1 and a@b.c",
        "the secret is passed to HttpClientV2Factory", "--token and --password-file=/run/secrets/db1",
    ],
)  # fmt: skip
def test_what_looks_like_one_is_left_alone(text: str) -> None:
    assert REDACTOR.redact(text).found == ()
