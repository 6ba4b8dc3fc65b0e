from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.embedders.static import StaticEmbedder

from .embedder_contract import EmbedderContract
from .inprocess_harness import InProcessHarness

if TYPE_CHECKING:
    from .embedder_contract import EmbedderHarness


class TestStaticEmbedder(EmbedderContract):
    @pytest.fixture
    def harness(self) -> EmbedderHarness:
        return InProcessHarness(lambda _: StaticEmbedder())
