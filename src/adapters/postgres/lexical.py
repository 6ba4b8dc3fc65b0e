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

_COMMON = 10_000
"""Entries with a word, above which it tells too little for its exact count to matter."""

_STEM = "SELECT to_tsquery('words', t.term)::text FROM unnest($1::text[]) WITH ORDINALITY AS t (term, n) ORDER BY t.n"
# The rest of the sum after n places is close to 1 / (n + 0.5).
_TIMES = "(CASE WHEN {rank} = 0 THEN 0 ELSE 1 / (1.6449341::float8 * (1.0000001::float8 - {rank})) - 0.5::float8 END)"
_RANK = "ts_rank('{weights}', e.lexemes, :t{n}::tsquery)"
# A word in the title counts one and a half times, as on SQLite. Weights are those of the labels D, C, B, A.
_WORD = (
    _TIMES.format(rank=_RANK.replace("{weights}", "{{1,1,1,1}}"))
    + " + 0.5::float8 * "
    + _TIMES.format(rank=_RANK.replace("{weights}", "{{0,0,0,1}}"))
)
_PHRASE = "CASE WHEN e.lexemes @@ :t{n}::tsquery THEN 1::float8 ELSE 0 END"
_FOUND = (
    "SELECT '{table}' AS version, e.row, e.id, e.words::float8 AS words, {times} "
    "FROM {table} e WHERE e.lexemes @@ :whole::tsquery AND {fields} AND {scope} AND {instant}"
)
# Rarity is that among all entries, as on SQLite. Counting stops where a word is common beyond doubt.
_COUNT = (
    "(SELECT count(*)::float8 FROM (SELECT 1 FROM entries g WHERE g.lexemes @@ :t{n}::tsquery "  # noqa: S608 - constants
    f"LIMIT {_COMMON}) g) AS n{{n}}"
)
_RARITY = "ln(1 + (size - n{n} + 0.5::float8) / (n{n} + 0.5::float8)) AS rarity{n}"
# k1 = 1.2 and b = 0.75, as FTS5 has them.
_SCORE = "c.rarity{n} * f.f{n} * 2.2::float8 / (f.f{n} + 0.3::float8 + 0.9::float8 * f.words / c.average)"
# Written out with double precision throughout: in numeric, the arithmetic would cost three times the search.
_SEARCH = (
    "WITH found AS MATERIALIZED ({found}), "
    "counts AS MATERIALIZED (SELECT {counts}, "
    "(SELECT greatest(avg(words), 1) FROM found) AS average, "
    "(SELECT reltuples::float8 FROM pg_class WHERE oid = 'entries'::regclass) AS entries), "
    "sized AS MATERIALIZED (SELECT *, greatest(entries, {most}) AS size FROM counts), "
    "corpus AS MATERIALIZED (SELECT average, {rarities} FROM sized), "
    "best AS MATERIALIZED (SELECT f.version, f.row, f.id, {score} AS score FROM found f CROSS JOIN corpus c "
    "ORDER BY score DESC, f.id DESC LIMIT :limit) "
    "SELECT w.* FROM ({winners}) w ORDER BY score DESC, id DESC"
)
_WINNERS = "SELECT {columns}, b.score FROM best b JOIN {table} e ON e.row = b.row WHERE b.version = '{table}'"


async def search(connection: Connection, query: LexicalQuery) -> list[Hit]:
    terms = [text for text in map(term_query, query.terms) if text is not None]
    if not terms:
        return []
    statement = _statement(tuple("|" in term for term in terms), as_of=query.filter.as_of is not None)
    parameters = filter_parameters(query.filter)
    parameters["limit"] = query.limit
    # Stemmed beforehand: the plan of the search depends on which words they are.
    stemmed = [text for (text,) in await connection.fetch(_STEM, terms)]
    parameters.update((f"t{n}", text) for n, text in enumerate(stemmed))
    parameters["whole"] = " | ".join(f"( {text} )" for text in stemmed)
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
            found=" UNION ALL ".join(
                _FOUND.format(table=table, times=times, fields=FIELDS, scope=SCOPE, instant=instant)
                for table, instant in versions
            ),
            counts=", ".join(_COUNT.format(n=n) for n in numbers),
            most=", ".join(f"n{n}" for n in numbers),
            rarities=", ".join(_RARITY.format(n=n) for n in numbers),
            score=" + ".join(_SCORE.format(n=n) for n in numbers),
            winners=" UNION ALL ".join(
                _WINNERS.format(columns=E_COLUMNS, table=table) for table, _ in versions
            ),
        )
    )
