-- Instants are whole microseconds since 1970; kind, state and type are positions in the tuples of ports/records.py.
-- Text compares by code point ("C") wherever order or identity matters, whatever the database's own collation.

-- The clock that leases run by: the server's, so that all hosts agree.
CREATE FUNCTION now_micros() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- Words are stemmed as SQLite's FTS5 does it (Porter, no stop words), so that both find the same entries.
CREATE TEXT SEARCH DICTIONARY porter_stems (TEMPLATE = snowball, Language = porter);
CREATE TEXT SEARCH CONFIGURATION words (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR
    asciiword, word, numword, asciihword, hword, numhword, hword_asciipart, hword_part, hword_numpart, email, protocol,
    url, host, url_path, file, sfloat, float, int, uint, version, tag, entity
    WITH porter_stems;

-- outbox_head: the number of the newest event. Whoever commits events holds this row from numbering them until the
-- commit is done, so that numbers become visible in their order.
CREATE TABLE store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    database_id text NOT NULL DEFAULT gen_random_uuid(),
    outbox_head bigint NOT NULL DEFAULT 0
);
INSERT INTO store DEFAULT VALUES;

-- metadata and provenance are json, not jsonb: numbers and order of keys come back as they were sent.
-- words: how many there are in all texts, for ranking. lexemes: title A, content B, tags C, author D; none of a tombstone.
CREATE TABLE entries (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    scope text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    state smallint NOT NULL,
    version integer NOT NULL,
    at bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    occurred_at bigint,
    valid_from bigint,
    valid_until bigint,
    expires_at bigint,
    importance double precision NOT NULL,
    content_hash bytea NOT NULL,
    author text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C" NOT NULL,
    provenance json NOT NULL,
    metadata json NOT NULL,
    content text COLLATE "C" NOT NULL,
    words integer NOT NULL,
    lexemes tsvector
);
CREATE UNIQUE INDEX entries_active ON entries (scope, content_hash) WHERE state = 0;
CREATE INDEX entries_by_scope ON entries (scope, at, id);
CREATE INDEX entries_by_time ON entries (at, id);
-- A short list of what is not sorted in yet: every search reads all of it.
CREATE INDEX entries_by_word ON entries USING gin (lexemes) WITH (gin_pending_list_limit = 1024);
CREATE INDEX entries_by_tag ON entries USING gin (tags) WITH (gin_pending_list_limit = 1024);

-- A former version, current during [updated_at, until).
CREATE TABLE revisions (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    state smallint NOT NULL,
    version integer NOT NULL,
    at bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    occurred_at bigint,
    valid_from bigint,
    valid_until bigint,
    expires_at bigint,
    importance double precision NOT NULL,
    content_hash bytea NOT NULL,
    author text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C" NOT NULL,
    provenance json NOT NULL,
    metadata json NOT NULL,
    content text COLLATE "C" NOT NULL,
    words integer NOT NULL,
    lexemes tsvector,
    until bigint NOT NULL,
    UNIQUE (id, version)
);
CREATE INDEX revisions_by_scope ON revisions (scope, at, id);
CREATE INDEX revisions_by_time ON revisions (at, id);
CREATE INDEX revisions_by_word ON revisions USING gin (lexemes) WITH (gin_pending_list_limit = 1024);

CREATE TABLE relations (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source bigint NOT NULL REFERENCES entries,
    target bigint NOT NULL REFERENCES entries,
    type smallint NOT NULL,
    created_at bigint NOT NULL,
    agent text COLLATE "C" NOT NULL,
    UNIQUE (source, target, type)
);
CREATE INDEX relations_by_target ON relations (target);

CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,
    scope text COLLATE "C" NOT NULL,
    began_at bigint NOT NULL,
    last_active_at bigint NOT NULL,
    ended_at bigint,
    purpose text COLLATE "C" NOT NULL,
    summary text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX sessions_open ON sessions (scope) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_scope ON sessions (scope, began_at);

CREATE TABLE votes (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope text COLLATE "C" NOT NULL,
    question text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    choice text COLLATE "C" NOT NULL,
    cast_at bigint NOT NULL
);
-- A question may be longer than an index takes.
CREATE INDEX votes_by_question ON votes (scope, md5(question));

CREATE TABLE models (
    model integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    dimension integer NOT NULL
);
-- value: little-endian float32, where the server has no pgvector; with it the column embedding takes its place.
CREATE TABLE vectors (
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry bigint NOT NULL REFERENCES entries,
    model integer NOT NULL REFERENCES models,
    chunk integer NOT NULL,
    start integer NOT NULL,
    stop integer NOT NULL,
    value bytea,
    UNIQUE (entry, model, chunk)
);

-- own: writes to this very scope. tree: writes to it or anywhere below.
CREATE TABLE generations (
    scope text COLLATE "C" PRIMARY KEY,
    own bigint NOT NULL,
    tree bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE outbox (
    seq bigint PRIMARY KEY,
    kind text NOT NULL,
    scope text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    version integer NOT NULL,
    origin text COLLATE "C" NOT NULL,
    payload bytea NOT NULL DEFAULT ''
);

-- due_at: run_at while the job waits, the end of its lease while it is leased (token > 0).
CREATE TABLE jobs (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    enqueued_at bigint NOT NULL,
    run_at bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    last_error text NOT NULL DEFAULT '',
    due_at bigint NOT NULL,
    token bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jobs_by_key ON jobs (kind, key) WHERE key <> '';
CREATE INDEX jobs_due ON jobs (kind, due_at);
CREATE SEQUENCE job_tokens;

-- died: the order in which they died.
CREATE TABLE dead_jobs (
    died bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    enqueued_at bigint NOT NULL,
    run_at bigint NOT NULL,
    attempts integer NOT NULL,
    max_attempts integer NOT NULL,
    last_error text NOT NULL
);

CREATE TABLE idempotency (
    key text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL,
    outcomes bytea NOT NULL,
    keep_until bigint NOT NULL
);
CREATE INDEX idempotency_by_end ON idempotency (keep_until);
