-- Each committed event is told at once, in commit order, to whoever listens: the message is sent by the commit itself, so
-- that no crash comes between the two. Its form is that of event_message.py.
CREATE FUNCTION tell_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- NOTIFY takes 7,999 bytes. What is longer goes without its payload; what is longer still, as the word that it happened.
    PERFORM pg_notify('agent_memory_events', CASE
        WHEN octet_length(m.whole) < 8000 THEN m.whole
        WHEN octet_length(m.bare) < 8000 THEN m.bare
        ELSE '0 too large' END)
    FROM (
        SELECT '0 ' || json_build_array(t.seq, t.kind, t.scope, t.subject, t.at, t.version, t.origin, CASE
                WHEN octet_length(t.payload) <= 4096 THEN translate(encode(t.payload, 'base64'), E'\n', '')
                ELSE '' END) AS whole,
            '0 ' || json_build_array(t.seq, t.kind, t.scope, t.subject, t.at, t.version, t.origin, '') AS bare
        FROM told t ORDER BY t.seq
    ) m;
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_told AFTER INSERT ON outbox
    REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION tell_events();
