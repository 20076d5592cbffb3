"""Links: absolute ones from relative ones, and one spelling for the identity of an article."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

_MAX_URL_CHARS = 4_000  # longer ones are data, not links; servers refuse from 8,000 on
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRACKING = frozenset(
    "fbclid gclid dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh mc_cid mc_eid _ga _gl _hsenc "
    "_hsmi ref ref_src ref_url referrer cmp cmpid xtor maca ito smid spm wt_mc s_cid ns_campaign ns_mchannel "
    "ns_source ns_linkname traffic_source feedtype guccounter guce_referrer guce_referrer_sig vero_id oly_anon_id "
    "oly_enc_id amp outputtype".split()
)
_TRACKING_PREFIXES = ("utm_", "at_", "mtm_", "pk_", "hsa_", "itm_")
_PRESENTATION_HOSTS = re.compile(r"^(?:www\d?|amp|m|mobile)\.(?=[^.]+\.[^.]+)")
_AMP_CACHE = re.compile(r"^/(?:[cvi]/|amp/)(?:s/)?([^/]+\.[^/]+)(/.*)?$")
_AMP_PATH = re.compile(r"(?:/amp|\.amp)(?=/?$|\.html$)|^/amp(?=/)")
_CANONICAL_PATH = re.compile(r"[A-Za-z0-9/:@!$&'()*+,;=~._-]*").fullmatch
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3


def absolute_url(base: str, reference: str | None) -> str | None:
    """``reference`` resolved against ``base``; None unless that is an http or https URL with a host."""
    if not reference:
        return None
    cleaned = re.sub(r"[\x00-\x20\x7f]+", lambda found: "%20" if found[0] == " " else "", reference.strip())
    try:
        url = urljoin(base, cleaned)
        parts = urlsplit(url)
        has_host = bool(parts.hostname)
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not has_host or len(url) > _MAX_URL_CHARS:
        return None
    return url


@lru_cache(maxsize=4096)  # of one poll: each link is looked at three times
def canonical_url(url: str) -> str:
    """One spelling for the URLs of one article: for comparing and hashing, never for fetching.

    Folds scheme, host case, www, mobile and AMP variants, default ports, fragments, tracking parameters, the order of
    parameters, percent-encoding and the trailing slash. A string that is no http URL comes back stripped.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").rstrip(".")
    except ValueError:
        return url
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return url
    path = parts.path
    if host.endswith(".cdn.ampproject.org") or re.fullmatch(r"(?:www\.)?google\.[a-z.]+", host):
        cached = _AMP_CACHE.match(path)
        if cached:
            host, path = cached[1].lower(), cached[2] or ""
    host = _PRESENTATION_HOSTS.sub("", _ascii_host(host))
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    path = _AMP_PATH.sub("", _canonical_escapes(re.sub(r"/{2,}", "/", path))).rstrip("/")
    if not parts.query:
        return f"https://{host}{path}"
    fields = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _is_tracking(name.lower())
    )
    return urlunsplit(("https", host, path, urlencode(fields), ""))


def _is_tracking(name: str) -> bool:
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host.lower()


def _canonical_escapes(path: str) -> str:
    """Percent-encoding where RFC 3986 needs it and nowhere else, in upper case."""

    def fold(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if char in _UNRESERVED else found[0].upper()

    return path if _CANONICAL_PATH(path) else _PERCENT.sub(fold, quote(path, safe="/%:@!$&'()*+,;=~-._"))
