"""Whether a request may be answered at all: decided from its headers alone, before any handler sees it.

A browser on the machine, or in its network, can be made to send requests here by any page that it shows. A name that is
pointed at this machine afterwards (DNS rebinding) is recognised by the Host header, a form or script of another site by
Origin and Sec-Fetch-Site.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from watcher.server.routes import Route

# A name, an IPv4 address or an IPv6 address in brackets, with a port at most (RFC 9110 section 7.2).
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?", re.ASCII)
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")  # by a proxy for somebody elsewhere
_MISDIRECTED = 421  # RFC 9110 section 15.5.20
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    reason: str  # for the log and for the person who set it up; holds nothing of the request


@dataclass(frozen=True, slots=True)
class Admission:
    """Under which names the endpoint answers; all in lower case, without ports."""

    own_hosts: frozenset[str]  # private and public routes
    public_host: str = ""  # only public routes; empty: none

    @classmethod
    def of(cls, listen_host: str, more_hosts: Collection[str], public_url: str) -> Admission:
        """the admission of an endpoint that listens there."""
        own = {listen_host.strip("[]").lower(), *(host.lower() for host in more_hosts)}
        return cls(frozenset(own), (urlsplit(public_url).hostname or "").lower())

    def refuse(self, route: Route | None, method: str, headers: Mapping[str, str]) -> Refusal | None:
        """Why not to answer, None for what may be answered; header names in lower case. Without a route: any path."""
        host = host_of(headers.get("host", ""))
        is_own = host in self.own_hosts or host in _LOOPBACK_NAMES or _is_address(host)
        if not is_own and (not host or host != self.public_host):
            return Refusal(_MISDIRECTED, "not a host name of this server; see [server] hosts")
        is_public = route is not None and route.is_public
        if not is_public and not is_own:
            return Refusal(_FORBIDDEN, "not for the public")
        if not is_public and any(name in headers for name in _FORWARDED):
            return Refusal(_FORBIDDEN, "not through a proxy")
        if route is not None and route.is_for_programs:
            return None
        if _is_cross_site(method, headers, headers.get("host", "").lower()):
            return Refusal(_FORBIDDEN, "not from another site")
        return None


def host_of(header: str) -> str:
    """The name or address in a Host header, in lower case, without port and brackets; empty where it has none."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).lower().rstrip(".") if found else ""


def _is_address(host: str) -> bool:
    # Only names can be pointed elsewhere, and what a page elsewhere asks of an address it may not read (no CORS).
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_cross_site(method: str, headers: Mapping[str, str], host: str) -> bool:
    # https://www.w3.org/TR/fetch-metadata/: programs send neither header, browsers do.
    site = headers.get("sec-fetch-site", "none")
    if method in ("GET", "HEAD"):
        is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "") == "document"
        return site not in ("none", "same-origin") and not is_link
    origin = headers.get("origin")
    if site not in ("none", "same-origin"):
        return True
    return origin is not None and urlsplit(origin).netloc.lower() != host
