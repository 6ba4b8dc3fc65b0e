"""An event bus for Agent Memory on NATS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.adapter import EventBusAdapter
from agent_memory.ports.event_bus import EventBusCapabilities

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.adapter import Setup
    from agent_memory.ports.event_bus import EventBus

# Half of what a server takes by default (1 MiB): there is room for the other fields.
CAPABILITIES = EventBusCapabilities(name="nats", shared="network", max_payload=512 * 1024)
SUBJECT = "agent_memory.events"


def make(setup: Setup) -> AbstractAsyncContextManager[EventBus]:
    from .event_bus import NatsEventBus  # noqa: PLC0415 - needs the driver

    setup.refuse_other_options("subject")
    return NatsEventBus(
        f"nats://{setup.host or '127.0.0.1'}:{setup.port or 4222}",
        subject=setup.options.get("subject", SUBJECT),
        user=setup.user,
        password=setup.password,
    )


EVENT_BUS = EventBusAdapter(
    contract=1,
    summary="a NATS server",
    capabilities=CAPABILITIES,
    make=make,
    harness="agent_memory_nats.certification:harness",
    needs=("nats",),
)
