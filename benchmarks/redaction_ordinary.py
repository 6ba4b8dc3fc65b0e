"""Texts that hold no secret, however much they look like it: not a character of them may be changed."""

# ruff: noqa: E501, RUF001 - texts as they are

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b, md5, sha1, sha256, sha512
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

PROSE = (
    "The password policy asks for twelve characters, one of them a digit.",
    "Passwords are hashed with argon2id; the pepper is in the vault, not in the database.",
    "Ada said: rotate the token every 90 days, and tell nobody but the on-call engineer.",
    "The API key is stored in 1Password, item 'staging-2024', vault Platform.",
    "The API key is AWS4-HMAC-SHA256 signed, so clocks must agree within 5 minutes.",
    "password: required, at least 12 characters",
    "Password is case-sensitive2 in some clients; see ticket ABC-1234.",
    "token: the unit that a tokenizer makes, about 4 characters of English",
    "Set the token to expire after 3600s, and refresh it at 3000s.",
    "The secret is to begin with the end. The key is practice.",
    "The secret is kept in the keychain since 2024-03-01.",
    "Basic authentication was removed in v2.3.1; use bearer tokens instead.",
    "The bearer token must be sent in the Authorization header; the format is `Authorization: Bearer <token>`.",
    "Authorization: none of the endpoints under /public needs it.",
    "The access key for the office is with Bob (room 4.12).",
    "max_tokens: 4096, temperature: 0.2, stop_token: <|endoftext|>",
    "The fencing token was 12345678901 and the holder agent-7/worker-3.",
    "next_page_token: eyJvZmZzZXQiOjEwMH0",
    "csrf_token: 8c7dd922ad47494fc02c388e12c00eac is in the form, as a hidden field",
    "Our primary key is user_id_v2, the sort key is created_at_2024.",
    "Public key fingerprint: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "The cache key is acme/shop:v3:entries:2026-03-01T09:30:00Z.",
    "idempotency_key: order-2026-03-01-0001",
    "The build key is build-4711-linux-x86_64.",
    "secret santa: 12 people, budget 20 euros, 2026-12-18",
    "The credentials are in AWS Secrets Manager under prod/shop/db-2.",
    "credentials: ~/.aws/credentials2, profile shop-prod",
    "private_key: /etc/ssl/private/shop-2026.pem",
    "secret: app-tls-2024",
    "The webhook secret is WEBHOOK_SECRET_V2 in the environment.",
    "password = os.environ['DB_PASSWORD_2']",
    "password: ${DB_PASSWORD_2}",
    "password: {{ vault_db_password2 }}",
    "password=changeme123",
    "api_key = 'YOUR_API_KEY_HERE_123'",
    "api_key: xxxxxxxxxxxxxxxxxxxxxxxxxxxx1234",
    "token: <your-token-here-1>",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "postgres://user:password@localhost:5432/app",
    "postgres://postgres:postgres@localhost/test is for the tests",
    "mongodb://<user>:<pass1234>@cluster0.mongodb.net",
    "redis://:$REDIS_PASSWORD1@redis:6379/0",
    "https://user@example.org:8443/path?x=1#frag",
    "https://github.com/acme/shop/pull/1234#issuecomment-1234567890",
    "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "See RFC 6749, section 4.1.2: code=SplxlOBeZQQYbYS6WxSbIA is an example of a code.",
    "curl -u user:password https://api.example.com",
    "curl -u $USER:$TOKEN1 https://api.internal",
    "curl -H 'Authorization: Bearer $TOKEN1' https://api.internal",
    "The JWT has three parts: header.payload.signature, each in base64url.",
    "eyJhbGciOiJIUzI1NiJ9 is what the header of every HS256 token begins with.",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvUzc8vWq5QF3yT9z\n-----END PUBLIC KEY-----",
    "A private key file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4fMNXJ0cpVQx3vR6uT2xN1mE3bCq8Rk3d1Ew0aYzJH ada@laptop",
    "Ticket SK-1234 and SKU SK0042-BLUE-XL are the same thing.",
    "s.example.org.2024 and s.join(parts).strip() are not tokens.",
    "v1.0-rc1, v1.0-beta2, 2.0.0+build.1848",
    "Die Kennwörter liegen im Tresor; das Passwort: mindestens 12 Zeichen.",
    "密码：至少十二个字符，包含数字2和字母。パスワードは12文字以上です。",
    "Пароль: не менее 12 символов",
    "Meet at 10:30 in room B2:14, bring laptop=yes, lunch=no12345.",
    "x=1234567890 y=0987654321 z=abcdef1234",
    "Flight LH2034, booking code X7KQ2M, seat 12A, 2026-03-01.",
    "IBAN DE89 3704 0044 0532 0130 00, VAT DE123456789, phone +49 30 1234567",
    "The pass rate is 98.7%2 of tests; bypass: feature_flag_2024",
    "compass: north-12.5deg; the passkey is on the YubiKey 5C",
    "keyboard: qwertz-2023, keynote: 2026-06-10T10:00:00Z",
    "The author is jdoe42@example.org, the token is jdoe42@example.org too.",
    "The secret to speed is batching64 and caching.",
)
"""Of people and agents, about secrets most of them."""

