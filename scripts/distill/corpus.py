"""Texts to learn from, under licences that let a model be made of them: WordNet's definitions and examples, and the
documentation strings of Python's standard library.
"""

from __future__ import annotations

import ast
import random
import re
import sysconfig
from pathlib import Path

_LEAST_WORDS = 4
_MOST_WORDS = 80
_LEAST_CHARACTERS = 12


def corpus(wordnet_folder: Path, count: int, seed: int) -> list[str]:
    """So many of WordNet's texts, drawn at random, and all documentation strings."""
    texts = wordnet(wordnet_folder)
    random.Random(seed).shuffle(texts)
    return texts[:count] + docstrings()


def wordnet(folder: Path) -> list[str]:
    """From the data files of WordNet 3.0 (wndb(5)): "word, synonym: definition", and each example as a text."""
    texts: list[str] = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (folder / f"data.{part}").read_text("ascii").splitlines():
            if line.startswith("  "):
                continue
            head, _, gloss = line.partition(" | ")
            fields = head.split()
            count = int(fields[3], 16)
            words = [re.sub(r"\(.*\)", "", word).replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
            definition, *examples = (text.strip() for text in re.split(r';\s*(?=")', gloss.strip()))
            texts.append(f"{', '.join(words)}: {definition}")
            texts += [each.strip('"; ') for each in examples if len(each) > _LEAST_CHARACTERS]
    return texts


def docstrings() -> list[str]:
    """The paragraphs of the standard library's documentation strings, tests and code examples left out."""
    root = Path(sysconfig.get_path("stdlib"))
    texts: list[str] = []
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).parts
        if {"site-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo"} & set(parts):
            continue
        try:
            tree = ast.parse(file.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            for paragraph in re.split(r"\n\s*\n", ast.get_docstring(node) or ""):
                words = paragraph.split()
                if ">>>" not in paragraph and _LEAST_WORDS <= len(words) <= _MOST_WORDS:
                    texts.append(" ".join(words))
    return list(dict.fromkeys(texts))
