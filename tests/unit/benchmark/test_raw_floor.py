"""A floor that did less than it says would flatter nobody but mislead everybody."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.entrypoints.benchmark.line_child import LineChild
from agent_memory.entrypoints.benchmark.raw_store import RawStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RawStore]:
    raw = RawStore(tmp_path / "raw.db")
    yield raw
    raw.close()


def test_what_is_added_is_read_by_id_and_found_by_word(store: RawStore) -> None:
    store.add([("1", "the red kite", None), ("2", "a blue boat", b"\0" * 1024)])
    assert store.get("2") == ("2", "a blue boat")
    assert store.search("kite boat", 10) != []
    assert [row[0] for row in store.search("kites", 10)] == ["1"]
    assert store.count() == 2


def test_a_changed_row_is_found_by_its_new_words_only(store: RawStore) -> None:
    store.add([("1", "the red kite", None)])
    store.change("1", "a green tree")
    assert store.search("kite", 10) == []
    assert [row[0] for row in store.search("tree", 10)] == ["1"]


def test_the_child_does_all_four_operations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent_memory.entrypoints.benchmark.raw_child", str(tmp_path / "raw.db")]
    with LineChild(command, os.environ) as child:

        def ask(*call: object) -> object:
            return msgspec.json.decode(child.ask(msgspec.json.encode(call) + b"\n"))

        assert ask("add", "1", "the red kite") == "1"
        assert ask("get", "1") == ["1", "the red kite"]
        assert ask("change", "1", "a green tree") == "1"
        assert ask("search", "tree", 10) == [["1", "a green tree"]]
