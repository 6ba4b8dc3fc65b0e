"""How to reach the server, and how long to wait for it."""

from __future__ import annotations

from typing import Literal

import msgspec

SslMode = Literal["disable", "require", "verify-ca", "verify-full"]


class PostgresSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`host` may be the folder of a Unix socket. Times are in seconds.

    `ssl`: `require` encrypts without asking who answers; the `verify` modes check the certificate against
    `ssl_root` (a PEM file; empty: the system's authorities), `verify-full` the host name too.
    `idle_timeout` closes connections beyond `pool_min` that nobody needed for so long (0: never).
    `connection_timeout` bounds a connection attempt, and a wait for the pool. `statement_timeout` is the
    server's own (0: none).
    """

    host: str = "localhost"
    port: int = 5432
    database: str = "agent_memory"
    user: str = "agent_memory"
    password: str = ""
    ssl: SslMode = "verify-full"
    ssl_root: str = ""
    pool_min: int = 2
    pool_max: int = 10
    idle_timeout: float = 30.0
    connection_timeout: float = 10.0
    statement_timeout: float = 30.0
