"""Logs: structured lines on stderr, for stdout belongs to the protocol.

structlog is loaded with the first line that is logged: most processes of this program never log one, and all of them
must start fast.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

_PACKAGE = __name__.partition(".entrypoints")[0]
AUDIT = tuple(f"{_PACKAGE}.adapters.{name}.lock" for name in ("inprocess", "sqlite", "postgres", "redis"))
"""Loggers of the Lock port's adapters, which say who ended whose lock, and why: written at any level."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Log:
    """One event a line, with its facts as fields: readable text on a terminal, else JSON."""

    def __init__(self, level: str) -> None:
        self._threshold = _LEVELS[level]
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
            self._logger = _open()
        self._logger.log(level, event, **facts)


class _Forward(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        write = self._log.audit if record.name in AUDIT else self._log.write
        write(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _open() -> Any:
    import structlog  # noqa: PLC0415 (see above)

    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    )
