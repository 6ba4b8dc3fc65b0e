"""`agent-memory jobs`: what waits, what runs, what failed for good, and what becomes of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..admin import check_whole_store
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from ...core.caller import Caller
    from ...ports.queries import PendingJob
    from ...ports.records import Job
    from ..wiring import App

_ACTIONS = ("list", "retry", "discard")
_MOST = 500
_SPARE = 100
"""Jobs that may come between counting them and reading them."""


def run(arguments: list[str]) -> int:
    parser = Parser(
        "jobs",
        "Jobs are work that follows from what was stored, or is due by the clock. list: those that wait or run, due "
        "first coming first; with --dead those that failed for good, newest first. retry: the dead ones with these ids "
        "wait again, with all their attempts before them. discard: they are gone. Exits with 1 when one of the ids is "
        "not that of a dead job, and says which; the others are done.",
        {
            "what is to be done": "jobs list",
            "what failed": "jobs list --dead",
            "try two again": "jobs retry 17 18",
        },
    )
    parser.add_argument("action", choices=_ACTIONS, metavar="list|retry|discard", help="what to do")
    parser.add_argument("ids", nargs="*", type=int, metavar="ID", default=[], help="of dead jobs")
    parser.add_argument("--dead", action="store_true", default=False, help="list those that failed for good")
    parser.add_argument(
        "--limit", type=int, default=50, metavar="N", help=f"list at most so many (50; up to {_MOST})"
    )
    parser.json()
    given = parser.read(arguments)
    if given["action"] == "list" and given["ids"]:
        parser.error("list takes no ids")
    if given["action"] != "list" and (not given["ids"] or given["dead"]):
        parser.error(f"{given['action']} takes the ids of dead jobs, and nothing else")
    if not 1 <= given["limit"] <= _MOST:
        parser.error(f"argument --limit: 1 to {_MOST}")
    act = _list if given["action"] == "list" else _change
    return use_memory("jobs", act(given))


def _list(given: dict[str, Any]) -> Callable[[App, Caller], Awaitable[int]]:
    async def use(app: App, caller: Caller) -> int:
        check_whole_store(caller, "jobs")
        stats = await app.storage.job_stats()
        if given["dead"]:
            rows = [
                _row(job, "dead", job.run_at) for job in await app.storage.dead_jobs(limit=given["limit"])
            ]
        else:
            now = app.clock.now()
            rows = [_pending_row(one, now) for one in await app.storage.pending_jobs(limit=given["limit"])]
        counts = {"waiting": stats.waiting, "running": stats.leased, "dead": stats.dead}
        if given["json"]:
            show_json({"jobs": rows, **counts})
        else:
            show(
                "\n".join([*map(_line, rows), "  ".join(f"{count} {name}" for name, count in counts.items())])
            )
        return 0

    return use


def _change(given: dict[str, Any]) -> Callable[[App, Caller], Awaitable[int]]:
    async def use(app: App, caller: Caller) -> int:
        check_whole_store(caller, "jobs")
        retry = given["action"] == "retry"
        ids: list[int] = list(dict.fromkeys(given["ids"]))
        refused = await _not_dead(app, ids)
        change = app.storage.revive_jobs if retry else app.storage.discard_jobs
        count = await change([each for each in ids if each not in refused])
        done = "retried" if retry else "discarded"
        if given["json"]:
            show_json({done: count, "refused": {str(each): why for each, why in refused.items()}})
        else:
            show(f"{count} of {len(ids)} {done}")
        for each, why in refused.items():
            sys.stderr.write(f"agent-memory: job {each}: {why}\n")
        return 0 if count == len(ids) else 1

    return use


async def _not_dead(app: App, ids: list[int]) -> dict[int, str]:
    """Those of the ids that cannot be meant, with the reason."""
    stats = await app.storage.job_stats()
    dead = {job.id for job in await app.storage.dead_jobs(limit=stats.dead + _SPARE)}
    others = [each for each in ids if each not in dead]
    if not others:
        return {}
    live = await app.storage.pending_jobs(limit=stats.waiting + stats.leased + _SPARE)
    now = app.clock.now()
    states: dict[int, str] = {row["id"]: row["state"] for row in (_pending_row(one, now) for one in live)}
    return {
        each: f"not a dead letter, it is {states[each]}" if each in states else "there is no such job"
        for each in others
    }


def _pending_row(pending: PendingJob, now: datetime) -> dict[str, Any]:
    if pending.leased_until is not None:
        return _row(pending.job, "running", pending.leased_until)
    return _row(pending.job, "due" if pending.job.run_at <= now else "waiting", pending.job.run_at)


def _row(job: Job, state: str, at: datetime) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": state,
        "at": at,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "key": job.key,
        "payload": job.payload.decode("utf-8", "backslashreplace"),
        "last_error": job.last_error,
    }


def _line(row: dict[str, Any]) -> str:
    when = {"running": "until", "waiting": "at"}.get(row["state"], "since")
    attempts = f", attempt {row['attempts']}" if row["attempts"] else ""
    error = f"\n    {row['last_error']}" if row["last_error"] else ""
    payload = f"  {row['payload']}" if row["payload"] else ""
    moment = row["at"].isoformat(timespec="seconds")
    return f"{row['id']}  {row['kind']}{payload}  {row['state']} {when} {moment}{attempts}{error}"
