"""Time zones by the names that people have for them: of the zone, or of a city in any of our languages."""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Mapping
from functools import cache

from babel.dates import get_timezone_location

from watcher.text.fold import fold_term
from watcher.wording import LANGUAGES

# Offered first: where the people live whom this is written for, from west to east.
USUAL = (
    "Europe/London",
    "Europe/Paris",
    "Europe/Kyiv",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Asia/Tbilisi",
    "Asia/Yerevan",
    "Asia/Baku",
    "Asia/Dubai",
    "UTC",
)
_FOUND = 6  # more is no help


def city_of(zone: str, language: str) -> str:
    """What people call the zone: its city, in their language."""
    return "UTC" if zone == "UTC" else get_timezone_location(zone, locale=language, return_city=True)


def find_zones(text: str, language: str) -> tuple[str, ...]:
    """The zones that the text may mean, the likeliest first; none where it is like no city and no zone."""
    wanted = _plain(text)
    if not wanted:
        return ()
    names = _names(language) | _names(LANGUAGES[0])
    if wanted in names:
        return (names[wanted],)
    begin = [zone for name, zone in names.items() if name.startswith(wanted)] if len(wanted) > 2 else []
    near = [names[name] for name in difflib.get_close_matches(wanted, names, n=_FOUND, cutoff=0.75)]
    return tuple(dict.fromkeys((*begin, *near)))[:_FOUND]


@cache
def _names(language: str) -> Mapping[str, str]:
    """Every zone by its name, by the last part of it, and by the name of its city in the language."""
    names: dict[str, str] = {}
    for zone in sorted(zoneinfo.available_timezones()):
        if zone.startswith(("Etc/", "posix/", "right/", "SystemV/")) or ("/" not in zone and zone != "UTC"):
            continue
        for name in (zone, zone.rpartition("/")[2], city_of(zone, language)):
            names.setdefault(_plain(name), zone)
    return names


def _plain(name: str) -> str:
    return " ".join(fold_term(name).replace("_", " ").replace("-", " ").split())
