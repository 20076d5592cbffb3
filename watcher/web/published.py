"""Dates as feeds and pages write them, to aware UTC; None rather than a guess."""

from __future__ import annotations

import functools
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo

CLOCK_SKEW = timedelta(minutes=15)  # a publisher's clock may run this far ahead of ours
_EARLIEST_YEAR = 1991  # the first web page; older dates are default values like 1970-01-01
_MAX_CHARS = 120

# Hours from UTC. Where a name is used twice, the reading of the regions that we watch or of RFC 822 is taken:
# IST India, BST British summer, AMT Armenia, CST and the other American ones as in RFC 822.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1, "mez": 1, "wat": 1,
    "cest": 2, "mest": 2, "mesz": 2, "eet": 2, "sast": 2, "cat": 2, "eest": 3, "msk": 3, "мск": 3, "trt": 3, "eat": 3,
    "idt": 3, "irst": 3.5, "irdt": 4.5, "msd": 4, "amt": 4, "amst": 5, "azt": 4, "azst": 5, "get": 4, "gst": 4,
    "samt": 4, "aft": 4.5, "pkt": 5, "uzt": 5, "tjt": 5, "tmt": 5, "yekt": 5, "ist": 5.5, "npt": 5.75, "kgt": 6,
    "almt": 6,
    "omst": 6, "bdt": 6, "mmt": 6.5, "ict": 7, "wib": 7, "krat": 7, "novt": 7, "hkt": 8, "sgt": 8, "myt": 8, "pht": 8,
    "awst": 8, "irkt": 8, "ulat": 8, "jst": 9, "kst": 9, "wit": 9, "yakt": 9, "acst": 9.5, "aest": 10, "vlat": 10,
    "acdt": 10.5, "aedt": 11, "nzst": 12, "nzdt": 13, "nst": -3.5, "ndt": -2.5, "adt": -3, "ast": -4, "art": -3,
    "brt": -3, "clt": -4, "clst": -3, "vet": -4, "cot": -5, "pet": -5, "edt": -4, "est": -5, "cdt": -5, "cst": -6,
    "mdt": -6, "mst": -7, "pdt": -7, "pst": -8, "akdt": -8, "akst": -9, "hst": -10,
}  # fmt: skip

# Beginnings of month names, lower case; the longest that fits wins ("mar" and "mars", "mai" and "maio").
_MONTHS = {
    beginning: number
    for number, beginnings in enumerate(
        (
            "jan ene gen ocak oca янв січ ιαν يناير",
            "feb fév fev şub febr фев лют φεβ فبراير",
            "mar mär mars мар бер μαρ مارس",
            "apr abr avr nis апр кві απρ أبريل ابريل",
            "may mai mag maj май мая тра μαΐ μαϊ مايو",
            "jun juin giu haz июн чер ιουν يونيو",
            "jul juil lug lip tem июл лип ιουλ يوليو",
            "aug ago aoû aou ağu авг сер αυγ أغسطس اغسطس",
            "sep set sept eyl сен вер σεπ سبتمبر",
            "oct oto okt ott out eki окт жов οκτ أكتوبر اكتوبر",
            "nov kas ноя лис νοε نوفمبر",
            "dec déc dic dez ara дек гру δεκ ديسمبر",
        ),
        start=1,
    )
    for beginning in beginnings.split()
}
_WEEKDAYS = frozenset(
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday".split()
)
# Words that stand beside a date on a line of its own.
_LABELS = frozenset(
    "published publish posted updated update modified last first date time on at by in of local edited created issued "
    "release released online and le à el las la den am um uhr в года г року publié mis jour publicado actualizado "
    "yayınlanma güncelleme опубликовано обновлено опубліковано оновлено veröffentlicht aktualisiert".split()
)

_ZONE_PATTERN = (  # Java writes the place behind the offset, in brackets
    r"(?:(?P<offset>(?:(?:gmt|utc)\s*)?[+\-−]\d{1,2}(?::?\d{2})?)(?:\s*\[[\w/+\-]{1,40}\])?"
    r"|(?P<place>[a-z]{2,12}(?:/[a-z][\w+\-]{1,30}){1,2})|(?P<zone>[^\W\d_]{1,5}))(?![^\W_])"
)
_TIME = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?(?!\d)"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?(?:\s*[(\[]?" + _ZONE_PATTERN + r"[)\]]?)?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?:T(?=\d)|(?!\d))", re.IGNORECASE
)
_DOTTED = re.compile(r"(?<!\d)(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?!\d)")
_SLASHED = re.compile(r"(?<!\d)(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<year>\d{4})(?!\d)")
_DAY_MONTH_YEAR = re.compile(
    r"(?<![\d:])(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s\-]+(?:de\s+|of\s+)?(?P<name>[^\W\d_]{3,12})\.?,?[\s\-]+(?:de\s+)?(?P<year>\d{4}|\d{2}(?![\d:]))(?!\d)",
    re.IGNORECASE,
)
_MONTH_DAY_YEAR = re.compile(
    r"(?P<name>[^\W\d_]{3,12})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})(?!\d)", re.IGNORECASE
)
_TIME_BEFORE_YEAR = re.compile(  # asctime: Wed Sep 14 14:39:00 2022
    r"(?P<name>[^\W\d_]{3,12})\s+(?P<day>\d{1,2})\s+\d{1,2}:\d{2}:\d{2}\s+(?:[a-z]{2,5}\s+)?(?P<year>\d{4})(?!\d)",
    re.IGNORECASE,
)


