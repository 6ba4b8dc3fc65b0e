"""`agent-memory certify`: each adapter in a process of its own, undisturbed by whatever plugins are installed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_memory.entrypoints.registry import registered
from agent_memory.ports.adapter import GROUPS

from .certificate import Certificate
from .pages import Untried, certified, in_short, read, write
from .selection import select
from .servers.run_folder import RUN_VARIABLE, begin_run, end_run
from .suite import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


CERTIFIED, NOT_CERTIFIED, USAGE = 0, 1, 2

_LONGEST_FIRST = (
    ("storage", "postgresql"), ("embedder", "onnx"), ("cache", "redis"), ("lock", "redis"), ("lock", "postgresql"),
    ("event_bus", "postgresql"), ("cache", "in-process"), ("storage", "sqlite"), ("lock", "sqlite"),
    ("circuit_breaker", "redis"), ("rate_limiter", "redis"), ("event_bus", "redis"),
)  # fmt: skip
"""So that no long one is left for the end, when all others are done. As measured; the rest takes seconds."""
_OWN = "agent-memory"
_LONGEST = 3_600
"""Seconds for one adapter: clauses that hang are ended one by one, threads that hang are not."""


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
        with _sigterm_as_exit(), ThreadPoolExecutor(plan.processes) as pool:
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
        file = Path(folder, "certificate.json")
        try:
            ended = children.run(_command(plan, order, file), folder)
        except OSError as error:
            return untried(f"Python cannot be started: {error}")
        except subprocess.TimeoutExpired:
            return untried(f"it was still at it after {_LONGEST} s")
        if not file.exists():
            said = ended.stderr.strip() or ended.stdout.strip()
            return untried(f"{_end_of(ended.returncode)}{said[-2_000:].removeprefix('ERROR: ')}")
        [certificate] = read(file)
        return certificate


class Children:
    """The processes that are running, each in a group of its own: what it started itself ends with it."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self.ending = threading.Event()

    def run(self, command: list[str], folder: str) -> subprocess.CompletedProcess[str]:
        """What it said and how it ended. `TimeoutExpired` once it has been ended for taking too long."""
        with subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
        ) as child:
            self._running.add(child)
            if self.ending.is_set():
                _kill(child)
            try:
                out, err = child.communicate(timeout=_LONGEST)
            except BaseException:
                _kill(child)
                raise
            finally:
                self._running.discard(child)
        return subprocess.CompletedProcess(command, child.returncode, out, err)

    def end(self) -> None:
        """All that run, and whatever would be started yet."""
        self.ending.set()
        for child in tuple(self._running):
            _kill(child)


@contextmanager
def _sigterm_as_exit() -> Generator[None]:
    """Else our children would go on without us."""

    def leave(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _kill(child: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _end_of(code: int) -> str:
    """For one that was ended from outside, or crashed: what it said before is no reason."""
    if code >= 0:
        return ""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"its process was ended by {name}. "


def _command(plan: Plan, order: Order, file: Path) -> list[str]:
    return [
        sys.executable, "-m", "pytest", "--pyargs", "agent_memory_contract",
        "-p", "anyio.pytest_plugin", "-p", "_hypothesis_pytestplugin", "-p", "agent_memory_contract.plugin",
        "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(file.parent), "--import-mode=importlib",
        "--basetemp", str(file.parent / "clauses"), "-q", "-o", "verbosity_assertions=2",
        f"--adapter={order.name}", f"--port={order.port}", f"--url={order.url}", f"--level={plan.level}",
        f"--seed={plan.seed}", f"--certificate={file}",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """Ours, without what would change how pytest runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _rank(order: Order) -> int:
    what = (order.port, order.name)
    return _LONGEST_FIRST.index(what) if what in _LONGEST_FIRST else len(_LONGEST_FIRST)
