"""Log lines: which format where, ids on each line, and no secret in any."""

from __future__ import annotations

import io
import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from watcher.log import choose_format, configure_logging, make_redactor
from watcher.settings import LogSettings

TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz_0123"


def configured(style: str = "json", level: str = "info", **more: Any) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(LogSettings.model_validate({"format": style, "level": level}), stream=stream, environ={}, **more)
    return stream


def only_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    return json.loads(line)


def test_json_lines_carry_event_values_and_bound_ids() -> None:
    stream = configured()
    with structlog.contextvars.bound_contextvars(source_id="oc"):
        structlog.get_logger("watcher.ingest").info("polled", new=3, path=Path("/x"), title="Ազգ")
    line = only_line(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "polled",
        "level": "info",
        "logger": "watcher.ingest",
        "new": 3,
        "path": "/x",
        "source_id": "oc",
        "title": "Ազգ",
    }


def test_the_level_decides_what_is_written() -> None:
    stream = configured(level="warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger().warning("loud")
    assert only_line(stream)["event"] == "loud"


def test_lines_and_warnings_of_libraries_take_the_same_way() -> None:
    stream = configured()
    with structlog.contextvars.bound_contextvars(source_id="oc"):
        logging.getLogger("library").error("broken %s", "pipe")
    assert only_line(stream) | {"timestamp": ""} == {
        "event": "broken pipe", "level": "error", "logger": "library", "source_id": "oc", "timestamp": "",
    }  # fmt: skip
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)  # catch_warnings undid it
        warnings.warn("old thing", stacklevel=1)
    assert "old thing" in only_line(stream)["event"]


def test_a_second_call_replaces_the_first() -> None:
    first, second = configured(), configured()
    structlog.get_logger().info("once")
    assert (first.getvalue(), only_line(second)["event"]) == ("", "once")


def test_urls_with_the_bot_token_are_not_written() -> None:
    stream = configured(level="debug")
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get(f"https://api.telegram.org/bot{TOKEN}/getMe")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_secret_reaches_a_line(style: str) -> None:
    stream = configured(style, secrets=["hunter2", ""])
    log = structlog.get_logger()
    log.info(f"asked https://api.telegram.org/bot{TOKEN}/getMe", body={"a": [f"x{TOKEN}"]}, password="swordfish")
    try:
        raise ValueError(f"login with hunter2 at smtp://me:pass@host failed for {TOKEN}")
    except ValueError:
        log.exception("failed", extra=ValueError("hunter2"))
    written = stream.getvalue()
    assert "ValueError" in written
    for word in (TOKEN, "hunter2", "swordfish", "me:pass"):
        assert word not in written


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"event": "x", "token": "abc", "bot_token": None}, {"event": "x", "token": "[hidden]", "bot_token": None}),
        ({"headers": {"Authorization": "x", "n": 1}}, {"headers": {"Authorization": "[hidden]", "n": 1}}),
        ({"url": "https://u:p@h/x", "at": "12:30"}, {"url": "https://[hidden]@h/x", "at": "12:30"}),
        ({"items": ("s3cret", 1.5, True)}, {"items": ["[hidden]", 1.5, True]}),
    ],
)
def test_redaction(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert make_redactor(["s3cret"])(None, "info", given) == expected


def test_the_journal_gets_short_lines_with_a_priority(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("w", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        configure_logging(LogSettings(), stream=stream, environ=environ)
        structlog.get_logger("watcher.x").warning("poll_failed", source_id="oc", detail="no answer")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            structlog.get_logger("watcher.x").exception("job_failed")
    first, second = path.read_text(encoding="utf-8").splitlines()
    assert first == '<4>event=poll_failed source_id=oc detail="no answer" logger=watcher.x'
    assert second.startswith("<3>event=job_failed ")
    assert "ValueError: two" in second


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_which_format_auto_means(tmp_path: Path) -> None:
    assert choose_format("auto", Terminal(), {}) == "console"
    assert choose_format("auto", Terminal(), {"JOURNAL_STREAM": "8:1"}) == "console"
    assert choose_format("auto", io.StringIO(), {}) == "json"
    assert choose_format("json", Terminal(), {}) == "json"


def test_a_terminal_gets_colours_and_a_pipe_none() -> None:
    terminal = Terminal()
    configure_logging(LogSettings(), stream=terminal, environ={})
    structlog.get_logger().info("started")
    assert "\x1b[" in terminal.getvalue()
    plain = configured("console")
    structlog.get_logger().info("started")
    assert "\x1b[" not in plain.getvalue()
