"""Folding: what becomes what, exact offsets for any Unicode, whole words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.fold import fold, fold_term, is_word_end, is_word_start

# Text rich in what folding drops, joins or changes in length under str.lower().
AWKWARD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("İıßẞŁøđёйї-–—−\u00a0\u2009\u200b\u00ad\u0301\u0308\u0640\u064eأإآىةՒ՞’“”«» \n\t'ﷺﬁ"),
    )
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ermenistan’ın İŞGALİ", "ermenistan'in isgali"),
        ("ILGIN ılık", "ilgin ilik"),
        ("ёлка Ёлка", "елка елка"),
        ("й и\u0306", "и и"),
        ("Łódź Øresund Đorđe", "lodz oresund dorde"),
        ("Straße STRAẞE", "straße straße"),
        ("عَرَبِيّ", "عربي"),
        ("أرمينيا إيران آسيا ٱلقوات", "ارمينيا ايران اسيا القوات"),
        ("الـــقوات", "القوات"),
        ("قتلى ٤٢ مادة", "قتلي 42 ماده"),
        ("ﺃﺭﻣﻴﻨﻴﺎ", "ارمينيا"),
        ("«Так», “yes” ‘no’ it’s", '"так", "yes" \'no\' it\'s'),
        ("Nagorno-Karabakh – a\u2011b — c − d", "nagorno karabakh a b c d"),
        ("one \n\n two\u00a0three\tfour", "one two three four"),
        ("co\u00adoperate ze\u200bro", "cooperate zero"),
        ("cafe\u0301", "cafe"),
        ("ΆΡΘΡΟ ΣΑΣ σας", "αρθρο σασ σασ"),
        ("ԵՐԵՎԱՆ ինչո՞ւ", "երեվան ինչու"),
        ("ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ", "საქართველო"),
        ("ＮＡＴＯ", "nato"),
        ("12² ½", "12² ½"),
        ("हिन्दी ไทย 한국", "हिन्दी ไทย 한국"),
        ("Перемир’я, п'ять об\u02bcєктів", "перемиря, пять обєктів"),
        ("пам\u0301'ять 'сім' сім'", "память 'сім' сім'"),
        ("l’état d'Україна м'Abc '", "l'etat d'украіна м'abc '"),
        ("", ""),
    ],
)
def test_folds(text, folded):
    assert fold(text).text == folded


def test_a_term_folds_like_the_text_without_outer_spaces():
    assert fold_term(" Nagorno-Karabakh – ") == "nagorno karabakh"


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("the cafe\u0301 there", "cafe", "cafe\u0301"),
        ("Nagorno – Karabakh war", "nagorno karabakh", "Nagorno – Karabakh"),
        ("x \ufeffIRAN\u200b y", "iran", "IRAN\u200b"),
        ("plain text", "text", "text"),
        ("in ARTICLE\u00a0 4", "article 4", "ARTICLE\u00a0 4"),
        ("İran İRAN", "iran iran", "İran İRAN"),
        ("عَرَبِيّ", "عربي", "عَرَبِيّ"),
        ("нове перемир’я тут", "перемиря", "перемир’я"),
        ("м'яч і пам'ять", "память", "пам'ять"),
    ],
)
def test_a_folded_span_points_at_the_original(text, term, found):
    folded = fold(text)
    start = folded.text.index(term)
    begin, end = folded.original(start, start + len(term))
    assert text[begin:end] == found
    assert folded.folded(begin, end) == (start, start + len(term))


@given(AWKWARD)
def test_folding_twice_changes_nothing(text):
    once = fold(text).text
    assert fold(once).text == once


@given(AWKWARD)
def test_no_two_spaces_meet(text):
    folded = fold(text).text
    assert "  " not in folded
    assert not any(c.isspace() and c != " " for c in folded)


@given(AWKWARD, st.data())
def test_spans_convert_there_and_back(text, data):
    folded = fold(text)
    end = data.draw(st.integers(0, len(folded.text)))
    start = data.draw(st.integers(0, end))
    begin, stop = folded.original(start, end)
    assert 0 <= begin <= stop <= len(text)
    assert folded.folded(begin, stop) == (start, end)
    # What the span covers folds to the span's own text, up to the white space at its edges.
    assert fold(text[begin:stop]).text.strip() == folded.text[start:end].strip()


@given(AWKWARD)
def test_each_character_folds_by_itself(text):
    # Independence of context is what makes a term match wherever it stands.
    assert fold("".join(fold(c).text for c in text)).text == fold(text).text


def _is_whole(text, word):
    start = text.index(word)
    return is_word_start(text, start) and is_word_end(text, start + len(word))


@pytest.mark.parametrize(
    ("text", "word", "is_whole"),
    [
        ("armenia fights", "armenia", True),
        ("armenia's army", "armenia", True),
        ("(armenia)", "armenia", True),
        ("armenia's army", "s", False),
        ("the states' rights", "states", True),
        ("'armenia' said", "armenia", True),
        ("l'etat", "etat", True),
        ("d'ivoire", "ivoire", True),
        ("qu'erevan", "erevan", True),
        ("lorsqu'erevan", "erevan", True),
        ("aujourd'hui", "hui", False),
        ("aujourd'hui", "aujourd'hui", True),
        ("don't go", "don", False),
        ("don't go", "don't", True),
        ("can't", "t", False),
        ("o'neill", "neill", False),
        ("ermenistan'in ordusu", "ermenistan", True),
        ("iran'a", "iran", True),
        ("iran'a", "a", False),
        ("ukrainian", "ukrain", False),
        ("military transports", "sports", False),
        ("article 4", "4", True),
        ("article 4, said", "4", True),
        ("article 4.", "4", True),
        ("4,000 men", "4", False),
        ("4,000 men", "000", False),
        ("4.5 percent", "4", False),
        ("4.5 percent", "5", False),
        ("14 men", "4", False),
        (".5 percent", "5", False),
        ("article 4(1)", "4", True),
        ("u.s. army", "u.s.", True),
        ("snake_case", "case", False),
        ("covid 19", "19", True),
        ("об'єднання", "єднання", False),
    ],
)
def test_whole_words(text, word, is_whole):
    assert _is_whole(text, word) is is_whole


def test_the_edges_of_the_text_are_word_edges():
    assert is_word_start("iran", 0)
    assert is_word_end("iran", 4)
    assert is_word_start("", 0)
