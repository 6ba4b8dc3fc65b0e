"""From the settings to an embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.errors import Misconfigured
from .settings_embedder import OPENAI_DIMENSIONS

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..ports.circuit_breaker import CircuitBreaker
    from ..ports.clock import Clock
    from ..ports.embedder import Embedder
    from .settings import Settings


def choose_embedder(
    settings: Settings, clock: Clock, breaker: CircuitBreaker | None = None, *, instance: str = ""
) -> AbstractAsyncContextManager[Embedder] | None:
    """To be entered by the caller; None where it is off. Loads no model and calls nobody.

    `breaker` guards the requests to a server. `Misconfigured` for settings that do not go together.
    """
    if settings.embedder == "off":
        return None
    if settings.embedder == "static":
        from ..adapters.embedders.static import StaticEmbedder  # noqa: PLC0415 - where it is chosen

        return StaticEmbedder()
    if settings.embedder == "onnx":
        return _onnx(settings)
    if settings.embedder == "openai":
        return _openai(settings, clock, breaker)
    from .wiring_chosen import make_chosen_embedder  # noqa: PLC0415 - where one of someone else's is chosen

    return make_chosen_embedder(settings, clock, instance)


def _onnx(settings: Settings) -> Embedder:
    from ..adapters.embedders.onnx import OnnxEmbedder  # noqa: PLC0415 - where it is chosen

    if settings.embedder_path is None:
        raise Misconfigured("AGENT_MEMORY_EMBEDDER=onnx needs AGENT_MEMORY_EMBEDDER_PATH: the model's folder")
    return OnnxEmbedder(
        settings.embedder_path,
        query_prefix=_prefix(settings.embedder_query_prefix),
        document_prefix=_prefix(settings.embedder_document_prefix),
    )


def _openai(settings: Settings, clock: Clock, breaker: CircuitBreaker | None) -> Embedder:
    from ..adapters.embedders.openai import OpenAIEmbedder, OpenAIServer  # noqa: PLC0415 - where it is chosen

    dimension = settings.embedder_dimension or OPENAI_DIMENSIONS.get(settings.embedder_model, 0)
    if not dimension:
        raise Misconfigured(
            f"AGENT_MEMORY_EMBEDDER_MODEL={settings.embedder_model} needs AGENT_MEMORY_EMBEDDER_DIMENSION: "
            "how many numbers its vectors have"
        )
    server = OpenAIServer(
        url=settings.embedder_url,
        model=settings.embedder_model,
        dimension=dimension,
        key=settings.embedder_key,
        timeout=settings.embedder_timeout,
        batch=settings.embedder_batch,
        query_prefix=_prefix(settings.embedder_query_prefix),
        document_prefix=_prefix(settings.embedder_document_prefix),
    )
    return OpenAIEmbedder(server, clock=clock, breaker=breaker)


def _prefix(text: str) -> str:
    """The blank at its end cannot be seen in an environment, and is cut off there."""
    return f"{text} " if text else ""
