"""`agent-memory certify`: each adapter in a process of its own, undisturbed by whatever plugins are installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_memory.entrypoints.registry import registered
from agent_memory.ports.adapter import GROUPS
from agent_memory.ports.errors import Misconfigured

from .pages import certified, in_short, read, write
from .selection import select
from .servers.run_folder import RUN_VARIABLE, begin_run, end_run
from .suite import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .certificate import Certificate

CERTIFIED, NOT_CERTIFIED, USAGE = 0, 1, 2

_LONGEST_FIRST = ("storage", "lock", "event_bus", "cache", "embedder", "circuit_breaker", "rate_limiter")
_OWN = "agent-memory"


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
    ports = [port] if port else sorted(GROUPS, key=_rank)
    return tuple(
        Order(port=each, name=one.name) for each in ports for one in registered(each) if one.package == _OWN
    )


def certify(plan: Plan, report: Path | None, tell: Callable[[str], None]) -> int:
    """0: all are certified. `tell` hears of each as soon as it is known."""
    begun = RUN_VARIABLE not in os.environ
    begin_run()
    try:
        with ThreadPoolExecutor(plan.processes) as pool:
            results = [pool.submit(_try, plan, order, tell) for order in plan.orders]
            found = [each for result in results for each in result.result()]
    finally:
        if begun:
            end_run()
    found.sort(key=lambda each: (_port_place(each), each.adapter.name))
    if report is not None:
        tell(f"written: {report}, and for people {write(found, report)}")
    complete = len(found) == len(plan.orders)
    good = sum(each.certified for each in found)
    if len(plan.orders) > 1:
        tell(f"{good} of {len(plan.orders)} certified")
    return CERTIFIED if complete and certified(found) else NOT_CERTIFIED


def _try(plan: Plan, order: Order, tell: Callable[[str], None]) -> Sequence[Certificate]:
    with tempfile.TemporaryDirectory(prefix="agent-memory-certify-") as folder:
        file = Path(folder, "certificate.json")
        try:
            ended = subprocess.run(
                _command(plan, order, file),
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise Misconfigured(f"Python cannot be started: {error}") from error
        if not file.exists():
            said = (ended.stderr.strip() or ended.stdout.strip())[-2_000:]
            tell(f"NOT CERTIFIED: {order.port} adapter {order.name}: it could not be tried:\n{said}")
            return ()
        found = read(file)
    for each in found:
        tell(in_short(each))
    return found


def _command(plan: Plan, order: Order, file: Path) -> list[str]:
    return [
        sys.executable, "-m", "pytest", "--pyargs", "agent_memory_contract",
        "-p", "anyio.pytest_plugin", "-p", "_hypothesis_pytestplugin", "-p", "agent_memory_contract.plugin",
        "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(file.parent), "--import-mode=importlib",
        "--basetemp", str(file.parent / "clauses"), "-q",
        f"--adapter={order.name}", f"--port={order.port}", f"--url={order.url}", f"--level={plan.level}",
        f"--seed={plan.seed}", f"--certificate={file}",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """Ours, without what would change how pytest runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _rank(port: str) -> int:
    return _LONGEST_FIRST.index(port) if port in _LONGEST_FIRST else len(_LONGEST_FIRST)


def _port_place(certificate: Certificate) -> int:
    return list(GROUPS).index(certificate.adapter.port)
