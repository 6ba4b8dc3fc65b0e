"""Bounds on what the memory takes in and gives out. Past them an error says which one, never a cut."""

CONTENT_BYTES = 64 * 1024
TITLE_CHARS = 300
AUTHOR_CHARS = 200
AGENT_CHARS = 128
METADATA_BYTES = 16 * 1024
METADATA_DEPTH = 16
TAGS = 32
TAG_CHARS = 64
ENTRIES_PER_CALL = 256
IDS_PER_CALL = 256
ID_CHARS = 128
RESULTS = 100
QUERY_CHARS = 4_096
QUERY_TERMS = 64
FORGET_BY_FILTER = 1_000
HISTORY = 50
GET_BYTES = 4 * 1024 * 1024
"""Room for any one entry with its whole history."""
VERSION = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259, section 6)."""
RELATIONS = 200
IDEMPOTENCY_KEY_CHARS = 128
IDEMPOTENCY_HOURS = 24
MAX_TOKENS_DEFAULT = 4_000
MIN_TOKENS_LIMIT = 50
MAX_TOKENS_LIMIT = 100_000
PATH_BYTES = 4_096
"""Linux's PATH_MAX."""
FILE_LOCK_SECONDS = 300.0
"""Where a call names no time: an agent's edit takes minutes."""
FILE_LOCK_SECONDS_LEAST = 1
FILE_LOCK_WAIT_SECONDS = 300
REASON_CHARS = 500
TOKEN = 2**53 - 1
FILE_LOCKS = 200
"""In one list."""
EXPORT_BYTES = 256 * 1024
"""Of an export that comes back in the answer. A larger one is kept under a name."""
PURPOSE_CHARS = 300
SUMMARY_BYTES = 8 * 1024
"""A hand-over that the next agent reads before it starts."""
SESSIONS = 100
"""In one list."""
QUESTION_CHARS = 300
CHOICE_CHARS = 200
CHOICES = 50
"""On one question."""
VOTES = 10_000
"""On one question, replaced ones included: all of them are read to count."""
VOTES_SHOWN = 200
QUESTIONS = 50
"""In one list."""
AHEAD_BY = 100
CONTEXT_TOKENS_DEFAULT = 2_000
CONTEXT_TOKENS_LEAST = 200
