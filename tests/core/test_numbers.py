"""Figures: what counts people, how many at least, and what only looks like a figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.fold import fold_term
from watcher.text.number_words import BY_LANGUAGE
from watcher.text.numbers import find_figures, number_forms


def _figures(text, language="en"):
    return [(text[f.start : f.end], f.at_least, f.at_most, f.vague) for f in find_figures(text, 0, len(text), language)]


@pytest.mark.parametrize(
    ("text", "found", "at_least"),
    [
        ("12 soldiers were killed", "12", 12),
        ("Two soldiers were killed", "Two", 2),
        ("one soldier died", "one", 1),
        ("1,200 people died", "1,200", 1200),
        ("1\u202f200 people died", "1\u202f200", 1200),
        ("1\u2009200\u2009000 people fled", "1\u2009200\u2009000", 1_200_000),
        ("1.2 million people fled", "1.2 million", 1_200_000),
        ("1.5m people fled", "1.5m", 1_500_000),
        ("20 thousand troops", "20 thousand", 20_000),
        ("twenty-five died", "twenty-five", 25),
        ("one hundred and five wounded", "one hundred and five", 105),
        ("three hundred and twenty-one thousand fled", "three hundred and twenty-one thousand", 321_000),
        ("a hundred men", "a hundred", 100),
        ("a dozen men", "a dozen", 12),
        ("two dozen men", "two dozen", 24),
        ("half a dozen men", "half a dozen", 6),
        ("half a million people", "half a million", 500_000),
        ("a couple of men", "a couple", 2),
        ("more than 49 killed", "more than 49", 49),
        ("over 1,000 killed", "over 1,000", 1000),
        ("at least 49 killed", "at least 49", 49),
        ("no fewer than 49 killed", "no fewer than 49", 49),
        ("no less than forty killed", "no less than forty", 40),
        ("about 45\npeople", "about 45", 45),
        ("some 300 men", "some 300", 300),
        ("ALMOST 150 KILLED", "ALMOST 150", 150),
        ("more than a dozen killed", "more than a dozen", 12),
        ("100 or more killed", "100 or more", 100),
        ("30+ killed", "30+", 30),
        ("20-odd killed", "20-odd", 20),
        ("a 5,000-strong force", "5,000", 5000),
        ("2000 people were killed", "2000", 2000),
        ("more than 2020 were killed", "more than 2020", 2020),
        ("killed on May 5 people, 3 soldiers", "3", 3),
        ("49 Armenian soldiers", "49", 49),
        ("0 casualties", "0", 0),
    ],
)
def test_exact_figures(text, found, at_least):
    assert _figures(text) == [(found, at_least, None, False)]


@pytest.mark.parametrize(
    ("text", "found", "at_least"),
    [
        ("several men", "several", 2),
        ("a few men", "a few", 2),
        ("tens of people", "tens", 10),
        ("dozens of deaths", "dozens", 12),
        ("Scores were hurt", "Scores", 40),
        ("hundreds died", "hundreds", 100),
        ("thousands died", "thousands", 1000),
        ("tens of thousands fled", "tens of thousands", 10_000),
        ("hundreds of thousands fled", "hundreds of thousands", 100_000),
        ("several hundred men", "several hundred", 200),
        ("a few dozen men", "a few dozen", 24),
    ],
)
def test_vague_quantities_are_read_conservatively(text, found, at_least):
    assert _figures(text) == [(found, at_least, None, True)]


@pytest.mark.parametrize(
    ("text", "found", "at_least", "at_most"),
    [
        ("fewer than 50 killed", "fewer than 50", 1, 50),
        ("up to 40 killed", "up to 40", 1, 40),
        ("as many as 3 dozen killed", "as many as 3 dozen", 1, 36),
        ("between 10 and 15 killed", "between 10 and 15", 10, 15),
        ("from 10 to 15 killed", "from 10 to 15", 10, 15),
        ("10 to 15 killed", "10 to 15", 10, 15),
        ("10-15 killed", "10-15", 10, 15),
        ("10–15 killed", "10–15", 10, 15),
        ("two or three men", "two or three", 2, 3),
        ("ten to fifteen thousand men", "ten to fifteen thousand", 10_000, 15_000),
    ],
)
def test_bounds(text, found, at_least, at_most):
    assert _figures(text) == [(found, at_least, at_most, False)]


def test_a_rise_is_two_figures_and_no_range():
    assert [f[1] for f in _figures("the toll rose from 12 to 15")] == [12, 15]


@pytest.mark.parametrize(
    "text",
    [
        "in 2020",
        "the 1990s",
        "nineteen eighty-four",
        "from 2014 to 2020",
        "in 2020-21",
        "on 14 September 2022",
        "September 13, 2022",
        "Sept. 14",
        "14/09/2022 and 2022-09-14",
        "at 14:39 or 5 p.m.".replace(" or 5 p.m.", ""),
        "24/7 and 9/11",
        "a 25-year-old",
        "a 44-day war",
        "two years ago",
        "John Smith, 25, was killed",
        "152mm shells, 152 mm shells",
        "12% and 12 percent, 4.5 per cent",
        "$12 million and 300 dollars",
        "Article 4, Article four, Art. 4",
        "Articles 4 and 5",
        "Resolution 1559 and No. 7",
        "T-72, MiG-29s, F16, S-300",
        "the 4th, 3rd",
        "the Group of Seven",
        "no one died",
        "5 km, 30 miles, 12 tonnes",
        "two thirds",
        "covid-19",
    ],
)
def test_what_counts_no_people(text):
    assert _figures(text) == []


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ru", "Погибли более 20 человек", ("более 20", 20, None, False)),
        ("ru", "двадцать пять раненых", ("двадцать пять", 25, None, False)),
        ("ru", "десятки тысяч беженцев", ("десятки тысяч", 10_000, None, True)),
        ("ru", "несколько десятков солдат", ("несколько десятков", 20, None, True)),
        ("ru", "1 200 солдат", ("1 200", 1200, None, False)),
        ("ru", "до 40 человек", ("до 40", 1, 40, False)),
        ("ru", "от 10 до 15 человек", ("от 10 до 15", 10, 15, False)),
        ("uk", "щонайменше п'ять людей", ("щонайменше п'ять", 5, None, False)),
        ("uk", "понад 1 200 осіб", ("понад 1 200", 1200, None, False)),
        ("uk", "десятки поранених", ("десятки", 10, None, True)),
        ("tr", "En az 12 asker", ("En az 12", 12, None, False)),
        ("tr", "12'den fazla kişi", ("12'den fazla", 12, None, False)),
        ("tr", "üç yüz elli kişi", ("üç yüz elli", 350, None, False)),
        ("tr", "on binlerce kişi", ("on binlerce", 10_000, None, True)),
        ("tr", "1.200 kişi", ("1.200", 1200, None, False)),
        ("fr", "au moins vingt-cinq morts", ("au moins vingt-cinq", 25, None, False)),
        ("fr", "quatre-vingt-dix-sept soldats", ("quatre-vingt-dix-sept", 97, None, False)),
        ("fr", "soixante et onze soldats", ("soixante et onze", 71, None, False)),
        ("fr", "des dizaines de milliers de soldats", ("dizaines de milliers", 10_000, None, True)),
        ("fr", "jusqu'à 40 soldats", ("jusqu'à 40", 1, 40, False)),
        ("fr", "une dizaine de soldats", ("une dizaine", 10, None, False)),
        ("fr", "une personne tuée", ("une", 1, None, False)),
        ("es", "al menos treinta y cinco muertos", ("al menos treinta y cinco", 35, None, False)),
        ("es", "decenas de miles de personas", ("decenas de miles", 10_000, None, True)),
        ("es", "1.200 personas", ("1.200", 1200, None, False)),
        ("es", "dos mil soldados", ("dos mil", 2000, None, False)),
        ("ar", "مقتل 12 جنديا", ("12", 12, None, False)),
        ("ar", "و٢٥ مدنيا", ("٢٥", 25, None, False)),
        ("ar", "خمسة وعشرين جنديا", ("خمسة وعشرين", 25, None, False)),
        ("ar", "عشرات الآلاف", ("عشرات الآلاف", 10_000, None, True)),
        ("ar", "أكثر من مئة شخص", ("أكثر من مئة", 100, None, False)),
        ("ar", "ما لا يقل عن 40 شخصا", ("ما لا يقل عن 40", 40, None, False)),
        ("ar", "بين 10 و15 قتيلا", ("بين 10 و15", 10, 15, False)),
        ("ar", "بين عشرة وعشرين قتيلا", ("بين عشرة وعشرين", 10, 20, False)),
        ("ar", "مئة وخمسين قتيلا", ("مئة وخمسين", 150, None, False)),
        ("es", "unos cuantos soldados", ("unos cuantos", 2, None, True)),
        ("es", "unos 300 soldados", ("unos 300", 300, None, False)),
        ("ar", "3 آلاف جندي", ("3 آلاف", 3000, None, False)),
        ("de", "12 Soldaten", ("12", 12, None, False)),
    ],
)
def test_other_languages(language, text, expected):
    assert _figures(text, language) == [expected]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "14 сентября 2022 года, статья 4, 30-летний, 12 процентов"),
        ("uk", "14 вересня 2022 року, стаття 4, 12 відсотків"),
        ("tr", "14 Eylül 2022, Madde 4"),
        ("fr", "le 14 septembre 2022, l'article 4, 12 pour cent, 30 ans"),
        ("es", "el 14 de septiembre de 2022, artículo 4, 12 por ciento"),
        ("ar", "المادة 4 عام 2020, 14 سبتمبر"),
    ],
)
def test_what_counts_no_people_in_other_languages(language, text):
    assert _figures(text, language) == []


def test_offsets_point_into_the_whole_text():
    text = "In 2020. Then 12 cafe\u0301s – at least 1,200 men."
    found = find_figures(text, 9, len(text), "en")
    assert [text[f.start : f.end] for f in found] == ["12", "at least 1,200"]


@given(st.text(max_size=200), st.sampled_from([*BY_LANGUAGE, "xx"]))
def test_any_text_gives_ordered_disjoint_figures(text, language):
    position = 0
    for figure in find_figures(text, 0, len(text), language):
        assert position <= figure.start < figure.end <= len(text)
        assert figure.at_most is None or figure.at_least <= figure.at_most
        position = figure.end


_PIECES = st.sampled_from(
    "12 1,200 9999999999999999999 2020 1.5 one two twenty hundred thousand dozens several of and to between from . , - –"
    " article more than up least at $ % m people the".split()
)


@given(st.lists(_PIECES, max_size=30), st.sampled_from([*BY_LANGUAGE]))
def test_any_mix_of_number_words_is_read_without_trouble(pieces, language):
    text = " ".join(pieces)
    assert all(f.at_least >= 0 for f in find_figures(text, 0, len(text), language))


@given(st.integers(0, 9_999_999))
def test_a_grouped_numeral_is_its_value(value):
    assert [f[1] for f in _figures(f"at least {value:,} people died")] == [value]


@pytest.mark.parametrize(
    ("token", "languages", "roman", "forms"),
    [
        ("4", ("en",), False, {"4", "four"}),
        ("4", ("en",), True, {"4", "four", "iv"}),
        ("four", ("en",), False, {"4", "four"}),
        ("51", ("en",), False, {"51", "fifty one"}),
        ("fifty-one", ("en",), False, {"51", "fifty one"}),
        ("49", ("en",), True, {"49", "forty nine", "fourty nine", "xlix"}),
        ("100", ("en",), False, {"100", "one hundred", "a hundred"}),
        ("6000", ("en",), False, {"6000", "6,000"}),
        ("6,000", ("en",), False, {"6000", "6,000"}),
        ("4", ("fr", "es"), False, {"4", "quatre", "cuatro"}),
        (
            "97",
            ("fr",),
            False,
            {f"{n}{et}dix sept" for n in ("quatre vingt", "quatre vingts") for et in (" ", " et ")} | {"97"},
        ),
        ("35", ("es",), False, {"35", "treinta y cinco"}),
        ("25", ("tr",), False, {"25", "yirmi bes"}),
        ("4", (), False, {"4"}),
        ("four", ("xx", "en"), False, {"4", "four"}),
        ("Article", ("en",), True, {"article"}),
        ("4.5", ("en",), True, {"4.5"}),
        ("1" * 40, ("en",), True, {"1" * 40}),
    ],
)
def test_number_forms(token, languages, roman, forms):
    assert number_forms(token, languages, roman=roman) == forms


@given(st.integers(0, 999))
def test_the_english_forms_of_a_number_lead_to_each_other(value):
    forms = number_forms(str(value), ("en",), roman=False)
    assert len(forms) >= 2
    assert all(number_forms(form, ("en",), roman=False) == forms for form in forms)
    spelled = next(form for form in forms if not form.isdigit())
    assert value < 20 or [f[1] for f in _figures(f"at least {spelled} men died")] == [value]


OTHER_SCRIPTS = [
    ("hy", "քսանհինգ զինծառայող և երեսունվեց քաղաքացի", [25, 36]),
    ("hy", "առնվազն երկու հազար մարդ", [2000]),
    ("hy", "հարյուրավոր մարդիկ", [100]),
    ("hy", "չորս սպա", [4]),
    ("hy", "2020 թվականին", []),
    ("az", "iyirmi beş nəfər və üç əsgər", [25, 3]),
    ("az", "50-dən çox hərbçi", [50]),
    ("az", "yüzlərlə insan", [100]),
    ("az", "iki min üç yüz nəfər", [2300]),
    ("az", "on minlərlə qaçqın", [10000]),
    ("ka", "ოცდახუთი ადამიანი და სამი ჯარისკაცი", [25, 3]),
    ("ka", "ორმოცდაათი ადამიანი", [50]),
    ("ka", "სულ მცირე 12 ადამიანი", [12]),
    ("ka", "ათობით ადამიანი", [10]),
    ("ka", "ორასი ჯარისკაცი", [200]),
    ("fa", "بیست و پنج نفر و سه سرباز", [25, 3]),
    ("fa", "دست کم ۴۹ سرباز", [49]),
    ("fa", "ده‌ها نفر", [10]),
    ("fa", "دو هزار و سیصد نفر", [2300]),
    ("fa", "بین ۲۰ تا ۳۰ نفر", [20]),
    ("en", "two and a half thousand people", [2500]),
    ("en", "a million and a half refugees", [1500000]),
    ("ru", "полторы тысячи человек, два с половиной миллиона беженцев", [1500, 2500000]),
    ("uk", "двоє людей, троє солдатів і п’ятьох цивільних", [2, 3, 5]),
    ("uk", "сім'ї загиблих", []),
    ("uk", "півтори тисячі людей", [1500]),
    ("fr", "un million et demi de personnes", [1500000]),
    ("es", "dos millones y medio de personas", [2500000]),
    ("tr", "iki buçuk bin kişi", [2500]),
    ("ar", "ألفين و800 شخص", [2800]),
    ("ar", "مليون ونصف شخص", [1500000]),
]


@pytest.mark.parametrize(("language", "text", "expected"), OTHER_SCRIPTS)
def test_figures_of_more_languages(language, text, expected):
    assert [figure.at_least for figure in find_figures(text, 0, len(text), language)] == expected


@pytest.mark.parametrize(
    ("language", "four", "fifty_one"),
    [
        ("hy", "չորս", "հիսունմեկ"),
        ("az", "dörd", "əlli bir"),
        ("ka", "ოთხი", "ორმოცდათერთმეტი"),
        ("fa", "چهار", "پنجاه و یک"),
    ],
)
def test_number_forms_of_more_languages(language, four, fifty_one):
    assert fold_term(four) in number_forms("4", (language,), roman=False)
    assert fold_term(fifty_one) in number_forms("51", (language,), roman=False)
