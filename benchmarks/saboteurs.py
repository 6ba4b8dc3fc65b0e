"""Which clause of the certification kit catches which adapter that was broken on purpose.

    uv run python benchmarks/saboteurs.py > docs/saboteurs.md

The small ports: every saboteur against every clause of its port, but for those that explore (their schedules catch
nearly everything, and take long) and those that count what is left of many names (which take long). Storage, with its
hundreds of both: the pairs that the saboteurs name, each shown to hold by `tests/unit/test_storage_saboteurs.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import warnings
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.unit.saboteurs.storage_table import SABOTEURS  # noqa: E402 - same
from tests.unit.test_small_saboteurs import CAUGHT, PORTS, Port, clauses_of, saboteurs_of  # noqa: E402 - same

from agent_memory_contract import suite  # noqa: E402 - found by the line before
from agent_memory_contract.suite import Undeclared  # noqa: E402 - same

_SAID = (__doc__ or "").split("\n\n")
HEAD = f"""# What each clause catches

Generated: `uv run python benchmarks/saboteurs.py > docs/saboteurs.md`. Adapters that are broken on purpose, one promise
each (`tests/unit/saboteurs*`), and the clauses that find them. {_SAID[2]}"""
HANG = 1.5
"""Real seconds after which a clause is taken to have caught what it waits for."""


def takes_long(contract: type, name: str) -> bool:
    return getattr(contract, name).__module__.endswith(("_explored", ".forgetting"))


async def is_caught(port: Port, name: str, kind: type) -> bool | None:
    """None where it cannot be tried outside pytest."""
    method = getattr(port.contract(), name)
    asked = set(inspect.signature(method).parameters) - {"harness"}
    if asked - {"seed"}:
        return None
    try:
        async with asyncio.timeout(HANG):
            await method(port.harness(kind), **dict.fromkeys(asked, 0))
    except Undeclared:
        return None
    except (*CAUGHT, Exception):  # noqa: BLE001 - a saboteur of another clause may fail in any way
        return True
    return False


def matrix(port: Port) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """By clause: the saboteurs made for it, and the others that it catches."""
    named: dict[str, list[str]] = defaultdict(list)
    also: dict[str, list[str]] = defaultdict(list)
    for clause, kind in saboteurs_of(port):
        named[clause].append(kind.__name__)
    kinds = {kind.__name__: kind for _, kind in saboteurs_of(port)}
    for clause, name in sorted(clauses_of(port.contract).items()):
        if takes_long(port.contract, name):
            continue
        for title, kind in sorted(kinds.items()):
            if title not in named[clause] and asyncio.run(is_caught(port, name, kind)):
                also[clause].append(title)
        print(clause, len(also[clause]), file=sys.stderr, flush=True)
    return named, also


def table(clauses: list[str], named: dict[str, list[str]], also: dict[str, list[str]]) -> list[str]:
    lines = ["| clause | made for it | caught too |", "|---|---|---|"]
    lines += [f"| {each} | {', '.join(named[each])} | {', '.join(also[each])} |" for each in clauses]
    return [*lines, ""]


def main() -> None:
    logging.disable()
    warnings.simplefilter("ignore")
    suite.SAFETY = HANG
    print(HEAD)
    for port in PORTS:
        named, also = matrix(port)
        print(f"## {port.contract.__name__}\n")
        print("\n".join(table(sorted(clauses_of(port.contract)), named, also)))
    storage: dict[str, list[str]] = defaultdict(list)
    for clause, kind in SABOTEURS:
        storage[clause].append(kind.__name__)
    others = {
        clause: sorted({title for title in titles if sum(title in each for each in storage.values()) > 1})
        for clause, titles in storage.items()
    }
    print("## StorageContract\n\nThe last column: those that other clauses are shown to catch as well.\n")
    print("\n".join(table(sorted(storage, key=lambda each: int(each.partition("-")[2])), storage, others)))


if __name__ == "__main__":
    main()
