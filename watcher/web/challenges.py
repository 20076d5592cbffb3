"""Recognises the pages that stand in front of a publisher's content: bot challenges, CAPTCHAs, consent walls."""

from __future__ import annotations

import re
from collections.abc import Mapping

_LOOKED_AT_BYTES = 200_000
_SMALL_PAGE_BYTES = 100_000  # challenges have 1 to 40 KB; an article page of this size may hold its text further down
_WORDS_OF_A_REAL_PAGE = 250  # a challenge says little; an article, even about challenges, says more
# Titles that only such pages bear.
_TITLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("cloudflare challenge", r"^(just a moment|attention required! \| cloudflare|please wait\.{3} \| cloudflare)"),
        ("ddos-guard challenge", r"^ddos-guard"),
        ("sucuri challenge", r"^(you are being redirected\.{3}|sucuri website firewall)"),
        (
            "bot challenge",
            r"^(are you (a )?(human|robot)|robot check|bot verification|human verification|captcha|security check)",
        ),
        (
            "bot challenge",
            r"^(pardon our interruption|checking your browser|verifying you are human|one moment, please)",
        ),
        (
            "access denied page",
            r"^(access denied|access to this page has been denied|request rejected|403 forbidden)\W*$",
        ),
        ("consent page", r"^(before you continue|privacy settings|consent|cookie consent|we value your privacy)\b"),
    )
)
# Parts of the markup, decisive only on a page that says little: ordinary pages load some of the same scripts.
_MARKUP: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "cloudflare challenge",
            r"_cf_chl_|cf-chl-|cf[_-]browser[_-]verification|/cdn-cgi/challenge-platform/|challenges\.cloudflare\.com",
        ),
        ("ddos-guard challenge", r"/\.well-known/ddos-guard/|ddos-guard\.net"),
        ("incapsula challenge", r"_Incapsula_Resource|incapsula incident id"),
        ("datadome challenge", r"captcha-delivery\.com|geo\.captcha"),
        ("perimeterx challenge", r"px-captcha|perimeterx\.net"),
        ("akamai challenge", r"/_sec/cp_challenge|sec-if-cpt-container|errors\.edgesuite\.net"),
        ("aws waf challenge", r"awswafcookiedomainlist|\.token\.awswaf\.com"),
        ("sucuri challenge", r"sucuri_cloudproxy_js|sucuri\.net/privacy"),
        ("captcha", r"g-recaptcha|h-captcha|hcaptcha\.com|recaptcha/api\.js|smartcaptcha"),
        ("consent page", r"consent\.(google|yahoo|youtube)\.|guce\.yahoo|privacy-mgmt\.com|consent-wall|cmp-wall"),
        (
            "bot challenge",
            r"checking (if the site connection is secure|your browser)|enable javascript and cookies to continue",
        ),
        ("bot challenge", r"(verify|confirm|prove) (that )?you are (a )?(human|not a robot)|unusual traffic from your"),
    )
)
_TITLE = re.compile(r"<title[^>]{0,200}>\s*(.{0,300}?)\s*</title", re.IGNORECASE | re.DOTALL)
_INVISIBLE = re.compile(
    r"<(script|style|noscript|svg|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<[^<>]{0,2000}>")


def looks_like_html(text: str) -> bool:
    """Whether the document's root is an HTML page rather than XML or JSON."""
    beginning = text[:2_000].lstrip("\ufeff \t\r\n").lower()
    without_comments = re.sub(r"<!--.*?-->|<\?.*?\?>", "", beginning, flags=re.DOTALL).lstrip()
    return without_comments.startswith(
        ("<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script", "<div", "<p>", "<h1")
    )


def recognise_challenge(body: bytes, headers: Mapping[str, str] | None = None) -> str | None:
    """What kind of challenge or consent page ``body`` is, "cloudflare challenge"; None for anything else.

    ``headers`` are those of the response, with case-insensitive or lower-case names; some services say it there.
    """
    if headers is not None:
        if headers.get("cf-mitigated", "").lower() == "challenge":
            return "cloudflare challenge"
        if headers.get("x-amzn-waf-action", "").lower() in ("challenge", "captcha"):
            return "aws waf challenge"
    page = body[:_LOOKED_AT_BYTES].decode("latin-1")  # the markers are ASCII, and latin-1 never fails
    if not looks_like_html(page.removeprefix("ï»¿")):
        return None
    title = _TITLE.search(page)
    names = [name for name, pattern in _TITLES if title and pattern.search(title[1])]
    if len(body) <= _SMALL_PAGE_BYTES:
        names += [name for name, pattern in _MARKUP if pattern.search(page)]
    if not names:
        return None
    visible = _TAG.sub(" ", _INVISIBLE.sub(" ", page))
    return names[0] if len(visible.split()) < _WORDS_OF_A_REAL_PAGE else None
