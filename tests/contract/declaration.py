"""What is asked of every adapter that has a descriptor, whatever its port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_memory.ports.adapter import Adapter

    from .harness import Harness


class Declaration(Suite):
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
