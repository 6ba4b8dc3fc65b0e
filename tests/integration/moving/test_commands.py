"""`agent-memory export`, `import` and `maintain`, and the library's calls, on real files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from agent_memory import open_memory
from agent_memory.ports.errors import Conflict, NotFound, Rejected

from .processes import environment, run

if TYPE_CHECKING:
    from pathlib import Path


async def remember(path: Path, content: str, *options: str) -> str:
    answer = await run(environment(path), "remember", content, "--json", *options)
    assert answer.code == 0, answer.errors
    entry_id: str = json.loads(answer.output)["results"][0]["id"]
    return entry_id


async def test_a_memory_goes_through_a_pipe(tmp_path: Path) -> None:
    one, two = environment(tmp_path / "one.db"), environment(tmp_path / "two.db")
    await remember(tmp_path / "one.db", "We deploy on Fridays", "--scope", "acme/shop")
    for form in ("json", "jsonl", "markdown"):
        sent = await run(one, "export", "--format", form)
        assert sent.code == 0
        assert re.fullmatch(r"agent-memory: 1 entries exported, sha256:[0-9a-f]{64}\n", sent.errors)
        assert (await run(two, "import", "-", "--format", form, stdin=sent.output)).code == 0
        assert (await run(two, "export", "--format", form)).output == sent.output


async def test_a_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    one = environment(tmp_path / "one.db")
    file = tmp_path / "all.md"
    await remember(tmp_path / "one.db", "We deploy on Fridays")
    file.write_text("old")
    refused = await run(one, "export", "--output", str(file), "--scope", "a/../b")
    assert (refused.code, file.read_text()) == (1, "old")
    written = await run(one, "export", "--output", str(file), "--json")
    assert json.loads(written.output)["format"] == "markdown"
    assert file.read_text().startswith("# Memory export\n")
    assert file.stat().st_mode & 0o777 == 0o600
    nowhere = await run(one, "export", "--output", str(tmp_path / "none" / "all.json"))
    assert nowhere.code == 74
    assert "no such folder" in nowhere.errors
    assert not (tmp_path / "none").exists()


async def test_conflicts_are_told_and_the_exit_code_says_so(tmp_path: Path) -> None:
    one, two = environment(tmp_path / "one.db"), environment(tmp_path / "two.db")
    entry_id = await remember(tmp_path / "one.db", "We deploy on Fridays")
    text = (await run(one, "export")).output
    assert (await run(two, "import", "-", stdin=text)).code == 0
    await run(two, "update", entry_id, "--content", "We deploy on Mondays")
    await run(one, "update", entry_id, "--content", "We deploy on Tuesdays")
    text = (await run(one, "export")).output
    left = await run(two, "import", "-", stdin=text)
    assert left.code == 1
    assert f"entries {entry_id}: version 2 stands here and differs" in left.output.decode()
    failed = await run(two, "import", "-", "--on-conflict", "fail", stdin=text)
    assert (failed.code, failed.output) == (1, b"")
    tried = await run(two, "import", "-", "--on-conflict", "update", "--dry-run", stdin=text)
    assert tried.output.decode().splitlines()[1] == "entries: 0 created, 1 updated, 0 skipped, 0 in conflict"
    taken = await run(two, "import", "-", "--on-conflict", "update", stdin=text)
    assert taken.code == 0
    shown = json.loads((await run(two, "get", entry_id, "--history", "--json")).output)["entries"][0]
    assert (shown["content"], shown["version"]) == ("We deploy on Tuesdays", 3)


async def test_the_admin_key_is_asked_for_where_one_is_set(tmp_path: Path) -> None:
    guarded = environment(tmp_path / "one.db", ADMIN_KEY="s3cret")
    await remember(tmp_path / "one.db", "We deploy on Fridays")
    text = (await run(guarded, "export")).output
    for command in (("import", "-"), ("maintain", "verify")):
        for key in ((), ("--admin-key", "guess")):
            refused = await run(guarded, *command, *key, stdin=text)
            assert refused.code == 1
            assert "admin_key" in refused.errors
            assert "s3cret" not in refused.errors
        assert (await run(guarded, *command, "--admin-key", "s3cret", stdin=text)).code == 0


async def test_named_exports_are_in_the_folder_that_is_set(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    one = environment(tmp_path / "one.db", EXPORT_DIR=str(folder))
    await remember(tmp_path / "one.db", "We deploy on Fridays")
    assert (await run(one, "export", "--name", "friday.jsonl")).code == 0
    assert [file.name for file in folder.iterdir()] == ["friday.jsonl"]
    assert (await run(one, "export", "--name", "friday.jsonl")).code == 1
    assert (await run(one, "import", "--name", "friday.jsonl")).code == 0
    assert (await run(one, "import", "--name", "monday.jsonl")).code == 1
    assert (await run(one, "import")).code == 2
    assert (await run(one, "import", "x", "--name", "y")).code == 2


async def test_maintenance_does_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    one = environment(path)
    first = await remember(path, "We deploy on Fridays", "--tag", "deploy")
    second = await remember(path, "we deploy on fridays!", "--tag", "rule")
    assert b"would be superseded" in (await run(one, "maintain", "consolidate", "--dry-run")).output
    result = json.loads((await run(one, "maintain", "consolidate", "--json")).output)
    assert result["groups"] == [{"kept": second, "title": "we deploy on fridays!", "superseded": [first]}]
    assert json.loads((await run(one, "recall", "deploy", "--json")).output)["results"][0]["id"] == second
    assert json.loads((await run(one, "maintain", "reindex", "--json")).output)["entries"] == 1
    assert len(json.loads((await run(one, "recall", "deploy", "--json")).output)["results"]) == 1
    made = json.loads((await run(one, "maintain", "backup", "--json")).output)
    assert made["backups"] == [made["backup"]]
    assert (tmp_path / "one.db-backups" / made["backup"]).stat().st_size > 0
    listed = json.loads((await run(one, "maintain", "backup", "--dry-run", "--json")).output)
    assert listed["backups"] == made["backups"]
    done = json.loads((await run(one, "maintain", "upkeep", "--json")).output)["done"]
    assert {"keys", "index", "statistics", "space"} <= set(done)
    assert json.loads((await run(one, "maintain", "verify", "--json")).output)["problems"] == []
    assert (await run(one, "maintain", "upkeep", "--scope", "acme")).code == 1


async def test_the_library_moves_and_maintains(tmp_path: Path) -> None:
    async with open_memory(tmp_path / "one.db") as one, open_memory(tmp_path / "two.db") as two:
        await one.remember("We deploy on Fridays", scope="acme")
        await one.remember("we deploy on fridays.", scope="acme")
        assert await two.recall("deploy", scope="acme") == ()
        written = await one.export(tmp_path / "all.jsonl")
        assert (written.counts.entries, written.format) == (2, "jsonl")
        assert (await two.import_(tmp_path / "all.jsonl")).entries.created == 2
        assert len(await two.recall("deploy", scope="acme")) == 2
        assert (await two.maintain("consolidate", scope="acme")).superseded == 1
        assert len(await two.recall("deploy", scope="acme")) == 1
        text = (await two.export(scope="acme", format="markdown")).content
        assert text is not None
        assert (await one.import_(content=text, format="markdown", on_conflict="update")).entries.updated == 1
        assert (await one.export(name="x.json")).name == "x.json"
        with pytest.raises(Conflict):
            await one.export(name="x.json")
        with pytest.raises(NotFound):
            await one.import_(name="y.json")
        with pytest.raises(Rejected):
            await one.export(format="xml")
        with pytest.raises(Rejected):
            await one.import_(tmp_path / "all.jsonl", name="x.json")
