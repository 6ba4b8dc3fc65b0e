"""What redaction catches, and what it mistakes, and the same of flags for instructions; and how long it takes.

    uv run python benchmarks/redaction.py [--texts FILE.json ...] [--rounds 5]

Secrets are made up at random (`redaction_secrets.py`), ordinary texts are in `redaction_ordinary.py` and
`redaction_about.py`. `--texts` reads
more of them: every string in files of JSON, such as conversations. Attacks that speak to a model, and texts that only
look like it, are in `instructions_texts.py`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from instructions_texts import ATTACKS, ORDINARY
from redaction_about import ABOUT
from redaction_ordinary import CODE, LOGS, PROSE, hashes
from redaction_secrets import kinds, secrets

from agent_memory.core.instructions import flags_of
from agent_memory.core.redaction.redactor import Redactor

_PLAIN = (
    "We decided on 2026-03-01 that the deploy job runs from the main branch only, after the smoke tests passed. Ada "
    "said that the staging database is refreshed every night at 02:00, and that nobody should restart it before the "
    "copy is done. The incident of last week came from a full disk on the build host: logs were never rotated. Look at "
    "the dashboard first, then at the queue, and call the on-call engineer only when both look wrong. Bob prefers "
    "short commit messages, and tests in the same change. See docs/deploy.md for the rest of it."
)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return [text for one in value for text in strings(one)] if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def best_of(redactor: Redactor, text: str, times: int) -> float:
    """Seconds."""
    best = float("inf")
    for _ in range(times):
        start = perf_counter()
        redactor.redact(text)
        best = min(best, perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    redactor = Redactor()

    made: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for seed in range(options.rounds):
        for secret in secrets(Random(seed)):
            made[secret.kind] += 1
            caught[secret.kind] += secret.secret not in redactor.redact(secret.text).text
    for kind in dict.fromkeys(kinds()):
        print(f"{kind:40} {caught[kind]:5} of {made[kind]:5}")
    print(
        f"caught: {caught.total()} of {made.total()} ({caught.total() / made.total():.2%}), {len(made)} kinds\n"
    )

    groups = {"prose": list(PROSE), "code": list(CODE), "logs": list(LOGS), "hashes": list(hashes(Random(7)))}
    groups["passwords in many languages"] = list(ABOUT)
    for path in options.texts:
        groups[path.name] = strings(json.loads(path.read_text(encoding="utf-8")))
    for name, texts in groups.items():
        wrong = sum(bool(redactor.redact(text).found) for text in texts)
        print(f"false alarms in {name}: {wrong} of {len(texts)} ({1000 * wrong / len(texts):.2f} a thousand)")

    flagged = sum(bool(flags_of(text)) for text in ATTACKS)
    print(f"\nflagged as instructions: {flagged} of {len(ATTACKS)} attacks")
    for name, texts in {"texts that look like them": list(ORDINARY), **groups}.items():
        wrong = sum(bool(flags_of(text)) for text in texts)
        print(f"flagged in {name}: {wrong} of {len(texts)}")
    print()

    plain, prose, code = _PLAIN[:500], " ".join(PROSE), "\n".join(CODE)
    for name, text in (
        ("500 bytes of ordinary prose", plain),
        ("64 KiB of ordinary prose", (plain * 140)[:65536]),
        ("64 KiB about secrets", (prose * 20)[:65536]),
        ("64 KiB of code about secrets", (code * 20)[:65536]),
    ):
        print(f"{name}: {best_of(redactor, text, 200 if len(text) < 1000 else 10) * 1e6:.0f} us")


if __name__ == "__main__":
    main()
