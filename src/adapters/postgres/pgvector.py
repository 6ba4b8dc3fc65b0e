"""pgvector, where the server has it: vectors move into its type, which it compares and indexes itself."""

from __future__ import annotations

import sys
from array import array
from struct import pack
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from typing import Any

    Connection = asyncpg.Connection[asyncpg.Record]

_SCHEMA_OF = (
    "SELECT n.nspname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
    "JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE a.attrelid = to_regclass('vectors') AND a.attname = 'embedding' AND NOT a.attisdropped"
)
_OFFERED = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')"
_INSTALLED = (
    "SELECT n.nspname::text FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace "
    "WHERE x.extname = 'vector'"
)
_INSTALL = "CREATE EXTENSION vector SCHEMA agent_memory"
_ADD_COLUMN = 'ALTER TABLE vectors ADD COLUMN embedding "{}".vector'
_OLD = "SELECT row, value FROM vectors WHERE value IS NOT NULL LIMIT 1000"
_MOVE = "UPDATE vectors SET embedding = $2, value = NULL WHERE row = $1"
_MODELS = "SELECT model, dimension FROM models"
_INDEX = (
    "CREATE INDEX vectors_near_{model} ON vectors USING hnsw ((embedding::vector({dimension})) vector_cosine_ops) "
    "WHERE model = {model}"
)

MOST_DIMENSIONS = 2000
"""That pgvector's index takes. Longer vectors are compared one by one."""


def index_statement(model: int, dimension: int) -> str:
    """Each model has its own, since they differ in dimension. Numbers only, so no text finds its way in."""
    return _INDEX.format(model=int(model), dimension=int(dimension))


async def schema_of(connection: Connection) -> str | None:
    """Where its types are, if vectors are kept in them."""
    schema: str | None = await connection.fetchval(_SCHEMA_OF)
    return schema


async def is_offered(connection: Connection) -> bool:
    return bool(await connection.fetchval(_OFFERED))


async def adopt(connection: Connection) -> None:
    """Use it if it is there or may be installed. Vectors that came before it are moved."""
    if await schema_of(connection) is not None or not await is_offered(connection):
        return
    schema = await connection.fetchval(_INSTALLED)
    if schema is None:
        try:
            await connection.execute(_INSTALL)
        except asyncpg.InsufficientPrivilegeError:
            # Without it answers are the same, only slower; health says so.
            return
        schema = "agent_memory"
    async with connection.transaction():
        await connection.execute(_ADD_COLUMN.format(schema.replace('"', '""')))
        await know_type(connection, schema)
        while rows := await connection.fetch(_OLD):
            await connection.executemany(_MOVE, [tuple(row) for row in rows])
        for model, dimension in await connection.fetch(_MODELS):
            if dimension <= MOST_DIMENSIONS:
                await connection.execute(index_statement(model, dimension))


async def know_type(connection: Any, schema: str) -> None:
    await connection.set_type_codec(
        "vector", encoder=_encode, decoder=_decode, schema=schema, format="binary"
    )


def _encode(values: bytes) -> bytes:
    """Little-endian float32 as pgvector's wire format: dimension, a reserved word, big-endian float32."""
    floats = array("f")
    floats.frombytes(values)
    if sys.byteorder == "little":
        floats.byteswap()
    return pack(">HH", len(floats), 0) + floats.tobytes()


def _decode(wire: bytes) -> bytes:
    floats = array("f")
    floats.frombytes(wire[4:])
    if sys.byteorder == "little":
        floats.byteswap()
    return floats.tobytes()
