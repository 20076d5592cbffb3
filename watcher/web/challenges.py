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
# Parts of the markup, in lower case; decisive only on a page that says little: ordinary pages load some of the same
# scripts. Plain text, because every page of every source is searched for all of it: as patterns they took 30 ms a page.
_MARKUP: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "cloudflare challenge",
        (
            *("_cf_chl_", "cf-chl-", "/cdn-cgi/challenge-platform/", "challenges.cloudflare.com"),
            *("cf-browser-verification", "cf_browser_verification"),
        ),
    ),
    ("ddos-guard challenge", ("/.well-known/ddos-guard/", "ddos-guard.net")),
    ("incapsula challenge", ("_incapsula_resource", "incapsula incident id")),
    ("datadome challenge", ("captcha-delivery.com", "geo.captcha")),
    ("perimeterx challenge", ("px-captcha", "perimeterx.net")),
    ("akamai challenge", ("/_sec/cp_challenge", "sec-if-cpt-container", "errors.edgesuite.net")),
    ("aws waf challenge", ("awswafcookiedomainlist", ".token.awswaf.com")),
    ("sucuri challenge", ("sucuri_cloudproxy_js", "sucuri.net/privacy")),
    ("captcha", ("g-recaptcha", "h-captcha", "hcaptcha.com", "recaptcha/api.js", "smartcaptcha")),
    (
        "consent page",
        (
            *("consent.google.", "consent.yahoo.", "consent.youtube.", "guce.yahoo", "privacy-mgmt.com"),
            *("consent-wall", "cmp-wall"),
        ),
    ),
    (
        "bot challenge",
        (
            *("checking if the site connection is secure", "checking your browser"),
            *("enable javascript and cookies to continue", "unusual traffic from your"),
            *(
                f"{verb} {that}you are {what}"
                for verb in ("verify", "confirm", "prove")
                for that in ("", "that ")
                for what in ("human", "a human", "not a robot")
            ),
        ),
    ),
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
        lowered = page.lower()
        names += [name for name, markers in _MARKUP if any(marker in lowered for marker in markers)]
    if not names:
        return None
    visible = _TAG.sub(" ", _INVISIBLE.sub(" ", page))
    return names[0] if len(visible.split()) < _WORDS_OF_A_REAL_PAGE else None
