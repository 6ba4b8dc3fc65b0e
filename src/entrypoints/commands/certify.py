"""`agent-memory certify`. The one door from the program to its certification kit, which needs an extra."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...ports.adapter import GROUPS
from ...ports.errors import Misconfigured
from ..cli import USAGE
from .output import complain, show
from .parsing import Parser

_NEEDS = ("pytest", "anyio", "hypothesis")


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    if problem := _problem(given):
        complain(problem)
        return USAGE
    kit: Any = import_module("agent_memory_contract.certifying")
    report = Path(given["report"]).absolute() if given.get("report") else None
    if report is not None and (problem := _not_writable(report)):
        complain(f"--report: {problem}")
        return USAGE
    try:
        plan = kit.Plan(
            orders=_orders(kit, given),
            level=given["level"],
            seed=given["seed"],
            processes=given["processes"] or min(os.cpu_count() or 1, 8),
        )
    except Misconfigured as error:
        complain(str(error))
        return USAGE
    code: int = kit.certify(plan, report, _tell)
    return code


def _not_writable(report: Path) -> str:
    pages: Any = import_module("agent_memory_contract.pages")
    return str(pages.not_writable(report))


def _orders(kit: Any, given: dict[str, Any]) -> Any:
    if given["all"]:
        return kit.own_orders(given["port"] or "")
    return (kit.order_of(given["adapter"], port=given["port"], url=given["url"]),)


def _problem(given: dict[str, Any]) -> str:
    lacking = [module for module in _NEEDS if find_spec(module) is None]
    if lacking:
        return f"certify needs {', '.join(lacking)}: pip install 'agent-memory[certify]'"
    if given["all"] and (given["adapter"] or given["url"]):
        return "--all takes no adapter and no --url"
    if not given["all"] and not given["adapter"]:
        return (
            "say which adapter: agent-memory certify PORT NAME, or --all; `agent-memory adapters` lists them"
        )
    return ""


def _tell(line: str) -> None:
    show(line)
    sys.stdout.flush()


def _parser() -> Parser:
    parser = Parser(
        "certify",
        "Try an adapter against every promise of its port, and say of each whether it was kept. Exit code 0: "
        "certified; 1: not; 2: it could not be tried as asked.",
        {
            "one adapter": "certify lock acme --report certificate.json    (and certificate.md, for people)",
            "on a server of your own": "certify cache redis --url redis://localhost:6379/0",
            "quickly, while writing one": "certify lock acme --level plain",
            "all that come with the program": "certify --all --report certificates.json",
        },
    )
    parser.add_argument("port", nargs="?", default=None, choices=sorted(GROUPS), help="the adapter's port")
    parser.add_argument("adapter", nargs="?", default=None, metavar="NAME", help="the adapter's name")
    parser.add_argument(
        "--all",
        action="store_true",
        default=False,
        help="every adapter that comes with the program (of the port, where one is named)",
    )
    parser.add_argument(
        "--report", metavar="FILE.json", help="write the certificate, and a page beside it (.md)"
    )
    parser.add_argument(
        "--level",
        choices=("plain", "concurrent", "faulty"),
        default="faulty",
        help="how hard to try: calls one after another; many at once too; also cancelled and cut off (default)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="begin random sequences with this (default: 0)"
    )
    parser.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="where the adapter's backend is; its harness says what it takes",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=0,
        metavar="N",
        help="adapters tried at once (default: one a core)",
    )
    return parser
