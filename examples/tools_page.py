"""Makes docs/tools.md from a real server: `uv run python examples/tools_page.py > docs/tools.md`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from agent_memory.entrypoints.mcp.tools import TOOLS
from agent_memory.entrypoints.stdio_client import StdioClient

HEAD = """# The tools

Made by `examples/tools_page.py` from calls to a real server (`agent-memory mcp`). Each call shows the
`arguments` that a client sends with `tools/call`, then the `structuredContent` and the text that come back: the same
answer for programs and for models. Arguments are optional unless marked. What `tools/list` answers is short: bounds
are not in it, nor are some arguments (for programs and for who runs the server: `admin_key`, `explain`, ...). They are
taken all the same, and are told to whoever passes a bound or an argument that there is not. Where a tool has actions,
an argument that only another one takes is an error that says which; at its default it says nothing.

A message has at most 4 MiB (4,194,304 bytes) as a line; a longer one is refused, by its id where that stands in the
first or last 4 KiB of it. What is larger is moved by a file: [moving.md](moving.md).

An error of the call is an answer with `isError` and a text that begins with one of: `rejected` (an argument is wrong),
`not_found`, `conflict` (read what stands there, decide, call again), `unavailable` (try again), `circuit_open`
(PostgreSQL, or for file locks Redis, has not answered for a while: try again after the seconds that it says),
`misconfigured` (a setting or a right of the server's is wrong, such as Redis's password: who runs it has to mend it),
`rate_limited` (see below), `lock_timeout` and `not_held` (see `memory_file_lock`). For programs the same is in
`structuredContent`: `error` (that word), `message`, `retryable`, and where there is one the `field` at fault,
`retry_after` in seconds, or the `current` entry of a conflict.

Where rate limits are on (`AGENT_MEMORY_RATE_LIMIT`; by default with PostgreSQL or Redis), every call of a tool but
`memory_health` counts, and so does every resource that is read but `memory://stats`: for its agent in a short and in a
longer time, and for everyone together. The agent is the configured one, else `agent_id`, else the client with this
server's instance. A refused call does nothing and counts nowhere; the error names the limit and `retry_after`, in
seconds. `agent_id` is a courtesy, for a call may give any: the guard is `AGENT_MEMORY_AGENT_ID`, which no call
overrides, and the limit for everyone together.
"""


NOTES = {
    "memory_remember": """
The same content in the same scope, true for the same time, is one active entry: a repeat stores nothing and answers
`duplicate: true`. If it gave details that the standing entry has otherwise (another title, other tags), `not_kept`
names them; `memory_update` changes them. Defaults: `kind` note, `scope` global or the configured one, `importance` 0.5.

`similar` names entries that seem to say the same in other words, in this scope or one above it, at most three: `id`,
`title` (else the beginning of the content) and `score`, 0 to 1. Nothing is done about them: `memory_link`
one `supersedes` the other, update the standing one and forget the new, or leave both. Reported is only what agrees
almost wholly; another number, name, outcome, negation or direction makes another fact. An empty list says that none
was found. Without `similar`, nobody looked, and there may be: before the first recall of this server (which loads the
index), in a call with more than 16 entries, of content over 4,000 characters, when an idempotency key answered, and
for some of many calls in quick succession: it takes at most a tenth of a second of one answer, and of all time.

`redacted` names the secrets that were not stored: `kind`, `offset` in the text as it was given, and `field` where it
is not the content ([safety.md](safety.md)).

Tags are lower-cased, and white space in them becomes `-`, here and wherever they are asked for: `Release Notes` is
`release-notes`. Scopes are case-sensitive: `acme/Shop` is not `acme/shop`.

From `expires_at` on an entry is not recalled, and a running server archives it: `memory_get` shows it until it is
forgotten. An entry is not recalled before `valid_from` or from `valid_until` on either, but stays active.
""",
    "memory_recall": """
Defaults: `limit` 10, `max_tokens` 4000, `inherit` true, `descendants` false, `mode` hybrid.
`since` and `until` look at `occurred_at`, else at the time of creation; so does the order of the newest. Times are
ISO 8601 or words (`last week`, `2026-03`); of a period `since` takes the beginning and `until` the end, so that both
of one day are that day: see [times.md](times.md). `query` has at most 4,096 characters; without it, the newest
entries are listed.

