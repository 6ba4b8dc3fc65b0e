"""Who the server is and what it offers, as a client is told in either era."""

from __future__ import annotations

import msgspec

from .messages import SERVER_INFO_KEY, STATELESS_REVISIONS

# Identity and tool list are fixed while the process lives; a client that restarts it asks again anyway.
DISCOVER_TTL_MS = 3_600_000

_METHODS = {
    "tools": ("tools/list", "tools/call"),
    "resources": ("resources/list", "resources/templates/list", "resources/read"),
    "prompts": ("prompts/list", "prompts/get"),
    "completions": ("completion/complete",),
}


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """`instructions` tell a model how to use the server; they go with the handshake, not with the identity."""

    name: str
    version: str
    title: str | None = None
    description: str | None = None
    website_url: str | None = None


class Identity:
    """The bodies that never change, made once."""

    def __init__(self, info: ServerInfo, *, offers: frozenset[str], instructions: str | None = None) -> None:
        """`offers` names capabilities: `tools`, `resources`, `prompts`, `completions`."""
        self.info = info
        self.methods = frozenset(method for name in offers for method in _METHODS[name])
        self._capabilities = {name: _NOTHING for name in _METHODS if name in offers}
        self._instructions = {} if instructions is None else {"instructions": instructions}
        stamp = msgspec.json.encode({SERVER_INFO_KEY: info})
        self.stateless_tail = b'"resultType":"complete","_meta":' + stamp + b"}"

    def initialized(self, revision: str) -> bytes:
        return msgspec.json.encode(
            {
                "protocolVersion": revision,
                "capabilities": self._capabilities,
                "serverInfo": self.info,
                **self._instructions,
            }
        )

    def discovered(self) -> bytes:
        return msgspec.json.encode(
            {
                "supportedVersions": STATELESS_REVISIONS,
                "capabilities": self._capabilities,
                **self._instructions,
            }
        )


_NOTHING: dict[str, object] = {}