CODE = (
    "def hash_password(password: str, salt: bytes = b'') -> bytes:\n    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)\n",
    "token = response.json()['access_token']\nheaders = {'Authorization': f'Bearer {token}'}\n",
    "password = getpass.getpass(prompt='Password for user1: ')",
    "api_key = config.get('api_key', fallback=None) or settings.API_KEY_2",
    "self._token = secrets.token_urlsafe(32)\nself.secret_key = Fernet.generate_key()\n",
    "tokens = tokenizer.encode(text, max_length=512, truncation=True)\nassert tokens[0] == tokenizer.bos_token_id2\n",
    "const apiKey = process.env.API_KEY2;\nif (!apiKey) throw new Error('API_KEY2 is missing');\n",
    "export async function login(password: string, token?: AbortSignal): Promise<Session2> { return client.post('/login', { password }); }",
    "import { createHmac } from 'node:crypto';\nconst secret = createHmac('sha256', key).update(body).digest('hex');\n",
    'func NewClient(token string, opts ...Option) (*Client, error) {\n\treq.Header.Set("Authorization", "Bearer "+token)\n\treturn &Client{token: token}, nil\n}\n',
    'let password = std::env::var("DB_PASSWORD2").expect("DB_PASSWORD2");\nlet token: CancellationToken = token.child_token();\n',
    '@Value("${spring.datasource.password}")\nprivate String password;\nprivate static final String SECRET_KEY_ALIAS = "shop-key-2024";\n',
    '#define TOKEN_LENGTH 32\nstatic const char *password_prompt = "Password2:";\nuint32_t key = 0xdeadbeef;\n',
    "SELECT id, password_hash FROM users WHERE token_id = $1 AND api_key_id IN (SELECT id FROM api_keys2);",
    "CREATE TABLE secrets (id uuid PRIMARY KEY, secret_name text NOT NULL, version int DEFAULT 1);",
    '#!/bin/sh\nset -eu\nTOKEN=$(cat /run/secrets/token2)\ncurl -sSf -H "Authorization: Bearer ${TOKEN}" "$URL/v1"\n',
    "docker run -e POSTGRES_PASSWORD_FILE=/run/secrets/pg2 -p 5432:5432 postgres:16-alpine",
    "services:\n  db:\n    image: postgres:16.2\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password2\n    ports: ['5432:5432']\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: shop-2\n  namespace: prod\nsecrets:\n  - name: shop-token-7xk2p\n",
    "env:\n  GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}\n  NPM_TOKEN: ${{ secrets.NPM_TOKEN2 }}\n",
    'variable "db_password" {\n  type      = string\n  sensitive = true\n}\nresource "aws_db_instance" "main" { password = var.db_password2 }\n',
    '[tool.poetry.dependencies]\npython = "^3.11"\ncryptography = "^42.0.5"\npasslib = {version = "1.7.4", extras = ["argon2"]}\n',
    '{"name": "shop", "version": "1.2.3", "dependencies": {"jsonwebtoken": "^9.0.2", "passport": "~0.7.0"}}',
    '{"tokens": 1532, "prompt_tokens": 1200, "completion_tokens": 332, "model": "gpt-4-0613", "id": "chatcmpl-123"}',
    "server {\n  listen 443 ssl;\n  ssl_certificate_key /etc/ssl/private/shop2.key;\n  proxy_set_header Authorization $http_authorization;\n}\n",
    '<input type="password" name="password" id="password2" autocomplete="current-password" minlength=12>',
    ".password-field2 { color: #a1b2c3; width: calc(100% - 12px); }",
    "assert response.headers['WWW-Authenticate'] == 'Bearer realm=\"shop\", error=\"invalid_token\"'",
    "git log --format='%h %an %s' --since=2026-03-01 -- src/auth/token2.py",
    "ALTER ROLE app2 WITH PASSWORD NULL; GRANT SELECT ON users TO app2;",
    "class Token(NamedTuple):\n    kind: str\n    value: str\n    line: int = 0\n\nEOF_TOKEN = Token('eof', '', 0)\n",
    "key: str = field(default_factory=lambda: uuid4().hex)\nsecret: SecretStr = Field(min_length=12)\n",
    "password=password, token=token2, key=lambda item: item.created_at",
    "if token == expected_token1 or hmac.compare_digest(token, expected_token1):\n    session_token = rotate(token)\n",
    "PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher', 'django.contrib.auth.hashers.PBKDF2PasswordHasher']",
    "--token-file=/var/run/secrets/tokens/vault2 --password-stdin --secret-name=shop-db2",
)

