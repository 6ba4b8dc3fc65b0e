"""Sentence models as ONNX files in a folder, at a hundred times the cost. Needs `agent-memory[onnx]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.embedder import EmbedderCapabilities
from ...ports.errors import Misconfigured, PortError, Unavailable
from .local import LocalEmbedder
from .onnx_files import find_model, model_id
from .spans import SPLIT_TOKENS

if TYPE_CHECKING:
    from pathlib import Path

    from .onnx_model import OnnxModel

_ROOM = 32
"""Tokens of `max_tokens` beyond a span: for what surrounds it."""


class OnnxEmbedder(LocalEmbedder["OnnxModel"]):
    """`folder` holds model.onnx, tokenizer.json and config.json. Some models want a prefix before a query or a document
    ("query: "); it is put there by `embed`. `Misconfigured` at once when a file is missing.
    """

    def __init__(self, folder: Path, *, query_prefix: str = "", document_prefix: str = "") -> None:
        files = find_model(folder)

        def load() -> OnnxModel:
            from .onnx_model import OnnxModel  # noqa: PLC0415 (imports onnxruntime: an extra, and 0.1 s)

            return OnnxModel.open(files, {"query": query_prefix, "document": document_prefix})

        super().__init__(
            load,
            model=model_id(folder, files, document_prefix),
            dimension=files.dimension,
            capabilities=EmbedderCapabilities(
                name="onnx",
                place="process",
                max_tokens=files.max_tokens,
                split_tokens=min(SPLIT_TOKENS, max(1, files.max_tokens - _ROOM)),
                batch=8,
            ),
            mapped=lambda error: _port_error(error, folder),
        )


def _port_error(error: Exception, folder: Path) -> Exception:
    """The errors of onnxruntime are classes of a compiled module, with no common one; tokenizers raises `Exception`."""
    if isinstance(error, PortError):
        return error
    if isinstance(error, ModuleNotFoundError):
        return Misconfigured(f"ONNX models need {error.name}: pip install 'agent-memory[onnx]'")
    if isinstance(error, (FileNotFoundError, ValueError)):
        return Misconfigured(f"the model in {folder} cannot be used: {error}")
    if isinstance(error, (OSError, MemoryError)):
        return Unavailable(f"the model in {folder} cannot be read: {error}")
    if type(error) is Exception or type(error).__module__.startswith("onnxruntime"):
        return Misconfigured(f"the model in {folder} cannot be used: {error}")
    return error
