"""`agent-memory`: one table of commands, each loaded only when it is asked for.

A client waits while `agent-memory mcp` starts, so that nothing is imported here that this path does not need.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ..ports.errors import PortError

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS: dict[str, tuple[str, str]] = {
    "mcp": (".commands.mcp:run", "serve the memory to an MCP client over stdin and stdout"),
    "remember": (".commands.remember:run", "store one entry, or many from lines of JSON"),
    "recall": (".commands.recall:run", "search the memory, or list what is newest"),
    "get": (".commands.get:run", "show entries by id, with history and relations"),
    "update": (".commands.update:run", "change an entry; the former version is kept"),
    "forget": (".commands.forget:run", "delete entries by id or by filter"),
    "export": (".commands.export:run", "write out a scope, history and all: JSON, JSON lines, Markdown"),
    "import": (".commands.import_:run", "put an export back; may be repeated"),
    "maintain": (".commands.maintain:run", "consolidate, reindex, back up, check"),
    "context": (".commands.context:run", "show what an agent is told before it starts"),
    "sessions": (".commands.sessions:run", "list the sessions of agents, or end one"),
    "votes": (".commands.votes:run", "show what agents voted on and how it stands, or vote"),
    "locks": (".commands.locks:run", "list the files that agents have checked out"),
    "unlock": (".commands.locks:unlock", "end the lock on a file, whoever has it"),
    "health": (".commands.health:run", "say whether the memory works, with its figures"),
    "worker": (".commands.worker:run", "do the work beside the answers: expiry, upkeep, backups"),
    "jobs": (".commands.jobs:run", "list jobs; retry or discard those that failed for good"),
    "adapters": (".commands.adapters:run", "list the adapters installed behind each port"),
    "certify": (".commands.certify:run", "try an adapter against every promise of its port"),
    "config": (".commands.config:run", "list every setting, or print the configuration for an MCP client"),
    "service": (".commands.service:run", "systemd: install the daemon as a service, show it, remove it"),
    "migrate": (".commands.migrate:run", "PostgreSQL: bring the schema up to date, or say what is missing"),
    "benchmark": (".benchmark.command:run", "measure this program on this machine, beside what is possible"),
    "demo": (".commands.demo:run", "watch a real server at work, in a temporary folder"),
}
"""Name: (module:function, help line). The function takes the arguments after the name and returns the exit code."""

NO = 1
USAGE = 2
TRY_AGAIN = 3
CORRUPT = 65
DEFECT = 70
IO_ERROR = 74
MISCONFIGURED = 78
INTERRUPTED = 130
BROKEN_PIPE = 141

EXIT_CODES = """exit codes:
  0    done
  1    the answer is no: nothing found, or refused (rejected, conflict, not found)
  2    the command line could not be read
  3    try again later: the store is busy, unavailable or not there yet
  65   the store is damaged
  70   a defect of this program
  74   a file could not be read or written, or stdin or stdout is closed
  78   a setting is wrong
  130  interrupted
  141  whoever read the output went away"""

_CODES = {"misconfigured": MISCONFIGURED, "corrupt": CORRUPT, "conflict": NO}


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if _closed(sys.stderr):
        _speak_to_nobody()
    if _closed(sys.stdout) and given[:1] != ["mcp"]:  # which says itself what it needs
        return _fail("stdout is closed: the answer has nowhere to go", IO_ERROR)
    try:
        code = _dispatch(given)
        if not _closed(sys.stdout):
            sys.stdout.flush()
    except PortError as error:
        return _fail(f"{error.code}: {error}", exit_code(error))
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as left:  # argparse ends that way, after its own message
        return left.code if isinstance(left.code, int) else USAGE
    except OSError as error:
        return _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", IO_ERROR)
    except Exception as error:  # noqa: BLE001 (the last line of defence: a person gets a line, not a trace)
        return _defect(error)
    return code


def exit_code(error: PortError) -> int:
    """A conflict may be retried, but never unchanged: it is an answer."""
    return _CODES.get(error.code, TRY_AGAIN if error.retryable else NO)


def _dispatch(given: list[str]) -> int:
    name = given[0] if given else ""
    if name in COMMANDS:
        module, function = COMMANDS[name][0].split(":")
        run: Callable[[list[str]], int] = getattr(import_module(module, __package__), function)
        return run(given[1:])
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(_help())
        return 0
    if name in {"-V", "--version"}:
        from .. import __version__  # noqa: PLC0415 (asked for here only)

        sys.stdout.write(f"agent-memory {__version__}\n")
        return 0
    if not name:
        sys.stderr.write(_help())
        return USAGE
    return _fail(f"no such command: {name!r}{_nearest(name)}; `agent-memory --help` lists them", USAGE)


def _nearest(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (only a mistake needs it)

    near = get_close_matches(name, COMMANDS, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _help() -> str:
    lines = "\n".join(f"  {name:<10}{line}" for name, (_, line) in COMMANDS.items())
    return f"""usage: agent-memory COMMAND [OPTIONS]

What agents learned, kept in one file, found again.

commands:
{lines}

  agent-memory COMMAND --help    options and examples of a command
  agent-memory --version

examples:
  agent-memory demo
  agent-memory remember "We deploy on Fridays" --scope acme/shop --tag deploy
  agent-memory recall "when do we deploy" --scope acme/shop
  agent-memory config --client claude-code

{EXIT_CODES}

Settings come from the environment (AGENT_MEMORY_*): `agent-memory config` lists them.
"""


def _fail(message: str, code: int) -> int:
    from .commands.output import complain  # noqa: PLC0415 (only failure needs it)

    complain(message)
    return code


def _defect(error: Exception) -> int:
    import os  # noqa: PLC0415 (only failure needs it)

    if os.environ.get("AGENT_MEMORY_LOG_LEVEL", "").lower() == "debug":
        from traceback import print_exception  # noqa: PLC0415

        print_exception(error)
    message = f"defect: {type(error).__name__}: {error} (AGENT_MEMORY_LOG_LEVEL=debug shows where)"
    return _fail(message, DEFECT)


def _closed(stream: object) -> bool:
    """Python has no stream for a descriptor that was closed when it started."""
    return stream is None


def _speak_to_nobody() -> None:
    """The exit code still tells."""
    import os  # noqa: PLC0415 (hardly ever needed)

    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (open as long as the process)


def _reader_left() -> int:
    """`| head` is no failure. Python would still complain when it flushes on exit."""
    import os  # noqa: PLC0415 (only failure needs it)

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


if __name__ == "__main__":
    sys.exit(main())
