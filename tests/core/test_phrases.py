"""How phrases are read: what the parts are, and where a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.rules.phrases import (
    Choice,
    Ending,
    Gap,
    ListRef,
    Number,
    Part,
    PhraseError,
    Word,
    parse_phrase,
)


def inflected(text: str) -> Word:
    return Word(text, Ending.INFLECTED)


def stem(text: str) -> Word:
    return Word(text, Ending.ANY)


def either(*words: Word) -> Choice:
    return Choice(tuple((word,) for word in words))


ARTICLE = Word("Article", also=("Art.", "Art"))

PHRASES: list[tuple[str, tuple[Part, ...]]] = [
    ("invoke Article 4", (Word("invoke"), ARTICLE, Number("4", is_citation=True))),
    ("Art. 4", (Word("Art.", also=("Article", "Art")), Number("4", is_citation=True))),
    ("chapter 7", (Word("chapter"), Number("7", is_citation=True))),
    ("Article (4|5)", (ARTICLE, Choice(((Number("4", True),), (Number("5", True),))))),
    (
        "(Article|Protocol) 4",
        (Choice(((ARTICLE,), (Word("Protocol"),))), Number("4", is_citation=True)),
    ),
    ("Article ..2 4", (Word("Article"), Gap(2), Number("4"))),
    ("4 articles", (Number("4"), Word("articles"))),
    ("4,000 troops", (Word("4,000"), Word("troops"))),
    ("CSTO", (Word("CSTO"),)),
    ("invoke~", (inflected("invoke"),)),
    ("village*", (stem("village"),)),
    ("(aid|help)", (either(Word("aid"), Word("help")),)),
    ("(aid|help out) now", (Choice(((Word("aid"),), (Word("help"), Word("out")))), Word("now"))),
    ("mobili(s|z)ation", (either(Word("mobilisation"), Word("mobilization")),)),
    ("mobili(s|z)e~", (either(inflected("mobilise"), inflected("mobilize")),)),
    ("(aid|help)~", (either(inflected("aid"), inflected("help")),)),
    ("defen(c|s)e minist(er|ry)", (either(Word("defence"), Word("defense")), either(Word("minister"), Word("ministry")))),
    (
        "expel~ ..6 (ambassador*|diplomat~|$envoys)",
        (
            inflected("expel"),
            Gap(6),
            Choice(((stem("ambassador"),), (inflected("diplomat"),), (ListRef("envoys"),))),
        ),
    ),
    ("(cut ..2 ties|(sever|break)~ ties)", (
        Choice(
            (
                (Word("cut"), Gap(2), Word("ties")),
                (either(inflected("sever"), inflected("break")), Word("ties")),
            )
        ),
    )),
    ("cease-fire", (Word("cease"), Word("fire"))),
    ("cease\u2013fire", (Word("cease"), Word("fire"))),
    ("coup d'état", (Word("coup"), Word("d'état"))),
    ("U.S. army", (Word("U.S."), Word("army"))),
    ("the treaty.", (Word("the"), Word("treaty"))),
    ("Article 4.", (ARTICLE, Number("4", is_citation=True))),
    ("Kyiv, Ukraine", (Word("Kyiv"), Word("Ukraine"))),
    ("вторжени*  войск", (stem("вторжени"), Word("войск"))),
    ("الحرب", (Word("الحرب"),)),
    ("mobili\u00adsation", (Word("mobilisation"),)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), PHRASES, ids=[text for text, _ in PHRASES])
def test_parts(text: str, parts: tuple[Part, ...]) -> None:
    assert parse_phrase(text).parts == parts


WRONG: list[tuple[str, int, int, str]] = [
    ("", 0, 0, "expected words, found nothing"),
    (" - ", 0, 3, "expected words, found nothing"),
    ("(aid|help", 0, 1, "this ( is never closed: expected a ) after the alternatives"),
    ("(aid|", 0, 1, "this ( is never closed: expected a ) after the alternatives"),
    ("aid|help", 3, 1, "expected ( ) around alternatives, like (aid|help)"),
    ("aid) now", 3, 1, "this ) closes nothing: expected a ( before it"),
    ("()", 1, 1, "expected words between ( and ), and on both sides of |"),
    ("(a| )", 3, 1, "expected words between ( and ), and on both sides of |"),
    ("(two words|one)s", 0, 15, "only plain letters can be glued to a word, like mobili(s|z)ation: put a space beside the parentheses"),
    ("vi*", 0, 3, "expected at least 3 letters before *"),
    ("* fire", 0, 1, "expected letters before *, like village*"),
    ("~", 0, 1, "expected a word before ~, like invoke~"),
    ("vil*ge", 3, 1, "* is only possible at the end of a word"),
    ("open~ed", 4, 1, "~ is only possible at the end of a word"),
    ("open~*", 5, 1, "expected one of ~ and *, not both"),
    ("CSTO~", 0, 5, "CSTO is all capitals and found exactly as written: leave out the ~"),
    ("4~", 0, 2, "~ and * go with words, not with numbers"),
    ("a ..x b", 2, 2, "expected a number of words after .. , like ..4"),
    ("a ..4b", 2, 4, "expected a space after the gap, like ..4 Article"),
    ("a..4 b", 1, 2, "expected a space before the gap, like invoke~ ..4 Article"),
    ("a ..0 b", 2, 3, "expected a gap of 1 to 50 words, found 0"),
    ("a ..51 b", 2, 4, "expected a gap of 1 to 50 words, found 51"),
    ("..4 b", 0, 3, "a gap needs a word before it"),
    ("b ..4", 2, 3, "a gap needs a word after it"),
    ("(b ..4|c)", 3, 3, "a gap needs a word after it"),
    ("a ..4 ..4 b", 6, 3, "two gaps in a row: write one gap with the larger number"),
    ("a.*b", 1, 2, "a phrase is no regular expression: for words in between write a gap, like ..4"),
    ("$ x", 0, 1, "expected the name of a list after $, like $treaties"),
    ("$a.b", 2, 1, "expected a space after $a: the name of a list has only letters, digits and _"),
    ("a$b", 1, 1, "expected a space before $"),
    ("[aid]", 0, 1, "expected ( ) around alternatives, like (aid|help)"),
    ("Article #4", 8, 1, "leave out the #: write the number alone, like Article 4"),
    ("say: no", 3, 1, "leave out the colon: only words and numbers are looked for"),
    ("a\u2028\x07", 2, 1, "leave out the invisible character U+0007"),
    ("no!", 2, 1, "leave out the ! : only words and numbers are looked for, punctuation is not"),
    ("& so", 0, 1, "expected a word, found only &"),
    ("((((( a )))))", 4, 1, "expected at most 4 parentheses inside each other"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "offset", "length", "message"), WRONG, ids=[row[0] for row in WRONG])
def test_mistakes_are_placed(text: str, offset: int, length: int, message: str) -> None:
    with pytest.raises(PhraseError) as caught:
        parse_phrase(text)
    assert (caught.value.offset, caught.value.length, caught.value.message) == (offset, length, message)


def test_a_word_with_very_many_spellings_is_refused() -> None:
    with pytest.raises(PhraseError, match="more than 64 spellings"):
        parse_phrase("a" + "(b|c)" * 7)
    with pytest.raises(PhraseError, match="at most 1000 characters"):
        parse_phrase("word " * 300)


def test_parts_know_their_place() -> None:
    text = "(invoke~|open) ..4 Article 4 $treaties"
    for part in parse_phrase(text).walk():
        written = text[part.offset : part.offset + part.length]
        match part:
            case Word():
                assert written.rstrip("~*") == part.text
            case Number():
                assert written == part.digits
            case Gap():
                assert written == f"..{part.at_most}"
            case ListRef():
                assert written == f"${part.name}"
            case Choice():
                assert written == "(invoke~|open)"


@pytest.mark.parametrize(
    ("text", "is_capitals"),
    [("CSTO", True), ("US", True), ("U.S.", True), ("G7", False), ("I", False), ("Nato", False), ("ОДКБ", True), ("حلف", False)],
)  # fmt: skip
def test_capitals(text: str, is_capitals: bool) -> None:
    assert Word(text).is_capitals is is_capitals


def test_lists_named() -> None:
    assert parse_phrase("$a (b|$c ..2 $a) d").list_names == ("a", "c")


@given(st.text(alphabet="ab4 .()|~*$-,'é#\n", max_size=30))
def test_any_text_is_parsed_or_refused_at_a_place_in_it(text: str) -> None:
    try:
        phrase = parse_phrase(text)
    except PhraseError as error:
        assert 0 <= error.offset <= len(text)
        assert error.offset + error.length <= len(text) + 1
    else:
        assert phrase.parts
        assert not isinstance(phrase.parts[0], Gap)
        assert not isinstance(phrase.parts[-1], Gap)
