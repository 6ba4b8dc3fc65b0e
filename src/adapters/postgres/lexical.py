"""Lexical search: BM25 over the words that a GIN index finds, every filter before the limit.

PostgreSQL's own ts_rank knows nothing of how rare a word is. But of a single word it is the sum over its places
p = 1 to n of weight / p^2, over pi^2 / 6 (tsrank.c, calc_rank_or): turned round, it tells how often the word is there.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ...ports.queries import Hit, LexicalQuery
from .filters import FIELDS, SCOPE, VERSIONS, filter_parameters
from .rows import E_COLUMNS, WIDTH, row_entry
from .statement import Statement
from .words import term_query

if TYPE_CHECKING:
    from .connections import Connection

# The rest of the sum after n places is close to 1 / (n + 0.5).
_TIMES = "(CASE WHEN {rank} = 0 THEN 0 ELSE 1 / (1.6449341 * (1.0000001 - {rank})) - 0.5 END)"
_RANK = "ts_rank('{weights}', e.lexemes, q.t{n})"
# A word in the title counts one and a half times, as on SQLite. Weights are those of the labels D, C, B, A.
_WORD = (
    _TIMES.format(rank=_RANK.replace("{weights}", "{{1,1,1,1}}"))
    + " + 0.5 * "
    + _TIMES.format(rank=_RANK.replace("{weights}", "{{0,0,0,1}}"))
)
_PHRASE = "CASE WHEN e.lexemes @@ q.t{n} THEN 1 ELSE 0 END"
_FOUND = (
    "SELECT '{table}' AS version, e.row, e.id, e.words, {times} FROM asked q JOIN {table} e ON e.lexemes @@ q.whole "
    "WHERE {fields} AND {scope} AND {instant}"
)
# k1 = 1.2 and b = 0.75, as FTS5 has them.
_WEIGHT = (
    "ln(1 + (c.size - c.n{n} + 0.5) / (c.n{n} + 0.5)) * f.f{n} * 2.2 "
    "/ (f.f{n} + 1.2 * (0.25 + 0.75 * f.words / c.average))"
)
_SEARCH = (
    "WITH terms AS MATERIALIZED (SELECT {terms}), "
    "asked AS MATERIALIZED (SELECT *, {whole} AS whole FROM terms), "
    "found AS MATERIALIZED ({found}), "
    "corpus AS MATERIALIZED (SELECT greatest(count(*), ({size})) AS size, greatest(avg(words), 1) AS average, {counts} "
    "FROM found), "
    "best AS MATERIALIZED (SELECT f.version, f.row, f.id, {score} AS score FROM found f CROSS JOIN corpus c "
    "ORDER BY score DESC, f.id DESC LIMIT :limit) "
    "SELECT w.* FROM ({winners}) w ORDER BY score DESC, id DESC"
)
_SIZE = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'entries'::regclass"
_WINNERS = "SELECT {columns}, b.score FROM best b JOIN {table} e ON e.row = b.row WHERE b.version = '{table}'"


async def search(connection: Connection, query: LexicalQuery) -> list[Hit]:
    terms = [text for text in map(term_query, query.terms) if text is not None]
    if not terms:
        return []
    statement = _statement(tuple("|" in term for term in terms), as_of=query.filter.as_of is not None)
    parameters = filter_parameters(query.filter)
    parameters["limit"] = query.limit
    parameters.update((f"t{n}", term) for n, term in enumerate(terms))
    rows = await connection.fetch(statement.sql, *statement.arguments(parameters))
    return [Hit(row_entry(row), row[WIDTH]) for row in rows]


@cache
def _statement(phrases: tuple[bool, ...], *, as_of: bool) -> Statement:
    """For so many terms, each a word or a phrase."""
    numbers = range(len(phrases))
    times = ", ".join(
        (_PHRASE if phrase else _WORD).format(n=n) + f" AS f{n}" for n, phrase in enumerate(phrases)
    )
    versions = VERSIONS[as_of]
    return Statement(
        _SEARCH.format(
            terms=", ".join(f"to_tsquery('words', :t{n}::text) AS t{n}" for n in numbers),
            whole=" || ".join(f"t{n}" for n in numbers),
            found=" UNION ALL ".join(
                _FOUND.format(table=table, times=times, fields=FIELDS, scope=SCOPE, instant=instant)
                for table, instant in versions
            ),
            size=_SIZE,
            counts=", ".join(f"count(*) FILTER (WHERE f{n} > 0) AS n{n}" for n in numbers),
            score=" + ".join(_WEIGHT.format(n=n) for n in numbers),
            winners=" UNION ALL ".join(
                _WINNERS.format(columns=E_COLUMNS, table=table) for table, _ in versions
            ),
        )
    )