def parse_date(text: str) -> datetime | None:
    """The moment that ``text`` states, aware UTC; None where it states none or an impossible one.

    A zone is an offset, a usual abbreviation or a place of the IANA database. Without one it is read as UTC, without a
    time as midnight, without which no date of a day alone could be kept. 03/04/2022 is None: nobody can tell.
    """
    if len(text) > _MAX_CHARS:
        return None
    found = _find_date(text)
    return found[0] if found else None


def read_date_line(line: str) -> datetime | None:
    """The moment that a line states which holds nothing but a date and its labels; None for any other line."""
    if len(line) > _MAX_CHARS:
        return None
    found = _find_date(line)
    if found is None:
        return None
    rest = re.findall(r"[^\W_]+", found[1].lower())
    if any(word not in _LABELS and word not in _WEEKDAYS and word not in _ZONES for word in rest):
        return None
    if found[0].year < _EARLIEST_YEAR:
        return None  # the beginning of a sentence about history, broken over lines
    return found[0]


def believable(published_at: datetime | None, now: datetime) -> datetime | None:
    """``published_at``, or None where it lies in the future or before there was a web."""
    if published_at is None or published_at > now + CLOCK_SKEW or published_at.year < _EARLIEST_YEAR:
        return None
    return published_at


def _find_date(text: str) -> tuple[datetime, str] | None:
    """The moment, and ``text`` without the parts that state it."""
    day = _find_day(text)
    if day is None:
        return None
    (year, month, number), rest = day
    hour = minute = second = 0
    time = _TIME.search(rest)
    if time:
        hour, minute, second = int(time["hour"]), int(time["minute"]), int(time["second"] or 0)
        if time["half"]:
            hour = hour % 12 + (12 if time["half"].lower() == "p" else 0)
    try:
        zone = _zone(time) if time else UTC
        moment = datetime(year, month, number, hour, minute, min(second, 59), tzinfo=zone or UTC)  # 60: a leap second
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if time:
        end = time.end() if zone else max(time.start("place"), time.start("zone"))  # a word that is no zone stays
        rest = rest[: time.start()] + " " + rest[end:]
    return moment, rest


def _zone(time: re.Match[str]) -> tzinfo | None:
    """The zone that a time states, UTC where it states none; None for a word that names no zone."""
    if time["offset"]:
        return timezone(timedelta(hours=_offset_hours(time["offset"])))
    if time["place"]:
        name = _places().get(time["place"].lower())
        return zoneinfo.ZoneInfo(name) if name else None
    if time["zone"]:
        hours = _ZONES.get(time["zone"].lower())
        return None if hours is None else timezone(timedelta(hours=hours))
    return UTC


@functools.cache
def _places() -> dict[str, str]:
    """The zones of the IANA database that are named by a place, by their name in lower case."""
    return {name.lower(): name for name in zoneinfo.available_timezones() if "/" in name}


def _find_day(text: str) -> tuple[tuple[int, int, int], str] | None:
    """Year, month and day, and ``text`` with them cut out."""
    for pattern in (_ISO, _DOTTED):
        if found := pattern.search(text):
            day = (int(found["year"]), int(found["month"]), int(found["day"]))
            return day, text[: found.start()] + " " + text[found.end() :]
    if found := _SLASHED.search(text):
        first, second, year = int(found["first"]), int(found["second"]), int(found["year"])
        if first <= 12 and second <= 12 and first != second:
            return None  # day or month first: the two halves of the world disagree
        day = (year, min(first, second), max(first, second)) if max(first, second) > 12 else (year, first, second)
        return day, text[: found.start()] + " " + text[found.end() :]
    if found := _TIME_BEFORE_YEAR.search(text):
        month = _month(found["name"])
        if month:
            clock = re.search(r"\d{1,2}:\d{2}:\d{2}(?:\s+[a-z]{2,5})?", found[0], re.IGNORECASE)
            kept = clock[0] if clock else ""
            return (
                int(found["year"]),
                month,
                int(found["day"]),
            ), f"{text[: found.start()]} {kept} {text[found.end() :]}"
    for pattern in (_DAY_MONTH_YEAR, _MONTH_DAY_YEAR):
        for found in pattern.finditer(text):
            month = _month(found["name"])
            if month:
                year = int(found["year"])
                if len(found["year"]) == 2:
                    year += 2000 if year < 90 else 1900  # as feedparser reads RFC 822
                return (year, month, int(found["day"])), text[: found.start()] + " " + text[found.end() :]
    return None


def _month(name: str) -> int | None:
    """The number of a month written out or cut to three letters or more."""
    name = name.lower()
    for length in range(min(len(name), 7), 2, -1):
        if name[:length] in _MONTHS:
            return _MONTHS[name[:length]]
    return None


def _offset_hours(text: str) -> float:
    """Hours from UTC of +0400, +04:00, +4, GMT+3."""
    sign = -1 if "-" in text or "−" in text else 1
    digits = "".join(re.findall(r"\d", text.partition("+")[2] or re.split(r"[-−]", text)[-1]))
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    return sign * (int(hours) + int(minutes) / 60)
