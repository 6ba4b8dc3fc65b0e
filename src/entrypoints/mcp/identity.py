"""Who the server is and what it offers, as a client is told in either era."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .messages import SERVER_INFO_KEY, STATELESS_REVISIONS, SUBSCRIPTION_KEY

if TYPE_CHECKING:
    from .messages import RequestId

# Identity and tool list are fixed while the process lives; a client that restarts it asks again anyway.
DISCOVER_TTL_MS = 3_600_000

_METHODS = {
    "tools": ("tools/list", "tools/call"),
    "resources": ("resources/list", "resources/templates/list", "resources/read"),
    "prompts": ("prompts/list", "prompts/get"),
    "completions": ("completion/complete",),
}
SUBSCRIBE, UNSUBSCRIBE = "resources/subscribe", "resources/unsubscribe"
LISTEN = "subscriptions/listen"
"""What the stateless era has in their place."""


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """`instructions` tell a model how to use the server; they go with the handshake, not with the identity."""

    name: str
    version: str
    title: str | None = None
    description: str | None = None
    website_url: str | None = None


class Identity:
    """The bodies that never change, made once."""

    def __init__(
        self,
        info: ServerInfo,
        *,
        offers: frozenset[str],
        subscribes: bool = False,
        instructions: str | None = None,
    ) -> None:
        """`offers` names capabilities: `tools`, `resources`, `prompts`, `completions`. `subscribes`: whether changes
        of resources are told.
        """
        self.info = info
        methods = frozenset(method for name in offers for method in _METHODS[name])
        self.handshake_methods = methods.union((SUBSCRIBE, UNSUBSCRIBE) if subscribes else ())
        self.stateless_methods = methods.union((LISTEN,) if subscribes else ())
        self._capabilities = {name: _NOTHING for name in _METHODS if name in offers}
        if subscribes:
            self._capabilities["resources"] = {"subscribe": True}
        self._instructions = {} if instructions is None else {"instructions": instructions}
        self.stateless_tail = self._tail({SERVER_INFO_KEY: info})

    def stream_tail(self, subscription: RequestId) -> bytes:
        """Of the result that ends a subscription."""
        return self._tail({SUBSCRIPTION_KEY: subscription, SERVER_INFO_KEY: self.info})

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

    @staticmethod
    def _tail(meta: dict[str, object]) -> bytes:
        return b'"resultType":"complete","_meta":' + msgspec.json.encode(meta) + b"}"


_NOTHING: dict[str, object] = {}
