-- When time alone makes an entry live, or ends that: what an answer worked out earlier must not outlast.
CREATE INDEX entries_by_valid_from ON entries (valid_from, scope) WHERE state = 0 AND valid_from IS NOT NULL;
CREATE INDEX entries_by_valid_until ON entries (valid_until, scope) WHERE state = 0 AND valid_until IS NOT NULL;
CREATE INDEX entries_by_expires_at ON entries (expires_at, scope) WHERE state = 0 AND expires_at IS NOT NULL;
