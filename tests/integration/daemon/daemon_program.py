"""A daemon as `agent-memory worker --listen` composes one, without its work: store, listener, lifecycle."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent_memory.entrypoints import event_loop
from agent_memory.entrypoints.daemon.sockets import inherited_socket
from agent_memory.entrypoints.lifecycle import Lifecycle
from agent_memory.entrypoints.listener import listening
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp_command import make_server
from agent_memory.entrypoints.settings import Settings, read_settings
from agent_memory.entrypoints.wiring import open_app


async def serve(life: Lifecycle, settings: Settings, log: Log) -> None:
    inherited = inherited_socket(os.environ)
    where = Path(settings.daemon_sockets[0]) if inherited is None else inherited
    async with open_app(settings, log) as app:
        server = make_server(app)
        if other := os.environ.get("AGENT_MEMORY_TEST_VERSION"):
            server.identity = Identity(
                ServerInfo(name="agent-memory", version=other), offers=frozenset({"tools"})
            )
        async with listening(app, server, where) as listener:
            life.ready(f"serving at {where}")
            sys.stdout.write(f"ready {where}\n")
            sys.stdout.flush()
            await life.stopped()
            life.stopping(f"{listener.calls} calls in flight")


async def main() -> int:
    settings = read_settings(os.environ).settings
    log = Log(settings.log_level)
    log.take_over()
    life = Lifecycle(log, grace=settings.drain_timeout)
    return await life.run(lambda: serve(life, settings, log))


if __name__ == "__main__":
    sys.exit(event_loop.run(main(), read_settings(os.environ).settings.event_loop))
