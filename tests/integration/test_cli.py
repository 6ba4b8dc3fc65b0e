"""The command line on a real store."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.entrypoints import cli

if TYPE_CHECKING:
    from collections.abc import Callable

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MODULE = [sys.executable, "-m", "agent_memory.entrypoints.cli"]

FULL = Path("/dev/full")

Run = tuple[int, str, str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Run]:
    for name in list(os.environ):
        if name.startswith("AGENT_MEMORY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_MEMORY_DB_PATH", str(tmp_path / "memory.db"))

    def command(*arguments: str, stdin: bytes | None = None) -> Run:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def _stored(run: Callable[..., Run], *arguments: str) -> str:
    code, out, err = run("remember", *arguments, "--json")
    assert (code, err) == (0, "")
    entry_id: str = json.loads(out)["results"][0]["id"]
    return entry_id


def _contents(run: Callable[..., Run], *arguments: str) -> list[str]:
    _, out, err = run("recall", *arguments, "--json")
    assert err == ""
    return [hit["content"] for hit in json.loads(out)["results"]]


def test_what_was_remembered_is_recalled_quoted_with_its_id(run: Callable[..., Run]) -> None:
    code, out, err = run("remember", "We deploy on Mondays", "--scope", "acme/shop", "--author", "Ines")
    found = ID.search(out)
    assert (code, err) == (0, "")
    assert found is not None
    code, out, err = run("recall", "when", "do", "we", "deploy", "--scope", "acme/shop")
    assert (code, err) == (0, "")
    assert found[0] in out
    assert "in acme/shop" in out
    assert 'from author "Ines", cli' in out
    assert "> We deploy on Mondays\n" in out


def test_the_same_again_is_known_already(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "We deploy on Mondays")
    assert run("remember", "We deploy on Mondays")[:2] == (0, f"already known: {entry_id} (version 1)\n")


def test_nothing_found_is_exit_code_1_and_says_so(run: Callable[..., Run]) -> None:
    _stored(run, "We deploy on Mondays")
    code, out, _ = run("recall", "unicorns")
    assert code == 1
    assert out.startswith("Nothing found.")
    assert run("recall", "unicorns", "--ids") == (1, "", "")
    code, out, _ = run("recall", "unicorns", "--json")
    assert (code, json.loads(out)["results"]) == (1, [])


def test_ids_alone_feed_other_commands(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "We deploy on Mondays")
    assert run("recall", "deploy", "--ids") == (0, f"{entry_id}\n", "")


def test_the_options_of_recall_filter(run: Callable[..., Run]) -> None:
    _stored(run, "for all", "--tag", "a", "--tag", "b", "--kind", "tool", "--occurred-at", "2026-01-01")
    _stored(run, "for the project", "--scope", "acme/shop", "--tag", "a", "--occurred-at", "2026-02-01")
    _stored(run, "for the run", "--scope", "acme/shop/run-1", "--occurred-at", "2026-03-01")
    shop = ("--scope", "acme/shop")
    assert _contents(run, *shop) == ["for the project", "for all"]
    assert _contents(run, *shop, "--no-inherit") == ["for the project"]
    assert _contents(run, *shop, "--no-inherit", "--descendants") == ["for the run", "for the project"]
    assert _contents(run, *shop, "--tag", "a", "--tag", "b") == ["for all"]
    assert _contents(run, *shop, "--any-tag", "a", "--any-tag", "b") == ["for the project", "for all"]
    assert _contents(run, *shop, "--kind", "tool") == ["for all"]
    assert _contents(run, *shop, "--since", "2026-02-01", "--until", "2026-03-01") == ["for the project"]
    assert _contents(run, *shop, "--limit", "1") == ["for the project"]
    assert _contents(run, *shop, "--as-of", "2020-01-01") == []


def test_every_field_of_an_entry_can_be_given(run: Callable[..., Run]) -> None:
    entry_id = _stored(
        run, "content", "--title", "Title", "--kind", "guideline", "--metadata", '{"a": [1]}', "--importance", "0.9",
        "--valid-from", "2026-01-01", "--valid-until", "2090-01-01", "--expires-at", "2099-01-01", "--agent-id", "me",
    )  # fmt: skip
    _, out, _ = run("get", entry_id, "--json")
    (entry,) = json.loads(out)["entries"]
    assert (entry["title"], entry["kind"], entry["metadata"]) == ("Title", "guideline", {"a": [1]})
    assert (entry["importance"], entry["valid_from"]) == (0.9, "2026-01-01T00:00:00Z")
    assert (entry["valid_until"], entry["expires_at"]) == ("2090-01-02T00:00:00Z", "2099-01-02T00:00:00Z")
    assert entry["source"] == {"client": "cli", "agent": "me", "tool": "remember"}


def test_get_shows_what_is_there_and_fails_for_what_is_not(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "We deploy on Mondays")
    assert run("get", entry_id)[0] == 0
    code, out, _ = run("get", entry_id, "no-such-id")
    assert code == 1
    assert "> We deploy on Mondays" in out
    assert "not found: no-such-id" in out


def test_an_update_keeps_the_former_version(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "We deploy on Mondays", "--expires-at", "2099-01-01")
    code, out, err = run(
        "update",
        entry_id,
        "--content",
        "-",
        "--expires-at",
        "none",
        "--add-tag",
        "deploy",
        stdin=b"On Tuesdays\n",
    )
    assert (code, out, err) == (0, f"updated: {entry_id} is now version 2\n", "")
    (entry,) = json.loads(run("get", entry_id, "--history", "--json")[1])["entries"]
    assert (entry["content"], entry["tags"], entry.get("expires_at")) == ("On Tuesdays", ["deploy"], None)
    assert [past["content"] for past in entry["history"]] == ["We deploy on Mondays"]


def test_an_update_of_another_version_is_refused_in_one_line(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "We deploy on Mondays")
    code, out, err = run("update", entry_id, "--title", "x", "--expected-version", "7")
    assert (code, out) == (1, "")
    assert err.startswith(f"agent-memory: conflict: entry {entry_id} is at version 1, not 7")
    assert err.count("\n") == 1


def test_forget_by_filter_does_what_the_dry_run_said(run: Callable[..., Run]) -> None:
    entry_id = _stored(run, "gone soon", "--scope", "acme", "--tag", "draft")
    kept = _stored(run, "stays", "--scope", "acme")
    where = ("--scope", "acme", "--tag", "draft")
    assert run("forget", *where, "--dry-run")[:2] == (0, f"would forget 1 entry: {entry_id}\n")
    assert run("forget", *where)[:2] == (0, f"forgot 1 entry: {entry_id}\n")
    assert run("forget", *where)[:2] == (1, "forgot 0 entries\n")
    assert run("recall", "--scope", "acme", "--ids")[1] == f"{kept}\n"


def test_forget_takes_ids_or_a_filter_that_names_its_scope(run: Callable[..., Run]) -> None:
    for arguments in ([], ["--tag", "x"], ["some-id", "--scope", "acme"]):
        code, out, err = run("forget", *arguments)
        assert (code, out) == (2, "")
        assert "ids" in err


def test_purging_asks_for_the_admin_key_where_one_is_set(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = _stored(run, "secret plans")
    monkeypatch.setenv("AGENT_MEMORY_ADMIN_KEY", "open-sesame")
    code, _, err = run("forget", entry_id, "--purge")
    assert (code, err) == (
        1,
        "agent-memory: rejected: admin_key: purging needs --admin-key, as AGENT_MEMORY_ADMIN_KEY is set\n",
    )
    code, _, err = run("forget", entry_id, "--purge", "--admin-key", "please")
    assert (code, err) == (
        1,
        "agent-memory: rejected: admin_key: wrong; --admin-key must be what AGENT_MEMORY_ADMIN_KEY holds\n",
    )
    assert run("get", entry_id)[0] == 0
    assert run("forget", entry_id, "--purge", "--admin-key", "open-sesame")[0] == 0
    assert run("get", entry_id)[0] == 1


def test_content_comes_from_stdin_without_the_last_line_end(run: Callable[..., Run]) -> None:
    assert run("remember", "-", stdin="Zeile 1\n\nGrüße\n".encode())[0] == 0
    assert _contents(run) == ["Zeile 1\n\nGrüße"]


def test_stdin_that_is_not_utf8_is_rejected(run: Callable[..., Run]) -> None:
    code, _, err = run("remember", "-", stdin=b"ab\xff")
    assert (code, err) == (1, "agent-memory: rejected: content: stdin is not UTF-8 (byte 2)\n")


def test_an_argument_that_is_not_utf8_is_rejected(run: Callable[..., Run]) -> None:
    code, _, err = run("remember", "ab\udcff")
    assert (code, err) == (1, "agent-memory: rejected: arguments: not valid UTF-8\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recall", "x", "--since", "lately"], "since: 'lately' is not a time"),
        (["recall", "x", "--limit", "1000"], "limit: "),
        (["remember", "x", "--scope", "a/../b"], "segment '..' is not allowed"),
        (["remember", "  "], "content is empty"),
        (["update", "some-id"], "nothing to update"),
    ],
)
def test_what_breaks_a_rule_is_rejected_in_one_line(
    arguments: list[str], told: str, run: Callable[..., Run]
) -> None:
    _stored(run, "We deploy on Mondays")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("agent-memory: rejected: ")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["recall", "x", "--limit", "ten"],
        ["recall", "x", "--kind", "fact"],
        ["recall", "x", "--unknown"],
        ["remember"],
        ["remember", "x", "--metadata", "[1]"],
        ["remember", "x", "--batch", "2"],
        ["remember", "--jsonl", "-", "--tag", "x"],
        ["remember", "--jsonl", "-", "--batch", "1000"],
        ["get"],
        ["mcp", "--port", "80"],
    ],
)
def test_a_command_line_that_cannot_be_read_is_a_usage_error(
    arguments: list[str], run: Callable[..., Run]
) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"usage: agent-memory {arguments[0]}")


def _lines(*entries: dict[str, Any] | str) -> bytes:
    return b"".join((e if isinstance(e, str) else json.dumps(e)).encode() + b"\n" for e in entries)


def test_lines_of_json_are_remembered_and_counted(run: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "entries.jsonl"
    file.write_bytes(_lines({"content": "a"}, "", {"content": "b", "scope": "other"}, {"content": "a"}))
    code, out, err = run("remember", "--jsonl", str(file), "--scope", "acme", "--batch", "2")
    assert (code, out, err) == (0, f"remembered 2, already known 1 (from {file})\n", "")
    assert _contents(run, "--scope", "acme") == ["a"]
    assert _contents(run, "--scope", "other") == ["b"]


def test_lines_of_json_come_from_stdin_and_are_reported_as_json(run: Callable[..., Run]) -> None:
    code, out, _ = run("remember", "--jsonl", "-", "--json", stdin=_lines({"content": "a"}))
    assert code == 0
    facts = {"source": "stdin", "remembered": 1, "duplicates": 0, "bad_line": None, "problem": ""}
    assert json.loads(out) == facts


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ('{"content": "c", "kind": "fact"}', "kind: invalid enum value 'fact'; allowed: knowledge"),
        ('{"content": "c", "colour": "red"}', "colour: no such argument"),
        ('{"title": "c"}', "content is missing"),
        ('{"content": "c"', "not valid JSON"),
        ('{"content": "c", "occurred_at": "soon"}', "occurred_at: 'soon' is not a time"),
        ('{"content": " "}', "content is empty"),
    ],
)
def test_the_first_bad_line_is_named_and_nothing_of_its_batch_is_stored(
    bad: str, told: str, run: Callable[..., Run]
) -> None:
    lines = _lines({"content": "a"}, {"content": "b"}, "", {"content": "never"}, bad, {"content": "nor this"})
    code, out, err = run("remember", "--jsonl", "-", "--batch", "2", stdin=lines)
    assert (code, out) == (1, "remembered 2, already known 0 (from stdin)\n")
    assert err.startswith(f"agent-memory: rejected: line 5: {told}")
    assert "nothing of its batch was stored" in err
    assert sorted(_contents(run)) == ["a", "b"]


def test_a_bad_line_is_a_fact_of_the_report(run: Callable[..., Run]) -> None:
    code, out, _ = run("remember", "--jsonl", "-", "--json", stdin=_lines("[]"))
    report = json.loads(out)
    assert (code, report["bad_line"], report["remembered"]) == (1, 1, 0)
    assert report["problem"].startswith("rejected: line 1: ")


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_a_byte_order_mark_before_the_lines_is_no_part_of_them(
    source: str, run: Callable[..., Run], tmp_path: Path
) -> None:
    marked = b"\xef\xbb\xbf" + _lines({"content": "a"}, {"content": "b"})
    file = tmp_path / "entries.jsonl"
    file.write_bytes(marked)
    given = (
        run("remember", "--jsonl", str(file))
        if source == "file"
        else run("remember", "--jsonl", "-", stdin=marked)
    )
    assert (given[0], given[2]) == (0, "")
    assert sorted(_contents(run)) == ["a", "b"]


def test_a_file_of_lines_that_is_not_there_is_named(run: Callable[..., Run], tmp_path: Path) -> None:
    missing = tmp_path / "missing.jsonl"
    code, _, err = run("remember", "--jsonl", str(missing))
    assert (code, err) == (74, f"agent-memory: {missing}: No such file or directory\n")


def test_the_configured_ceiling_and_agent_hold(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = _stored(run, "outside", "--scope", "other")
    monkeypatch.setenv("AGENT_MEMORY_SCOPE", "acme")
    monkeypatch.setenv("AGENT_MEMORY_AGENT_ID", "pinned")
    inside = _stored(run, "inside", "--agent-id", "someone else")
    (entry,) = json.loads(run("get", inside, "--json")[1])["entries"]
    assert (entry["scope"], entry["source"]["agent"]) == ("acme", "pinned")
    assert run("get", outside)[0] == 1
    assert run("forget", outside)[0] == 1
    code, _, err = run("recall", "--scope", "other")
    assert (code, err) == (
        1,
        "agent-memory: rejected: scope 'other': this server is limited to 'acme' and what is below it\n",
    )


def test_a_setting_that_is_not_known_is_a_warning_beside_the_answer(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_SCOP", "acme")
    code, out, err = run("remember", "x")
    assert code == 0
    assert out.startswith("remembered: ")
    assert err == (
        "agent-memory: warning: AGENT_MEMORY_SCOP is not a setting of this version and has no effect; "
        "did you mean AGENT_MEMORY_SCOPE?\n"
    )


def test_stored_escape_sequences_do_not_reach_the_terminal_but_stay_stored(run: Callable[..., Run]) -> None:
    _stored(run, "red \x1b[31m alert")
    assert "> red \\x1b[31m alert" in run("recall")[1]
    assert _contents(run) == ["red \x1b[31m alert"]


def test_health_counts_and_names_the_file(run: Callable[..., Run], tmp_path: Path) -> None:
    _stored(run, "x")
    code, out, _ = run("health")
    assert code == 0
    assert out.startswith("healthy ")
    assert str(tmp_path / "memory.db") in out
    assert json.loads(run("health", "--json")[1])["entries"]["active"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["health"],
        ["recall", "x"],
        ["get", "some-id"],
        ["update", "some-id", "--title", "x"],
        ["forget", "some-id"],
        ["forget", "--scope", "acme", "--dry-run"],
    ],
    ids=" ".join,
)
def test_what_reads_or_changes_a_memory_makes_none(
    arguments: list[str], run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "not" / "there.db"
    monkeypatch.setenv("AGENT_MEMORY_DB_PATH", str(path))
    code, out, err = run(*arguments)
    assert (code, out) == (3, "")
    assert err.startswith(f"agent-memory: unavailable: {path}: there is no memory here yet")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_remember_makes_the_memory_with_its_folder(
    run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_DB_PATH", str(tmp_path / "not" / "there.db"))
    _stored(run, "x")
    assert _contents(run) == ["x"]


def test_health_of_a_damaged_memory_ends_with_the_code_for_it(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    _stored(run, "x")
    with closing(sqlite3.connect(tmp_path / "memory.db")) as memory:
        memory.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = memory.execute(
            "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'entries' AND rootpage"
        ).fetchall()
        (size,) = memory.execute("PRAGMA page_size").fetchone()
    with (tmp_path / "memory.db").open("r+b") as file:
        for (page,) in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
    for command in ("health", "recall"):
        code, out, err = run(command)
        assert code == 65
        assert "corrupt: " in out + err


def test_a_file_that_is_no_database_is_said_to_be_in_one_line(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "memory.db").write_bytes(b"not a database, but long enough to be looked at " * 100)
    code, out, err = run("health")
    assert code == 65
    assert out == ""
    assert err.startswith("agent-memory: ")
    assert err.count("\n") == 1
    ended = subprocess.run(
        [*MODULE, "mcp"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (65, "")
    assert "agent-memory: corrupt: " in ended.stderr


@pytest.mark.skipif(not FULL.exists(), reason="a device on which nothing can be written")
def test_where_nobody_can_be_told_the_exit_code_tells(run: Callable[..., Run]) -> None:
    _stored(run, "x")
    with FULL.open("wb") as full:
        assert subprocess.run([*MODULE, "export"], stdout=full, stderr=full, check=False).returncode == 74


def test_a_reader_that_leaves_ends_it_quietly(run: Callable[..., Run]) -> None:
    for n in range(100):
        run("remember", f"{n} " + "x" * 2000)
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        [*MODULE, "recall", "--limit", "100", "--max-tokens", "100000"],
        stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_ctrl_c_while_it_waits_for_lines_ends_it_quietly(run: Callable[..., Run], tmp_path: Path) -> None:
    _stored(run, "x")
    fifo = tmp_path / "lines"
    os.mkfifo(fifo)
    started = subprocess.Popen(
        [*MODULE, "remember", "--jsonl", str(fifo)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with fifo.open("wb"):  # returns once the other side reads
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=30)
    assert (started.returncode, out, err) == (130, b"", b"")
