-- Leases. key: the sha256 of the name, which may be longer than an index takes.
CREATE TABLE locks (
    key bytea PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner text NOT NULL,
    token bigint NOT NULL,
    acquired_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX locks_by_end ON locks (expires_at);
-- One for all names. It is never rolled back, so no token comes twice, whatever becomes of the lease.
CREATE SEQUENCE lock_tokens;

-- Who took a lease from whom, and why.
CREATE TABLE forced_locks (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner text NOT NULL,
    token bigint NOT NULL,
    forced_by text NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL
);

-- One row: the lease granted, or the one in the way. left_micros: how long either lasts.
CREATE FUNCTION acquire_lock(wanted text, wanted_by text, ttl bigint)
    RETURNS TABLE (granted boolean, owner text, token bigint, acquired_at bigint, expires_at bigint, left_micros bigint)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    wanted_key bytea := sha256(convert_to(wanted, 'UTF8'));
    moment bigint;
    alone boolean := false;
BEGIN
    LOOP
        moment := now_micros();
        RETURN QUERY SELECT false, l.owner, l.token, l.acquired_at, l.expires_at, l.expires_at - moment
            FROM locks l WHERE l.key = wanted_key AND l.expires_at > moment;
        IF FOUND THEN
            RETURN;
        END IF;
        IF NOT alone THEN
            -- Tokens are drawn one grant of a name at a time: two at once could be granted in the wrong order.
            PERFORM pg_advisory_xact_lock(1097288044, hashtext(wanted));
            alone := true;
            CONTINUE;
        END IF;
        -- A renewal that began in time may commit only now: then the row is no longer what was seen above.
        RETURN QUERY INSERT INTO locks AS l (key, name, owner, token, acquired_at, expires_at)
            VALUES (wanted_key, wanted, wanted_by, nextval('lock_tokens'), moment, moment + ttl)
            ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, token = excluded.token,
                acquired_at = excluded.acquired_at, expires_at = excluded.expires_at
                WHERE l.expires_at <= moment
            RETURNING true, l.owner, l.token, l.acquired_at, l.expires_at, ttl;
        IF FOUND THEN
            -- A few with every grant: names that nobody asks for again do not pile up.
            DELETE FROM locks l WHERE l.key IN (
                SELECT o.key FROM locks o WHERE o.expires_at <= moment
                ORDER BY o.expires_at LIMIT 4 FOR UPDATE SKIP LOCKED
            );
            RETURN;
        END IF;
    END LOOP;
END
$$;
