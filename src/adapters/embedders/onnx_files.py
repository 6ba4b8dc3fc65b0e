"""A model's folder, as exports of sentence models have it, and what can be known of it without loading it."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Misconfigured

if TYPE_CHECKING:
    from typing import BinaryIO

_WEIGHTS = ("model.onnx", "model_quantized.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx")
_MAX_TOKENS = 512
_SAMPLES = 64
_SAMPLE_BYTES = 4_096


class OnnxFiles(msgspec.Struct, frozen=True, kw_only=True):
    """`first_token`: a text's vector is its first token's state, not the mean. `fingerprint` tells these weights and
    this vocabulary from others.
    """

    weights: Path
    tokenizer: Path
    dimension: int
    max_tokens: int
    first_token: bool
    fingerprint: str


class _Pooling(msgspec.Struct, frozen=True):
    """Of 1_Pooling/config.json, as sentence-transformers writes it."""

    pooling_mode_cls_token: bool = False


class _Config(msgspec.Struct, frozen=True):
    """Of config.json, what is needed; names as Hugging Face's transformers write them."""

    hidden_size: int
    max_position_embeddings: int = _MAX_TOKENS


def find_model(folder: Path) -> OnnxFiles:
    """`Misconfigured` when something is missing. Blocks for about a millisecond."""
    try:
        weights = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
        if weights is None:
            raise Misconfigured(f"{folder}: no ONNX model there (looked for {', '.join(_WEIGHTS)})")
        tokenizer = folder / "tokenizer.json"
        config = msgspec.json.decode((folder / "config.json").read_bytes(), type=_Config)
        pooling = folder / "1_Pooling" / "config.json"
        first = (
            pooling.is_file()
            and msgspec.json.decode(pooling.read_bytes(), type=_Pooling).pooling_mode_cls_token
        )
        fingerprint = _fingerprint(weights, tokenizer)
    except OSError as error:
        raise Misconfigured(
            f"{folder}: {error.strerror}: {error.filename}; the folder of a model has model.onnx, "
            "tokenizer.json and config.json"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{folder}: a config.json is not as expected: {error}") from error
    return OnnxFiles(
        weights=weights,
        tokenizer=tokenizer,
        dimension=config.hidden_size,
        max_tokens=min(_MAX_TOKENS, config.max_position_embeddings),
        first_token=first,
        fingerprint=fingerprint,
    )


def model_id(folder: Path, files: OnnxFiles, document_prefix: str) -> str:
    """A prefix of documents decides their vectors as the weights do."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.absolute().name)[:80] or "model"
    prefix = f"+{sha256(document_prefix.encode()).hexdigest()[:8]}" if document_prefix else ""
    return f"onnx:{name}@{files.fingerprint}{prefix}"


def _fingerprint(weights: Path, tokenizer: Path) -> str:
    """Of the tokenizer, and of the weights' size and samples: reading all of them would hold up each start."""
    digest = sha256(tokenizer.read_bytes())
    with weights.open("rb") as file:
        size = file.seek(0, 2)
        digest.update(size.to_bytes(8, "big"))
        for at in _sampled(size):
            digest.update(_read(file, at))
    return digest.hexdigest()[:12]


def _sampled(size: int) -> range:
    return range(0, max(1, size), max(_SAMPLE_BYTES, size // _SAMPLES))


def _read(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.read(_SAMPLE_BYTES)
