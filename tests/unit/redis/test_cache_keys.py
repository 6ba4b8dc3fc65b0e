from __future__ import annotations

import pytest

from agent_memory.adapters.redis.cache_keys import CacheKeys


@pytest.mark.parametrize("key", ["", "a", "v:a", "鍵", "a\nb", "\ud800", "*"])
def test_a_key_is_known_again_by_its_value_and_by_its_claim(key: str) -> None:
    keys = CacheKeys("agentmem:")
    assert keys.named(keys.value(key)) == keys.named(keys.claim(key)) == key
    assert keys.value(key) != keys.claim(key)


@pytest.mark.parametrize("raw", [b"agentmem:cache:clears", b"agentmem:lock:a", b"other:cache:v:a", b""])
def test_what_is_no_key_of_the_cache_has_no_name(raw: bytes) -> None:
    assert CacheKeys("agentmem:").named(raw) is None


def test_a_pattern_takes_both_prefixes_literally() -> None:
    assert CacheKeys("a*:").pattern("b?[c]\\") == rb"a\*:cache:[vl]:b\?\[c\]\\*"