A time that the question names lifts what happened then, and hides nothing: a day (`2025-03-04`, `2025/03/04`,
`04.03.2025`, `4 March 2025`, `March 4th`), a month (`2025-03`, `March 2025`, `in March`), a year (`2025`), `today`,
`yesterday`, `last week`, `3 days ago`, `since Monday`, `Q2 2025`. Without a year it is that of every year; `3/4/2025`
is 4 March as well as 3 April. In the zone of `AGENT_MEMORY_TIMEZONE`. The days around one that is named are lifted a
little, and wholly where nothing stands at the day itself: people tell of things later.

- `flags`: `instructions` where an entry speaks to its reader as instructions do, `hidden_text` where it holds
  characters that nobody sees ([safety.md](safety.md)).
- `truncated`: `max_tokens` left out results or cut one. A cut one has `content_truncated` and shows the part where the
  question's words stand; `memory_get` gives the whole. A long entry is not cut below about 200 tokens before others are
  left out for it, and what is left over is shared among those that are cut. Each result is counted with its title and
  60 tokens for its other fields; the first is always there.
- `degraded`: the search by meaning was wanted and was missing wholly or in part. So it is while the index fills after
  a start or a purge, while entries still wait for their vectors, when the embedder does not answer, above
  `AGENT_MEMORY_SEARCH_INDEX_MAX` entries (unless PostgreSQL has pgvector and a model was chosen), and
  always with `as_of`: the past is searched by words only (`mode: lexical` says that this is meant), and not
  within texts without spaces between words (Chinese, Japanese, Thai).
- Of a `query` the 64 rarest words count; by the database's own search (below), the first and last 32.
- `match`: `lexical` (words), `dense` (meaning) or `both`; left out of a list of the newest.
- `score` is relative within one answer. Its best is 1, and less where only meaning speaks for it and that weakly: no
  word of the question is found, and the nearest entry is far (nonsense: nothing, or 0.3 to 0.7). Otherwise scores of
  two answers say nothing of each other.
- `explain` adds `rank`, the `terms` looked up, `lexical` and `dense` (each 0 to 1 within this answer), the `score`
  before it was made relative, and its `parts`, which add up to it: `own` (words and meaning), what entries beside it
  and its session lend it, its author and date where the question names them, and small ones. A part of 0 is left out.
  Where the database's own search answered (`as_of`, stop words alone, no index), there are only `rank`, `lexical` (its
  figure) and `terms`.
""",
    "memory_forget": """
A filter acts in its one scope, not above or below it, on active, superseded and archived entries, at most 1000 a call
(`more` says that some are left). `after` and `before` look at `occurred_at`, else at the time of creation, and leave
the period that they name alone: `before: "2026-03"` is before March, `after: "2026-03"` after it. `admin_key` is
needed to purge where the server was started with one.
""",
    "memory_file_lock": """
A lock is a lease on a name. No file is touched, and nothing keeps a program that does not ask from writing: it works
among agents that all check out before they edit. Everyone who shares the store shares the locks, under the same
configured scope: servers bound to different scopes (`AGENT_MEMORY_SCOPE`) neither see nor block each other's.

- `checkout` answers `token`, a number that only grows, and `until`. Whoever comes too late gets `lock_timeout` with the
  holder, since when and until when, at once or after `wait_seconds` (0 to 300). It is not reentrant: a second checkout
  by the holder fails as well, and names the token.
- `renew` and `checkin` need `token`, and the same `agent_id` as the checkout. `not_held` means that the lock ran out or
  was ended: look at the file before you go on.
- `status` answers `yours` (with the token), `taken` or `free`; `list` all that are taken, at most 200.
- `force_unlock` ends another's lock. It needs `reason`, and `admin_key` where the server was started with one; who,
  whose and why are logged, whatever `AGENT_MEMORY_LOG_LEVEL`.

`ttl_seconds` (1 to 86400) is how long it lasts from now, without renewal; else `AGENT_MEMORY_FILE_LOCK_TTL_MS`, else
`AGENT_MEMORY_REDIS_LOCK_TTL_MS` where that is set, else 300. A model's edit takes minutes; the 30 seconds that other
programs give would end in the middle of it. A renewal that names no time makes no lock end sooner.

