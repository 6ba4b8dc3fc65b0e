"""What is asked of every adapter that has a descriptor, whatever its port; stands before the port's contract."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from agent_memory.entrypoints.settings import read_settings
from agent_memory.ports.adapter import BreakerSetup, CacheSetup, Setup
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import Misconfigured

from .clauses import CONTRACT_CLASSES, contract_class
from .manual_clock import ManualClock
from .selection import select
from .suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_memory.ports.adapter import Adapter

    from .harness import Harness


class Declaration(Suite):
    @pytest.fixture
    def declared(self, request: pytest.FixtureRequest) -> Adapter:
        """Of the registered adapter that the class names."""
        kind = cast("Any", request).cls
        port = next(port for port in CONTRACT_CLASSES if issubclass(kind, contract_class(port)))
        return select(kind.adapter, port=port).adapter

    async def test_adapter_01_is_what_its_descriptor_says(
        self, harness: Harness[Any], declared: Adapter, record_property: Callable[[str, object], None]
    ) -> None:
        """It can do what its descriptor says, no more and no less. A descriptor may leave open what depends on its
        settings."""
        async with harness.open() as adapter:
            told: object = getattr(adapter, "capabilities", None)
            record_property("implementation", f"{type(adapter).__module__}.{type(adapter).__qualname__}")
        if declared.capabilities is not None:
            assert isinstance(told, msgspec.Struct)
            assert msgspec.structs.asdict(told) == msgspec.structs.asdict(declared.capabilities)

    async def test_adapter_02_is_made_from_its_name(self, declared: Adapter, tmp_path: Path) -> None:
        """As where a setting names it and no address: its factory gives an async context manager, or `Misconfigured`
        where it needs to be told more. No backend need be there."""
        try:
            made: object = declared.make(setup_of(declared, tmp_path))
        except Misconfigured:
            return
        assert isinstance(made, AbstractAsyncContextManager), f"make gave a {type(made).__name__}"


def setup_of(declared: Adapter, folder: Path) -> Setup:
    """What a factory is told where a setting is a name alone."""
    home = {"HOME": str(folder), "AGENT_MEMORY_DATA_DIR": str(folder)}
    told: dict[str, Any] = {
        "text": getattr(declared.capabilities, "name", "") or declared.port,
        "clock": ManualClock(),
        "instance": "kit",
        "folder": str(folder),
        "program": read_settings(home).settings,
    }
    if declared.port == "cache":
        return CacheSetup(**told, max_bytes=1_000_000, max_entries=1_000)
    if declared.port == "circuit_breaker":
        return BreakerSetup(**told, name="kit", thresholds=Thresholds())
    return Setup(**told)
