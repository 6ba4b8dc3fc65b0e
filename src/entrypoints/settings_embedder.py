"""The settings of the embedder."""

from __future__ import annotations

import re

from .setting import Setting, number, path, seconds_from_millis
from .settings_adapters import adapter

OPENAI_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
"""Models whose dimension need not be set."""


_ADDRESS = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?")


def _url(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(
            "must be an address up to the version, like https://host/v1, without a user or a query"
        )
    return text


EMBEDDER_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="EMBEDDER",
        default="static",
        field="embedder",
        read=adapter("embedder", "static", "onnx", "openai", "off"),
        address=True,
        meaning=(
            "what finds entries by meaning: static (ships with the package, needs nothing), onnx (a model in "
            "EMBEDDER_PATH), openai (a server with OpenAI's interface; texts are sent to it), off (by words alone), "
            "or an adapter installed beside"
        ),
    ),
    Setting(
        name="EMBEDDER_PATH",
        default="",
        field="embedder_path",
        read=path,
        meaning="onnx: the model's folder, with model.onnx, tokenizer.json and config.json",
    ),
    Setting(
        name="EMBEDDER_URL",
        default="https://api.openai.com/v1",
        field="embedder_url",
        read=_url,
        meaning="openai: the server's address up to the version; /embeddings is added",
    ),
    Setting(
        name="EMBEDDER_KEY",
        default="",
        field="embedder_key",
        read=str,
        secret=True,
        meaning="openai: the key, sent as bearer token and kept out of every log",
    ),
    Setting(
        name="EMBEDDER_MODEL",
        default="text-embedding-3-small",
        field="embedder_model",
        read=str,
        meaning="openai: the model's name",
    ),
    Setting(
        name="EMBEDDER_DIMENSION",
        default="0",
        field="embedder_dimension",
        read=number(0, 16_384),
        meaning="openai: how many numbers the model's vectors have (0: known, for OpenAI's own models)",
    ),
    Setting(
        name="EMBEDDER_TIMEOUT_MS",
        default="30000",
        field="embedder_timeout",
        read=seconds_from_millis(1, 600_000),
        meaning="openai: how long one request may take; what may pass is tried three times",
    ),
    Setting(
        name="EMBEDDER_BATCH",
        default="32",
        field="embedder_batch",
        read=number(1, 256),
        meaning="openai: how many texts go in one request at most",
    ),
    Setting(
        name="EMBEDDER_QUERY_PREFIX",
        default="",
        field="embedder_query_prefix",
        read=str,
        meaning='onnx, openai: what the model wants before a question ("query:"); a space follows it',
    ),
    Setting(
        name="EMBEDDER_DOCUMENT_PREFIX",
        default="",
        field="embedder_document_prefix",
        read=str,
        meaning='onnx, openai: what the model wants before a text to be found ("passage:"); a space follows it',
    ),
)
