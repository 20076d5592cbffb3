"""What strangers write is read in time that grows as it does: log lines, mails that come back, lines of pages."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from watcher.cleaning import clean_text
from watcher.log import make_redactor
from watcher.notify.mail_bounce import Bounce, read_returned

LENGTH = 200_000
REPORT = (
    "Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; a\n\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; a@example.org\n{said}\n\n"
    "--x\nContent-Type: message/rfc822\n\nMessage-ID: <a@b>\n\n{ours}\n--x--\n"
)


def cleaned(text: str) -> None:
    clean_text(text, "A title")


def redacted(text: str) -> None:
    make_redactor(["a secret"])(None, "", {"event": text})


def returned(text: str) -> None:
    read_returned(f"Subject: {text}\n\n{text}".encode())
    read_returned(REPORT.format(said=f"Diagnostic-Code: smtp; {text}", ours=text).encode())


@pytest.mark.parametrize("read", [redacted, returned, cleaned])
@pytest.mark.parametrize(
    "piece",
    [
        "a:",
        "1",
        " ",
        "\n",
        "\n\n",
        "a\n\n",
        "<",
        "<a",
        "@",
        "unsubscribe ",
        "5.1.",
        "=?utf-8?q?a?= ",
        "| ",
        "/ ",
        "\t \r\n ",
    ],
)
@pytest.mark.parametrize("begin", ["", "://", "x"])
def test_length_costs_no_squares(read: Callable[[str], object], piece: str, begin: str) -> None:
    began = time.process_time()
    read(begin + piece * (LENGTH // len(piece)) + "x")
    assert time.process_time() - began < 8  # squares would be minutes


def test_a_long_mail_of_ours_in_a_report_hides_nothing() -> None:
    (bounce,) = read_returned(REPORT.format(said="X: y", ours="word " * LENGTH).encode())
    assert isinstance(bounce, Bounce)
    assert (bounce.message_id, bounce.addresses) == ("<a@b>", ("a@example.org",))
