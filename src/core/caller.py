"""Who asks, as the entrypoint knows it: never from free text."""

from __future__ import annotations

import msgspec

from ..ports.records import Provenance
from ..ports.scopes import GLOBAL
from . import limits
from .text import checked_line


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """`ceiling` bounds every scope that this caller can see or write. `agent`, when pinned by configuration, wins over
    the name that a call gives.
    """

    client: str = ""
    agent: str = ""
    tool: str = ""
    ceiling: str = GLOBAL

    def provenance(self, agent_id: str | None) -> Provenance:
        return Provenance(client=self.client, agent=self.agent_name(agent_id), tool=self.tool)

    def agent_name(self, agent_id: str | None) -> str:
        return self.agent or checked_line(agent_id or "", "agent_id", most=limits.AGENT_CHARS)
