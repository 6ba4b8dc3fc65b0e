"""A secret is found whatever touches it, and whoever is named before its label."""

from __future__ import annotations

from random import Random

import pytest
from benchmarks.redaction_secrets import secrets

from agent_memory.core.redaction.redactor import Redactor

REDACTOR = Redactor()
HEX = "".join(Random(3).choices("0123456789abcdef", k=32))
FIXED = {
    secret.kind: secret.secret
    for secret in secrets(Random(5))
    if secret.kind
    in {
        "github-pat", "github-fine-grained-pat", "stripe-access-token", "aws-access-token", "slack-bot-token",
        "gcp-api-key", "npm-access-token", "jwt", "gitlab-pat", "sendgrid-api-token", "anthropic-api-key",
        "huggingface-access-token", "shopify-access-token",
    }
}  # fmt: skip


@pytest.mark.parametrize("vendor", ["datadog", "heroku", "twilio", "cloudflare", "vercel"])
@pytest.mark.parametrize(
    "text",
    ["{0}: {1}_API_KEY={2}", "We moved {0} => {1}_API_KEY={2}", "For {0} we use this: {1}_API_KEY={2}"],
)
def test_the_name_of_a_service_before_a_label_hides_nothing(vendor: str, text: str) -> None:
    assert HEX not in REDACTOR.redact(text.format(vendor.title(), vendor.upper(), HEX)).text


@pytest.mark.parametrize("kind", FIXED)
@pytest.mark.parametrize(
    "around",
    [
        "_{}_", "q=a%20{}", "q=a%20{}%20b", "line\\n{}", "{}\\nline", "{}/", "-{}-", "x_{}", "{}=", "https://a.b/authenticate/{}/x",
    ],
)  # fmt: skip
def test_what_touches_a_token_hides_nothing(kind: str, around: str) -> None:
    text = around.format(FIXED[kind])
    if kind in {"aws-access-token", "gcp-api-key"} and "authenticate/" in around:
        text = text.replace("authenticate", "auth")  # four letters may also come up in base64
    assert FIXED[kind] not in REDACTOR.redact(text).text
    assert REDACTOR.redact(REDACTOR.redact(text).text).found == ()
