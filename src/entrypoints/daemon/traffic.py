"""What a client has asked and the daemon has not answered: known from the bytes that pass, with no I/O of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .link import MARK, json_object
from .resubscribing import ANSWER_TO_OURS, Subscribed

if TYPE_CHECKING:
    from typing import Any

    Key = int | str

LONGEST_LINE = 5 * 1024 * 1024
"""Above what the server takes: it says so itself. What is beyond is dropped here, so that memory stays bounded."""
UNKNOWN = -32010
"""The server's own code for `not now`: SERVER_BUSY in `mcp/messages.py`."""
_ANSWER = b'{"jsonrpc":"2.0","id":'
_LONG_ID = 2048
_DECODER = json.JSONDecoder()
_CAUGHT = "the memory's daemon went away during this call, which may have been done or not: look before you repeat it"
_NOT_DONE = "the memory's daemon is away: this call was not done, and may be repeated"
_SUBSCRIBING = ("resources/subscribe", "resources/unsubscribe")
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


class _Message:
    """A line of the client's. `key` is a request's id; what is no request, or cannot be read, has none: the daemon
    judges, this only watches.
    """

    __slots__ = ("cancels", "initialized", "key", "line", "opens", "subscribes")

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.key: Key | None = None
        self.cancels: Key | None = None
        self.opens = self.initialized = False
        self.subscribes: tuple[str, str] | None = None
        facts = json_object(line) or {}
        method = facts.get("method")
        if not isinstance(method, str):
            return
        self.key = _id(facts.get("id"))
        if self.key is not None:
            self.opens = method == "initialize"
            if method in _SUBSCRIBING:
                asked: Any = facts.get("params")
                uri: Any = asked.get("uri") if hasattr(asked, "get") else None
                self.subscribes = (method, uri) if isinstance(uri, str) else None
        elif method == "notifications/initialized":
            self.initialized = True
        elif method == "notifications/cancelled":
            params: Any = facts.get("params")
            self.cancels = _id(params.get("requestId")) if hasattr(params, "get") else None


def _id(value: object) -> Key | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


class Traffic:
    """Feed it what the client says (`asked`), take what is to be sent (`next_lines`), feed what the daemon says
    (`answered`). After a loss: `lost`, then on the new connection `greeting` and `greeted`.
    """

    def __init__(self) -> None:
        self._partial = bytearray()
        self._dropping = False
        self._waiting: list[_Message] = []
        self._unanswered: dict[Key, _Message] = {}
        self._down = bytearray()
        self._goodbye = False
        self._initialize: tuple[Key, bytes] | None = None
        self._initialize_answer = b""
        self._initialized = False
        self._subscribed = Subscribed()
        self.queued = 0
        """Bytes that wait to be sent."""

    @property
    def open_calls(self) -> int:
        return len(self._unanswered)

    @property
    def idle(self) -> bool:
        """Nothing is left to send, and nothing to be answered."""
        return not self._waiting and not self._unanswered

    def asked(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        for piece in whole:
            if self._dropping:
                self._dropping = False
            else:
                self._partial += piece
            self._take(bytes(self._partial))
            self._partial.clear()
        if not self._dropping:
            self._partial += rest
            if len(self._partial) > LONGEST_LINE:
                del self._partial[LONGEST_LINE:]
                self._dropping = True

    def asked_all(self) -> None:
        """The client says no more. A last line without its end counts."""
        self._take(bytes(self._partial))
        self._partial.clear()

    def next_lines(self, most: int, calls: int | None = None) -> bytes:
        """About `most` bytes of whole lines. From now on they count as sent. At most `calls` unanswered requests."""
        taken: list[bytes] = []
        size = used = 0
        for message in self._waiting:
            if size >= most or (calls is not None and len(self._unanswered) >= calls):
                break
            if message.key is not None:
                self._unanswered[message.key] = message
                if message.subscribes is not None:
                    self._subscribed.sent(message.key, *message.subscribes)
            elif message.cancels is not None:
                self._unanswered.pop(message.cancels, None)
            elif message.initialized:
                self._initialized = True
            taken.append(message.line)
            size += len(message.line)
            used += 1
        del self._waiting[:used]
        self.queued -= size
        return b"".join(taken)

    def answered(self, data: bytes) -> bytes:
        """What of it goes to the client: whole lines only, without those of the link."""
        end = data.rfind(b"\n") + 1
        if not end:
            self._down += data
            return b""
        block = bytes(self._down) + data[:end]
        self._down[:] = data[end:]
        ours = False
        for line in block.split(b"\n"):
            if line.startswith(ANSWER_TO_OURS):
                ours = True
            elif line.startswith(_ANSWER):
                self._close(line)
            elif line.startswith(MARK):
                ours = True
                self._goodbye = b'"goodbye"' in line
        return b"".join(map(self._told, block.split(b"\n")[:-1])) if ours else block

    def _told(self, line: bytes) -> bytes:
        if line.startswith(ANSWER_TO_OURS):
            return self._subscribed.renewed(line)
        return b"" if line.startswith(MARK) else line + b"\n"

    def lost(self) -> tuple[int, bytes]:
        """The connection has ended. How many calls were caught by it, and the errors that answer them.

        After a goodbye there are none: what is unanswered was not read, and will be sent again, in order. So is an
        `initialize` in any case: it does nothing that could be done twice.
        """
        self._down.clear()
        opening = (
            self._initialize[0] if self._initialize is not None and not self._initialize_answer else None
        )
        again = [message for key, message in self._unanswered.items() if self._goodbye or key == opening]
        caught = [key for key in self._unanswered if not self._goodbye and key != opening]
        self._unanswered.clear()
        self._subscribed.lost()
        self._waiting[:0] = again
        self.queued += sum(len(message.line) for message in again)
        self._goodbye = False
        return len(caught), _errors(
            caught,
            "the memory's daemon went away during this call: it may have been done or not; look before you repeat it",
        )

    def given_up(self) -> bytes:
        """Errors for what was never sent, and will not be."""
        keys = [message.key for message in self._waiting if message.key is not None]
        self._waiting.clear()
        self.queued = 0
        return _errors(keys, _NOT_DONE)

    def greeting(self) -> bytes:
        """What opens the session again on a new connection: nothing where the revision knows no handshake."""
        if self._initialize is None or not self._initialize_answer:
            return b""
        return self._initialize[1]

    def greeted(self, answer: bytes) -> bytes | None:
        """What to say to the daemon's answer to that, or None where it is not what the client was told once."""
        if answer != self._initialize_answer:
            return None
        return (_INITIALIZED if self._initialized else b"") + self._subscribed.again()

    def _take(self, line: bytes) -> None:
        if line and not line.isspace():
            message = _Message(line + b"\n")
            self._waiting.append(message)
            self.queued += len(message.line)
            if message.opens:
                assert message.key is not None
                self._initialize = (message.key, message.line)
                self._initialize_answer = b""

    def _close(self, line: bytes) -> None:
        text = line[len(_ANSWER) : len(_ANSWER) + _LONG_ID].decode("utf-8", "replace")
        try:
            key, _ = _DECODER.raw_decode(text)
        except ValueError:
            key = json.loads(line)["id"]
        self._unanswered.pop(key, None)
        self._subscribed.answered(key, line)
        if self._initialize is not None and key == self._initialize[0] and not self._initialize_answer:
            self._initialize_answer = line + b"\n"


def _errors(keys: list[Key], message: str) -> bytes:
    error = {"code": UNKNOWN, "message": message}
    lines = [{"jsonrpc": "2.0", "id": key, "error": error} for key in keys]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
