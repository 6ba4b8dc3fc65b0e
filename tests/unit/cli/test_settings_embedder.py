"""The settings of the embedder, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.entrypoints.embedding import choose_embedder
from agent_memory.entrypoints.settings import Reading, read_settings
from agent_memory.entrypoints.settings_embedder import EMBEDDER_SETTINGS
from agent_memory.ports.errors import Misconfigured
from agent_memory_contract.embedding_server import EmbeddingServer

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.ports.embedder import Embedder


def read(**given: str) -> Reading:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", **environment})
    assert reading.warnings == ()
    return reading


def chosen(**given: str) -> Embedder:
    embedder = choose_embedder(read(**given).settings, SystemClock())
    assert embedder is not None
    return cast("Embedder", embedder)  # what enters itself


def test_the_default_is_the_model_that_ships() -> None:
    embedder = chosen()
    assert (embedder.capabilities.name, embedder.model, embedder.dimension) == (
        "static",
        "static-minilm-256-v1",
        256,
    )


def test_off_is_no_embedder() -> None:
    assert choose_embedder(read(EMBEDDER="off").settings, SystemClock()) is None


def test_onnx_wants_a_folder_with_a_model(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="AGENT_MEMORY_EMBEDDER_PATH"):
        chosen(EMBEDDER="onnx")
    with pytest.raises(Misconfigured, match=r"looked for model\.onnx"):
        chosen(EMBEDDER="onnx", EMBEDDER_PATH=str(tmp_path))


def test_openai_knows_the_dimensions_of_its_own_models_only() -> None:
    assert chosen(EMBEDDER="openai").dimension == 1536
    assert chosen(EMBEDDER="openai", EMBEDDER_MODEL="text-embedding-3-large").model == (
        "openai:text-embedding-3-large:3072"
    )
    with pytest.raises(Misconfigured, match="nomic-embed-text needs AGENT_MEMORY_EMBEDDER_DIMENSION"):
        chosen(EMBEDDER="openai", EMBEDDER_MODEL="nomic-embed-text")
    own = {"EMBEDDER_MODEL": "nomic-embed-text", "EMBEDDER_DIMENSION": "768"}
    assert chosen(EMBEDDER="openai", **own).dimension == 768


async def test_a_prefix_gets_the_space_that_an_environment_loses() -> None:
    async with EmbeddingServer().running() as server:
        given = {"EMBEDDER_URL": server.url, "EMBEDDER_QUERY_PREFIX": "query: "}
        async with chosen(
            EMBEDDER="openai", EMBEDDER_MODEL="m", EMBEDDER_DIMENSION="256", **given
        ) as embedder:
            await embedder.embed(["where?"], kind="query")
        assert server.asked[0]["input"] == ["query: where?"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMBEDDER", "magic"),
        ("EMBEDDER_URL", "ftp://host/v1"),
        ("EMBEDDER_URL", "host/v1"),
        ("EMBEDDER_URL", "https://key@host/v1"),
        ("EMBEDDER_URL", "https://host/v1?key=1"),
        ("EMBEDDER_DIMENSION", "-1"),
        ("EMBEDDER_BATCH", "0"),
        ("EMBEDDER_TIMEOUT_MS", "0"),
    ],
)
def test_what_cannot_be_meant_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"AGENT_MEMORY_{name}="):
        read(**{name: value})


def test_only_the_key_is_secret() -> None:
    assert [setting.name for setting in EMBEDDER_SETTINGS if setting.secret] == ["EMBEDDER_KEY"]
