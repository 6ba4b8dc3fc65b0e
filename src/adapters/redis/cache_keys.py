"""The names that the cache gives its keys in Redis: `{prefix}cache:v:*` values, `cache:l:*` claims of loads."""

from __future__ import annotations

import re

_SPECIAL = re.compile(rb"([*?\[\]\\^-])")


class CacheKeys:
    def __init__(self, prefix: str) -> None:
        self.all = f"{prefix}cache:".encode()
        self.clears = self.all + b"clears"
        """Counts the clears: a load that began before one of them keeps nothing."""
        self._value = self.all + b"v:"
        self._claim = self.all + b"l:"

    def value(self, key: str) -> bytes:
        return self._value + _octets(key)

    def claim(self, key: str) -> bytes:
        return self._claim + _octets(key)

    def named(self, raw: bytes) -> str | None:
        """The cache's key to which one of the server belongs."""
        if raw.startswith((self._value, self._claim)):
            return raw[len(self._value) :].decode("utf-8", "surrogatepass")
        return None

    def pattern(self, prefix: str) -> bytes:
        """For SCAN: all keys of `prefix`, taken literally."""
        return _SPECIAL.sub(rb"\\\1", self.all) + b"[vl]:" + _SPECIAL.sub(rb"\\\1", _octets(prefix)) + b"*"


def _octets(key: str) -> bytes:
    """Any text is a key, lone surrogates too."""
    return key.encode("utf-8", "surrogatepass")
