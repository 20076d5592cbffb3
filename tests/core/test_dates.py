"""Dates in the text, resolved against Wednesday 14 September 2022."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.date_words import BY_LANGUAGE
from watcher.text.dates import find_dates

WEDNESDAY = datetime(2022, 9, 14, 14, 39, tzinfo=UTC)


def _dates(text, language="en", reference_at=WEDNESDAY):
    return [
        (m.text, m.earliest.isoformat(), m.latest.isoformat())
        for m in find_dates(text, 0, len(text), language, reference_at)
    ]


@pytest.mark.parametrize(
    ("text", "found", "earliest", "latest"),
    [
        ("on 13 September", "13 September", "2022-09-13", "2022-09-13"),
        ("on the 13th of September", "13th of September", "2022-09-13", "2022-09-13"),
        ("September 13, 2022", "September 13, 2022", "2022-09-13", "2022-09-13"),
        ("13 Sept. 2021", "13 Sept. 2021", "2021-09-13", "2021-09-13"),
        ("Sept. 14", "Sept. 14", "2022-09-14", "2022-09-14"),
        ("on 12-13 September", "12-13 September", "2022-09-12", "2022-09-13"),
        ("the night of 12 to 13 September", "12 to 13 September", "2022-09-12", "2022-09-13"),
        ("September 12–13", "September 12–13", "2022-09-12", "2022-09-13"),
        ("on 5 October", "5 October", "2022-10-05", "2022-10-05"),
        ("will vote on 5 October", "5 October", "2022-10-05", "2022-10-05"),
        ("by 5 October", "5 October", "2022-10-05", "2022-10-05"),
        ("2022-09-13", "2022-09-13", "2022-09-13", "2022-09-13"),
        ("13.09.2022", "13.09.2022", "2022-09-13", "2022-09-13"),
        ("09/25/2022", "09/25/2022", "2022-09-25", "2022-09-25"),
        ("on Tuesday", "Tuesday", "2022-09-13", "2022-09-13"),
        ("on Wednesday", "Wednesday", "2022-09-14", "2022-09-14"),
        ("on Thursday", "Thursday", "2022-09-08", "2022-09-08"),
        ("Tuesday's attack", "Tuesday", "2022-09-13", "2022-09-13"),
        ("last Wednesday", "Wednesday", "2022-09-07", "2022-09-07"),
        ("next Tuesday", "Tuesday", "2022-09-20", "2022-09-20"),
        ("will meet on Friday", "Friday", "2022-09-16", "2022-09-16"),
        ("until Friday", "Friday", "2022-09-16", "2022-09-16"),
        ("today", "today", "2022-09-14", "2022-09-14"),
        ("overnight", "overnight", "2022-09-13", "2022-09-14"),
        ("yesterday", "yesterday", "2022-09-13", "2022-09-13"),
        ("tomorrow", "tomorrow", "2022-09-15", "2022-09-15"),
        ("last week", "last week", "2022-09-05", "2022-09-11"),
        ("earlier this week", "this week", "2022-09-12", "2022-09-14"),
        ("later this week", "this week", "2022-09-14", "2022-09-18"),
        ("next week", "next week", "2022-09-19", "2022-09-25"),
        ("last month", "last month", "2022-08-01", "2022-08-31"),
        ("last year", "last year", "2021-01-01", "2021-12-31"),
        ("over the past two weeks", "the past two weeks", "2022-08-31", "2022-09-14"),
        ("over the weekend", "over the weekend", "2022-09-10", "2022-09-11"),
        ("two days ago", "two days ago", "2022-09-12", "2022-09-12"),
        ("two years ago", "two years ago", "2020-03-16", "2021-03-15"),
        ("twenty-five years ago", "twenty-five years ago", "1997-03-22", "1998-03-21"),
        ("a year ago", "a year ago", "2021-03-16", "2022-03-15"),
        ("years ago", "years ago", "2012-09-16", "2021-03-15"),
        ("hours ago", "hours ago", "2022-09-13", "2022-09-14"),
        ("in 2020", "2020", "2020-01-01", "2020-12-31"),
        ("since 2014", "2014", "2014-01-01", "2022-09-14"),
        ("the 2020 war", "2020", "2020-01-01", "2020-12-31"),
        ("2014-2020", "2014-2020", "2014-01-01", "2020-12-31"),
        ("in the 1990s", "the 1990s", "1990-01-01", "1999-12-31"),
        ("the 19th century", "the 19th century", "1801-01-01", "1900-12-31"),
        ("In August, Baku", "In August", "2022-08-01", "2022-08-31"),
        ("in December", "in December", "2021-12-01", "2021-12-31"),
        ("last September", "last September", "2021-09-01", "2021-09-30"),
        ("September 2021", "September 2021", "2021-09-01", "2021-09-30"),
        ("in May", "in May", "2022-05-01", "2022-05-31"),
        ("in the spring of 2021", "in the spring of 2021", "2021-03-01", "2021-05-31"),
        ("last summer", "last summer", "2022-06-01", "2022-08-31"),
        ("29 February", "29 February", None, None),
        ("2022-13-40", "2022-13-40", None, None),
        ("20-19", "20-19", None, None),
        ("in the last 24 hours", "last 24 hours", "2022-09-13", "2022-09-14"),
        ("this day", "this day", "2022-09-14", "2022-09-14"),
        ("the next two weeks", "next two weeks", "2022-09-14", "2022-09-28"),
        ("48 hours ago", "48 hours ago", "2022-09-12", "2022-09-14"),
        ("within the next 48 hours", "next 48 hours", "2022-09-14", "2022-09-16"),
        ("next summer", "next summer", "2023-06-01", "2023-08-31"),
        ("last fall", "last fall", "2021-09-01", "2021-11-30"),
        ("next weekend", "next weekend", "2022-09-17", "2022-09-18"),
        ("last winter", "last winter", "2021-12-01", "2022-02-28"),
        ("a century ago", "a century ago", "1872-09-13", "1972-09-13"),
    ],
)
def test_english(text, found, earliest, latest):
    assert _dates(text) == ([(found, earliest, latest)] if earliest else [])


@pytest.mark.parametrize(
    "text",
    [
        "killed 2000 people",
        "it may 5",
        "the march 3 abreast",
        "$2020",
        "12,020 men",
        "30 February 2022".replace(" 2022", ""),
        "a 44-day war",
        "Article 4",
        "sat down, sun rose, second to none",
        "8.2020.1",
    ],
)
def test_what_is_no_date(text):
    assert _dates(text) == []


def test_only_dates_with_their_own_year_are_anchored():
    text = "on 13 September, in 2020, on Tuesday he said, September 13, 2022, the 1990s, two years ago"
    found = find_dates(text, 0, len(text), "en", WEDNESDAY)
    assert [(m.text, m.is_anchored) for m in found] == [
        ("13 September", False),
        ("2020", True),
        ("Tuesday", False),
        ("September 13, 2022", True),
        ("the 1990s", True),
        ("two years ago", False),
    ]


def test_each_month_of_two_lists_keeps_its_own_days():
    text = "Sept. 14, 15 October and 3 March 2021, Sept. 2 and 3-4 May"
    assert [d[0] for d in _dates(text)] == ["Sept. 14", "15 October", "3 March 2021", "Sept. 2", "3-4 May"]


def test_the_weekend_before_a_weekend_is_the_last_one():
    sunday = datetime(2022, 9, 18, tzinfo=UTC)
    assert _dates("last weekend", reference_at=sunday) == [("last weekend", "2022-09-10", "2022-09-11")]
    assert _dates("over the weekend", reference_at=sunday) == [("over the weekend", "2022-09-17", "2022-09-18")]


def test_the_turn_of_the_year():
    new_year = datetime(2023, 1, 2, tzinfo=UTC)
    assert _dates("on 30 December", reference_at=new_year) == [("30 December", "2022-12-30", "2022-12-30")]
    assert _dates("last month", reference_at=new_year) == [("last month", "2022-12-01", "2022-12-31")]
    assert _dates("will meet on 5 January", reference_at=new_year) == [("5 January", "2023-01-05", "2023-01-05")]


@pytest.mark.parametrize(
    ("language", "text", "earliest", "latest"),
    [
        ("ru", "13 сентября", "2022-09-13", "2022-09-13"),
        ("ru", "13 сентября 2021 года", "2021-09-13", "2021-09-13"),
        ("ru", "в 2020 году", "2020-01-01", "2020-12-31"),
        ("ru", "два года назад", "2020-03-16", "2021-03-15"),
        ("ru", "год назад", "2021-03-16", "2022-03-15"),
        ("ru", "в прошлом месяце", "2022-08-01", "2022-08-31"),
        ("ru", "вчера", "2022-09-13", "2022-09-13"),
        ("ru", "во вторник", "2022-09-13", "2022-09-13"),
        ("ru", "в 1990-х", "1990-01-01", "1999-12-31"),
        ("uk", "13 вересня", "2022-09-13", "2022-09-13"),
        ("uk", "два роки тому", "2020-03-16", "2021-03-15"),
        ("uk", "минулого місяця", "2022-08-01", "2022-08-31"),
        ("uk", "у 2020 році", "2020-01-01", "2020-12-31"),
        ("fr", "le 13 septembre", "2022-09-13", "2022-09-13"),
        ("fr", "le 1er août 2021", "2021-08-01", "2021-08-01"),
        ("fr", "il y a deux ans", "2020-03-16", "2021-03-15"),
        ("fr", "le mois dernier", "2022-08-01", "2022-08-31"),
        ("fr", "en 2020", "2020-01-01", "2020-12-31"),
        ("es", "el 13 de septiembre", "2022-09-13", "2022-09-13"),
        ("es", "1 de agosto de 2021", "2021-08-01", "2021-08-01"),
        ("es", "hace dos años", "2020-03-16", "2021-03-15"),
        ("es", "el mes pasado", "2022-08-01", "2022-08-31"),
        ("tr", "13 Eylül'de", "2022-09-13", "2022-09-13"),
        ("tr", "13 Eylül 2021", "2021-09-13", "2021-09-13"),
        ("tr", "iki yıl önce", "2020-03-16", "2021-03-15"),
        ("tr", "geçen ay", "2022-08-01", "2022-08-31"),
        ("tr", "2020'de", "2020-01-01", "2020-12-31"),
        ("ar", "في 13 سبتمبر", "2022-09-13", "2022-09-13"),
        ("ar", "١٣ أيلول ٢٠٢١", "2021-09-13", "2021-09-13"),
        ("ar", "عام 2020", "2020-01-01", "2020-12-31"),
        ("ar", "قبل 3 سنوات", "2019-03-17", "2020-03-15"),
        ("ar", "الشهر الماضي", "2022-08-01", "2022-08-31"),
        ("hy", "2020", "2020-01-01", "2020-12-31"),
    ],
)
def test_other_languages(language, text, earliest, latest):
    assert [d[1:] for d in _dates(text, language)] == [(earliest, latest)]


def test_offsets_point_into_the_whole_text():
    text = "In 2019. On 13 September they met."
    (found,) = find_dates(text, 9, len(text), "en", WEDNESDAY)
    assert (found.start, found.end, found.text) == (12, 24, text[12:24])


_PIECES = st.sampled_from(
    "13 31 2020 1999 99 0 September May Sept. last next this since in two several years ago week day Monday will , - / .".split()
)


@given(
    st.lists(_PIECES, max_size=20), st.sampled_from([*BY_LANGUAGE, "xx"]), st.dates(date(1970, 1, 1), date(2100, 1, 1))
)
def test_any_mix_of_date_words_gives_ordered_periods(pieces, language, today):
    text = " ".join(pieces)
    position = 0
    for mention in find_dates(text, 0, len(text), language, datetime(today.year, today.month, today.day, tzinfo=UTC)):
        assert position <= mention.start < mention.end
        assert mention.earliest <= mention.latest
        assert text[mention.start : mention.end] == mention.text
        position = mention.end


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_written_date_is_itself_whatever_the_reference(day):
    text = f"on {day:%d} {day:%B} {day:%Y}, on {day:%B} {day.day}, {day.year}"
    assert [(d[1], d[2]) for d in _dates(text)] == [(day.isoformat(), day.isoformat())] * 2


# More of the same: language, text, first and last day; no days where there is no date.
DATES = """
en | on Monday, 5 September | 2022-09-05 2022-09-05
en | on 3 October | 2022-10-03 2022-10-03
en | the attack of 11 September 2001 | 2001-09-11 2001-09-11
en | in May 2021 | 2021-05-01 2021-05-31
en | in March | 2022-03-01 2022-03-31
en | yesterday | 2022-09-13 2022-09-13
en | last night | 2022-09-13 2022-09-14
en | two days ago | 2022-09-12 2022-09-12
en | last week | 2022-09-05 2022-09-11
en | last year | 2021-01-01 2021-12-31
en | in the 1990s | 1990-01-01 1999-12-31
en | in the summer of 2008 | 2008-06-01 2008-08-31
en | in early 2022 | 2022-01-01 2022-12-31
en | in 1973 | 1973-01-01 1973-12-31
en | 2022-09-13 | 2022-09-13 2022-09-13
en | 13/09/2022 | 2022-09-13 2022-09-13
en | on the night of 12-13 September | 2022-09-12 2022-09-13
en | tomorrow | 2022-09-15 2022-09-15
en | in the 19th century | 1801-01-01 1900-12-31
en | on Sept 1st, 2020 | 2020-09-01 2020-09-01
en | over 2000 soldiers died |
en | Resolution 2020 was passed |
en | the F-16 and 1,500 men |
ru | 5 августа 2022 г. | 2022-08-05 2022-08-05
ru | в мае 2021 года | 2021-05-01 2021-05-31
ru | вчера | 2022-09-13 2022-09-13
ru | в прошлом году | 2021-01-01 2021-12-31
ru | в понедельник | 2022-09-12 2022-09-12
uk | 24 лютого 2022 року | 2022-02-24 2022-02-24
uk | минулого тижня | 2022-09-05 2022-09-11
uk | у 2014 році | 2014-01-01 2014-12-31
tr | 13 Eylül 2022'de | 2022-09-13 2022-09-13
tr | geçen yıl | 2021-01-01 2021-12-31
tr | dün | 2022-09-13 2022-09-13
fr | le 1er septembre 2022 | 2022-09-01 2022-09-01
fr | l'an dernier | 2021-01-01 2021-12-31
fr | il y a trois jours | 2022-09-11 2022-09-11
es | el 3 de marzo de 2022 | 2022-03-03 2022-03-03
es | el año pasado | 2021-01-01 2021-12-31
es | hace dos días | 2022-09-12 2022-09-12
ar | في 13 سبتمبر 2022 | 2022-09-13 2022-09-13
ar | العام الماضي | 2021-01-01 2021-12-31
ar | أمس | 2022-09-13 2022-09-13
ar | قبل يومين | 2022-09-12 2022-09-12
en | on Saturday 3 March 2021 | 2021-03-03 2021-03-03
en | on Tuesday, Sept. 6 | 2022-09-06 2022-09-06
en | earlier this month | 2022-09-01 2022-09-14
en | earlier this year | 2022-01-01 2022-09-14
en | on October 1 | 2022-10-01 2022-10-01
en | by 20 September | 2022-09-20 2022-09-20
en | since 3 October | 2021-10-03 2022-09-14
en | in December | 2021-12-01 2021-12-31
en | last December | 2021-12-01 2021-12-31
en | next Monday | 2022-09-19 2022-09-19
en | the day before yesterday | 2022-09-12 2022-09-12
en | three weeks ago | 2022-08-21 2022-08-27
en | on the 24th of February | 2022-02-24 2022-02-24
en | Vision 2030 was published |
en | UN Security Council Resolution 1701 |
en | in 1701 | 1701-01-01 1701-12-31
en | in the spring of 1945 | 1945-03-01 1945-05-31
en | Boeing 1747 jets |
en | killed 1914 men |
ru | 27 сентября | 2022-09-27 2022-09-27
ru | в прошлый понедельник | 2022-09-12 2022-09-12
ru | на прошлой неделе | 2022-09-05 2022-09-11
ru | с 2014 года | 2014-01-01 2022-09-14
ru | резолюция 1701 Совбеза |
uk | 28 вересня | 2022-09-28 2022-09-28
uk | торік | 2021-01-01 2021-12-31
uk | позавчора | 2022-09-12 2022-09-12
tr | geçen hafta | 2022-09-05 2022-09-11
tr | 15 Temmuz 2016'da | 2016-07-15 2016-07-15
tr | iki yıl önce | 2020-03-16 2021-03-15
fr | la semaine dernière | 2022-09-05 2022-09-11
fr | le 20 septembre | 2022-09-20 2022-09-20
fr | en juillet 2014 | 2014-07-01 2014-07-31
es | la semana pasada | 2022-09-05 2022-09-11
es | el 20 de septiembre | 2022-09-20 2022-09-20
es | en 2008 | 2008-01-01 2008-12-31
ar | الأسبوع الماضي | 2022-09-05 2022-09-11
ar | قبل شهرين | 2022-07-01 2022-07-31
ar | في 20 سبتمبر | 2022-09-20 2022-09-20
"""


@pytest.mark.parametrize("line", DATES.strip().splitlines())
def test_dates_of_news(line):
    language, text, days = (part.strip() for part in line.split("|"))
    assert [list(found[1:]) for found in _dates(text, language)] == ([days.split()] if days else [])
