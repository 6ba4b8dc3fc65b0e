"""What goes out, as lines. One place knows how a message is framed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from .content import CacheHint
    from .messages import RequestId

_encode = msgspec.json.Encoder().encode


class _Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    data: object = None


class _Progress(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    progress_token: int | str
    progress: float
    total: float | None = None
    message: str | None = None


def result(
    identifier: RequestId, body: object, *, tail: bytes | None = None, cache: CacheHint | None = None
) -> bytes:
    """`body` is, or encodes to, a JSON object; `tail` are members to add to it, closing brace included.

    `cache` is only said together with a tail: the handshake eras do not know it.
    """
    text = body if isinstance(body, bytes) else _encode(body)
    if not (text.startswith(b"{") and text.endswith(b"}")):
        raise ValueError("a result must be a JSON object")
    if tail is not None:
        hint = (
            b"" if cache is None else b'"ttlMs":%d,"cacheScope":"%s",' % (cache.ttl_ms, cache.scope.encode())
        )
        separator = b"" if text == b"{}" else b","
        text = text[:-1] + separator + hint + tail
    return b'{"jsonrpc":"2.0","id":' + _encode(identifier) + b',"result":' + _one_line(text) + b"}\n"


def error(identifier: RequestId | None, code: int, message: str, data: object = None) -> bytes:
    failure = _encode(_Failure(code, message, data))
    return b'{"jsonrpc":"2.0","id":' + _encode(identifier) + b',"error":' + _one_line(failure) + b"}\n"


def notification(method: str, params: object = None) -> bytes:
    body: dict[str, object] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        body["params"] = params
    return _one_line(_encode(body)) + b"\n"


def progress(token: RequestId, done: float, total: float | None, message: str | None) -> bytes:
    return notification("notifications/progress", _Progress(token, done, total, message))


def _one_line(text: bytes) -> bytes:
    # In JSON a bare newline only ever stands between tokens (from a `Raw` that someone indented).
    return text.replace(b"\n", b" ") if b"\n" in text else text