LOGS = (
    "2026-03-01T09:30:00.123Z INFO  auth: token refreshed for user 4711 in 12ms request=4bf92f3577b34da6a3ce929d0e0e4736",
    "Mar  1 09:30:00 host sshd[1234]: Accepted publickey for ada from 10.0.0.7 port 51234 ssh2: ED25519 SHA256:abc123DEF456ghi789JKL012mno345PQR678stu901V",
    'ERROR: password authentication failed for user "app2" (SQLSTATE 28P01)',
    'level=warning msg="invalid token" code=401 path=/v1/login trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331',
    'Traceback (most recent call last):\n  File "/app/src/auth/token.py", line 42, in verify\n    raise InvalidToken2(token_id)\nInvalidToken2: 01a218fc-2db0-72c6-a416-c115ef0e667d',
    "==> Downloading https://mirror.acme.example/packages/aa/bb/3f2a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e/shop-1.0.whl",
    '10.0.0.7 - - [01/Mar/2026:09:30:00 +0000] "GET /login?next=%2Faccount%3Fid%3D42 HTTP/1.1" 302 0 "-" "Mozilla/5.0"',
    "Successfully built 3f2a9b8c7d6e\nSuccessfully tagged acme/shop:2026.03.01-4711",
    'kernel: [12345.678901] audit: type=1400 apparmor="DENIED" key="access" pid=4711 comm="shop2"',
    "PASSED tests/unit/test_password.py::test_a_password_is_hashed[argon2-12] in 0.12s",
)


def hashes(random: Random) -> Iterator[str]:
    """Random as secrets are, and none of them one."""
    for _ in range(20):
        data = random.randbytes(60)
        yield f"commit {sha1(data).hexdigest()}\nAuthor: Ada <ada@example.org>"
        yield f"sha256:{sha256(data).hexdigest()}  shop-1.0.tar.gz"
        yield f"{md5(data).hexdigest()}  shop.iso"
        yield f"sha512-{b64encode(sha512(data).digest()).decode()} is the integrity in the lock file"
        yield f"id: {UUID(bytes=data[:16], version=4)}, parent: {UUID(bytes=data[16:32], version=4)}"
        yield f'digest={blake2b(data, digest_size=16).hexdigest()} etag="{md5(data).hexdigest()}"'
        yield f"image acme/shop@sha256:{sha256(data).hexdigest()} was deployed"
        yield f"cache_key: {sha1(data).hexdigest()}, checksum = {sha256(data).hexdigest()}"
        yield f"SENTRY_RELEASE={sha1(data).hexdigest()} DATADOG_GIT_COMMIT_SHA={sha1(data[1:]).hexdigest()}"
        yield f"![plot](data:image/png;base64,iVBORw0KGgo{b64encode(random.randbytes(900)).decode()})"
        yield "\n".join(b64encode(random.randbytes(57)).decode() for _ in range(12))
        yield f"trace={data[:16].hex()} span={data[16:24].hex()} token_id={UUID(bytes=data[32:48], version=4)}"
        yield f"heroku app id {UUID(bytes=data[:16], version=4)}; squarespace site: {UUID(bytes=data[16:32], version=4)}"


def ordinary(random: Random) -> Iterator[str]:
    yield from PROSE
    yield from CODE
    yield from LOGS
    yield from hashes(random)
