"""Which pairs are one fact said twice, and which only look like it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.search.similar import LONGEST, agreement, same_fact
from agent_memory_contract.builders import T0, entry

_LONG = (
    "The nightly retention job walks the archive bucket, removes segments that nobody asked for lately and "
    "writes a summary for the storage group"
)

SAME = [
    # case and punctuation
    ("The deploy succeeded.", "the deploy succeeded"),
    ("KUBERNETES RUNS IN EU-WEST-1", "Kubernetes runs in eu-west-1."),
    ("Use tabs, not spaces!", "use tabs not spaces"),
    ("Orders live in `PostgreSQL`", "Orders live in PostgreSQL."),
    ("**Billing** owns the invoice table", "Billing owns the invoice table"),
    ("Alice said: ship it", 'Alice said "ship it"'),
    ("The limit is 10,000 rows", "The limit is 10000 rows."),
    ("A near-duplicate is reported", "A near duplicate is reported."),
    ("We  deploy\non   Fridays", "We deploy on Fridays"),
    ("Retries: 3", "retries 3"),
    # plural and third person
    ("Backups run at night", "The backup runs at night"),
    ("Migrations need a lock", "A migration needs a lock"),
    ("Tests use real servers", "The test uses a real server"),
    ("Policies apply to every branch", "The policy applies to every branch"),
    # function words and filler
    ("Please note that the API uses gRPC", "The API uses gRPC"),
    ("Remember: staging shares the production cache", "Staging shares the production cache"),
    ("We basically just use SQLite for tests", "We use SQLite for tests"),
    ("The build is currently broken", "Build is broken"),
    ("FYI: the office closes at 18:00", "The office closes at 18:00"),
    ("Redis is really fast", "Redis is very fast"),
    ("This service actually owns its own queue", "The service owns its own queue"),
    ("It's Alice who approves releases", "Alice approves releases"),
    # contractions
    ("Don't push to main", "Do not push to main"),
    ("The worker can't write files", "The worker cannot write files"),
    ("We'll drop Python 3.10", "We will drop Python 3.10"),
    ("They won't support MySQL", "They will not support MySQL."),
    # one word for another that is the same
    ("We utilise PostgreSQL for orders", "We use Postgres for orders"),
    ("Select the db by region", "Choose the database by region"),
    ("The job deletes old logs", "The job removes old logs"),
    ("Billing docs are in the repo", "The billing documentation is in the repository"),
    ("The team needs three reviewers", "The team requires 3 reviewers"),
    ("Configuration lives in the home directory", "The config lives in the home folder"),
    # another order
    ("The backup runs at night", "At night the backup runs"),
    ("On Friday Alice deploys", "Alice deploys on Friday"),
    ("Timeout is 30, retries are 5", "Retries are 5, timeout is 30"),
    ("If the queue fills, workers slow down", "Workers slow down if the queue fills"),
    ("Logs are kept for 30 days in the archive", "Logs are kept in the archive for 30 days"),
    ("Alice and Bob own billing", "Bob and Alice own billing"),
    # a long text with a word more
    (_LONG, _LONG.replace("a summary", "a short summary")),
    (_LONG, _LONG.replace("archive bucket", "shared archive bucket")),
    (_LONG.upper(), _LONG),
]

DIFFERENT = [
    # outcome and state
    ("deploy succeeded", "deploy failed"),
    ("The feature flag is enabled", "The feature flag is disabled"),
    ("Alice approved the design", "Alice rejected the design"),
    ("The build is green", "The build is red"),
    ("The bug is fixed", "Fix the bug"),
    ("The migration is planned", "The migration is done"),
    ("The old API was removed", "Remove the old API"),
    (_LONG, _LONG.replace("retention job", "disabled retention job")),
    (_LONG, _LONG.replace("archive bucket", "staging archive bucket")),
    # negation
    ("The deploy succeeded", "The deploy did not succeed"),
    ("Use tabs", "Never use tabs"),
    ("The worker can write files", "The worker can't write files"),
    ("Use tabs, not spaces", "Use spaces, not tabs"),
    ("Releases need a review", "Releases need no review"),
    ("The cache works with Redis", "The cache works without Redis"),
    (_LONG, _LONG.replace("writes", "never writes")),
    # number, version, date, identifier, sign
    ("The timeout is 30 seconds", "The timeout is 60 seconds"),
    ("We run Python 3.11", "We run Python 3.12"),
    ("Release 2.0.1 is out", "Release 2.0.10 is out"),
    ("The meeting is on Monday", "The meeting is on Tuesday"),
    ("Launch on 2026-03-01", "Launch on 2026-03-02"),
    ("Fixed in commit a1b2c3d", "Fixed in commit a1b2c3e"),
    ("Call getUser first", "Call getUsers_v2 first"),
    ("The offset is 5", "The offset is -5"),
    ("Growth was 10%", "Growth was 10"),
    ("It costs $5", "It costs €5"),
    ("We write C", "We write C++"),
    ("latency < budget", "latency > budget"),
    ("Three replicas", "Two replicas"),
    ("Deploy ✅", "Deploy ❌"),
    ("Retries are 30, timeout is 5", "Retries are 5, timeout is 30"),
    ("Scale between 3, 5", "Scale between 5, 3"),
    (_LONG, _LONG.replace("segments", "500 segments")),
    # person
    ("Alice owns billing", "Bob owns billing"),
    ("Alice reports to Bob", "Bob reports to Alice"),
    ("Alice manages Bob", "Bob manages Alice"),
    ("Alice is Bob's manager", "Bob is Alice's manager"),
    ("I prefer tabs", "You prefer tabs"),
    ("He likes tea", "She likes tea"),
    ("Carol is the employer", "Carol is the employee"),
    (_LONG, _LONG.replace("The nightly", "On request of Carol the nightly")),
    # direction and order
    ("Migrate from MySQL to PostgreSQL", "Migrate from PostgreSQL to MySQL"),
    ("Orders depend on billing", "Billing depends on orders"),
    ("Lint before build", "Build before lint"),
    ("Turn the cache on", "Turn the cache off"),
    ("Scale up at night", "Scale down at night"),
    ("When billing fails, orders restart", "When orders restart, billing fails"),
    ("Owner Alice, reviewer Bob", "Owner Bob, reviewer Alice"),
    ("Go is faster than Python", "Python is faster than Go"),
    # quantity and modality
    ("All tests pass", "Some tests pass"),
    ("We should use tabs", "We use tabs"),
    ("We will migrate the store", "We migrate the store"),
    ("Alice was the owner", "Alice is the owner"),
    ("At most 3 retries", "At least 3 retries"),
    ("Only admins may purge", "Admins may purge"),
    # another thing
    ("Alice likes tea", "Alice likes coffee"),
    ("The orders service uses Redis", "The payments service uses Redis"),
    ("The backup runs at night", "The backup runs"),
    ("Is the deploy done?", "The deploy is done."),
    ("important", "importer"),
    ("the", "a"),
    ("数据库已启用", "数据库已停用"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_fact_said_twice(one: str, other: str) -> None:
    assert agreement(one, other) >= 0.9
    assert agreement(other, one) == agreement(one, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_facts_in_like_words(one: str, other: str) -> None:
    assert agreement(one, other) == 0
    assert agreement(other, one) == 0


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_are_compared_and_the_order_of_the_two_is_all_one(one: str, other: str) -> None:
    found = agreement(one, other)
    assert found == 0 or 0.9 <= found <= 1
    assert agreement(other, one) == found


_facts = st.sampled_from([text for pair in SAME for text in pair])


@given(_facts, st.sampled_from(["not", "7", "v2.1", "a1b2", "failed"]), st.integers(min_value=0))
def test_a_negation_a_number_or_an_outcome_more_is_another_fact(fact: str, more: str, place: int) -> None:
    words = fact.split()
    words.insert(place % (len(words) + 1), more)
    assert agreement(fact, " ".join(words)) == 0


@given(_facts, st.integers(min_value=0))
def test_another_number_in_its_place_is_another_fact(fact: str, place: int) -> None:
    words = fact.split()
    words.insert(place % (len(words) + 1), "4711")
    one = " ".join(words)
    assert agreement(one, one) == 1
    assert agreement(one, one.replace("4711", "4712")) == 0


def test_documents_are_not_compared() -> None:
    text = "word " * (LONGEST // 5)
    assert agreement(text, text) == 1
    assert agreement(text + "more", text + "more") == 0


def test_entries_of_another_author_time_or_title_are_other_facts() -> None:
    one = entry("The deploy succeeded.")
    other = entry("The deploy succeeded")
    assert same_fact(one, other) == 1

    def told_apart(**fields: tuple[object, object]) -> bool:
        mine = {name: pair[0] for name, pair in fields.items()}
        theirs = {name: pair[1] for name, pair in fields.items()}
        return not same_fact(msgspec.structs.replace(one, **mine), msgspec.structs.replace(other, **theirs))

    later = T0 + timedelta(days=1)
    assert told_apart(author=("Alice", "Bob"))
    assert not told_apart(author=("Alice", "alice"))
    assert not told_apart(author=("Alice", ""))
    assert told_apart(occurred_at=(T0, later))
    assert not told_apart(occurred_at=(T0, None))
    assert told_apart(valid_from=(T0, later))
    assert told_apart(valid_until=(later, None))
    assert told_apart(title=("Release 1", "Release 2"))
    assert not told_apart(title=("A release", "release"))
    assert not told_apart(title=("The", "the"))
