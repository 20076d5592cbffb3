"""Which addresses a fetch may connect to; the guard against feeds and pages that point into our own network."""

from __future__ import annotations

import ipaddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is reached
_REFUSED_V6 = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # RFC 8215: NAT64 inside a network, embeds what that network likes
    ipaddress.IPv6Network("2001::/32"),  # RFC 4380 Teredo: tunnels to an embedded IPv4 address
    ipaddress.IPv6Network("fec0::/10"),  # RFC 3879: site-local, deprecated but still routed by some
    ipaddress.IPv6Network("::/96"),  # RFC 4291: IPv4-compatible, deprecated
)
_REFUSED_V4 = (
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's platform agent: a public address, inside every machine there
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890 protocol assignments; one cloud's metadata service lives there
)


def is_public_address(text: str) -> bool:
    """Whether ``text`` is an address on the public internet; False for anything that is not an address.

    An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4) is as public as the one that it carries.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public_address(str(carried))
        if any(address in network for network in _REFUSED_V6):
            return False
    elif any(address in network for network in _REFUSED_V4):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
