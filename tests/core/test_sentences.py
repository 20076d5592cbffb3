"""Sentences, paragraphs and clauses."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.sentences import split_clauses, split_sentences


def _sentences(text, title_end=0):
    return [text[s.start : s.end] for s in split_sentences(text, title_end)]


# "|" stands where a sentence ends.
@pytest.mark.parametrize(
    "marked",
    [
        "Mr. Smith met Lt. Col. J. Doe in the U.S. on Sept. 14.| He left.| The U.S. President spoke.",
        "He lived in the U.S.| The army left at 5 p.m. Tuesday.| It rose 4.5 percent to No. 4.| Then Art. 4 was invoked.",
        '“We asked for help.”| Pashinyan said so.| "Will they?" he asked.| He said: "No."| The end…| But no.',
        "YEREVAN, Sept 14 (Reuters) - Armenia said so.| It asked.",
        "Three men sat.| Shells fell.| He told me.| Rockets said no.| Smith rose with the sun.| Jets flew.",
        "They met on Sat. Sept. 3 with Gen. Petrov.| No. 4 won.",
        "Two died.[1]| Another one fell.[12][13]| End.",
        "Three were killed.The army left.| Then quiet.".replace("killed.The", "killed.|The"),
        "The toll rose to\n81.| About 45 people died.",
        "George W. Bush spoke.| Plan B.| The end.",
        "14 сентября 2022 г.| Армения заявила.| В. Путин и А. С. Пушкин.| В г. Москва и т.д.| Конец.",
        "ABD Başkanı konuştu.| 2. Karabağ Savaşı bitti.| 44. gün geldi.| Dr. Ali gitti.",
        "قال الرئيس.| هل هذا صحيح؟| نعم.| د. محمد قال.",
        "Հայաստանը դիմեց:| Բաքուն հերքեց։| Վերջ։",
        "in lower case.| armenia invoked article 4.| end",
        "He won.| al-Shabaab claimed it.",
        "Smith Inc. said so.| Officials agreed.",
        "M. Macron a dit non.| L'art. 5 reste.",
        "El Sr. Pérez habló.| EE.UU. respondió.",
        "Fighting [...] Armenia said (…) Baku.",
        "He said it (in Baku.)| Then he left.",
        "What now?!| Nobody knows...| Yes!",
        "The vote was 3.5 to 2.| It passed.",
        "Gen. Sidorov of St. Petersburg met Sen. Menendez.| They spoke.",
        "He said « no. ».| Then Sens. Graham and Reps. Smith left ...| Good.",
        "It happened at 3 a.m.| Nobody was hurt.",
    ],
)
def test_splits_where_people_would(marked):
    expected = [part.strip() for part in marked.split("|")]
    assert _sentences(marked.replace("|", "")) == expected


def test_a_blank_line_a_bullet_or_a_list_number_starts_a_sentence_and_a_paragraph():
    text = "No stop here\n\nNext one\ngoes on\n- first\n• second\n1. Third\n2) Fourth\n \t\nFifth"
    found = split_sentences(text, 0)
    assert [(text[s.start : s.end], s.paragraph) for s in found] == [
        ("No stop here", 0),
        ("Next one\ngoes on", 1),
        ("- first", 2),
        ("• second", 3),
        ("1. Third", 4),
        ("2) Fourth", 5),
        ("Fifth", 6),
    ]


def test_a_title_is_one_sentence_and_the_first_paragraph():
    title, text = "War ends. Peace comes", "One. Two.\n\nThree."
    full = title + "\n\n" + text
    found = split_sentences(full, len(title))
    assert [(full[s.start : s.end], s.index, s.paragraph) for s in found] == [
        ("War ends. Peace comes", 0, 0),
        ("One.", 1, 1),
        ("Two.", 2, 1),
        ("Three.", 3, 2),
    ]


@pytest.mark.parametrize("text", ["", " \n\n ", "\n", "...", "."])
def test_odd_texts_split_without_trouble(text):
    assert _sentences(text) == ([text] if text.strip() else [])


def _visible(text):
    return "".join(c for c in text if c not in "\u200b\ufeff").strip()


@given(st.text(st.one_of(st.characters(), st.sampled_from('.!?…"”) \nAa1-•')), max_size=300))
def test_sentences_are_ordered_stripped_and_cover_every_character(text):
    found = split_sentences(text, 0)
    position = 0
    for index, sentence in enumerate(found):
        assert sentence.index == index
        assert not _visible(text[position : sentence.start])
        piece = text[sentence.start : sentence.end]
        assert piece
        assert piece == piece.strip()
        position = sentence.end
    assert not _visible(text[position:])


# "|" stands where a clause ends.
@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en", "Armenia has not, officials said, invoked Article 4"),
        ("en", "Armenia has not, the ministry said on Tuesday, invoked Article 4, |but Baku denied it"),
        ("en", "It will, unless stopped, invoke Article 4"),
        ("en", "If Azerbaijan attacks,| Armenia will invoke Article 4"),
        ("en", "Officials |who will meet on Tuesday said| Armenia had invoked Article 4"),
        ("en", "In 2020, the two nations fought a 44-day war, |which killed 6,000 people"),
        ("en", "The war between Armenia and Azerbaijan killed 6,000 people"),
        ("en", "Armenia has not invoked Article 4| and Azerbaijan killed 12 soldiers"),
        ("en", "Armenia and Azerbaijan fought and died"),
        ("en", "Pashinyan said| that Armenia had invoked it |after 12 soldiers were killed on Tuesday"),
        ("en", "Armenia has invoked it since 2020"),
        ("en", "Warsaw says| no risk of invasion"),
        ("en", "Armenia, |which has not invoked Article 4,| recalled its ambassador"),
        ("en", "Baku may strike;| Yerevan invoked Article 4:| two died"),
        ("en", "“We have asked for help, including military, in restoring order,”| Pashinyan said"),
        ("en", "He spoke of a “provocation” on the border"),
        ("en", "Troops moved in on that day"),
        ("en", "Armenia is said to have invoked Article 4"),
        ("en", "Armenia recalled its envoy, |threatening to cut ties"),
        ("ru", "Армения не применила статью 4, |но Баку заявил,| что 12 солдат погибли"),
        ("uk", "Вірменія не застосувала статтю 4, |але Баку заявив,| що 12 солдатів загинули"),
        ("fr", "L'Arménie n'a pas invoqué l'article 4, |mais Bakou nie"),
        ("es", "Armenia no invocó el artículo 4, |pero Bakú lo niega"),
        ("tr", "Ermenistan çağırmadı, |ancak Bakü reddetti"),
        ("ar", "لم تفعل أرمينيا المادة الرابعة |لكن باكو نفت ذلك"),
        ("hy", "Մեկ երկու; երեք".replace("; ", ";| ")),
    ],
)
def test_clauses(language, marked):
    text = marked.replace("|", "")
    clauses = [text[start:end] for start, end in split_clauses(text, 0, len(text), language)]
    assert [clause.strip() for clause in clauses] == [part.strip() for part in marked.split("|")]


@given(
    st.text(st.sampled_from('ab said that, ; : — - “”"«»...and but who not will killed,\n'), max_size=200),
    st.sampled_from(["en", "ru", "ar", "xx"]),
)
def test_clauses_cover_the_sentence_without_gaps(text, language):
    clauses = split_clauses(text, 0, len(text), language)
    assert clauses[0][0] == 0
    assert clauses[-1][1] == len(text)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(clauses))


@pytest.mark.parametrize(
    "text",
    [
        "." * 200_000,
        "\n" * 200_000,
        " " * 200_000 + "x",
        "a. " * 60_000,
        "x and y " * 25_000,
        '"' * 100_000,
        "“" * 100_000,
        "not, " * 40_000,
        "a" * 200_000,
        ", said " * 30_000,
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.timeout(30)  # linear takes two seconds at most, quadratic minutes
def test_hostile_text_is_split_in_linear_time(text):
    sentences = split_sentences(text, 0)
    for sentence in sentences:
        assert split_clauses(text, sentence.start, sentence.end, "en")
