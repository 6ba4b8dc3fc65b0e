"""What a person gets who types something that cannot be: a line that names it, and no secret repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints import cli

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AGENT_MEMORY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AGENT_MEMORY_DB_PATH", str(tmp_path / "memory.db"))
    monkeypatch.setenv("AGENT_MEMORY_DAEMON", "off")


@pytest.mark.parametrize(
    "arguments",
    [
        [SECRET], ["remember", f"--bogus={SECRET}"], ["recall", "x", "--limit", SECRET],
        ["import", f"/nowhere/{SECRET}"], ["remember", "x", "--kind", SECRET],
        ["certify", "storage", SECRET], ["certify", "--all", "--report", f"/nowhere/{SECRET}/x"],
    ],
    ids=["command", "option", "value", "file", "choice", "adapter", "report"],
)  # fmt: skip
def test_no_error_repeats_a_secret(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) != 0
    said = capsys.readouterr()
    assert SECRET not in said.err + said.out
    assert "[redacted:github-pat]" in said.err


def test_a_warning_repeats_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"AGENT_MEMORY_{SECRET}", "1")
    assert cli.main(["config"]) == 0
    said = capsys.readouterr().err
    assert "is not a setting of this version" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "arguments",
    [["remember", "x", "--importance"], ["remember", "--jsonl", "-", "--batch"], ["health"]],
    ids=["importance", "batch", "setting"],
)
def test_what_is_cut_has_no_piece_of_a_secret_at_its_end(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_AGENT_ID", f"{'n' * 50}\n{SECRET}")
    option = [] if arguments == ["health"] else [f"{'n' * 40} {SECRET}"]
    assert cli.main([*arguments, *option]) in {2, 78}
    said = capsys.readouterr().err
    assert "n" * 40 in said
    assert SECRET[:8] not in said


@pytest.mark.parametrize("command", [["mcp"], ["worker", "--once"]], ids=["mcp", "worker"])
def test_a_server_that_cannot_start_repeats_no_secret(command: list[str]) -> None:
    environment = {**os.environ, "AGENT_MEMORY_DB_PATH": f"/dev/null/{SECRET}/memory.db"}
    program = [sys.executable, "-m", "agent_memory.entrypoints.cli", *command]
    ended = subprocess.run(
        program, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ended.returncode
    assert "[redacted:github-pat]" in ended.stderr
    assert SECRET not in ended.stderr


def test_an_id_that_is_a_secret_is_not_found_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["remember", "x"]) == 0
    for command in ("get", "forget"):
        assert cli.main([command, SECRET]) == 1
        said = capsys.readouterr()
        assert "not found: [redacted:github-pat]" in said.out
        assert SECRET not in said.out + said.err


@pytest.mark.parametrize("name", ["STORAGE", "CACHE", "LOCK", "EVENT_BUS", "RATE_LIMITER", "BLOB_STORE"])
@pytest.mark.parametrize(
    "address",
    [
        "sqlite://u:Zq9SecretXyz77", "sqlite://u:Zq9/SecretXyz77@h/x", "sqlite://u:Zq9SecretXyz77@h:port/x",
        "sqlite://u:99999977", "nix://u:9/SecretXyz77@h", "nix://h/?key=Zq9SecretXyz77",
        "sqlite:u:Zq9SecretXyz77@h/x", "sqlite:/u:Zq9SecretXyz77@h/x", "u:Zq9SecretXyz77@h/x",
        "u:Zq9SecretXyz77@h://x", "host=h word=Zq9SecretXyz77",
    ],
)  # fmt: skip
def test_of_an_address_that_cannot_be_read_at_most_the_name_is_repeated(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"AGENT_MEMORY_{name}", address)
    assert cli.main(["health"]) == 78
    said = capsys.readouterr().err
    assert f"AGENT_MEMORY_{name}=" in said
    for piece in ("Zq9", "Secret", "77"):
        assert piece not in said


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "much"])
@pytest.mark.parametrize("command", [["remember", "x"], ["update", "01941f29-83c4-77c4-8000-0000000007c4"]])
def test_importance_is_a_number(
    command: list[str], value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main([*command, f"--importance={value}"]) == 2
    assert "--importance: " in (said := capsys.readouterr().err)
    assert "0 to 1" in said
    assert not (tmp_path / "memory.db").exists()


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (DEEP, "nested deeper than 16 levels"), ('{"a":' * 1_000 + "1" + "}" * 1_000, "nested deeper than 16 levels"),
        ('{"a":' + "[" * 5_000 + "]" * 5_000 + "}", "nested deeper than 16 levels"),
        ('{"a": NaN}', "not a JSON object"), ("[]", "not a JSON object"),
    ],
    ids=["deepest", "deep", "lists", "nan", "list"],
)  # fmt: skip
def test_metadata_that_cannot_be_is_no_defect(
    metadata: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["remember", "x", "--metadata", metadata]) in {1, 2}
    assert said in (told := capsys.readouterr().err)
    assert "metadata" in told


def test_the_bounds_of_a_batch_are_named_and_not_every_number_between(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["remember", "--jsonl", "-", "--batch", "0"]) == 2
    said = capsys.readouterr().err
    assert "--batch: 0: not allowed (1 to 256)" in said
    assert "128" not in said


@pytest.mark.parametrize("agent", ["a b\nc", "x" * 5_000])
def test_an_agent_id_holds_to_the_same_rules_as_a_setting(
    agent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_AGENT_ID", agent)
    assert cli.main(["health"]) == 78
    said = capsys.readouterr().err
    assert "AGENT_MEMORY_AGENT_ID=" in said
    assert len(said) < 400


@pytest.mark.parametrize("file", ["none/all.json", "folder", "/proc/all.json"])
def test_a_file_that_cannot_be_written_is_named_with_the_code_for_files(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if file.startswith("/proc") and sys.platform != "linux":
        pytest.skip("a folder in which nobody makes a file")
    (tmp_path / "folder").mkdir()
    assert cli.main(["remember", "x"]) == 0
    capsys.readouterr()
    assert cli.main(["export", "--output", str(tmp_path / file)]) == 74
    said = capsys.readouterr().err
    assert said.startswith(f"agent-memory: {(tmp_path / file).parent}")
    assert "none of that name" not in said


@pytest.mark.parametrize("name", ["AGENT_ID", "SCOPE"])
def test_a_name_in_the_environment_that_holds_a_secret_is_refused_as_an_argument_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"AGENT_MEMORY_{name}", SECRET)
    assert cli.main(["remember", "x"]) == 78
    said = capsys.readouterr().err
    assert f"AGENT_MEMORY_{name}: what looks like a secret (github-pat) stands in it" in said
    assert SECRET not in said
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("AGENT_MEMORY_REDACT", "false")
    assert cli.main(["remember", "x"]) == 0


@pytest.mark.parametrize("name", ["DB_PATH", "DATA_DIR", "BACKUP_DIR", "EXPORT_DIR"])
def test_an_address_in_the_place_of_a_path_is_refused_without_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"AGENT_MEMORY_{name}", "postgres://bob:Zq9SecretXyz77@127.0.0.1:1/x")
    assert cli.main(["remember", "x"]) == 78
    said = capsys.readouterr().err
    assert f"AGENT_MEMORY_{name}='postgres://(hidden)'" in said
    assert "AGENT_MEMORY_STORAGE" in said
    assert list(tmp_path.iterdir()) == []
