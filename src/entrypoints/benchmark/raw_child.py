"""The floor of a call over stdio: a loop that reads a line, does the least with SQLite, and writes a line.

Run as a program with the database's path. A line is a JSON array: the operation, then its arguments.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from .raw_store import RawStore


def answer(store: RawStore, operation: str, arguments: list[Any]) -> object:
    match operation:
        case "add":
            store.add([(arguments[0], arguments[1], None)])
            return arguments[0]
        case "change":
            store.change(arguments[0], arguments[1])
            return arguments[0]
        case "get":
            return store.get(arguments[0])
        case "search":
            return store.search(arguments[0], arguments[1])
        case _:
            raise ValueError(operation)


def main(path: str) -> None:
    store = RawStore(Path(path))
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            operation, *arguments = msgspec.json.decode(line)
            os.write(1, msgspec.json.encode(answer(store, operation, arguments)) + b"\n")
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