Paths are compared as text: `a/./b`, `a//b`, `a/x/../b` and `a/b/` are `a/b`, in Unicode's NFC, case kept. A relative
path and an absolute one are different names, so agents on one project should agree: relative to the project's root.
Links are not followed, and `\\` and drive letters are plain characters: on Windows give paths with `/`, relative to the
project. `..` out of the beginning, control characters, those that cannot be seen or turn the text, nothing but blanks,
and more than 4096 bytes are refused.

The holder is `agent_id`; without it, the client's name with this server's instance. Where the server was started with
`AGENT_MEMORY_AGENT_ID`, it is that, and with another `agent_id` both (`ada/sub-agent`): agents of one server exclude
each other, and none of them can act as anyone outside it.
""",
    "memory_context": """
Guidelines come first (the most important, then as they were added), then what the task finds (`knowledge`; without a
task, or where it finds nothing, what is important, then what is new), the last hand-overs of the project, its open
sessions, and files checked out. `max_tokens` (default 2000) counts as in `memory_recall`; others' work has a third of
it at most, and guidelines half of what is left, where there is that much to say. `truncated` says that something found
no place, `degraded` that a part of the search, or the locks, could not be asked.

No age and no clock is in the answer, and recency counts from the newest entry: while nothing is written, expires or is
locked, an answer is the same to the byte, so that a prompt which holds it is found in a provider's cache.
""",
    "memory_session": """
- `begin` takes `org/project/session`, or `org/project` and names the session itself. One session is open in a scope;
  who begins the same again (agent, purpose) is told of the one that stands (`changed: false`), anyone else gets
  `conflict`.
- `end` takes the scope of the session; anybody in sight of it may end it. `summary` becomes an entry of kind experience
  in the scope above, tagged `session-summary`, so that the whole project recalls it; `summary_entry` is its id. Ended
  again with the same summary, or none, nothing changes; with another it is a `conflict`.
- `get` shows the open session of a scope, else the last one, with the number of active entries that its scope holds.
- `list` shows those in a scope and below it, open ones first, at most `limit` (default 20).

A session ends by itself when nothing was written in its scope for `AGENT_MEMORY_SESSION_IDLE_MS` (a day); its summary
says so, and whoever comes back may still replace that by a summary, once.
""",
    "memory_vote": """
A question is its text within one exact scope; outer and double white space are of no account. Choices are compared
without regard to case. Each agent has one vote (the configured agent, else `agent_id`): casting again replaces it, and
what was cast before is kept. `cast` and `tally` answer how it stands:

- `counts`, `voters`, and `leader` with its `margin` over the second, unless several are `tied`: by each agent's latest
  vote.
- `decided` and `decision`: votes are taken in the order cast, one that replaces another moves it, and the first vote
  after which a choice has at least `k` (default 2) more than every other decides for it. No later vote changes that,
  even if another choice leads by then. With another `k` it may be decided otherwise: agree on it beforehand.

`list` without a question shows what was voted on in a scope and below it, that with the latest vote first; with one,
its votes in the order cast, `replaced` ones marked. At most 50 choices and 10,000 votes on one question.
""",
    "memory_health": """
Counted under no rate limit. `status` is `degraded` when something needs care, named in `problems`, and `unhealthy` when
the database does not answer. `locks.held` is there once this process has used a file lock, and always with Redis.
With Redis, `redis.breaker` is the circuit before its locks and limits, and `breaker` the one before PostgreSQL.
`vectorDb` says of the vectors by which meaning is compared: `model`, `dimension`, `entries` that have them in this
process's index and how many are `pending`; `loaded` is false, and both 0, until the first question has loaded it. An
embedding server that does not answer is a problem with its name.
""",
    "memory_export": """
All of `scope` and below it, with history, relations, sessions and votes; `action` may be given, as `export`. Without
`format` the ending of `name` says it (`.jsonl`, `.md`), else it is JSON. With `name`, a base name, it is kept in the
server's folder for exports, and nothing is overwritten; without, it comes back if it is not larger than 256 KiB. Its
text form is the export itself. More in [moving.md](moving.md).
""",
    "memory_import": """
One of `content` and `name`; `action` may be given, as `import`. `format` is json, jsonl or markdown, by default as the
name ends, else json. `on_conflict`: what stands under the same id and differs is left (`skip`, the default), becomes a
next version (`update`), or ends it before anything is written (`fail`). All is checked first, and it may be repeated:
it goes on. `admin_key` is needed where the server was started with one. Of `conflicts` the first 50 are listed. More
in [moving.md](moving.md).
""",
    "memory_maintain": """
