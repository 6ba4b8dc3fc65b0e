"""`agent-memory mcp` where a daemon serves the same memory: find it, say who this is, then pass bytes.

A client waits while this starts, and eight of them run on one machine. So nothing is imported here but the standard
library's smallest modules: no asyncio, no msgspec. Whatever is odd is left to the server in this process, which says
what is wrong.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .. import __version__
from .daemon.address import PREFIX, database_of, given, sockets_of
from .daemon.link import Link, Refused, line, reach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MISCONFIGURED, TEMPORARY = 78, 75
"""EX_CONFIG and EX_TEMPFAIL of sysexits.h."""
_GUARDS = ("SCOPE", "ADMIN_KEY")
_ANSWER_WITHIN = 5.0
"""Seconds in which a daemon accepts. One that starts on demand takes less than one."""
_OF_THIS_CLIENT = frozenset({"ceiling", "agent", "admin_key", "misconfigured"})
"""Refusals that stand until someone changes a setting."""


def run(environment: Mapping[str, str]) -> int | None:
    """Serve through the daemon; the exit code. None where this process is to serve by itself."""
    wish = given(environment, "DAEMON", "auto").lower()
    if wish not in {"auto", "required"} or not _plain(environment):
        return None
    database = database_of(environment)
    paths = sockets_of(environment, database)
    hello = hello_of(environment, database)
    refusal: Refused | None = None
    link = None
    try:
        link = reach(paths, hello, _ANSWER_WITHIN)
    except Refused as refused:
        refusal = refused
    if link is None:
        return _without(wish, refusal, paths)
    return _through(link, paths, hello, environment)


def hello_of(environment: Mapping[str, str], database: str) -> bytes:
    """What holds for this client's calls, whichever process answers them. Of other settings only the names are said, so
    that a misspelt one is noticed.
    """
    return line(
        version=__version__,
        database=database,
        scope=given(environment, "SCOPE"),
        agent_id=given(environment, "AGENT_ID"),
        admin_key=given(environment, "ADMIN_KEY"),
        tools=given(environment, "TOOLS"),
        names=[name for name in environment if name.startswith(PREFIX)],
    )


def _plain(environment: Mapping[str, str]) -> bool:
    """Standard input and output are there, and what guards something is not blank."""
    if sys.stdin is None or sys.stdout is None:
        return False
    return not any(PREFIX + name in environment and not given(environment, name) for name in _GUARDS)


def _without(wish: str, refusal: Refused | None, paths: Sequence[str]) -> int | None:
    if wish == "auto":
        if refusal is not None and refusal.code != "database":
            _say(f"serving from this process, for the daemon declined: {refusal}")
        return None
    if refusal is not None:
        _say(f"the daemon declined, and AGENT_MEMORY_DAEMON=required: {refusal}")
        return MISCONFIGURED if refusal.code in _OF_THIS_CLIENT else TEMPORARY
    _say(f"no daemon answers, and AGENT_MEMORY_DAEMON=required; looked at {', '.join(paths)}")
    return TEMPORARY


def _through(link: Link, paths: Sequence[str], hello: bytes, environment: Mapping[str, str]) -> int:
    from .daemon.pump import Pump  # noqa: PLC0415 - only now is it sure to be needed

    for warning in link.said.get("warnings", ()):
        _say(f"warning: {warning}")
    there = link.said.get("version")
    if there != __version__:
        _say(f"the daemon is version {there}, this program {__version__}: restart the daemon")
    patience = _seconds(environment, "DAEMON_RECONNECT_MS", 10.0)
    grace = _seconds(environment, "DRAIN_TIMEOUT_MS", 5.0)
    return Pump(link, paths, hello, patience=patience, grace=grace).run()


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = given(environment, name)
    return int(text) / 1000 if text.isdecimal() and len(text) < 10 else default


def _say(text: str) -> None:
    from .daemon.pump import say  # noqa: PLC0415 - only where there is something to say

    say(text)
