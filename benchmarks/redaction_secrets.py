"""Secrets of real shape, made up as they are asked for: nothing here is one, and no scanner finds any in this file."""

# ruff: noqa: E501 - one kind a line

from __future__ import annotations

import string
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

_ALNUM = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"
_URL_SAFE = _ALNUM + "_-"


class Secret(NamedTuple):
    """`secret` is what must go; `text` is it as it stands somewhere, with what tells that it is one."""

    kind: str
    secret: str
    text: str


def _some(random: Random, alphabet: str, size: int) -> str:
    """With a digit and a letter, as nearly every random one has."""
    made = [random.choice(alphabet) for _ in range(size)]
    digits, letters = set(alphabet) & set(string.digits), set(alphabet) - set(string.digits)
    if size > 4 and digits and letters:
        made[size // 2] = random.choice(sorted(digits))
        made[size // 2 + 1] = random.choice(sorted(letters - set("_-=/+.")))
    return "".join(made)


_TOKENS: dict[str, Callable[[Random], str]] = {
    "docker-pat": lambda r: "dckr" + "_pat_" + _some(r, _ALNUM, 27),
    "google-oauth-client-secret": lambda r: "GOC" + "SPX-" + _some(r, _ALNUM, 28),
    "google-refresh-token": lambda r: "1/" + "/0" + _some(r, _ALNUM, 60),
    "groq-api-key": lambda r: "gs" + "k_" + _some(r, _ALNUM, 52),
    "xai-api-key": lambda r: "xa" + "i-" + _some(r, _ALNUM, 80),
    "replicate-api-token": lambda r: "r" + "8_" + _some(r, _ALNUM, 37),
    "supabase-token": lambda r: "sb" + "p_" + _some(r, _HEX, 40),
    "supabase-secret-key": lambda r: "sb_" + "secret_" + _some(r, _ALNUM, 31),
    "figma-pat": lambda r: "fig" + "d_" + _some(r, _ALNUM, 40),
    "netlify-pat": lambda r: "nf" + "p_" + _some(r, _ALNUM, 40),
    "notion-integration-secret": lambda r: "sec" + "ret_" + _some(r, _ALNUM, 43),
    "new-relic-user-api-key": lambda r: "NR" + "AK-" + _some(r, _UPPER, 27),
    "mailgun-private-api-token": lambda r: "ke" + "y-" + _some(r, _HEX, 32),
    "mailchimp-api-key": lambda r: _some(r, _HEX, 32) + "-us" + _some(r, string.digits[1:], 2),
    "telegram-bot-api-token": lambda r: _some(r, string.digits, 10) + ":A" + "A" + _some(r, _ALNUM, 33),
    "square-access-token": lambda r: "EA" + "AA" + _some(r, _ALNUM, 60),
    "facebook-access-token": lambda r: "EA" + "A" + _some(r, _ALNUM, 180),
    "discord-bot-token": lambda r: "MT" + ".".join(_some(r, _ALNUM, n) for n in (22, 6, 38)),
    "1password-secret-key": lambda r: "A3-" + "-".join(_some(r, _UPPER, n) for n in (6, 6, 5, 5, 5, 5)),
    "age-secret-key": lambda r: "AGE-SECRET-" + "KEY-1" + _some(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "airtable-personnal-access-token": lambda r: "pa" + "t" + _some(r, _ALNUM, 14) + "." + _some(r, _HEX, 64),
    "alibaba-access-key-id": lambda r: "LT" + "AI" + _some(r, _LOWER, 20),
    "anthropic-api-key": lambda r: "sk-" + "ant-api03-" + _some(r, _URL_SAFE, 93) + "AA",
    "atlassian-api-token": lambda r: "ATA" + "TT3" + _some(r, _ALNUM + "_-=", 185) + "z",
    "aws-access-token": lambda r: "AK" + "IA" + _some(r, string.ascii_uppercase + "234567", 16),
    "azure-ad-client-secret": lambda r: _some(r, _ALNUM, 3) + "8Q" + "~" + _some(r, _ALNUM + "_~", 33) + "z",
    "clojars-api-token": lambda r: "CLO" + "JARS_" + _some(r, _LOWER, 60),
    "databricks-api-token": lambda r: "da" + "pi" + _some(r, _HEX, 32),
    "digitalocean-pat": lambda r: "dop" + "_v1_" + _some(r, _HEX, 64),
    "doppler-api-token": lambda r: "dp." + "pt." + _some(r, _ALNUM, 43),
    "dynatrace-api-token": lambda r: "dt0" + "c01." + _some(r, _UPPER, 24) + "." + _some(r, _UPPER, 64),
    "easypost-api-token": lambda r: "EZ" + "AK" + _some(r, _ALNUM, 54),
    "gcp-api-key": lambda r: "AI" + "za" + _some(r, _ALNUM, 35),
    "github-app-token": lambda r: "gh" + "s_" + _some(r, _ALNUM, 36),
    "github-fine-grained-pat": lambda r: "github" + "_pat_" + _some(r, _ALNUM, 82),
    "github-oauth": lambda r: "gh" + "o_" + _some(r, _ALNUM, 36),
    "github-pat": lambda r: "gh" + "p_" + _some(r, _ALNUM, 36),
    "gitlab-pat": lambda r: "gl" + "pat-" + _some(r, _ALNUM, 20),
    "gitlab-runner-authentication-token": lambda r: "gl" + "rt-" + _some(r, _ALNUM, 20),
    "grafana-service-account-token": lambda r: "gl" + "sa_" + _some(r, _ALNUM, 32) + "_" + _some(r, _HEX, 8),
    "harness-api-key": lambda r: "pa" + "t." + ".".join(_some(r, _ALNUM, n) for n in (22, 24, 20)),
    "hashicorp-tf-api-token": lambda r: _some(r, _ALNUM, 14) + ".atlas" + "v1." + _some(r, _ALNUM, 64),
    "heroku-api-key-v2": lambda r: "HR" + "KU-AA" + _some(r, _ALNUM, 58),
    "huggingface-access-token": lambda r: "h" + "f_" + _some(r, string.ascii_letters, 34),
    "jwt": lambda r: _jwt(r),  # noqa: PLW0108 - defined below
    "linear-api-key": lambda r: "lin" + "_api_" + _some(r, _ALNUM, 40),
    "notion-api-token": lambda r: "nt" + "n_" + _some(r, string.digits, 11) + _some(r, _ALNUM, 35),
    "npm-access-token": lambda r: "np" + "m_" + _some(r, _ALNUM, 36),
    "openai-api-key": lambda r: "sk-" + "proj-" + _some(r, _ALNUM, 74) + "T3Blbk" + "FJ" + _some(r, _ALNUM, 74),
    "perplexity-api-key": lambda r: "pp" + "lx-" + _some(r, _ALNUM, 48),
    "postman-api-token": lambda r: "PM" + "AK-" + _some(r, _HEX, 24) + "-" + _some(r, _HEX, 34),
    "pulumi-api-token": lambda r: "pu" + "l-" + _some(r, _HEX, 40),
    "pypi-upload-token": lambda r: "py" + "pi-AgEIcHlwaS5vcmc" + _some(r, _ALNUM, 80),
    "rubygems-api-token": lambda r: "ruby" + "gems_" + _some(r, _HEX, 48),
    "sendgrid-api-token": lambda r: "S" + "G." + _some(r, _ALNUM, 22) + "." + _some(r, _ALNUM, 43),
    "sentry-user-token": lambda r: "sntr" + "yu_" + _some(r, _HEX, 64),
    "shopify-access-token": lambda r: "shp" + "at_" + _some(r, _HEX, 32),
    "slack-bot-token": lambda r: "xo" + "xb-" + "-".join((_some(r, string.digits, 12), _some(r, string.digits, 12), _some(r, _ALNUM, 24))),
    "slack-user-token": lambda r: "xo" + "xp-" + "-".join([*(_some(r, string.digits, 12) for _ in range(3)), _some(r, _ALNUM, 32)]),
    "slack-webhook-url": lambda r: "https://hooks." + "slack.com/services/" + "/".join(("T" + _some(r, _UPPER, 10), "B" + _some(r, _UPPER, 10), _some(r, _ALNUM, 24))),
    "stripe-access-token": lambda r: "sk" + "_live_" + _some(r, _ALNUM, 24),
    "twilio-api-key": lambda r: "S" + "K" + _some(r, _HEX, 32),
    "vault-service-token": lambda r: "hv" + "s." + _some(r, _ALNUM, 95),
}  # fmt: skip

_LABELLED: dict[str, tuple[str, Callable[[Random], str]]] = {
    "adafruit-api-key": ("ADAFRUIT_IO_KEY", lambda r: _some(r, _LOWER, 32)),
    "algolia-api-key": ("algolia_api_key", lambda r: _some(r, _LOWER, 32)),
    "cloudflare-api-key": ("CLOUDFLARE_API_TOKEN", lambda r: _some(r, _URL_SAFE.replace("-", ""), 40)),
    "datadog-access-token": ("datadog.apiKey", lambda r: _some(r, _LOWER, 40)),
    "facebook-secret": ("FACEBOOK_APP_SECRET", lambda r: _some(r, _HEX, 32)),
    "fastly-api-token": ("fastly_token", lambda r: _some(r, _ALNUM, 32)),
    "heroku-api-key": ("HEROKU_API_KEY", lambda r: _uuid(r)),  # noqa: PLW0108
    "mailchimp-api-key": ("mailchimp_key", lambda r: _some(r, _HEX, 32) + "-us12"),
    "mailgun-private-api-token": ("MAILGUN_API_KEY", lambda r: "key-" + _some(r, _HEX, 32)),
    "netlify-access-token": ("netlify access token", lambda r: _some(r, _ALNUM, 43)),
    "telegram-bot-api-token": ("TELEGRAM_BOT_TOKEN", lambda r: _some(r, string.digits, 10) + ":A" + _some(r, _ALNUM, 34)),
    "twitch-api-token": ("twitch_client_secret", lambda r: _some(r, _LOWER, 30)),
    "aws-secret-key": ("aws_secret_access_key", lambda r: _some(r, _ALNUM + "/+", 40)),
    "azure-storage-key": ("AccountKey", lambda r: b64encode(r.randbytes(64)).decode()),
    "django-secret-key": ("SECRET_KEY", lambda r: _some(r, _LOWER + "!@#%^&*-_=+", 50)),
    "generic-token": ("auth_token", lambda r: _some(r, _ALNUM, 32)),
    "database-password": ("DB_PASSWORD", lambda r: "d" + _some(r, _ALNUM + "!%#", 13)),
    "wifi-passphrase": ("passphrase", lambda r: _some(r, _ALNUM, 12)),
}  # fmt: skip


_SHAPED: tuple[tuple[str, str, Callable[[Random], str]], ...] = (
    ("azure-storage-key", "DefaultEndpointsProtocol=https;AccountName=app;AccountKey={};EndpointSuffix=core.windows.net",
     lambda r: b64encode(r.randbytes(64)).decode()),
    ("azure-sas-signature", "https://app.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig={}",
     lambda r: _some(r, _ALNUM, 43) + "%3D"),
    ("discord-webhook-url", "https://discord.com/api/webhooks/112233445566778899/{}", lambda r: _some(r, _ALNUM, 68)),
    ("laravel-app-key", "APP_KEY=base64:{}", lambda r: b64encode(r.randbytes(32)).decode()),
    ("docker-auth", '{{"auths": {{"r.example": {{"auth": "{}"}}}}}}', lambda r: b64encode(f"ada:{_some(r, _ALNUM, 26)}".encode()).decode()),
    ("session-cookie", "Cookie: theme=dark; sessionid={}", lambda r: _some(r, _ALNUM, 32)),
    ("session-cookie", "set-cookie: remember_token={}; Path=/", lambda r: _some(r, _ALNUM, 40)),
    ("sql-password", "CREATE USER bob WITH PASSWORD '{}'", lambda r: _word(r)),  # noqa: PLW0108 - defined below
    ("sql-password", "ALTER USER app IDENTIFIED BY '{}';", lambda r: _word(r)),  # noqa: PLW0108
    ("netrc-password", "machine api.example.com login bob password {}", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "sshpass -p {} ssh root@h", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "mysql -h db -u root -p{} shop", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "mariadb -h db -u root -p{} shop", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "redis-cli -h cache -a {} ping", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "restore --password {} --all", lambda r: _word(r)),  # noqa: PLW0108
    ("command-password", "deploy --api-token={}", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "<user>bob</user><password>{}</password>", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "<client><secret>{}</secret></client>", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "<apikey>{}</apikey>", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "| user | bob |\n| password | {} |\n", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "- **Password**: {}", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "The password for staging is {}.", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "La contrase\u00f1a de la base de datos es {}.", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "Mot de passe du serveur : {}", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "Das Kennwort f\u00fcr das WLAN lautet {}.", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "\u043f\u0430\u0440\u043e\u043b\u044c \u043e\u0442 \u0431\u0430\u0437\u044b: {}", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "\u6570\u636e\u5e93\u5bc6\u7801\uff1a{}\uff0c\u8bf7\u4fdd\u5bc6", lambda r: _word(r)),  # noqa: PLW0108
    ("password", "The root password was changed to {}, tell Ada", lambda r: _word(r)),  # noqa: PLW0108
)  # fmt: skip
"""Told by what stands around them: kind, text, secret."""


def _word(random: Random) -> str:
    return "K" + _some(random, _LOWER, 5) + "9" + _some(random, _ALNUM, 6)


def _jwt(random: Random) -> str:
    parts = (
        b'{"alg":"HS256","typ":"JWT"}',
        b'{"sub":"%d","name":"Ada"}' % random.randrange(10**9),
        random.randbytes(32),
    )
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _uuid(random: Random) -> str:
    return "-".join(_some(random, _HEX, size) for size in (8, 4, 4, 4, 12))


def _pem(random: Random) -> str:
    body = b64encode(random.randbytes(900)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    name = random.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----"


_SENTENCES = (
    "The CI uses {}, rotate it in March.",
    "key: {}",
    'export TOKEN="{}"',
    "We tried `{}` first.\nIt worked.",
    "curl -H 'X-Key: {}' https://api.internal/v1",
    "{}",
    "(see {})",
)
_ASSIGNMENTS = (
    "{label}={value}", '{label}: "{value}"', "{label} = '{value}'", "export {label}={value}\nmake deploy",
    '{{"{label}": "{value}"}}', "The {label} is {value}, ask Ada.", "set {label} to {value}", "{label} := `{value}`",
)  # fmt: skip


def secrets(random: Random) -> Iterator[Secret]:
    """Each kind in each place where it may stand."""
    for kind, make in _TOKENS.items():
        for sentence in _SENTENCES:
            made = make(random)
            yield Secret(kind, made, sentence.format(made))
    for kind, (label, make) in _LABELLED.items():
        for form in _ASSIGNMENTS:
            made = make(random)
            yield Secret(kind, made, form.format(label=label, value=made))
    for _ in range(6):
        yield from _placed(random)
        for kind, text, make in _SHAPED:
            made = make(random)
            yield Secret(kind, made, text.format(made))


def _placed(random: Random) -> Iterator[Secret]:
    pem = _pem(random)
    yield Secret("private-key", pem, f"The host key:\n{pem}\nkeep it")
    folded = pem.replace("\n", "\\n")
    yield Secret("private-key", folded, f'{{"private_key": "{folded}"}}')
    password = _some(random, _ALNUM, 12)
    yield Secret(
        "url-password", password, f"postgresql://app:{password}@db.internal:5432/shop is the database"
    )
    yield Secret("url-password", password, f"redis is at redis://:{password}@10.0.0.7/0")
    bearer = _some(random, _ALNUM, 40)
    yield Secret("authorization-header", bearer, f"Authorization: Bearer {bearer}")
    basic = b64encode(f"ada:{password}".encode()).decode()
    yield Secret(
        "authorization-header", basic, f'curl -H "Authorization: Basic {basic}" https://api.internal'
    )
    yield Secret("curl-password", password, f"curl -s -u ada:{password} https://api.internal/health")


def kinds() -> tuple[str, ...]:
    shaped = [kind for kind, *_ in _SHAPED]
    others = ("private-key", "url-password", "authorization-header", "curl-password")
    return tuple(dict.fromkeys((*_TOKENS, *_LABELLED, *shaped, *others)))