`consolidate` takes a `scope` as well (default: everything that this server sees). `admin_key` is needed where the
server was started with one. What each action does: [moving.md](moving.md).
""",
}
"""What no schema says; the schemas are short, for every client's model reads them."""


WHOLE = {tool["name"]: tool["inputSchema"] for tool in TOOLS}
"""With the bounds, which a server does not list."""


class Page:
    def __init__(self, client: StdioClient) -> None:
        self._client = client

    async def tool(self, tool: dict[str, Any]) -> None:
        say(f"\n## {tool['name']}\n\n{tool['description']}\n")
        schema = WHOLE[tool["name"]]
        required = schema.get("required", [])
        if not schema["properties"]:
            say("No arguments.")
        for name, value in schema["properties"].items():
            must = ", required" if name in required else ""
            about = f": {value['description']}" if "description" in value else ""
            say(f"- `{name}` ({kind_of(value)}{must}){about}")
        if tool["name"] in NOTES:
            say(NOTES[tool["name"]].rstrip())

    async def call(self, tool: str, arguments: dict[str, Any], title: str) -> Any:
        answer = await self._client.call_tool(tool, arguments)
        say(f"\n{title}:\n```json\n{pretty(arguments)}\n```")
        if answer.is_error:
            say(f"answers, with `isError`:\n```\n{answer.text}\n```")
        else:
            say(f"answers:\n```json\n{pretty(answer.structured)}\n```\n```\n{answer.text}\n```")
        return answer.structured


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def kind_of(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " \\| ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(kind_of(one) for one in schema["anyOf"])
    if "properties" in schema:
        return "object of " + ", ".join(schema["properties"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {kind_of(schema.get('items', {}))}"
    if "minimum" in schema and "maximum" in schema:
        return f"{kind} {schema['minimum']} to {schema['maximum']}"
    return str(kind)


async def main() -> None:
    with TemporaryDirectory() as folder:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
        environment = {**own, "AGENT_MEMORY_DB_PATH": str(Path(folder, "memory.db"))}
        command = [sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp"]
        async with StdioClient(command, environment) as client:
            tools = {tool["name"]: tool for tool in (await client.request("tools/list"))["tools"]}
            say(HEAD.rstrip())
            await write(Page(client), tools)


async def write(page: Page, tools: dict[str, Any]) -> None:
    await page.tool(tools["memory_remember"])
    decision = {
        "content": "We chose PostgreSQL over MongoDB for orders: order and payment change in one transaction.",
        "title": "Decision: PostgreSQL for orders",
        "kind": "knowledge",
        "scope": "acme/shop",
        "author": "Ines Duarte",
        "tags": ["decision", "database"],
        "occurred_at": "2026-01-20",
    }
    kept = await page.call("memory_remember", decision, "One entry")
    first = kept["results"][0]["id"]
    many = [
        {"content": "Nothing is deployed after Thursday 16:00.", "kind": "guideline", "tags": ["deploy"]},
        {
            "content": "A nightly report moved to noon locked the orders table.",
            "kind": "experience",
            "scope": "acme/shop",
        },
    ]
    kept = await page.call(
        "memory_remember",
        {"scope": "acme", "entries": many, "idempotency_key": "import-7"},
        "Several, all or none",
    )
    second = kept["results"][1]["id"]
    await page.call("memory_remember", decision, "The same again")
    otherwise = {**decision, "title": "Orders", "tags": ["Decision", "Data Stores"]}
    await page.call("memory_remember", otherwise, "The same content with other details")
    await page.call(
        "memory_remember", {"content": "x", "expires_at": "03/04/2030"}, "What cannot be understood"
    )

    await page.tool(tools["memory_recall"])
    question = {"query": "which database for orders", "scope": "acme/shop", "limit": 1}
    await page.call("memory_recall", question, "A question")
    await page.call(
        "memory_recall",
        {"scope": "acme", "descendants": True, "kinds": ["guideline"], "explain": True, "query": "deployed"},
        "With filters, and why it was found",
    )
    await page.call("memory_recall", {"query": "unicorns"}, "Nothing found")

    again = {**decision, "content": f"Remember: {decision['content']}"}
    await page.call("memory_remember", again, "Nearly the same again, now that a recall has loaded the index")

    await page.tool(tools["memory_update"])
    await page.call(
        "memory_update",
        {"id": first, "expected_version": 1, "add_tags": ["orders"], "importance": 0.9},
        "A change",
    )
    await page.call("memory_update", {"id": first, "expected_version": 1, "title": "Orders"}, "Too late")

    await page.tool(tools["memory_link"])
    await page.call(
        "memory_link",
        {"action": "link", "from": second, "to": first, "type": "depends_on"},
        "Tie two entries together",
    )
    await page.call("memory_link", {"action": "neighbors", "from": first}, "What is tied to it")

    await page.tool(tools["memory_get"])
    await page.call(
        "memory_get", {"ids": [first], "history": True, "relations": True}, "An entry with all there is"
    )

    await page.tool(tools["memory_forget"])
    where = {"filter": {"scope": "acme/shop", "kinds": ["experience"]}}
    await page.call("memory_forget", {**where, "dry_run": True}, "What would be deleted")
    await page.call("memory_forget", where, "Delete it")

    await page.tool(tools["memory_file_lock"])
    mine = {"file_path": "src/./app.py", "agent_id": "planner"}
    checkout = {"action": "checkout", "ttl_seconds": 600, **mine}
    kept = await page.call("memory_file_lock", checkout, "Before the first edit")
    await page.call("memory_file_lock", {**checkout, "agent_id": "coder"}, "Another agent, too late")
    renewal = {"action": "renew", "token": kept["token"], **mine}
    await page.call("memory_file_lock", renewal, "The edit takes longer")
    await page.call("memory_file_lock", {"action": "list"}, "Who has what")
    await page.call("memory_file_lock", {**renewal, "action": "checkin"}, "After the last edit")
    await page.call("memory_file_lock", renewal, "Too late for that token")

    await write_team(page, tools)

    await page.tool(tools["memory_health"])
    await page.call("memory_health", {}, "How it is")
    await write_moving(page, tools)


async def write_moving(page: Page, tools: dict[str, Any]) -> None:
    await page.tool(tools["memory_export"])
    kept = await page.call("memory_export", {"scope": "acme/shop", "format": "jsonl"}, "A small one")
    await page.call("memory_export", {"scope": "acme", "name": "acme.jsonl"}, "Under a name")
    await page.call("memory_export", {"name": "../acme.jsonl"}, "No name")

    await page.tool(tools["memory_import"])
    await page.call("memory_import", {"name": "acme.jsonl", "dry_run": True}, "What would be done")
    await page.call("memory_import", {"content": kept["content"], "format": "jsonl"}, "What is there already")

    await page.tool(tools["memory_maintain"])
    twice = {"content": "nothing is deployed after thursday, 16:00", "kind": "guideline", "scope": "acme"}
    await page.call("memory_remember", twice, "With a fact that was told before")
    await page.call("memory_maintain", {"action": "consolidate", "dry_run": True}, "What is told twice")
    await page.call("memory_maintain", {"action": "consolidate"}, "Make it one")
    await page.call("memory_maintain", {"action": "verify"}, "Is the store sound?")


async def write_team(page: Page, tools: dict[str, Any]) -> None:
    await page.tool(tools["memory_session"])
    begin = {
        "action": "begin",
        "scope": "acme/shop/queues",
        "purpose": "choose a queue",
        "agent_id": "planner",
    }
    await page.call("memory_session", begin, "Before the work")
    await page.call("memory_session", {**begin, "agent_id": "coder"}, "Another agent, in the same scope")

    await page.tool(tools["memory_vote"])
    cast = {"action": "cast", "question": "Which queue?", "scope": "acme/shop", "choice": "PostgreSQL"}
    await page.call("memory_vote", {**cast, "agent_id": "planner"}, "One agent's choice")
    await page.call("memory_vote", {**cast, "agent_id": "coder"}, "Another's, which decides")
    await page.call("memory_vote", {"action": "list", "scope": "acme"}, "What was voted on")

    await page.tool(tools["memory_context"])
    end = {"action": "end", "scope": "acme/shop/queues", "summary": "PostgreSQL it is. Open: the consumers."}
    await page.call("memory_session", end, "After the work, the session is ended")
    asked = {"scope": "acme/shop", "task": "write the consumers of the queue", "max_tokens": 800}
    await page.call("memory_context", asked, "What the next one should know")


asyncio.run(main())
