"""The kit as a plugin of pytest, loaded only by name: `-p agent_memory_contract.plugin`.

`--adapter NAME` tries the adapter that is registered under the name. `--certificate FILE` writes what came of it, also
of classes of someone else's that subclass a contract.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from agent_memory.ports.errors import Misconfigured

from .blocking import Blocking
from .bounding import PATIENCE, Bounding
from .clauses import up_to
from .pages import certified, in_short, not_writable, write
from .recording import Recording, contract_of
from .selection import SELECTED, select
from .servers.run_folder import RUN_VARIABLE, end_run
from .suite import LEVELS, Level

if TYPE_CHECKING:
    from collections.abc import Generator

_KIT = Path(__file__).resolve().parent
_CHOSEN = "certified_adapter.py"
_RECORDING = pytest.StashKey[Recording]()
_BEGAN_RUN = pytest.StashKey[bool]()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options, by their names."""

    adapter: str
    port: str
    url: str
    level: Level
    seed: int
    certificate: str
    patience: float


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("agent_memory", "certification of adapters of Agent Memory")
    group.addoption("--adapter", dest="contract_adapter", default="", metavar="NAME", help="try this adapter")
    group.addoption(
        "--port",
        dest="contract_port",
        default="",
        metavar="PORT",
        help="of this port, where several have one",
    )
    group.addoption("--url", dest="contract_url", default="", metavar="URL", help="where its backend is")
    group.addoption(
        "--level",
        dest="contract_level",
        default=LEVELS[-1],
        choices=LEVELS,
        help="how hard to try: plain calls; concurrent ones too; faulty: also cancelled and cut off (default)",
    )
    group.addoption(
        "--seed",
        dest="contract_seed",
        default=0,
        type=int,
        metavar="N",
        help="begin random sequences with this",
    )
    group.addoption(
        "--certificate",
        dest="contract_certificate",
        default="",
        metavar="FILE",
        help="write the certificate there as JSON, and a page for people beside it (.md)",
    )
    group.addoption(
        "--patience",
        dest="contract_patience",
        default=PATIENCE,
        type=float,
        metavar="SECONDS",
        help="after which a clause that has not ended counts as broken (default: %(default)g)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_BEGAN_RUN] = RUN_VARIABLE not in os.environ and not hasattr(config, "workerinput")
    config.pluginmanager.register(Blocking(), "agent_memory_blocking")
    asked = _asked(config)
    _seed_hypothesis(asked.seed)
    if asked.certificate and (problem := not_writable(Path(asked.certificate))):
        raise pytest.UsageError(f"--certificate: {problem}")
    if asked.adapter:
        try:
            config.stash[SELECTED] = select(asked.adapter, port=asked.port, url=asked.url)
        except Misconfigured as error:
            raise pytest.UsageError(str(error)) from None
    recording = Recording(config.stash.get(SELECTED, None), level=asked.level, seed=asked.seed)
    config.stash[_RECORDING] = recording
    config.pluginmanager.register(recording, "agent_memory_recording")
    config.pluginmanager.register(Bounding(asked.patience), "agent_memory_bounding")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Servers that were started for this run end with it."""
    if config.stash.get(_BEGAN_RUN, False) and RUN_VARIABLE in os.environ:
        end_run()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of the kit's own modules, only what tries the chosen adapter."""
    path = collection_path.resolve()
    if SELECTED in config.stash and _KIT in path.parents and path.name not in {_CHOSEN, "__init__.py"}:
        return True
    return None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if SELECTED in parent.config.stash and file_path.resolve() == _KIT / _CHOSEN:
        kind: Any = pytest.Module
        return cast("pytest.Module", kind.from_parent(parent, path=file_path))
    return None


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Item] | None:
    """Of the classes that try a chosen adapter, only the one of its port."""
    del name
    port = getattr(obj, "port", None)
    if (
        isinstance(obj, type)
        and collector.path.resolve() == _KIT / _CHOSEN
        and SELECTED in collector.config.stash
    ):
        return None if port == collector.config.stash[SELECTED].registered.port else []
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Clauses above the level are left out."""
    level = _asked(config).level
    left_out = [item for item in items if _is_above(item, level)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.config.stash[_RECORDING].note(item, call, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which nothing failed is no success when it shows less than was asked."""
    if hasattr(session.config, "workerinput"):
        return
    certificates = session.config.stash[_RECORDING].certificates()
    asked = _asked(session.config).certificate
    if asked:
        write(certificates, Path(asked))
    wanted = asked or SELECTED in session.config.stash
    if wanted and session.exitstatus == pytest.ExitCode.OK and not certified(certificates):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    recording = config.stash[_RECORDING]
    certificates = recording.certificates()
    if certificates:
        terminalreporter.section("Agent Memory: certification")
    for each in certificates:
        terminalreporter.write_line(in_short(each))


def _asked(config: pytest.Config) -> Asked:
    return msgspec.convert(
        {name: config.getoption(f"contract_{name}") for name in Asked.__struct_fields__}, Asked
    )


def _is_above(item: pytest.Item, level: Level) -> bool:
    kind = getattr(item, "cls", None)
    contract = contract_of(kind)
    name = getattr(item, "originalname", item.name)
    clauses = {} if contract is None else contract.clauses
    return name in clauses and not up_to(level, [clauses[name]])


def _seed_hypothesis(seed: int) -> None:
    """As its own option `--hypothesis-seed` does."""
    from hypothesis import core  # noqa: PLC0415 - slow to load

    if core.global_force_seed is None:
        setattr(core, "global_force_seed", seed)  # noqa: B010 - typed as what it is at first
