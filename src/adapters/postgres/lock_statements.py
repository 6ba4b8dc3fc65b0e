"""The statements of the lease table. Each is a transaction by itself, and tells waiters of what it frees.

What is told is the sha256 of the name, in hexadecimal digits: a name may be longer than a message takes.
"""

from __future__ import annotations

CHANNEL = "agent_memory_locks"

ACQUIRE = (
    "SELECT granted, owner, token, acquired_at, expires_at, left_micros FROM acquire_lock($1, $2, $3::bigint)"
)

_TELL = f"pg_notify('{CHANNEL}', encode(key, 'hex'))"

# Only a lease that ends sooner than its waiters believe is told of.
RENEW = f"""
WITH moment AS MATERIALIZED (SELECT now_micros() AS now),
former AS (
    SELECT l.key, l.expires_at FROM locks l, moment
    WHERE l.key = $1 AND l.owner = $2 AND l.token = $3::bigint AND l.expires_at > moment.now FOR UPDATE OF l
),
renewed AS (
    UPDATE locks l SET expires_at = moment.now + $4::bigint FROM moment, former WHERE l.key = former.key
    RETURNING l.key, l.acquired_at, l.expires_at, l.expires_at < former.expires_at AS sooner
)
SELECT acquired_at, expires_at, CASE WHEN sooner THEN {_TELL} END FROM renewed
"""  # noqa: S608 - constants of this file, here and below

RELEASE = f"""
WITH gone AS (
    DELETE FROM locks WHERE key = $1 AND owner = $2 AND token = $3::bigint AND expires_at > now_micros() RETURNING key
)
SELECT {_TELL} FROM gone
"""  # noqa: S608

INSPECT = "SELECT name, owner, token, acquired_at, expires_at FROM locks WHERE key = $1 AND expires_at > now_micros()"

LIST = (
    "SELECT name, owner, token, acquired_at, expires_at FROM locks "
    "WHERE expires_at > now_micros() AND starts_with(name, $1) ORDER BY name LIMIT $2"
)

FORCE = f"""
WITH ended AS (
    DELETE FROM locks WHERE key = $1 AND expires_at > now_micros()
    RETURNING key, name, owner, token, acquired_at, expires_at
),
audit AS (
    INSERT INTO forced_locks (name, owner, token, forced_by, reason, at)
    SELECT name, owner, token, $2, $3, now_micros() FROM ended
)
SELECT name, owner, token, acquired_at, expires_at, {_TELL} FROM ended
"""  # noqa: S608
