-- Instants are whole microseconds since 1970; kind, state and type are positions in the tuples of ports/records.py.

CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    database_id TEXT NOT NULL,
    outbox_floor INTEGER NOT NULL,
    job_token INTEGER NOT NULL
) STRICT;
INSERT INTO store VALUES (1, lower(hex(randomblob(8))), 0, 0);

-- What filters read stands before the long text, so that judging a row touches no overflow page.
CREATE TABLE entries (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    occurred_at INTEGER,
    valid_from INTEGER,
    valid_until INTEGER,
    expires_at INTEGER,
    importance REAL NOT NULL,
    content_hash BLOB NOT NULL,
    author TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    provenance TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_active ON entries (scope, content_hash) WHERE state = 0;
CREATE INDEX entries_by_scope ON entries (scope, at, id, state, kind);
CREATE INDEX entries_by_time ON entries (at, id, scope, state, kind);

-- A former version, current during [updated_at, until).
CREATE TABLE revisions (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    occurred_at INTEGER,
    valid_from INTEGER,
    valid_until INTEGER,
    expires_at INTEGER,
    importance REAL NOT NULL,
    content_hash BLOB NOT NULL,
    author TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    provenance TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX revisions_by_id ON revisions (id, version);
CREATE INDEX revisions_by_scope ON revisions (scope, at, id, state, kind);
CREATE INDEX revisions_by_time ON revisions (at, id, scope, state, kind);

CREATE TABLE entry_tags (
    tag TEXT NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (tag, entry)
) STRICT, WITHOUT ROWID;

CREATE VIEW entries_text AS SELECT row, title, content, tags, author FROM entries WHERE state <> 3;
CREATE VIRTUAL TABLE entries_fts USING fts5 (
    title, content, tags, author,
    content = 'entries_text', content_rowid = 'row', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE revisions_fts USING fts5 (
    title, content, tags, author,
    content = 'revisions', content_rowid = 'row', tokenize = 'porter unicode61 remove_diacritics 2'
);
-- Wider merges, fewer times: with the default of 4, one write in a hundred at 100,000 entries waits 15 ms for one.
INSERT INTO entries_fts (entries_fts, rank) VALUES ('automerge', 16);
INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('automerge', 16);
-- Merging segments by eight instead of four: a write at 100,000 entries costs 1.14 times one at 1,000 instead of 1.36,
-- and reads are no slower. Nearer to 16, where FTS5 merges a level at once, single writes stall for seconds.
INSERT INTO entries_fts (entries_fts, rank) VALUES ('automerge', 8);
INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('automerge', 8);

CREATE TABLE relations (
    row INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    type INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    agent TEXT NOT NULL,
    UNIQUE (source, target, type)
) STRICT;
CREATE INDEX relations_by_target ON relations (target);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    last_active_at INTEGER NOT NULL,
    ended_at INTEGER,
    purpose TEXT NOT NULL,
    summary TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sessions_open ON sessions (scope) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_scope ON sessions (scope, began_at);

CREATE TABLE votes (
    row INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    question TEXT NOT NULL,
    agent TEXT NOT NULL,
    choice TEXT NOT NULL,
    cast_at INTEGER NOT NULL
) STRICT;
CREATE INDEX votes_by_question ON votes (scope, question);

CREATE TABLE models (
    model INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE vectors (
    row INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL,
    model INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX vectors_by_model ON vectors (model, entry, chunk);
CREATE INDEX vectors_by_entry ON vectors (entry);

-- own: writes to this very scope. tree: writes to it or anywhere below.
CREATE TABLE generations (
    scope TEXT PRIMARY KEY,
    own INTEGER NOT NULL,
    tree INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    origin TEXT NOT NULL,
    payload BLOB NOT NULL
) STRICT;

-- due_at: run_at while the job waits, the end of its lease while it is leased (token > 0).
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    enqueued_at INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    token INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (kind, key) WHERE key <> '';
CREATE INDEX jobs_due ON jobs (kind, due_at);

-- died: the order in which they died.
CREATE TABLE dead_jobs (
    died INTEGER PRIMARY KEY,
    id INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    enqueued_at INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    outcomes BLOB NOT NULL,
    keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_end ON idempotency (keep_until);
