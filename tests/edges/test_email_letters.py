"""What a mail is made of: parts, headers, threads, digests; whatever a source says, it stays a mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, alert, delivery, excerpt, recipient, report
from watcher.model import (
    Alert,
    AlertKind,
    Channel,
    Digest,
    DigestItem,
    EventChange,
    Held,
    Severity,
    Toll,
)
from watcher.notify import mail_letter
from watcher.notify.base import OutgoingMessage
from watcher.notify.mail_chart import draw_bars
from watcher.notify.mail_digest import Bar, bars_of, zone_of
from watcher.notify.mail_letter import alert_id_of, build_mail, message_id
from watcher.unsubscribing import make_leave
from watcher.wording import LANGUAGES, wording_of

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
SENDER = "watcher@example.org"
DESK = "desk@example.net"
LEAVE = make_leave(
    b"k" * 32, SENDER, "https://alerts.an-organisation-with-a-rather-long-name.example.org/behind/a/path"
)
PIXEL_TAGS = {"img", "script", "iframe", "object", "link", "base", "form", "meta"}
UPDATE = alert(id="update", changes=(EventChange.DEATHS_DOUBLED,), killed=Toll(105, 105), headline="Another headline")


def letter(about: Alert, to: str = DESK, reply_to: str | None = None, **values: Any) -> EmailMessage:
    """The mail as its reader's program parses it, after a check of what every mail must keep to."""
    wants: dict[str, Any] = {name: values.pop(name) for name in ("language", "is_discreet", "digest") if name in values}
    who = recipient(channel=Channel.EMAIL, target=to, **wants)
    message = OutgoingMessage(about, delivery(channel=Channel.EMAIL, target=to), reply_to, NAMES, who)
    built = build_mail(message, SENDER, **values)
    for how in (policy.SMTP, policy.SMTPUTF8):
        raw = built.as_bytes(policy=how)
        assert build_mail(message, SENDER, **values).as_bytes(policy=how) == raw
        # RFC 5321 4.5.3.1.6: 1,000 octets a line with its end; 5.1: no bare CR or LF.
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    parsed = message_from_bytes(raw, policy=policy.SMTPUTF8)
    assert isinstance(parsed, EmailMessage)
    assert [defect for part in parsed.walk() for defect in part.defects] == []
    assert sorted(parsed.keys()) == sorted(built.keys())
    return parsed


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


