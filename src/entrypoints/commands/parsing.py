"""How the commands read their arguments.

Options carry the names of the tools' arguments. What was not given is absent, so that defaults stand in one place: the
requests themselves.
"""

from __future__ import annotations

import argparse
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ...core.drafting import checked_metadata
from ...core.limits import METADATA_DEPTH
from ...core.redaction.redactor import scrubbed
from ...ports.errors import Rejected
from ...ports.records import KINDS
from ..cli import EXIT_CODES
from ..mcp.arguments import decode_arguments
from ..mcp.kinds import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

T = TypeVar("T", bound=msgspec.Struct)

_SHOWN = 64


class Parser(argparse.ArgumentParser):
    """`examples` are pairs of what it does and the command, without the program's name."""

    def __init__(self, name: str, description: str, examples: Mapping[str, str]) -> None:
        shown = "\n".join(f"  {what}:\n    agent-memory {command}" for what, command in examples.items())
        super().__init__(
            prog=f"agent-memory {name}",
            description=description,
            epilog=f"examples:\n{shown}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )

    def scope(self, meaning: str) -> None:
        self.add_argument("--scope", metavar="ORG/PROJECT/SESSION", help=meaning)

    def kinds(self) -> None:
        self.add_argument(
            "--kind", dest="kinds", action="append", choices=KINDS, help="one of these kinds (repeatable)"
        )

    def tags(self, meaning: str) -> None:
        self.add_argument(
            "--tag", dest="tags", action="append", metavar="TAG", help=meaning + " (repeatable)"
        )

    def agent(self) -> None:
        self.add_argument("--agent-id", metavar="NAME", help="who writes (a configured agent id wins)")

    def json(self) -> None:
        self.add_argument("--json", action="store_true", default=False, help="one JSON document on stdout")

    def importance(self) -> None:
        self.add_argument("--importance", type=_share, metavar="0..1")

    def read(self, arguments: list[str]) -> dict[str, Any]:
        return vars(self.parse_args(arguments))

    def error(self, message: str) -> NoReturn:
        """What was typed may have been a secret."""
        super().error(scrubbed(message))


def whole(least: int, most: int) -> Callable[[str], int]:
    """For argparse, whose own `choices` would list every number between."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{_shown(text)}: not allowed ({least} to {most})")
        return int(text)

    return read


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"{_shown(text)!r} is not a number from 0 to 1")
    return value


def _shown(text: str) -> str:
    """Of half a secret nobody would see any more that it is one."""
    return scrubbed(text)[:_SHOWN]


def request_of(given: Mapping[str, Any], kind: type[T]) -> T:
    """The same checks and the same words as for a tool call."""
    return decode_arguments(msgspec.json.Decoder(kind), _as_json(given), schema_of(kind))


def _as_json(given: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(given)
    except UnicodeEncodeError:
        raise Rejected("arguments: not valid UTF-8") from None


def json_object(text: str) -> dict[str, Any]:
    """For argparse: the text of an option that holds a JSON object."""
    try:
        return checked_metadata(msgspec.json.decode(text, type=dict[str, Any]))
    except RecursionError:
        raise Rejected(f"metadata: nested deeper than {METADATA_DEPTH} levels", "metadata") from None
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise argparse.ArgumentTypeError(f"not a JSON object: {error}") from None
