"""A child for `StdioClient` to talk to: it does with each line what its arguments say."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


HELD: list[dict[str, Any]] = []


def echo(number: Any, params: Any) -> None:
    say({"id": number, "result": {"params": params}})


def hold(number: Any, params: Any) -> None:
    """Answered, in reverse order, by `release`."""
    HELD.append({"id": number, "result": params["n"]})


def release(number: Any, _params: Any) -> None:
    for answer in (*reversed(HELD), {"id": number, "result": None}):
        say(answer)


def fail(number: Any, _params: Any) -> None:
    say({"id": number, "error": {"code": -32602, "message": "no such thing", "data": [1]}})


def babble(_number: Any, _params: Any) -> None:
    sys.stdout.write("Hello!\n")
    sys.stdout.flush()


def ask(number: Any, _params: Any) -> None:
    say({"id": "q1", "method": "ping"})
    say({"id": "q2", "method": "sampling/createMessage"})
    say({"id": number, "result": [json.loads(sys.stdin.readline()) for _ in range(2)]})


def die(_number: Any, _params: Any) -> None:
    sys.stderr.write("the disk is on fire\n")
    sys.exit(3)


def initialize(number: Any, params: Any) -> None:
    say({"id": number, "result": {"protocolVersion": params["protocolVersion"]}})


def heard(number: Any, _params: Any) -> None:
    """The notifications so far."""
    say({"id": number, "result": NOTIFIED})


def call(number: Any, params: Any) -> None:
    content = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    say({"id": number, "result": {"content": content, "structuredContent": params, "isError": True}})


def silence(_number: Any, _params: Any) -> None:
    """No answer, ever."""


NOTIFIED: list[dict[str, Any]] = []
METHODS = {
    "ask": ask, "babble": babble, "die": die, "echo": echo, "fail": fail, "heard": heard, "hold": hold,
    "initialize": initialize, "release": release, "silence": silence, "tools/call": call,
}  # fmt: skip


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        method, params = message["method"], message.get("params", {})
        if "id" in message:
            METHODS[method](message["id"], params)
        else:
            NOTIFIED.append({"method": method, "params": params})


if __name__ == "__main__":
    main()
    if "--linger" in sys.argv:  # stdin has ended, and it stays
        import signal
        import threading

        if "--deaf" in sys.argv:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Event().wait()
