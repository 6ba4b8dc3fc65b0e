-- Merges wider still, so that a write at 100,000 entries pays for as many pages as one at 1,000. `automerge` goes by small
-- steps; `crisismerge` (16 unless set) is the number of segments at which FTS5 merges a whole level at once, for 0.3 s:
-- far above the other, it is never reached.
INSERT INTO entries_fts (entries_fts, rank) VALUES ('automerge', 16);
INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('automerge', 16);
INSERT INTO entries_fts (entries_fts, rank) VALUES ('crisismerge', 64);
INSERT INTO revisions_fts (revisions_fts, rank) VALUES ('crisismerge', 64);
