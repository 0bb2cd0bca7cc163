"""Logs of the whole process, libraries' included: for people on a terminal, JSON otherwise, always to stderr.

One event is one line: control characters that a queue's name may hold are escaped, and known secrets are replaced.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from rabbitwatch.redaction import Redactor

# C0, DEL and C1 control characters, lone surrogates, line separators, and what changes the direction of text
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOISY = {
    **dict.fromkeys(("apscheduler", "asyncio", "urllib3", "uvicorn"), logging.WARNING),
    "pika": logging.CRITICAL,  # a traceback for each failed try, and raises what it says anyway
}
"""Libraries, and from which level on their lines are worth anything."""

_TRACEBACK = "exception"


class LogLevel(StrEnum):
    """What is worth a line, as in Prometheus' --log.level."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class LogFormat(StrEnum):
    """AUTO is HUMAN on a terminal and JSON otherwise."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


def configure(
    level: LogLevel = LogLevel.INFO,
    style: LogFormat = LogFormat.AUTO,
    *,
    redact: Redactor,
    stream: TextIO | None = None,
) -> None:
    """Send every log line of this process through one formatter; may be called again, and then replaces the last."""
    out = stream or sys.stderr
    terminal = out.isatty()
    human = style is LogFormat.HUMAN or (style is LogFormat.AUTO and terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=not human, key="ts"),
        structlog.processors.format_exc_info,
        _only_safe_text(redact),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(human, terminal)],
        )
    )
    _route(handler, getattr(logging, {"warn": "WARNING"}.get(level, level.upper())))


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _NOISY.items():
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(level, least))
    logging.captureWarnings(True)


def _renderers(human: bool, terminal: bool) -> list[Processor]:
    if not human:
        return [structlog.processors.EventRenamer("msg"), structlog.processors.JSONRenderer(ensure_ascii=False)]
    colours = terminal and not os.environ.get("NO_COLOR")
    return [
        structlog.dev.ConsoleRenderer(
            colors=colours, timestamp_key="ts", pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    ]


class Trouble:
    """Something that may go wrong for a while: told when it begins, when its reason becomes another and when it is
    over, and not again while it lasts. Not safe for several threads.

    begins: tells it, with the reason in one line. over: tells its end. why: what is wrong before anything is known.
    """

    def __init__(
        self, begins: Callable[[str], object], over: Callable[[], object] = lambda: None, *, why: str = ""
    ) -> None:
        self._begins = begins
        self._over = over
        self.why = why

    def is_now(self, why: str) -> None:
        """What is wrong now; "" when nothing is."""
        before, self.why = self.why, why
        if why == before:
            return
        if why:
            self._begins(why)
        else:
            self._over()


def escape_controls(text: str, *, keep: str = "") -> str:
    """`text` with every character that could move the cursor, start a line or hide something spelt as an escape."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _spelt(match[0]), text)


def _spelt(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _only_safe_text(redact: Redactor) -> Callable[[WrappedLogger, str, EventDict], EventDict]:
    def clean(value: Any, keep: str = "") -> Any:
        if isinstance(value, str):
            return escape_controls(redact(value), keep=keep)
        if isinstance(value, (bool, int, float)) or value is None:
            return value
        if isinstance(value, (list, tuple, set, frozenset)):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            return {clean(str(key)): clean(item) for key, item in value.items()}
        return clean(str(value))

    def process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            key: value if key.startswith("_") else clean(value, keep="\n" if key == _TRACEBACK else "")
            for key, value in event.items()
        }

    return process
