"""What a client of an older era has subscribed to: a daemon that takes over is asked for the same again.

Where the revision knows no handshake nothing is needed: a subscription there is a request in flight, which ends with
its daemon, and the client sees that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .link import json_object

if TYPE_CHECKING:
    Key = int | str

_OURS = "agent-memory-again-"
ANSWER_TO_OURS = b'{"jsonrpc":"2.0","id":"' + _OURS.encode()


class Subscribed:
    def __init__(self) -> None:
        self._uris: dict[str, None] = {}
        self._asked: dict[Key, str] = {}

    def sent(self, key: Key, method: str, uri: str) -> None:
        """One of the client's requests is on its way."""
        if method == "resources/unsubscribe":
            self._uris.pop(uri, None)
        else:
            self._asked[key] = uri

    def answered(self, key: Key, line: bytes) -> None:
        uri = self._asked.pop(key, None)
        if uri is not None and "result" in (json_object(line) or {}):
            self._uris[uri] = None

    def lost(self) -> None:
        self._asked.clear()

    def again(self) -> bytes:
        """The requests for a new daemon."""
        return b"".join(
            _line({"id": _OURS + uri, "method": "resources/subscribe", "params": {"uri": uri}})
            for uri in self._uris
        )

    @staticmethod
    def renewed(line: bytes) -> bytes:
        """For the client, in place of the answer to one of them: what changed meanwhile nobody has told it."""
        key = (json_object(line) or {}).get("id", "")
        params = {"uri": str(key).removeprefix(_OURS)}
        return _line({"method": "notifications/resources/updated", "params": params})


def _line(message: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"
