"""Logs: structured lines on stderr, for stdout belongs to the protocol.

structlog is loaded with the first line that is logged: most processes of this program never log one, and all of them
must start fast. A line that belongs to a call says which (`request`, `trace`). Configured secrets are taken out of
every line, whoever wrote it, and what looks like one: an error of a driver may quote what it was given.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Literal

from .observability.current import call_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .settings import Settings

LogFormat = Literal["auto", "text", "json"]

_PACKAGE = __name__.partition(".entrypoints")[0]
AUDIT = tuple(f"{_PACKAGE}.adapters.{name}.lock" for name in ("inprocess", "sqlite", "postgres", "redis"))
"""Loggers of the Lock port's adapters, which say who ended whose lock, and why: written at any level."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


_SHORTEST_SECRET = 4
"""Characters. A shorter one would be found in the middle of words, and is none."""


def make_log(settings: Settings) -> Log:
    from .settings import secrets_of  # noqa: PLC0415 - it has been loaded by whoever has settings

    return Log(settings.log_level, settings.log_format, secrets_of(settings))


class Log:
    """One event a line, with its facts as fields: readable text on a terminal, else JSON; `form` may choose."""

    def __init__(self, level: str, form: LogFormat = "auto", secrets: Iterable[str] = ()) -> None:
        self._threshold = _LEVELS[level]
        self._as_text = sys.stderr.isatty() if form == "auto" else form == "text"
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
        self._logger: Any = None

    def take_over(self) -> None:
        """Lines that libraries and adapters write through the standard library come out here as well."""
        root = logging.getLogger()
        root.handlers[:] = [_Forward(self)]
        root.setLevel(self._threshold)
        for name in AUDIT:
            logging.getLogger(name).setLevel(logging.WARNING)

    def write(self, level: int, event: str, **facts: Any) -> None:
        """`exc_info` may be an exception or True, as in `logging`."""
        if level >= self._threshold:
            self._put(level, event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        self.write(logging.INFO, event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        self.write(logging.WARNING, event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        self.write(logging.ERROR, event, **facts)

    def audit(self, level: int, event: str, **facts: Any) -> None:
        """Whatever the level that is asked for."""
        self._put(level, event, **facts)

    def _put(self, level: int, event: str, **facts: Any) -> None:
        if self._logger is None:
            self._logger = _open(as_text=self._as_text, secrets=self._secrets)
        self._logger.log(level, event, **call_facts() | facts)


class _Forward(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        write = self._log.audit if record.name in AUDIT else self._log.write
        write(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _open(*, as_text: bool, secrets: tuple[str, ...]) -> Any:
    import structlog  # noqa: PLC0415 (see above)

    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_text:
        # Not the traceback that rich makes where it is installed: that one shows local variables, and what is in them.
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        processors.append(_hiding(renderer, secrets))
    else:
        processors.append(structlog.processors.format_exc_info)
        processors.append(_hiding(structlog.processors.JSONRenderer(), secrets))
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )


def _hiding(render: Callable[..., Any], secrets: tuple[str, ...]) -> Callable[..., str]:
    """Also in the form that a secret has inside of JSON."""
    from json import dumps  # noqa: PLC0415 - once there is a line

    from ..core.redaction.redactor import Redactor  # noqa: PLC0415 (the same)

    redactor = Redactor()
    hidden = sorted({*secrets, *(dumps(secret)[1:-1] for secret in secrets)}, key=len, reverse=True)

    def rendered(logger: Any, method: str, event: Any) -> str:
        line = str(render(logger, method, event))
        for secret in hidden:
            line = line.replace(secret, "(hidden)")
        return redactor.redact(line).text

    return rendered
