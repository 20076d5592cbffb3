"""What the web hands us: addresses, links, dates, markup, encodings, challenge pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.web.addresses import is_public_address
from watcher.web.challenges import looks_like_html, recognise_challenge
from watcher.web.encoding import decode
from watcher.web.markup import plain_text, tidy, tidy_line
from watcher.web.published import believable, parse_date, read_date_line
from watcher.web.urls import absolute_url, canonical_url

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"]
)
def test_public_addresses(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    """0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.0.1 168.63.129.16 169.254.169.254 172.16.0.1
    192.0.0.192 192.0.2.1 192.168.0.1 198.18.0.1 203.0.113.9 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1
    ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:db8::1
    2002:7f00:1:: fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 localhost 127.1 2130706433""".split(),
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://Example.ORG:80/News/", "https://example.org/News"),
        ("https://www.example.org/a?utm_source=x&id=7&fbclid=1#top", "https://example.org/a?id=7"),
        ("https://m.example.org/a", "https://example.org/a"),
        ("https://amp.example.org/a", "https://example.org/a"),
        ("https://example.org/a/amp/", "https://example.org/a"),
        ("https://example.org/amp/a", "https://example.org/a"),
        ("https://example.org/a.amp.html", "https://example.org/a.html"),
        ("https://example.org/amplifier", "https://example.org/amplifier"),
        ("https://example.org/a?amp=1&outputType=amp", "https://example.org/a"),
        ("https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a/b", "https://example.org/a/b"),
        ("https://www.google.com/amp/s/www.example.org/a", "https://example.org/a"),
        ("https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"),
        ("https://example.org/a?a=1&a=0&empty=", "https://example.org/a?a=0&a=1&empty="),
        ("https://example.org/%7euser/%C3%A9t%c3%a9", "https://example.org/~user/%C3%A9t%C3%A9"),
        ("https://example.org/été", "https://example.org/%C3%A9t%C3%A9"),
        ("https://пример.рф/а", "https://xn--e1afmkfd.xn--p1ai/%D0%B0"),
        ("https://example.org:8443/a//b", "https://example.org:8443/a/b"),
        ("https://m.com/a", "https://m.com/a"),
        ("https://example.org", "https://example.org"),
        ("https://example.org/story?ref=home&referrer=x", "https://example.org/story"),
        ("  mailto:a@example.org ", "mailto:a@example.org"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_canonical_urls(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://example.org/", "https://example.org/?"]))
def test_a_canonical_url_is_canonical(text: str, start: str) -> None:
    once = canonical_url(start + text)
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https://e.example/x", "https://e.example/x"),
        ("/x", "https://base.example/x"),
        ("x y", "https://base.example/dir/x%20y"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("\n /x\t\n", "https://base.example/x"),
        ("?p=1", "https://base.example/dir/?p=1"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("http://", None),
        ("http://[::1", None),
        ("", None),
        (None, None),
    ],
)
def test_absolute_urls(reference: str | None, expected: str | None) -> None:
    assert absolute_url("https://base.example/dir/", reference) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14 Sep, 2022 14:39", "2022-09-14T14:39"),
        ("Wed, 14 Sep 2022 14:39:00 +0400", "2022-09-14T10:39"),
        ("Wed, 14 Sep 2022 14:39:00 EST", "2022-09-14T19:39"),
        ("Wed, 14 Sep 2022 14:39 MSK", "2022-09-14T11:39"),
        ("Wed, 14 Sep 2022 14:39 (CEST)", "2022-09-14T12:39"),
        ("14 Sep 22 14:39 GMT", "2022-09-14T14:39"),
        ("2022-09-14T14:39:00Z", "2022-09-14T14:39"),
        ("2022-09-14T14:39:00.123+04:00", "2022-09-14T10:39"),
        ("2022-09-14 14:39:00 -0700 PDT", "2022-09-14T21:39"),
        ("2022-09-14", "2022-09-14T00:00"),
        ("Wed Sep 14 14:39:00 EST 2022", "2022-09-14T19:39"),
        ("September 14, 2022 at 2:39 PM EDT", "2022-09-14T18:39"),
        ("12:05 a.m., 14 September 2022", "2022-09-14T00:05"),
        ("14.09.2022 14:39", "2022-09-14T14:39"),
        ("13/09/2022", "2022-09-13T00:00"),
        ("14 сентября 2022, 14:39", "2022-09-14T14:39"),
        ("14 Eyl 2022 14:39", "2022-09-14T14:39"),
        ("14 septembre 2022 à 14h39", "2022-09-14T14:39"),
        ("14 de septiembre de 2022", "2022-09-14T00:00"),
        ("14 سبتمبر 2022", "2022-09-14T00:00"),
        ("Published 14 September 2022 | 14:39 GMT+3", "2022-09-14T11:39"),
        ("30 Jun 2015 23:59:60 UTC", "2015-06-30T23:59"),
        ("2026-03-02T10:00:00 Europe/Istanbul", "2026-03-02T07:00"),
        ("2 Mar 2026 10:00 Asia/Yerevan", "2026-03-02T06:00"),
        ("2 Mar 2026 10:00 (europe/kyiv)", "2026-03-02T08:00"),
        ("2 Jul 2026 10:00 Europe/Kyiv", "2026-07-02T07:00"),
        ("2026-03-02T10:00:00+01:00[Europe/Paris]", "2026-03-02T09:00"),
        ("2026-03-02T10:00[America/New_York]", "2026-03-02T15:00"),
        ("2026-01-02 10:00 America/Argentina/Buenos_Aires", "2026-01-02T13:00"),
        ("2026-03-02T10:00:00 Etc/GMT+3", "2026-03-02T13:00"),
        ("2 марта 2026, 10:00 МСК", "2026-03-02T07:00"),
        ("2 Mar 2026 10:00 and/or later", "2026-03-02T10:00"),
        ("2 Mar 2026 10:00 Atlantis/Capital", "2026-03-02T10:00"),
        ("03/04/2022", None),
        ("31 Feb 2022", None),
        ("14 Sep 2022 25:00", None),
        ("Article 4 of 2022", None),
        ("x" * 500 + " 14 Sep 2022", None),
        ("9999-12-31T23:59:00-23:00", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    moment = parse_date(text)
    assert (moment.strftime("%Y-%m-%dT%H:%M") if moment else None) == expected


@given(st.text(max_size=150))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    parse_date(text)
    read_date_line(text)


@pytest.mark.parametrize(
    "line",
    [
        "14 Sep, 2022 14:39",
        "Published: 14 September 2022 | 14:39 GMT+3",
        "Updated on Wednesday, September 14, 2022",
        "2022-09-14T14:39:00Z",
        "Опубликовано 14 сентября 2022, 14:39",
    ],
)
def test_lines_that_are_dates(line: str) -> None:
    assert read_date_line(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "On 14 September 2022 Armenia said it had asked for help",
        "17 ноября 1875 года.",
        "14 September",
        "Article 4",
        "Killed on 14 September 2022",
    ],
)
def test_lines_that_are_not(line: str) -> None:
    assert read_date_line(line) is None


def test_a_clock_may_run_a_little_ahead() -> None:
    soon, later = NOW + timedelta(minutes=15), NOW + timedelta(minutes=16)
    assert (believable(soon, NOW), believable(later, NOW), believable(None, NOW)) == (soon, None, None)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>c", "a\n\nb\n\nc"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("a\nb <b>c</b>\n d", "a b c d"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("AT&amp;T &#8220;x&#8221; &eacute;", "AT&T “x” é"),
        ("&amp;amp; &amp;quot;", '& "'),
        ("&amp;lt;p&amp;gt;twice&amp;lt;/p&amp;gt;", "twice"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("the <Clause 4> text", "the <Clause 4> text"),
        ("<script>alert(1)</script><style>p{}</style>ok<!-- no -->", "ok"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("&#147;quoted&#148;", "“quoted”"),
        ("", ""),
    ],
)
def test_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_tidy_takes_away_what_nobody_sees() -> None:
    assert (
        tidy("a\x00b\u202ec\u2066d\ufeffe\ud800f \r\n\r\n\r\n\r\n\tg\x0bh\u2028i\xa0\xa0j\x93k\U000e0041l")
        == "abcdef\n\ng\nh\ni j“kl"
    )
    assert tidy_line(" a\n b\t c ") == "a b c"


@given(st.text(max_size=300))
def test_plain_text_is_safe_to_store_and_show(markup: str) -> None:
    text = plain_text(markup)
    text.encode("utf-8")
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    assert tidy(text) == text


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "text/html", "text/html; charset=utf-16", "x; charset=punycode", "x; charset=hex"]),
)
def test_any_bytes_decode(body: bytes, content_type: str | None) -> None:
    assert isinstance(decode(body, content_type), str)


def test_utf_8_that_was_cut_or_patched_stays_readable() -> None:
    assert decode("Größe und Maß".encode()[:-1], None) == "Größe und Ma\ufffd"
    assert decode(b"\xef\xbb\xbf<p>\xc3\xa9</p>", "text/html; charset=latin-1") == "<p>é</p>"


def page(title: str = "", body: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>".encode()


ARTICLE = "<p>" + "Officials spoke about the ceasefire at length on Friday evening in the capital. " * 30 + "</p>"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (page("Just a moment..."), "cloudflare challenge"),
        (page("Attention Required! | Cloudflare"), "cloudflare challenge"),
        (
            page("x", "<script src='/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1'></script>"),
            "cloudflare challenge",
        ),
        (page("DDoS-Guard"), "ddos-guard challenge"),
        (
            page("", "<iframe src='/_Incapsula_Resource?SWUDNSAI=31'>Request unsuccessful.</iframe>"),
            "incapsula challenge",
        ),
        (page("example.org", "<script src='https://ct.captcha-delivery.com/c.js'></script>"), "datadome challenge"),
        (page("", "<div id='px-captcha'></div>"), "perimeterx challenge"),
        (page("", "<div class='g-recaptcha' data-sitekey='x'></div>Are you human?"), "captcha"),
        (page("Access Denied", "You don't have permission. Reference #18.2"), "access denied page"),
        (page("Before you continue"), "consent page"),
        (page("", "<p>Please verify that you are human to proceed.</p>"), "bot challenge"),
    ],
)
def test_challenges(body: bytes, name: str) -> None:
    assert recognise_challenge(body) == name


@pytest.mark.parametrize(
    "body",
    [
        page("Ceasefire talks", ARTICLE),
        page("Just a moment in history", ARTICLE),
        page("Ceasefire talks", ARTICLE + "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>"),
        page("Ceasefire talks", ARTICLE + "<form><div class='g-recaptcha'></div></form>"),
        page("Ceasefire talks", "<style>" + "a{} " * 50_000 + "</style><script src='/cdn-cgi/challenge-platform/x'></script>" + ARTICLE),
        b"<rss><channel><item><title>Just a moment...</title></item></channel></rss>",
        b"",
        b"plain text about a captcha",
    ],
)  # fmt: skip
def test_what_is_no_challenge(body: bytes) -> None:
    assert recognise_challenge(body) is None


def test_html_is_told_from_feeds() -> None:
    assert looks_like_html("\ufeff <?xml version='1.0'?><!-- x --><!DOCTYPE html PUBLIC ''>")
    assert not looks_like_html("<?xml version='1.0'?><rss><channel><description><html></description>")
    assert not looks_like_html('{"html": "<html>"}')
