"""`agent-memory certify`: each adapter in a process of its own, undisturbed by whatever plugins are installed."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_memory.entrypoints.registry import registered
from agent_memory.ports.adapter import GROUPS

from .certificate import Certificate
from .children import LINGER, LONGEST, Children, ended_by, sigterm_as_exit
from .pages import Untried, certified, in_short, read, write
from .selection import select
from .servers.run_folder import RUN_VARIABLE, begin_run, end_run
from .suite import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Callable


CERTIFIED, NOT_CERTIFIED, USAGE = 0, 1, 2

_LONGEST_FIRST = (
    ("storage", "postgresql"), ("embedder", "onnx"), ("cache", "redis"), ("lock", "redis"), ("lock", "postgresql"),
    ("event_bus", "postgresql"), ("cache", "in-process"), ("storage", "sqlite"), ("lock", "sqlite"),
    ("circuit_breaker", "redis"), ("rate_limiter", "redis"), ("event_bus", "redis"),
)  # fmt: skip
"""So that no long one is left for the end, when all others are done. As measured; the rest takes seconds."""
_OWN = "agent-memory"
_MANY = 2_000
_CLAUSE = re.compile(r"::test_([a-z]+)_(\d+)_\w+ *$")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    port: str
    name: str
    url: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    orders: tuple[Order, ...]
    level: Level = LEVELS[-1]
    seed: int = 0
    processes: int = 1


def order_of(name: str, *, port: str = "", url: str = "") -> Order:
    """`Misconfigured` for what cannot be tried."""
    selected = select(name, port=port, url=url)
    return Order(port=selected.registered.port, name=name, url=url)


def own_orders(port: str = "") -> tuple[Order, ...]:
    """The adapters that come with the program, those that take longest first."""
    ports = [port] if port else list(GROUPS)
    orders = [
        Order(port=each, name=one.name) for each in ports for one in registered(each) if one.package == _OWN
    ]
    return tuple(sorted(orders, key=_rank))


def certify(plan: Plan, report: Path | None, tell: Callable[[str], None]) -> int:
    """0: all are certified. `tell` hears of each as soon as it is known. Interrupted, it ends what it has begun: no
    process and no server stays.
    """
    begun = RUN_VARIABLE not in os.environ
    begin_run()
    children = Children()
    count = len(plan.orders)
    tell_result = tell
    if count > 1:
        tell(f"{count} adapters, level {plan.level}, {min(plan.processes, count)} at once; the longest first")
        tell_result = _numbered(tell, count)
    try:
        with sigterm_as_exit(), ThreadPoolExecutor(plan.processes) as pool:
            try:
                results = list(pool.map(partial(_try, plan, tell_result, children), plan.orders))
            except BaseException:
                children.end()
                raise
    finally:
        if begun:
            end_run()
    found = sorted(
        (each for each in results if isinstance(each, Certificate)),
        key=lambda each: (list(GROUPS).index(each.adapter.port), each.adapter.name),
    )
    untried = [each for each in results if isinstance(each, Untried)]
    if report is not None:
        tell(f"written: {report}, and for people {write(found, report, untried)}")
    if len(plan.orders) > 1:
        tell(f"{sum(each.certified for each in found)} of {len(plan.orders)} certified")
    return CERTIFIED if certified(found) and not untried else NOT_CERTIFIED


def _numbered(tell: Callable[[str], None], count: int) -> Callable[[str], None]:
    numbers, turn = itertools.count(1), threading.Lock()

    def tell_one(line: str) -> None:
        with turn:
            tell(f"[{next(numbers)}/{count}] {line}")

    return tell_one


def _try(plan: Plan, tell: Callable[[str], None], children: Children, order: Order) -> Certificate | Untried:
    result = _tried(plan, children, order)
    if children.ending.is_set():
        pass
    elif isinstance(result, Untried):
        tell(f"NOT CERTIFIED: {result.port} adapter {result.name} could not be tried: {result.reason}")
    else:
        tell(in_short(result))
    return result


def _tried(plan: Plan, children: Children, order: Order) -> Certificate | Untried:
    def untried(reason: str) -> Untried:
        return Untried(port=order.port, name=order.name, reason=reason)

    with tempfile.TemporaryDirectory(prefix="agent-memory-certify-") as folder:
        file, said = Path(folder, "certificate.json"), Path(folder, "said.txt")
        try:
            code = children.run(_command(plan, order, file), file, said)
        except OSError as error:
            return untried(f"Python cannot be started: {error}")
        except subprocess.TimeoutExpired:
            return untried(f"it was still at it after {LONGEST} s")
        if not file.exists():
            return untried(_last_words(said.read_text(errors="replace").strip(), code))
        [certificate] = read(file)
        return certificate if code is not None else _lingering(certificate)


def _last_words(said: str, code: int | None) -> str:
    """What pytest refused; or the clause in which the process ended under it."""
    *_, last = said.splitlines() or [""]
    if said.startswith("ERROR: "):
        return said.removeprefix("ERROR: ")[-_MANY:]
    ended = ended_by(code)
    if tried := _CLAUSE.search(last):
        return f"{ended} in the middle of {tried[1].upper()}-{tried[2]}"
    return f"{ended} and said: {said[-_MANY:]}"


def _lingering(certificate: Certificate) -> Certificate:
    reason = f"The process did not end within {LINGER:g} s of the last clause: a thread of the adapter's still runs"
    return msgspec.structs.replace(certificate, certified=False, reasons=(*certificate.reasons, reason))


def _command(plan: Plan, order: Order, file: Path) -> list[str]:
    return [
        sys.executable, "-m", "pytest", "--pyargs", "agent_memory_contract",
        "-p", "anyio.pytest_plugin", "-p", "_hypothesis_pytestplugin", "-p", "agent_memory_contract.plugin",
        "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(file.parent), "--import-mode=importlib",
        "--basetemp", str(file.parent / "clauses"), "-v", "-o", "verbosity_assertions=2",
        f"--adapter={order.name}", f"--port={order.port}", f"--url={order.url}", f"--level={plan.level}",
        f"--seed={plan.seed}", f"--certificate={file}",
    ]  # fmt: skip


def _rank(order: Order) -> int:
    what = (order.port, order.name)
    return _LONGEST_FIRST.index(what) if what in _LONGEST_FIRST else len(_LONGEST_FIRST)
