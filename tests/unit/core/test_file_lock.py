"""File locks on a lock in this process, with time in the test's hands. What a lock promises is in its contract."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.core.caller import Caller
from agent_memory.core.file_lock import FileLocks
from agent_memory.core.requests import FileLock
from agent_memory.core.results import FileLockResult, LockedFile
from agent_memory.ports.errors import LockTimeout, NotHeld, Rejected
from agent_memory_contract.manual_clock import ManualClock, settle


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Desk:
    """Agents at one set of file locks."""

    def __init__(self, lock: InProcessLock, clock: ManualClock, **settings: Any) -> None:
        self.locks = FileLocks(lock, clock, instance="i1", **settings)
        self.clock = clock

    async def ask(
        self, action: str, path: str | None = "a.py", *, by: str = "ada", scope: str = "global", **given: Any
    ) -> FileLockResult:
        request = msgspec.convert({"action": action, "file_path": path, **given}, FileLock)
        return await self.locks.act(request, Caller(client="ide", agent=by, ceiling=scope))

    async def listed(self, *, by: str = "ada", scope: str = "global") -> list[LockedFile]:
        return list((await self.ask("list", None, by=by, scope=scope)).locks or ())


@pytest.fixture
async def desk() -> Desk:
    clock = ManualClock()
    return Desk(InProcessLock(clock=clock), clock)


async def test_a_checkout_answers_token_and_times(desk: Desk) -> None:
    got = await desk.ask("checkout", "./a.py", ttl_seconds=60)
    assert (got.file_path, got.status, got.agent) == ("a.py", "yours", "ada")
    assert got.since == desk.clock.now()
    assert got.since is not None
    assert got.until is not None
    assert (got.until - got.since).total_seconds() == 60
    assert got.token is not None


async def test_a_loser_is_told_who_since_when_until_when_and_how_to_wait(desk: Desk) -> None:
    await desk.ask("checkout", ttl_seconds=60)
    await desk.clock.advance(20)
    with pytest.raises(LockTimeout) as loss:
        await desk.ask("checkout", "x/../a.py", by="bob")
    assert str(loss.value) == (
        "a.py is checked out by 'ada' since 2025-01-01T00:00:00Z, until 2025-01-01T00:01:00Z (in 40 s) unless renewed; "
        "wait for it with wait_seconds (at most 300) or do something else first"
    )
    assert loss.value.holder is not None
    assert loss.value.holder.owner == "ada"


async def test_a_holder_who_asks_again_is_told_the_token(desk: Desk) -> None:
    token = (await desk.ask("checkout")).token
    with pytest.raises(LockTimeout, match=rf"yours already .* with token {token}: renew it or check it in"):
        await desk.ask("checkout")


async def test_a_waiter_gets_it_when_it_is_checked_in(desk: Desk) -> None:
    first = await desk.ask("checkout")
    waiting = asyncio.create_task(desk.ask("checkout", by="bob", wait_seconds=30))
    await settle()
    await desk.ask("checkin", token=first.token)
    second = await waiting
    assert second.agent == "bob"
    assert first.token is not None
    assert second.token is not None
    assert second.token > first.token


async def test_without_a_time_it_lasts_as_configured() -> None:
    clock = ManualClock()
    desk = Desk(InProcessLock(clock=clock), clock, ttl=7.0)
    await desk.ask("checkout")
    await clock.advance(6.9)
    assert (await desk.ask("status")).status == "yours"
    await clock.advance(0.2)
    assert await desk.ask("status") == FileLockResult(file_path="a.py", status="free")


async def test_a_renewal_without_a_time_makes_it_end_no_sooner(desk: Desk) -> None:
    got = await desk.ask("checkout", ttl_seconds=3600)
    assert (await desk.ask("renew", token=got.token)).until == got.until
    shorter = await desk.ask("renew", token=got.token, ttl_seconds=5)
    assert shorter.until is not None
    assert (shorter.until - desk.clock.now()).total_seconds() == 5
    longer = await desk.ask("renew", token=got.token)
    assert longer.until is not None
    assert (longer.until - desk.clock.now()).total_seconds() == 300


async def test_only_the_owner_sees_the_token(desk: Desk) -> None:
    got = await desk.ask("checkout")
    assert (await desk.ask("status")).token == got.token
    seen = await desk.ask("status", by="bob")
    assert (seen.status, seen.agent, seen.token) == ("taken", "ada", None)
    [listed] = await desk.listed(by="bob")
    assert (listed.file_path, listed.agent) == ("a.py", "ada")


@pytest.mark.parametrize("action", ["renew", "checkin"])
async def test_neither_another_agent_nor_another_token_can_act_on_it(desk: Desk, action: str) -> None:
    got = await desk.ask("checkout")
    assert got.token is not None
    with pytest.raises(NotHeld, match=r"'bob' does not hold it with token .*; 'ada' has it since"):
        await desk.ask(action, by="bob", token=got.token)
    with pytest.raises(NotHeld, match=f"but with token {got.token}, until"):
        await desk.ask(action, token=got.token + 1)
    assert (await desk.ask("status")).token == got.token


@pytest.mark.parametrize("action", ["renew", "checkin"])
async def test_whose_lock_ran_out_is_told_what_became_of_the_file(desk: Desk, action: str) -> None:
    got = await desk.ask("checkout", ttl_seconds=1)
    await desk.clock.advance(1)
    with pytest.raises(NotHeld, match="it is free: that lock ran out or was ended"):
        await desk.ask(action, token=got.token)
    await desk.ask("checkout", by="bob")
    with pytest.raises(NotHeld, match=r"'bob' has it since .*: leave the file alone"):
        await desk.ask(action, token=got.token)


async def test_what_is_forced_is_answered_and_its_token_is_over(desk: Desk) -> None:
    got = await desk.ask("checkout")
    forced = await desk.ask("force_unlock", by="root", reason="ada crashed")
    assert forced.ended is not None
    assert forced.ended.agent == "ada"
    with pytest.raises(NotHeld):
        await desk.ask("renew", token=got.token)
    again = await desk.ask("force_unlock", by="root", reason="to be sure")
    assert again == FileLockResult(file_path="a.py", status="free")


async def test_forcing_needs_a_reason(desk: Desk) -> None:
    await desk.ask("checkout")
    with pytest.raises(Rejected, match="reason is missing"):
        await desk.ask("force_unlock", by="root", reason="  ")
    assert (await desk.ask("status")).status == "yours"


async def test_the_audit_line_says_who_whose_and_why(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    await desk.ask("checkout")
    await desk.ask("force_unlock", by="root", reason="ada crashed")
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert all(word in record.getMessage() for word in ("file:a.py", "'ada'", "'root'", "ada crashed"))


async def test_scopes_neither_see_nor_block_each_other(desk: Desk) -> None:
    tokens = {
        scope: (await desk.ask("checkout", scope=scope)).token
        for scope in ("acme", "acme/shop", "global", "b")
    }
    assert None not in tokens.values()
    for scope in tokens:
        assert len(await desk.listed(scope=scope)) == 1
        await desk.ask("force_unlock", by="root", scope=scope, reason="only this one")
        assert await desk.listed(scope=scope) == []


@pytest.mark.parametrize("path", ["acme/shop:a.py", "@acme:a.py", "file@acme:a.py"])
async def test_no_path_reaches_into_another_scope(desk: Desk, path: str) -> None:
    await desk.ask("checkout", "a.py", scope="acme")
    await desk.ask("checkout", path)
    [listed] = await desk.listed(scope="acme")
    assert listed.file_path == "a.py"
    assert (await desk.ask("status", path)).file_path == path


async def test_callers_without_a_name_are_told_apart_by_their_server() -> None:
    clock = ManualClock()
    lock = InProcessLock(clock=clock)
    one, other = (FileLocks(lock, clock, instance=name) for name in ("i1", "i2"))
    caller = Caller(client="ide")
    got = await one.act(FileLock(action="checkout", file_path="a"), caller)
    assert got.agent == "ide i1"
    seen = await other.act(FileLock(action="status", file_path="a"), caller)
    assert (seen.status, seen.agent) == ("taken", "ide i1")


async def test_sub_agents_of_a_pinned_agent_exclude_each_other(desk: Desk) -> None:
    first = await desk.ask("checkout", agent_id="one")
    assert first.agent == "ada/one"
    with pytest.raises(LockTimeout, match="checked out by 'ada/one'"):
        await desk.ask("checkout", agent_id="two")
    assert (await desk.ask("status", agent_id="two")).token is None
    assert (await desk.ask("status")).token is None
    assert (await desk.ask("status", agent_id="one")).token == first.token
    await desk.ask("checkin", agent_id="one", token=first.token)
    assert (await desk.ask("checkout", agent_id="ada")).agent == "ada"


@pytest.mark.parametrize(
    ("pin", "given", "other_pin", "other_given"),
    [("ada", "bob", "bob", None), ("ada", "x/y", "ada/x", "y"), ("ada", "x", "ada/x", None)],
)
async def test_no_name_makes_a_pinned_agent_anybody_else(
    desk: Desk, pin: str, given: str, other_pin: str, other_given: str | None
) -> None:
    token = (await desk.ask("checkout", by=other_pin, agent_id=other_given)).token
    assert (await desk.ask("status", by=pin, agent_id=given)).status == "taken"
    with pytest.raises(NotHeld):
        await desk.ask("checkin", by=pin, agent_id=given, token=token)


async def test_a_list_of_one_file_is_refused(desk: Desk) -> None:
    with pytest.raises(Rejected, match=r"file_path: list has no use for it; .* status"):
        await desk.ask("list", "a.py")


async def test_a_long_list_says_that_it_is_cut(desk: Desk) -> None:
    for number in range(201):
        await desk.ask("checkout", f"{number:03}")
    listed = await desk.ask("list", None)
    assert listed.truncated
    assert [file.file_path for file in listed.locks or ()] == [f"{number:03}" for number in range(200)]
