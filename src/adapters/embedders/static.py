"""The embedder that ships with the package: a static model, no download, no network, microseconds a text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...ports.embedder import EmbedderCapabilities
from ...ports.errors import Misconfigured, PortError, Unavailable
from .local import LocalEmbedder
from .spans import SPLIT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.embedder import Kind
    from .static_model import StaticModel

MODEL = "static-minilm-256-v1"
"""Another number for other weights, or vectors of two models would be compared."""
DIMENSION = 256
FOLDER = Path(__file__).parent / MODEL

_MAX_TOKENS = 512
_AT_ONCE = 512
"""Characters. One such text is embedded on the event loop, in less time (0.1 ms) than a thread takes to be woken."""


class StaticEmbedder(LocalEmbedder["StaticModel"]):
    def __init__(self, folder: Path = FOLDER) -> None:
        def load() -> StaticModel:
            # numpy takes longest of all to import, and a server that only starts never needs it.
            from .static_model import StaticModel  # noqa: PLC0415

            return StaticModel.open(folder, dimension=DIMENSION, max_tokens=_MAX_TOKENS)

        super().__init__(
            load,
            model=MODEL,
            dimension=DIMENSION,
            capabilities=EmbedderCapabilities(
                name="static",
                place="process",
                max_tokens=_MAX_TOKENS,
                split_tokens=SPLIT_TOKENS,
                batch=32,
            ),
            mapped=lambda error: _port_error(error, folder),
        )

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if len(texts) == 1 and len(texts[0]) <= _AT_ONCE:
            model = self._worker.model
            if model is not None:
                return model.embed(texts, kind)
        return await super().embed(texts, kind=kind)


def _port_error(error: Exception, folder: Path) -> Exception:
    if isinstance(error, PortError):
        return error
    if isinstance(error, (FileNotFoundError, NotADirectoryError, EOFError, ValueError)):
        return Misconfigured(
            f"the static model in {folder} is damaged or incomplete ({error}): install the package again"
        )
    if isinstance(error, (OSError, MemoryError)):
        return Unavailable(f"the static model in {folder} cannot be read: {error}")
    return error
