"""Time zones by the names that people have for them: of the zone, or of a city in any of our languages."""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Mapping
from functools import cache

from babel import Locale
from babel.core import get_global

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
    if zone == "UTC":
        return zone
    known = Locale(language).time_zones
    # CLDR may know the city only by the name that the zone had once.
    old = next((one for one, new in get_global("zone_aliases").items() if new == zone and one in known), zone)
    return known.get(zone, known.get(old, {})).get("city") or zone.rpartition("/")[2].replace("_", " ")


def find_zones(text: str, language: str) -> tuple[str, ...]:
    """The zones that the text may mean, the likeliest first; none where it is like no city and no zone."""
    wanted = _plain(text)
    if not wanted:
        return ()
    names = {**_names(LANGUAGES[0]), **_names(language)}
    if wanted in names:
        return (names[wanted],)
    begin = [zone for name, zone in names.items() if name.startswith(wanted)] if len(wanted) > 2 else []
    near = [names[name] for name in difflib.get_close_matches(wanted, names, n=_FOUND, cutoff=0.75)]
    return tuple(dict.fromkeys((*begin, *near)))[:_FOUND]


@cache
def _names(language: str) -> Mapping[str, str]:
    """Every zone by its name, by the last part of it, and by the name of its city in the language."""
    old = get_global("zone_aliases")  # of CLDR, with what it calls them
    areas = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    zones = [zone for zone in zoneinfo.available_timezones() if zone.partition("/")[0] in areas]
    names = {_plain(zone): zone for zone in (*USUAL, *zones)}
    for zone in (*USUAL, *sorted(zones, key=lambda zone: (zone in old, zone))):
        for name in (zone.rpartition("/")[2], city_of(zone, language)):
            names.setdefault(_plain(name), zone)
    return names


def _plain(name: str) -> str:
    return " ".join(fold_term(name).replace("_", " ").replace("-", " ").split())
