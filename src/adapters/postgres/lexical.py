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

_COUNTED = 10_000
"""Entries with a word that are counted, where the server's statistics do not tell."""

# Stemmed beforehand: the plan of the search depends on which words they are. With each, the share of entries that have
# it, if it is common enough for the server's statistics to know.
_STEM = (
    "SELECT q.query::text, m.share::float8 FROM (SELECT to_tsquery('words', t.term) AS query, t.n "
    "FROM unnest($1::text[]) WITH ORDINALITY AS t (term, n)) q LEFT JOIN "
    "(SELECT m.word, m.share FROM pg_stats s "
    "CROSS JOIN unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) AS m (word, share) "
    "WHERE s.schemaname = current_schema() AND s.tablename = 'entries' AND s.attname = 'lexemes') m "
    "ON m.word = btrim(q.query::text, chr(39)) ORDER BY q.n"
)
# A word in the title counts one and a half times, as on SQLite. Weights are those of the labels D, C, B, A.
_WORD = (
    "ts_rank('{{1,1,1,1}}', e.lexemes, :t{n}::tsquery) AS r{n}, "
    "CASE e.title WHEN '' THEN 0 ELSE ts_rank('{{0,0,0,1}}', e.lexemes, :t{n}::tsquery) END AS h{n}"
)
# Once, wherever it is: that is the rank of a word which is there once.
_PHRASE = "CASE WHEN e.lexemes @@ :t{n}::tsquery THEN 0.6079271::float4 ELSE 0 END AS r{n}, 0::float4 AS h{n}"
_FOUND = (
    "SELECT '{table}' AS version, e.row, e.id, e.words::float8 AS words, {ranks} "
    "FROM {table} e WHERE e.lexemes @@ :whole::tsquery AND {fields} AND {scope} AND {instant}"
)
# The rest of the sum after n places is close to 1 / (n + 0.5).
_PLACES = "(CASE {rank} WHEN 0 THEN 0 ELSE 1 / (1.6449341::float8 * (1.0000001::float8 - {rank})) - 0.5::float8 END)"
_TIMES = f"{_PLACES.format(rank='r{n}')} + 0.5::float8 * {_PLACES.format(rank='h{n}')} AS f{{n}}"
# Rarity is that among all entries, as on SQLite.
_COUNT = (
    "coalesce(:share{n}::float8 * (SELECT entries FROM sized), (SELECT count(*) FROM (SELECT 1 FROM entries g "  # noqa: S608 - constants
    f"WHERE g.lexemes @@ :t{{n}}::tsquery LIMIT {_COUNTED}) g)::float8) AS n{{n}}"
)
_RARITY = "ln(1 + (size - n{n} + 0.5::float8) / (n{n} + 0.5::float8)) AS rarity{n}"
# k1 = 1.2 and b = 0.75, as FTS5 has them.
_SCORE = "c.rarity{n} * t.f{n} * 2.2::float8 / (t.f{n} + 0.3::float8 + 0.9::float8 * t.words / c.average)"
# In double precision throughout: in numeric, the arithmetic would cost three times the search.
_SEARCH = (
    "WITH found AS MATERIALIZED ({found}), "
    "sized AS MATERIALIZED (SELECT (SELECT greatest(avg(words), 1) FROM found) AS average, "
    "(SELECT reltuples::float8 FROM pg_class WHERE oid = 'entries'::regclass) AS entries), "
    "counts AS MATERIALIZED (SELECT {counts}), "
    "corpus AS MATERIALIZED (SELECT average, {rarities} FROM "
    "(SELECT *, greatest(entries, {most}) AS size FROM counts CROSS JOIN sized) c), "
    "best AS MATERIALIZED (SELECT t.version, t.row, t.id, {score} AS score FROM "
    "(SELECT version, row, id, words, {times} FROM found) t CROSS JOIN corpus c "
    "ORDER BY score DESC, t.id DESC LIMIT :limit) "
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
    stemmed = await connection.fetch(_STEM, terms)
    for n, (text, share) in enumerate(stemmed):
        parameters[f"t{n}"] = text
        parameters[f"share{n}"] = share
    parameters["whole"] = " | ".join(f"( {text} )" for text, _ in stemmed)
    rows = await connection.fetch(statement.sql, *statement.arguments(parameters))
    return [Hit(row_entry(row), row[WIDTH]) for row in rows]


@cache
def _statement(phrases: tuple[bool, ...], *, as_of: bool) -> Statement:
    """For so many terms, each a word or a phrase."""
    numbers = range(len(phrases))
    ranks = ", ".join((_PHRASE if phrase else _WORD).format(n=n) for n, phrase in enumerate(phrases))
    versions = VERSIONS[as_of]
    return Statement(
        _SEARCH.format(
            found=" UNION ALL ".join(
                _FOUND.format(table=table, ranks=ranks, fields=FIELDS, scope=SCOPE, instant=instant)
                for table, instant in versions
            ),
            times=", ".join(_TIMES.format(n=n) for n in numbers),
            counts=", ".join(_COUNT.format(n=n) for n in numbers),
            most=", ".join(f"n{n}" for n in numbers),
            rarities=", ".join(_RARITY.format(n=n) for n in numbers),
            score=" + ".join(_SCORE.format(n=n) for n in numbers),
            winners=" UNION ALL ".join(
                _WINNERS.format(columns=E_COLUMNS, table=table) for table, _ in versions
            ),
        )
    )
