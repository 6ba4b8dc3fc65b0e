"""What the contracts say, read from their own source: nobody who changes a class at run time changes this list."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import msgspec

from .suite import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONTRACT_CLASSES: Final[dict[str, str]] = {
    "storage": "storage_contract:StorageContract",
    "cache": "cache_contract:CacheContract",
    "lock": "lock_contract:LockContract",
    "event_bus": "event_bus_contract:EventBusContract",
    "rate_limiter": "rate_limiter_contract:RateLimiterContract",
    "circuit_breaker": "circuit_breaker_contract:CircuitBreakerContract",
    "embedder": "embedder_contract:EmbedderContract",
    "blob_store": "blob_store_contract:BlobStoreContract",
}
"""By port, the class that holds all clauses of its contract."""

_NUMBERED = re.compile(r"test_([a-z]+)_(\d+)_(\w+)")
_KIT = Path(__file__).resolve().parent


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the method's, `owner` the class that it stands in, `file` where that is."""

    id: str
    title: str
    meaning: str
    level: Level
    name: str
    owner: str
    file: str


def contract_class(port: str) -> type:
    module, _, name = CONTRACT_CLASSES[port].partition(":")
    return cast("type", getattr(import_module(f".{module}", __package__), name))


def clauses_of(*contracts: type) -> tuple[Clause, ...]:
    """In the order of their ids. A class that is no part of the kit contributes nothing."""
    found: dict[str, Clause] = {}
    for contract in contracts:
        for kind in contract.__mro__:
            if is_of_the_kit(kind):
                for clause in _clauses_in(_file_of(kind), kind.__name__):
                    found.setdefault(clause.name, clause)
    return tuple(sorted(found.values(), key=lambda clause: _order(clause.id)))


def up_to(level: Level, clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Those that are tried at this level."""
    return tuple(clause for clause in clauses if LEVELS.index(clause.level) <= LEVELS.index(level))


def fingerprint(clauses: Iterable[Clause]) -> str:
    """Equal for equal lists of clauses: their ids, names, meanings and levels."""
    text = "\n".join(f"{each.id} {each.name} {each.level} {each.meaning}" for each in clauses)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def is_of_the_kit(kind: type) -> bool:
    file = _file_of(kind)
    return (
        bool(file) and Path(file).parent == _KIT and not Path(file).name.startswith(("test_", "certified_"))
    )


def _file_of(kind: type) -> str:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return str(Path(file).resolve()) if file else ""


@cache
def _clauses_in(file: str, owner: str) -> tuple[Clause, ...]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return tuple(
        clause
        for kind in tree.body
        if isinstance(kind, ast.ClassDef) and kind.name == owner
        for clause in _clauses(kind, file)
    )


def _clauses(kind: ast.ClassDef, file: str) -> Iterator[Clause]:
    for method in kind.body:
        if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if numbered := _NUMBERED.fullmatch(method.name):
            words = numbered[3].replace("_", " ")
            yield Clause(
                id=f"{numbered[1].upper()}-{numbered[2]}",
                title=words[0].upper() + words[1:],
                meaning=" ".join((ast.get_docstring(method) or "").split()),
                level=_level(method),
                name=method.name,
                owner=kind.name,
                file=file,
            )


def _level(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Level:
    for mark in method.decorator_list:
        match mark:
            case ast.Call(func=ast.Name(id="level"), args=[ast.Constant(value=name)]) if name in LEVELS:
                return name
            case _:
                continue
    return "plain"


def _order(clause_id: str) -> tuple[str, int]:
    words, _, number = clause_id.rpartition("-")
    # What is said of every adapter stands before what is said of one port.
    return ("" if words == "ADAPTER" else words, int(number))
