"""Logging: one stream, three ways to write a line, no secrets in any of them."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Libraries whose ordinary lines are noise here. httpx writes every URL, and Telegram's URLs hold the bot's token;
# the readers of pages complain about each page that they cannot read, which is a value to us.
_QUIET_LIBRARIES = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "apscheduler": logging.WARNING,
    "apscheduler.executors": logging.CRITICAL,  # the daemon logs failed jobs itself, and abandoned ones are none
    "asyncio": logging.WARNING,
    "telegram": logging.WARNING,
    "trafilatura": logging.CRITICAL,
    "htmldate": logging.CRITICAL,
    "courlan": logging.CRITICAL,
    "aiohttp.server": logging.CRITICAL,  # a traceback for each request that is none; the endpoint logs its own faults
    "urllib3": logging.ERROR,  # apprise's: writes paths, which hold the secrets of chat services
    "watchfiles": logging.WARNING,  # tells each change, also of files that do not matter
}

# Priorities of the systemd journal: man 3 sd-daemon.
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}

_HIDDEN = "[hidden]"
_SECRET_KEY = re.compile(r"token|password|secret|authorization|cookie", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?<![0-9])[0-9]{6,}:[A-Za-z0-9_-]{30,}"  # a Telegram bot token
    r"|(?<=://)[^/\s@:]+:[^/\s@]+(?=@)"  # name and password inside a URL
)


class LogOptions(Protocol):
    """The part of the settings that this module needs; settings stand beside it, so they are not imported."""

    @property
    def format(self) -> str: ...  # auto, console, json

    @property
    def level(self) -> str: ...  # debug, info, warning, error


def configure_logging(
    options: LogOptions,
    *,
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Nothing; from now on our lines and those of libraries go to ``stream`` (default: standard error) in one format.

    ``secrets`` are hidden wherever they turn up, besides everything that looks like one. A second call replaces the
    first.
    """
    target = sys.stderr if stream is None else stream
    style = choose_format(options.format, target, environ)
    level = logging.getLevelNamesMapping()[options.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]
    if style != "journal":  # the journal stamps each line itself
        shared.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,  # without local variables: they may hold secrets
                make_redactor(secrets),
                *_RENDERERS[style](target),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, level))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def choose_format(wanted: str, stream: TextIO, environ: Mapping[str, str]) -> str:
    """``console``, ``journal`` or ``json``: what ``auto`` means for this stream, else what is wanted."""
    if wanted != "auto":
        return wanted
    if _is_journal(stream, environ.get("JOURNAL_STREAM", "")):
        return "journal"
    return "console" if stream.isatty() else "json"


def _is_journal(stream: TextIO, device_and_inode: str) -> bool:
    """Whether the stream is the one that systemd connected to its journal: man 5 systemd.exec, JOURNAL_STREAM."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # no file behind it
        return False
    return device_and_inode == f"{status.st_dev}:{status.st_ino}"


def make_redactor(secrets: Collection[str]) -> Processor:
    """A processor that hides the given secrets, what looks like one, and values whose key says that they are."""
    exact = [re.escape(secret) for secret in sorted(secrets, key=len, reverse=True) if secret]
    pattern = re.compile("|".join([*exact, _SECRET_TEXT.pattern]))

    def clean(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {str(key): clean_item(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [clean(item) for item in value]
        return pattern.sub(_HIDDEN, str(value))

    def clean_item(key: str, value: Any) -> Any:
        return _HIDDEN if value and _SECRET_KEY.search(key) else clean(value)

    def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        return {key: clean_item(key, value) for key, value in event_dict.items()}

    return redact


def _render_journal_line(logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
    priority = _PRIORITIES[event_dict.pop("level")]
    return f"<{priority}>{_LOGFMT(logger, method, event_dict)}"


# Values with line breaks are escaped, so that a traceback stays one entry of the journal.
_LOGFMT = structlog.processors.LogfmtRenderer(key_order=["event"], drop_missing=True)

_RENDERERS: Mapping[str, Callable[[TextIO], list[Processor]]] = {
    "console": lambda stream: [
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ],
    "json": lambda _stream: [structlog.processors.JSONRenderer(ensure_ascii=False)],
    "journal": lambda _stream: [_render_journal_line],
}
