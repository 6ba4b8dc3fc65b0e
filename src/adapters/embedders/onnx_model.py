"""A sentence model in ONNX: token states pooled over the text (Reimers and Gurevych, 2019), unit length."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ...ports.embedder import Kind
    from .onnx_files import OnnxFiles

_THREADS = 4
"""At most: a sentence is too small a job for more, and others live on this machine."""


class OnnxModel:
    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        files: OnnxFiles,
        prefixes: Mapping[Kind, str],
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._wanted: set[str] = {each.name for each in session.get_inputs()}
        self._output = _token_states(session)
        self._prefixes = prefixes
        self._dimension = files.dimension
        self._first_token = files.first_token
        nothing = np.zeros(files.dimension, "<f4")
        nothing[0] = 1.0
        self._nothing = nothing.tobytes()

    @classmethod
    def open(cls, files: OnnxFiles, prefixes: Mapping[Kind, str]) -> Self:
        """`ValueError` when it is no sentence model of this kind; else as onnxruntime and tokenizers raise."""
        # Neither library has complete types.
        ort: Any = import_module("onnxruntime")
        tokenizers: Any = import_module("tokenizers")
        tokenizer = tokenizers.Tokenizer.from_file(str(files.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(files.max_tokens)
        options = ort.SessionOptions()
        options.intra_op_num_threads = min(_THREADS, os.cpu_count() or 1)
        # Threads that spin while they wait for the next text would take the processor from the event loop.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        session = ort.InferenceSession(str(files.weights), options, providers=["CPUExecutionProvider"])
        return cls(session, tokenizer, files, prefixes)

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def embed(self, texts: Sequence[str], kind: Kind) -> list[bytes]:
        """One by one: on a CPU a batch is no faster (ADR 11), and padding and the ranges of int8 would let neighbours
        change a text's vector.
        """
        prefix = self._prefixes[kind]
        return [self._vector(prefix + text) if text.strip() else self._nothing for text in texts]

    def _vector(self, text: str) -> bytes:
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        answer = self._session.run(
            [self._output], {name: value for name, value in given.items() if name in self._wanted}
        )
        states: NDArray[np.float32] = answer[0][0]
        if states.ndim != 2 or states.shape[1] != self._dimension:
            raise ValueError(f"its output has shape {states.shape}, not tokens by {self._dimension}")
        pooled = states[0] if self._first_token else states.mean(axis=0, dtype=np.float32)
        length = float(np.sqrt(pooled @ pooled))
        if not length:
            return self._nothing
        return bytes((pooled / np.float32(length)).astype("<f4", copy=False).data)


def _token_states(session: Any) -> str:
    names: list[str] = [each.name for each in session.get_outputs()]
    for name in ("last_hidden_state", "token_embeddings", "output_0"):
        if name in names:
            return name
    raise ValueError(f"its outputs are {', '.join(names)}; last_hidden_state or token_embeddings is needed")
