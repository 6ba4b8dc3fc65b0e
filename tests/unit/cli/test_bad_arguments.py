"""What a person gets who types something that cannot be: a line that names it, and no secret repeated."""

from __future__ import annotations

import os
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
    ],
    ids=["command", "option", "value", "file", "choice"],
)  # fmt: skip
def test_no_error_repeats_a_secret(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) != 0
    said = capsys.readouterr()
    assert SECRET not in said.err + said.out
    assert "[redacted:github-pat]" in said.err


@pytest.mark.parametrize("name", ["STORAGE", "CACHE", "LOCK", "EVENT_BUS", "RATE_LIMITER", "BLOB_STORE"])
@pytest.mark.parametrize("rest", ["u:Zq9SecretXyz77", "u:Zq9/SecretXyz77@h/x", "u:Zq9SecretXyz77@h:port/x"])
def test_an_address_that_cannot_be_read_is_not_repeated(
    name: str, rest: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"AGENT_MEMORY_{name}", f"sqlite://{rest}")
    assert cli.main(["health"]) == 78
    said = capsys.readouterr().err
    assert f"AGENT_MEMORY_{name}=" in said
    assert "Secret" not in said
    assert "Zq9" not in said


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
