"""Dates that a text mentions, resolved against the article's own date."""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from watcher.text.date_words import BY_LANGUAGE, NEVER, DateWords
from watcher.text.fold import fold_term
from watcher.text.number_words import BY_LANGUAGE as NUMBERS
from watcher.text.number_words import NumberWords

# With Arabic digits, which int() reads as well.
_YEAR = r"(?P<year>(?:[1١][5-9٥-٩]|[2٢][0٠])\d\d)"
_DAY = r"(?P<day>\d{1,2})"
_LAST_DAY = r"(?:(?:st|nd|rd|th)?\s?(?:-|–|—|/|and|to|et|y|и|і|ve|و)\s?{guard}(?P<last_day>\d{1,2}))?"
_DIGIT = re.compile(r"\d")
_YEAR_DIGITS = re.compile(r"\d{4}")
_ISO = re.compile(r"(?<![\d-])(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)")
_NUMERIC = re.compile(r"(?<![\d./])(?P<day>\d{1,2})(?P<mark>[./])(?P<month>\d{1,2})(?P=mark)(?P<year>\d{4})(?!\d)")
# A year that stands alone: no part of a larger number, an amount or a head count.
_BARE_YEAR = re.compile(
    rf"(?<![\d,.$€£₽#/-]\b)(?<![\w-])(?<!\d[,. \u00a0\u202f]){_YEAR}"
    r"(?:\s?[-–/]\s?(?P<last_year>(?:1[5-9]|20)?\d\d)(?!\d))?(?![\d%])(?![,.]\d)(?!\s+(?:people|persons?|soldiers?|troops|civilians|men|women|children|deaths|dead|victims"
    r"|fighters|militants|rebels|killed|wounded|injured|others|km|kilomet|miles|met(?:er|re)s|tons|tonnes|dollars|euros"
    r"|человек|людей|солдат|осіб|kişi|asker|personnes|morts|soldats|personas|muertos|soldados|شخص|قتيل|جندي)\w*)",
    re.IGNORECASE,
)
_BESIDE = re.compile(r",?\s+(?:the\s+)?")
# What is numbered, not dated: "Resolution 2020", "Vision 2030".
_NUMBERED = re.compile(
    r"\b(?:resolution|regulation|directive|decree|flight|highway|route|agenda|vision|horizon|boeing|airbus|règlement|résolution"
    r"|resolución|резолюци\w+|резолюці\w+|القرار|قرار|karar)\s+(?:no\.?\s*|n[°º]\s*|№\s*)?$",
    re.IGNORECASE,
)
_NUMBERED_REACH = 20
_CENTURY = re.compile(
    r"\b(?:the\s+)?(?:early\s+|late\s+|mid[\s-]?)?(?P<century>\d{1,2})(?:st|nd|rd|th)[\s-]century\b", re.IGNORECASE
)
_SEASON = re.compile(
    r"\b(?P<which>last|this|next|in(?:\s+the)?)\s+(?P<season>spring|summer|autumn|fall|winter)\b"
    rf"(?:\s+(?:of\s+)?{_YEAR})?",
    re.IGNORECASE,
)
_SEASON_STARTS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_ENGLISH_PERIODS = (*_SEASON_STARTS, "weekend")
_WEEKEND = re.compile(r"\b(?P<which>last|this|next|over\s+the|at\s+the|on\s+the)\s+weekend\b", re.IGNORECASE)
_EARLIER_THIS = re.compile(r"\bearlier\s+$", re.IGNORECASE)
_LATER_THIS = re.compile(r"\blater\s+$", re.IGNORECASE)
# English words that are months with a capital letter only.
_AMBIGUOUS_MONTHS = frozenset({"may", "march", "mar"})
# How far before a date its clause can say that the date lies ahead.
_AHEAD_REACH = 60
# A day without its year that lies ahead by no more is that day, though nothing before it says so.
_SOON = timedelta(days=60)
_VAGUE_COUNT = 2  # "several years ago", "years ago": at least two
_VAGUE_SPAN = 8  # and hardly more than ten
_DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365, "decade": 3652, "century": 36525}
# How exact "N units ago" is, in days either way.
_SLACK = {"day": 0, "week": 3, "fortnight": 5, "month": 15, "year": 182, "decade": 1826, "century": 18262}


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date or period as the text gives it; half-open offsets in code points of the text as given."""

    start: int
    end: int
    earliest: date
    latest: date  # inclusive
    text: str
    is_anchored: bool  # names its own year, so that the article's date does not matter


_Range = tuple[date, date]


def find_dates(text: str, start: int, end: int, language: str, reference_at: datetime) -> tuple[DateMention, ...]:
    """The dates and periods named within ``start:end``, in text order, none overlapping.

    A weekday or a day without its year is the nearest one past, today included, unless the words before it point ahead.
    An unknown language yields years and numeric dates only.
    """
    scan = _Scan(text, start, end, _patterns(language), reference_at.date())
    found = sorted(scan.mentions(), key=lambda mention: (mention.start, -mention.end))
    kept: list[DateMention] = []
    for mention in found:
        if kept and _is_to_the_day(kept[-1], mention, text, reference_at.date()):
            continue
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
        elif mention.end - mention.start > kept[-1].end - kept[-1].start:
            kept[-1] = mention
    return tuple(kept)


def _is_to_the_day(past: DateMention, mention: DateMention, text: str, today: date) -> bool:
    """Whether a "today" only makes the date before it exact: "ten years ago today"."""
    is_today = mention.earliest == mention.latest == today
    return is_today and not past.is_anchored and past.latest < today and text[past.end : mention.start].isspace()


@functools.cache
def _patterns(language: str) -> _Patterns:
    if language not in BY_LANGUAGE:
        return _Patterns(DateWords(), NUMBERS["en"])
    return _Patterns(BY_LANGUAGE[language], NUMBERS[language])


class _Patterns:
    """The compiled date words of one language."""

    def __init__(self, words: DateWords, numbers: NumberWords) -> None:
        self.words = words
        month_names = "(?:" + "|".join(words.months) + ")"
        weekday_names = "(?:" + "|".join(words.weekdays) + ")"
        month = f"(?P<month>{month_names})(?!\\w)"
        unit = "(?:" + "|".join(words.units or (NEVER,)) + ")"
        self.counts = {fold_term(word): value for word, value in numbers.units.items()}
        self.counts |= {fold_term(word): value for word, value in numbers.fixed.items()}
        self.several = {fold_term(word): value for word, value in numbers.several.items()}
        self.counts |= self.several
        self.counts |= dict.fromkeys(numbers.articles, 1)
        names = sorted({*numbers.units, *numbers.several, *numbers.articles}, key=len, reverse=True)
        spelled = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
        count = rf"(?:\d{{1,4}}|a\s+couple\s+of|a\s+few|(?:{spelled})(?:[\s-](?:{spelled}))?)"
        year = rf"(?:{words.year_link}{_YEAR}(?!\d))?"
        day = _DAY + _LAST_DAY.replace("{guard}", "")
        self.days = [_compile(rf"(?<![\w.,/-]){_fill(words.day_month, day=day, month=month)}{year}")]
        # In "Sept. 14 and 15 October" the second day has its own month.
        own_month = rf"(?!\d+[\s–-]+(?:\d+\s+)?{month_names}(?!\w))"
        day = _DAY + _LAST_DAY.replace("{guard}", own_month)
        self.days.append(_compile(rf"\b{_fill(words.month_day, day=day, month=month)}{year}"))
        self.month_year = _compile(rf"\b{month}{words.year_link}{_YEAR}(?!\d)")
        self.month = _compile(rf"\b{words.month_openers}{month}(?!\s+\d)")
        self.weekday = _compile(rf"\b(?P<weekday>{weekday_names})(?!\w)")
        self.ago = _compile(rf"(?<!\w){_fill(words.ago, count=count, unit=unit)}")
        self.last = _compile(_fill(words.last, count=count, unit=unit))
        self.this = _compile(_fill(words.this, unit=unit))
        self.next = _compile(_fill(words.next, count=count, unit=unit))
        # One scan for all of them: the group says which.
        # The engine is slow where each of many alternatives asks for the beginning of a word.
        relative = [pattern.removeprefix(r"\b") for pattern in words.relative] or [NEVER]
        self.relative = _compile(r"\b(?:" + "|".join(f"(?P<r{i}>{one})" for i, one in enumerate(relative)) + ")")
        self.relative_days = {f"r{i}": days for i, days in enumerate(words.relative.values())}
        self.decades = _compile(words.decades)
        self.since = _compile(words.since)
        self.pairs = _compile(words.pairs)
        self.ahead = _compile(words.ahead)
        self.last_weekday = _compile(words.last_weekday)
        self.next_weekday = _compile(words.next_weekday)
        self.months = [_compile(pattern) for pattern in words.months]
        self.weekdays = [_compile(pattern) for pattern in words.weekdays]
        self.units = [(_compile(pattern), name) for pattern, name in words.units.items()]

        others = "|".join([*relative, *(_ENGLISH_PERIODS if words is BY_LANGUAGE["en"] else ())])
        self.hints = _compile(
            rf"\b(?:(?P<month>{month_names}(?!\w))|(?P<weekday>{weekday_names}(?!\w))"
            rf"|(?P<other>{others})|{words.before_unit}(?P<unit>{unit}(?!\w)))"
        )

    def month_of(self, name: str) -> int:
        """The number of a month, January 1."""
        return 1 + next(i for i, pattern in enumerate(self.months) if pattern.fullmatch(name))

    def weekday_of(self, name: str) -> int:
        """The number of a weekday, Monday 0."""
        return next(i for i, pattern in enumerate(self.weekdays) if pattern.fullmatch(name))

    def unit_of(self, name: str) -> str:
        """The unit of time that a word names."""
        return next(unit for pattern, unit in self.units if pattern.fullmatch(name))

    def is_vague(self, words: str | None) -> bool:
        """Whether a count is "several" or "a few"."""
        return bool(words) and fold_term(words or "") in self.several

    def count_of(self, words: str | None) -> int | None:
        """The number that a count is; None where there is no count."""
        if not words:
            return None
        if words.isdecimal():
            return int(words)
        folded = fold_term(words)
        if folded in self.counts:
            return self.counts[folded]
        total = sum(self.counts.get(word, 0) for word in folded.split())
        return total or _VAGUE_COUNT


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _fill(template: str, **parts: str) -> str:
    for name, part in parts.items():
        template = template.replace("{" + name + "}", part)
    return template.replace("{{", "{").replace("}}", "}")


class _Scan:
    """One pass over a stretch of text."""

    def __init__(self, text: str, start: int, end: int, patterns: _Patterns, today: date) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.patterns = patterns
        self.today = today

    def mentions(self) -> Iterator[DateMention]:
        """Every reading of every stretch; readings of one stretch may overlap."""
        patterns, kinds = self.patterns, self._kinds()
        if "digit" in kinds:
            if _YEAR_DIGITS.search(self.text, self.start, self.end):
                yield from self._all(_ISO, self._full_date, is_anchored=True)
                yield from self._all(_NUMERIC, self._full_date, is_anchored=True)
                yield from self._all(_BARE_YEAR, self._year, is_anchored=True)
            yield from self._all(patterns.decades, self._decade, is_anchored=True)
            if patterns is _patterns("en"):
                yield from self._all(_CENTURY, self._century, is_anchored=True)
        if "month" in kinds:
            yield from self._all(patterns.month, self._month)
            if "digit" in kinds:
                for pattern in patterns.days:
                    yield from self._all(pattern, self._day_month)
                yield from self._all(patterns.month_year, self._month_year, is_anchored=True)
        if "weekday" in kinds:
            yield from self._all(patterns.weekday, self._weekday)
        if not kinds.isdisjoint({"unit", "other"}):  # a unit can be part of the other words
            yield from self._all(patterns.ago, self._ago)
            yield from self._all(patterns.last, self._last)
            yield from self._all(patterns.this, self._this)
            yield from self._all(patterns.next, self._next)
        if "other" in kinds:
            yield from self._all(patterns.relative, self._days)
            if patterns is _patterns("en"):
                yield from self._all(_SEASON, self._season)
                yield from self._all(_WEEKEND, self._weekend)

    def _kinds(self) -> set[str]:
        """What kinds of date words stand here: most sentences have none, and few more than one."""
        kinds = {found.lastgroup or "" for found in self.patterns.hints.finditer(self.text, self.start, self.end)}
        if _DIGIT.search(self.text, self.start, self.end):
            kinds.add("digit")
        return kinds

    def _all(
        self, pattern: re.Pattern[str], resolve: Callable[[re.Match[str]], _Range | None], *, is_anchored: bool = False
    ) -> Iterator[DateMention]:
        for found in pattern.finditer(self.text, self.start, self.end):
            period = resolve(found)
            if period is None:
                continue
            earliest, latest = period
            if self._is_since(found):
                latest = max(latest, self.today)
            has_year = is_anchored or ("year" in found.re.groupindex and found["year"] is not None)
            yield DateMention(found.start(), found.end(), earliest, latest, found[0], has_year)

    def _before(self, found: re.Match[str], reach: int) -> str:
        return self.text[max(self.start, found.start() - reach) : found.start()]

    def _is_since(self, found: re.Match[str]) -> bool:
        return bool(self.patterns.since.search(self._before(found, 20)))

    def _is_ahead(self, found: re.Match[str]) -> bool:
        return bool(self.patterns.ahead.search(self._before(found, _AHEAD_REACH).rpartition(";")[2]))

    def _full_date(self, found: re.Match[str]) -> _Range | None:
        day = _date(int(found["year"]), int(found["month"]), int(found["day"]))
        if day is None:  # the month first, as in the United States
            day = _date(int(found["year"]), int(found["day"]), int(found["month"]))
        return (day, day) if day else None

    def _year(self, found: re.Match[str]) -> _Range | None:
        if _NUMBERED.search(self._before(found, _NUMBERED_REACH)):
            return None
        first = int(found["year"])
        last = first
        if found["last_year"]:
            last = int(found["last_year"])
            last = last if last >= 1000 else first // 100 * 100 + last
        return (date(first, 1, 1), date(last, 12, 31)) if first <= last else None

    def _is_month(self, found: re.Match[str]) -> bool:
        name = found["month"].rstrip(".")
        return name.lower() not in _AMBIGUOUS_MONTHS or name[0].isupper()

    def _day_month(self, found: re.Match[str]) -> _Range | None:
        if not self._is_month(found):
            return None
        month, day = self.patterns.month_of(found["month"]), int(found["day"])
        last_day = int(found["last_day"] or day)
        if found["year"]:
            year = int(found["year"])
        else:
            year = self._nearest_year(lambda y: _date(y, month, day), is_ahead=self._is_ahead(found), found=found)
        first, last = _date(year, month, day), _date(year, month, last_day)
        if first is None or last is None:
            return None
        return min(first, last), last

    def _nearest_year(
        self, of_year: Callable[[int], date | None], *, is_ahead: bool, found: re.Match[str] | None = None
    ) -> int:
        """The year that puts a day nearest to today on the side asked for, today included.

        A day of ``found`` that lies ahead by weeks is not the one of last year, which a text would name.
        """
        this_year = of_year(self.today.year)
        if this_year is None:
            return self.today.year
        if is_ahead:
            return self.today.year + (this_year < self.today)
        if found is not None and this_year - self.today <= _SOON and not self._is_since(found):
            return self.today.year
        return self.today.year - (this_year > self.today)

    def _month_year(self, found: re.Match[str]) -> _Range | None:
        if not self._is_month(found):
            return None
        return _month(int(found["year"]), self.patterns.month_of(found["month"]))

    def _month(self, found: re.Match[str]) -> _Range | None:
        if not self._is_month(found):
            return None
        month = self.patterns.month_of(found["month"])
        words = found[0].lower()
        is_ahead = words.startswith(("next", "gelecek")) or self._is_ahead(found)
        year = self._nearest_year(lambda y: date(y, month, 1), is_ahead=is_ahead)
        if words.startswith("last") and (year, month) == (self.today.year, self.today.month):
            year -= 1
        return _month(year, month)

    def _weekday(self, found: re.Match[str]) -> _Range | None:
        beside = _BESIDE.match(self.text, found.end(), self.end)
        if beside and any(pattern.match(self.text, beside.end(), self.end) for pattern in self.patterns.days):
            return None  # "on Monday, 5 September": the date says which Monday
        back = (self.today.weekday() - self.patterns.weekday_of(found["weekday"])) % 7
        before = self._before(found, _AHEAD_REACH)
        day = self.today - timedelta(days=back)
        if self.patterns.next_weekday.search(before):
            day += timedelta(days=7)
        elif self.patterns.last_weekday.search(before):
            day -= timedelta(days=0 if back else 7)
        elif self._is_ahead(found) and back:
            day += timedelta(days=7)
        return day, day

    def _ago(self, found: re.Match[str]) -> _Range | None:
        unit = self.patterns.unit_of(found["unit"])
        count = self.patterns.count_of(found["count"])
        if count is None and self.patterns.pairs.fullmatch(found["unit"]):
            count = 2
        if unit == "hour":
            return _shifted(self.today, -_length(unit, count or 1)), self.today
        is_plural_alone = count is None and self.patterns is _patterns("en")
        is_vague = is_plural_alone or self.patterns.is_vague(found["count"])
        count = _VAGUE_COUNT if is_plural_alone else count or 1
        days = timedelta(days=min(count * _DAYS[unit], self.today.toordinal() - 1))
        slack = timedelta(days=_SLACK[unit])
        middle = self.today - days
        earliest = _shifted(middle, -timedelta(days=_VAGUE_SPAN * _DAYS[unit]) if is_vague else -slack)
        return earliest, min(middle + slack, self.today)

    def _last(self, found: re.Match[str]) -> _Range | None:
        unit = self.patterns.unit_of(found["unit"])
        groups = found.groupdict()
        count = self.patterns.count_of(groups.get("count"))
        words = found[0].lower()
        if unit in {"hour", "day"} or count is not None or words.startswith(("the past", "past")):
            return _shifted(self.today, -_length(unit, count or 1)), self.today
        return self._unit(unit, -1)

    def _this(self, found: re.Match[str]) -> _Range | None:
        unit = self.patterns.unit_of(found["unit"])
        if unit in {"hour", "day"}:
            return self.today, self.today
        first, last = self._unit(unit, 0)
        before = self._before(found, 10)
        if _LATER_THIS.search(before) or self._is_ahead(found):
            return self.today, last
        return (first, self.today) if _EARLIER_THIS.search(before) else (first, last)

    def _next(self, found: re.Match[str]) -> _Range | None:
        unit = self.patterns.unit_of(found["unit"])
        count = self.patterns.count_of(found.groupdict().get("count"))
        if unit in {"hour", "day"} or count is not None:
            return self.today, _shifted(self.today, _length(unit, count or 1))
        return self._unit(unit, 1)

    def _unit(self, unit: str, offset: int) -> _Range:
        """The calendar unit that lies ``offset`` units from today's."""
        today = self.today
        if unit in {"week", "fortnight"}:
            monday = today - timedelta(days=today.weekday()) + timedelta(days=_DAYS[unit] * offset)
            return monday, monday + timedelta(days=_DAYS[unit] - 1)
        if unit == "month":
            index = today.year * 12 + today.month - 1 + offset
            return _month(index // 12, index % 12 + 1)
        size = {"year": 1, "decade": 10, "century": 100}[unit]
        first = today.year // size * size + offset * size
        return date(first, 1, 1), date(first + size - 1, 12, 31)

    def _days(self, found: re.Match[str]) -> _Range:
        days = self.patterns.relative_days[found.lastgroup or ""]
        if isinstance(days, str):
            return self._unit(days, -1)
        return self.today + timedelta(days=days[0]), self.today + timedelta(days=days[1])

    def _decade(self, found: re.Match[str]) -> _Range:
        first = int(found["decade"])
        return date(first, 1, 1), date(first + 9, 12, 31)

    def _century(self, found: re.Match[str]) -> _Range | None:
        first = (int(found["century"]) - 1) * 100 + 1
        return (date(first, 1, 1), date(first + 99, 12, 31)) if 1 <= first <= 3000 else None

    def _season(self, found: re.Match[str]) -> _Range:
        starts = _SEASON_STARTS[found["season"].lower()]
        if found["year"]:
            year = int(found["year"])
        else:
            is_next = found["which"].lower() == "next"
            year = self._nearest_year(lambda y: date(y, starts, 1), is_ahead=is_next)
            if found["which"].lower() == "last" and self._season_of(year, starts)[1] >= self.today:
                year -= 1
        return self._season_of(year, starts)

    def _season_of(self, year: int, starts: int) -> _Range:
        ends = starts + 2
        return date(year, starts, 1), _month(year + (ends > 12), (ends - 1) % 12 + 1)[1]

    def _weekend(self, found: re.Match[str]) -> _Range:
        saturday = self.today - timedelta(days=(self.today.weekday() - 5) % 7)
        which = found["which"].lower()
        if which == "next":
            saturday += timedelta(days=7)
        elif which == "last" and self.today.weekday() >= 5:
            saturday -= timedelta(days=7)
        return saturday, saturday + timedelta(days=1)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(year: int, month: int) -> _Range:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _length(unit: str, count: int) -> timedelta:
    """So many units in whole days, hours rounded up."""
    return timedelta(days=-(-count // 24) if unit == "hour" else count * _DAYS[unit])


def _shifted(day: date, by: timedelta) -> date:
    """``day`` moved, held within the calendar."""
    return date.fromordinal(max(1, min(day.toordinal() + by.days, date.max.toordinal())))