class Page(HTMLParser):
    """What a page holds, and that its tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "hr", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def shown(text: str) -> str:
    """What a preview shows of it: one line, without what has no width."""
    return " ".join(re.sub("[\u034f\u200c\u2066-\u2069\xa0]", " ", text).split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_in_each_language(language: str) -> None:
    mail = letter(alert(), language=language, leave=LEAVE)
    say = wording_of(language)
    page = Page(part(mail, "html"))
    direction = "rtl" if language == "ar" else "ltr"
    assert page.having("html") == [{"lang": language, "dir": direction}]
    assert page.having("body")[0]["dir"] == direction
    assert {"name": "color-scheme", "content": "light dark"} in page.having("meta")
    assert {name for name, _ in page.tags} & PIXEL_TAGS == {"meta"}
    # Nothing that vanishes on another ground, and nothing that is loaded.
    assert not re.search(r"(?<!-)\bcolor\s*:|background|#[0-9a-f]{3,6}\b(?!;)|url\(|@import|src=", part(mail, "html"))
    for words in (part(mail, "plain"), page.text):
        assert "Yerevan asks its allies for help" in words
        assert "invoked Article four" in words.replace("*", "")
        assert say.say("mail.leave_link") in words
        assert DESK in words
        assert "hk4mbv7q2c" in words
    assert "https://courier.example/1" in part(mail, "plain")
    assert {"href": "https://courier.example/1"} in page.having("a")


def test_headers() -> None:
    mail = letter(alert(), leave=LEAVE)
    token = LEAVE.token("desk", DESK)
    assert mail["List-Unsubscribe"] == (
        "<https://alerts.an-organisation-with-a-rather-long-name.example.org/behind/a/path/public/unsubscribe/"
        f"{token}>, <mailto:watcher@example.org?subject=unsubscribe%20{token}>"
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "watcher alerts <alerts.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] is None
    assert mail["X-Watcher-Alert-Id"] == alert_id_of(mail["Message-ID"]) == "hk4mbv7q2c"
    assert (mail["Importance"], mail["X-Priority"]) == ("high", "1")
    warning = letter(alert(severity=Severity.WARNING), leave=LEAVE)
    assert (warning["Importance"], warning["X-Priority"]) == (None, None)
    assert warning["X-Watcher-Severity"] == "warning"


def test_nobody_knows_the_id_of_anothers_mail() -> None:
    """Who can name it can say that it came back, and an address that is gone is closed."""
    others = make_leave(b"x" * 32, SENDER)
    ids = {
        letter(alert(), leave=LEAVE)["Message-ID"],
        letter(alert(), leave=others)["Message-ID"],
        letter(alert(), "other@example.net", leave=LEAVE)["Message-ID"],
        letter(alert(id="another123"), leave=LEAVE)["Message-ID"],
        message_id(alert().id, "desk", "example.org"),  # what anybody can work out who got the alert, too
    }
    assert len({one.partition(".")[2] for one in ids}) == 5
    assert letter(alert(), leave=LEAVE)["Message-ID"] in ids


def test_long_headers_of_addresses_are_never_encoded() -> None:
    domain = f"{'a' * 60}.{'b' * 60}.example.org"
    long_id = message_id("first12345", "desk", domain)
    raw = build_mail(
        OutgoingMessage(alert(), delivery(channel=Channel.EMAIL, target=DESK), long_id, NAMES),
        f"watcher@{domain}",
        leave=replace(LEAVE, address=f"watcher@{domain}"),
    ).as_bytes(policy=policy.SMTP)
    head = raw.partition(b"\r\n\r\n")[0].decode()
    unfolded = head.replace("\r\n ", " ")
    for name in ("References", "In-Reply-To"):
        assert f"{name}: {long_id}" in unfolded
    assert f"<alerts.{domain}>" in unfolded
    assert "=?" not in unfolded


def test_without_a_public_address_people_leave_by_mail() -> None:
    by_mail = make_leave(b"k" * 32, "leave+alerts@example.org")
    mail = letter(alert(), leave=by_mail)
    token = by_mail.token("desk", DESK)
    way = f"mailto:leave%2Balerts@example.org?subject=unsubscribe%20{token}"
    assert mail["List-Unsubscribe"] == f"<{way}>"
    assert mail["List-Unsubscribe-Post"] is None
    assert way in part(mail, "plain")
    assert {"href": way, "dir": "ltr"} in Page(part(mail, "html")).having("a")


def test_an_update_keeps_the_subject_of_its_thread_and_shows_what_is_new() -> None:
    first = alert(id="first12345")
    reply_to = message_id("first12345", "desk", "example.org")
    mail = letter(UPDATE, reply_to=reply_to, first=first)
    assert mail["In-Reply-To"] == mail["References"] == reply_to
    assert mail["Subject"] == f"Re: {letter(first)['Subject']}"
    page = Page(part(mail, "html"))
    assert shown(page.text).startswith(f"{mail['Subject']} UPDATE: now 105 killed")
    assert "Another headline" in page.text
    assert "Another headline" in part(mail, "plain")


def test_an_update_that_is_graver_says_so_in_its_subject() -> None:
    first = alert(id="first12345", severity=Severity.WATCH)
    subjects = [
        letter(replace(UPDATE, severity=severity), reply_to="<first12345.x@example.org>", first=first)["Subject"]
        for severity in (Severity.WATCH, Severity.WARNING, Severity.CRITICAL)
    ]
    headline = first.headline
    assert subjects == [f"Re: [WATCH] {headline}", f"Re: [WARNING] {headline}", f"Re: [CRITICAL] {headline}"]


def test_what_a_digest_told_first_begins_a_thread_of_its_own() -> None:
    mail = letter(UPDATE, reply_to="<digest1234.x@example.org>", first=digest())
    assert (mail["In-Reply-To"], mail["References"]) == (None, None)
    assert mail["Subject"] == "[CRITICAL] UPDATE: Another headline"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_discreet_mail_says_nothing_in_its_subject_and_preview(language: str) -> None:
    for about, first in ((alert(), None), (UPDATE, alert()), (digest(), None)):
        mail = letter(
            about, language=language, is_discreet=True, leave=LEAVE, first=first,
            reply_to=None if first is None else "<first12345.x@example.org>",
        )  # fmt: skip
        say = wording_of(language)
        assert mail["Subject"] == ("Re: " if first else "") + say.say("mail.discreet_subject")
        page = Page(part(mail, "html"))
        for words in (part(mail, "plain"), page.text.removeprefix(str(mail["Subject"]))):
            preview = shown(words)[:300]
            for secret in (about.headline, "Armen", "Азер", "Yerevan", "hk4mbv7q2c", "CRITICAL", "UPDATE", "105"):
                assert secret not in preview
        assert (about.headline if not about.items else "Shelling") in part(mail, "plain")


hostile_text = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "Clash\r\nBcc: spy@example.com\r\n\r\n<html>",
            "=?utf-8?q?Bcc=3A_spy=40example=2Ecom?=",
            "\u202egnp.exe\u202c \u2067\u2066",
            "x" * 10_000,
            "слово " * 2_000,
            "漢" * 10_000,
            "<script>alert(1)</script><img src=https://spy.example/p.gif>",
            '"><img src=x onerror=alert(1)>',
            "{address} {0} %s \0 \x1b[31m",
            "--=boundary=\r\n.\r\n",
            "مجلس الأمن \u200f",
            "\ud800 lone",
            "a\u0300" * 500,
        ]
    ),
)


@st.composite
def hostile_letters(draw: Callable[..., Any]) -> tuple[Alert, dict[str, Any]]:
    text = draw(hostile_text)
    about = alert(
        headline=draw(hostile_text),
        rule_title=draw(hostile_text),
        excerpts=(excerpt(text),),
        reports=(report(title=draw(hostile_text), publisher=draw(hostile_text), url=f"https://x.example/{text}"),),
        also=(draw(hostile_text),),
    )
    if draw(st.booleans()):
        about = digest(
            1, headline=text, family=draw(hostile_text), publisher=draw(hostile_text), url=f"https://x/{text}"
        )
    how = {
        "language": draw(st.sampled_from(LANGUAGES)),
        "is_discreet": draw(st.booleans()),
        "leave": draw(st.sampled_from([LEAVE, None])),
        "reply_to": draw(st.sampled_from([None, "<first12345.x@example.org>"])),
        "first": alert(headline=draw(hostile_text)),
    }
    return about, how


@settings(max_examples=100, deadline=None)
@given(hostile_letters())
def test_whatever_sources_say_it_stays_the_same_mail(made: tuple[Alert, dict[str, Any]]) -> None:
    about, how = made
    mail = letter(about, **how)
    plain = letter(alert(), **how)
    assert {*mail.keys()} == {*plain.keys()}
    assert mail["Bcc"] is None
    assert mail["To"] == DESK
    assert len(str(mail["Subject"])) <= 160
    assert not {unicodedata.category(sign) for sign in str(mail["Subject"])} & {"Cc", "Cs", "Zl", "Zp"}
    page = Page(part(mail, "html"))
    assert {name for name, _ in page.tags} & (PIXEL_TAGS - {"img"}) == {"meta"}
    assert all(str(image["src"]).startswith("cid:") for image in page.having("img"))
    for link in page.having("a"):
        assert str(link["href"]).startswith(("https://", "mailto:watcher@example.org?"))
    for words in (part(mail, "plain"), page.text):
        assert about.id in words
        assert not set("\u202a\u202b\u202c\u202d\u202e\x1b\0") & set(words)


def item(number: int, **values: Any) -> DigestItem:
    defaults: dict[str, Any] = {
        "alert_id": f"alert{number:05}",
        "at": NOW + timedelta(minutes=17 * number),
        "severity": Severity.WARNING,
        "headline": f"Shelling number {number}",
        "family": "clash",
        "states": ("AM", "AZ"),
        "killed": Toll(number),
        "publisher": "Courier",
        "url": f"https://courier.example/{number}",
        "changes": (EventChange.OPENED,),
    }
    return DigestItem(**(defaults | values))


def digest(count: int = 5, kind: AlertKind = AlertKind.DIGEST, **values: Any) -> Alert:
    items = tuple(item(number, **values) for number in range(count))
    return alert(
        kind=kind, headline="Digest", items=items, excerpts=(), reports=(), changes=(), body="in English only",
        event_id=None, held_for=Held.DIGEST,
    )  # fmt: skip


def rows(page_html: str) -> list[list[str]]:
    """The cells of the first table."""
    body = page_html[page_html.index("<tbody>") : page_html.index("</tbody>")]
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_digest_is_whole_in_both_parts(language: str) -> None:
    items = (
        item(1, severity=Severity.CRITICAL, was_sent=True, killed=Toll(12, vague=True)),
        item(2, changes=(EventChange.CONFIRMED,), folded=2),
        item(3, states=(), family=None, killed=None, publisher="", url=None),
        item(4, states=("TR", "GR"), killed=Toll(90, 105), severity=Severity.WATCH),
    )
    about = replace(digest(), items=items)
    mail = letter(about, language=language, digest=Digest(None, "Asia/Yerevan"), leave=LEAVE)
    say = wording_of(language)
    text, html = part(mail, "plain"), part(mail, "html")
    page = Page(html)
    assert str(mail["Subject"]).lstrip().startswith(say.count("mail.digest_subject", 4))
    for words in (text, page.text):
        for one in items:
            assert one.headline in words
            assert one.alert_id in words
            assert f"{one.at + timedelta(hours=4):%Y-%m-%d %H:%M}" in words
        for number, key in ((1, "critical"), (2, "warning"), (1, "watch")):
            assert re.search(rf"{say.say(f'common.{key}')}\u2069?( ?:)? {number}\b", words), key
        for expected in ("≥12", "90–105", "Asia/Yerevan", say.say("mail.sent_already"), say.say("mail.update")):
            assert expected in words
        assert say.count("mail.more_updates", 2) in words
        assert say.say("mail.about_watcher") in words
        assert say.say("mail.no_states") in words
    for url in ("https://courier.example/1", "https://courier.example/4"):
        assert url in text
        assert {"href": url} in page.having("a")
    assert [row[6] for row in rows(html)] == [one.alert_id for one in items]
    assert len(page.having("th")) >= 7
    assert page.having("th")[0] == {"scope": "col"}


def test_the_chart_lies_inside_the_mail() -> None:
    mail = letter(digest())
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image.get_content_disposition() == "inline"
    named = str(image["Content-ID"]).strip("<>")
    (shown_image,) = Page(part(mail, "html")).having("img")
    assert shown_image["src"] == f"cid:{named}"
    assert "15:00: 1, 15:15: 1" in str(shown_image["alt"]) or "15:00: " in str(shown_image["alt"])
    assert image.get_content().startswith(b"\x89PNG\r\n\x1a\n")
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]


def test_without_the_plotting_library_the_chart_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_letter, "can_draw", lambda: False)
    mail = letter(digest())
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]
    page = Page(part(mail, "html"))
    assert page.having("img") == []
    assert "■" in page.text
    assert "■" in part(mail, "plain")


def test_one_stretch_of_time_needs_no_chart() -> None:
    mail = letter(digest(1))
    assert "■" not in part(mail, "plain")
    assert Page(part(mail, "html")).having("img") == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 60 * 24 * 400), min_size=1, max_size=60),
    st.sampled_from(["UTC", "Asia/Yerevan", "Europe/London", "America/St_Johns"]),
)
def test_bars_count_every_alert_once(minutes: list[int], zone: str) -> None:
    items = [item(0, at=NOW + timedelta(minutes=number)) for number in minutes]
    bars = bars_of(items, zone_of(recipient(digest=Digest(None, zone))))
    assert len(bars) <= 24
    if bars and max(minutes) - min(minutes) < 60 * 24 * 160:
        assert sum(bar.count for bar in bars) == len(items)
    elif not bars:
        assert max(minutes) - min(minutes) <= 60 * 24 * 7


def test_the_picture_is_the_same_each_time_and_small() -> None:
    bars = [Bar(f"{hour:02}:00", hour % 5) for hour in range(24)]
    first = draw_bars(bars)
    assert first == draw_bars(bars)
    assert BytesIO(first).read(8) == b"\x89PNG\r\n\x1a\n"
    assert len(first) < 60_000


def test_a_recipient_who_is_gone_from_the_configuration_gets_plain_english() -> None:
    message = OutgoingMessage(digest(), delivery(channel=Channel.EMAIL, target=DESK), None, NAMES, None)
    assert "UTC" in build_mail(message, SENDER).as_string()
