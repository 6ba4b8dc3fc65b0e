"""What every measurement needs: a folder, children on files in it, stores of a given size."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..commands.clients import own_command
from ..settings import PREFIX
from .calls import HANDSHAKE, INITIALIZED, calls, result_of, results_of
from .corpus import Corpus
from .line_child import LineChild
from .raw_store import RawStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_BATCH = 256


class Bench:
    """`quick` shrinks every count: the figures are then rough, but each measurement is tried."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.corpus = Corpus()
        self._stores: dict[int, Path] = {}
        self._raw: dict[int, Path] = {}
        self._fresh = 0

    def scaled(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def fresh_path(self) -> Path:
        self._fresh += 1
        return self.folder / f"fresh-{self._fresh}.db"

    @contextmanager
    def server(self, path: Path) -> Generator[LineChild]:
        """The real thing, past its handshake, at the settings' defaults."""
        with self.unopened_server(path) as child:
            child.ask(HANDSHAKE)
            child.send(INITIALIZED)
            yield child

    def unopened_server(self, path: Path) -> LineChild:
        program, arguments = own_command()
        return LineChild(
            [program, *arguments, "mcp"],
            {
                **_neutral_environment(),
                PREFIX + "DB_PATH": str(path),
                PREFIX + "DB_BUSY_TIMEOUT_MS": "30000",
            },
        )

    def raw_child(self, path: Path) -> LineChild:
        RawStore(path).close()
        module = f"{__package__}.raw_child"
        return LineChild([sys.executable, "-m", module, str(path)], _neutral_environment())

    def store_of(self, entries: int) -> Path:
        """A store that holds so many entries (made once; measurements may have added a few)."""
        if entries not in self._stores:
            path = self.folder / f"store-{entries}.db"
            texts = self.corpus.take(entries)
            batches = [texts[start : start + _BATCH] for start in range(0, entries, _BATCH)]
            lines = calls(
                "memory_remember", ({"entries": [{"content": t} for t in some]} for some in batches)
            )
            with self.server(path) as server:
                results_of(server.many_at_once(lines, 4))
            self._stores[entries] = path
        return self._stores[entries]

    def raw_store_of(self, entries: int) -> Path:
        """The floor's file of the same size, filled alike. Ids are the entries' numbers."""
        if entries not in self._raw:
            path = self.folder / f"raw-{entries}.db"
            store = RawStore(path)
            rows = [(str(number), text, None) for number, text in enumerate(self.corpus.take(entries))]
            for start in range(0, entries, _BATCH):
                store.add(rows[start : start + _BATCH])
            store.close()
            self._raw[entries] = path
        return self._raw[entries]

    def ids_in(self, path: Path, count: int) -> list[str]:
        """Ids of entries of the store, the newest ones."""
        found: list[str] = []
        lines = calls("memory_recall", [{"query": "", "limit": 100, "max_tokens": 100_000}])
        with self.server(path) as server:
            found += [one["id"] for one in result_of(server.ask(lines[0]))["results"]]
            while len(found) < count:
                extra = calls(
                    "memory_remember", [{"entries": [{"content": t} for t in self.corpus.take(_BATCH)]}]
                )
                found += [one["id"] for one in result_of(server.ask(extra[0]))["results"]]
        return found[:count]


def bare_python() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True, env=_neutral_environment())


def _neutral_environment() -> dict[str, str]:
    """Whatever this user has set for his own memory must not reach a measurement, nor what makes every start compile
    the program again.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) and name != "PYTHONDONTWRITEBYTECODE"
    }
