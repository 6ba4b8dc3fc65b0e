"""Who asks, as the entrypoint knows it: never from free text."""

from __future__ import annotations

import msgspec

from ..ports.records import Provenance
from ..ports.scopes import GLOBAL
from . import limits
from .text import checked_line


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """`ceiling` bounds every scope that this caller can see or write. `agent`, when pinned by configuration, wins over
    the name that a call gives: it is who writes, and whose calls are counted.
    """

    client: str = ""
    agent: str = ""
    tool: str = ""
    ceiling: str = GLOBAL

    def provenance(self, agent_id: str | None) -> Provenance:
        return Provenance(client=self.client, agent=self.agent_name(agent_id), tool=self.tool)

    def holder_name(self, agent_id: str | None) -> str:
        """For what agents of one server must not have at once: a pinned agent's sub-agents, which calls name, are told
        apart. What is before the first `/` is always the pin, so that none of them is anybody outside it.
        """
        given = checked_line(agent_id or "", "agent_id", most=limits.AGENT_CHARS)
        if not self.agent:
            return given
        pin = self.agent.replace("%", "%25").replace("/", "%2F")
        return pin if given in {"", self.agent} else f"{pin}/{given}"

    def agent_name(self, agent_id: str | None) -> str:
        return self.agent or checked_line(agent_id or "", "agent_id", most=limits.AGENT_CHARS)
