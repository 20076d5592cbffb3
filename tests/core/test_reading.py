"""A reading: one string, its parts, and spans back into the article."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model import Field, Span
from watcher.text.reading import Reading
from watcher.text.sentences import split_sentences

WEDNESDAY = datetime(2022, 9, 14, tzinfo=UTC)
TITLE = "Armenia asks for help"
TEXT = "Yerevan asked. Baku denied it, but two died. Nobody knows. Later it rained.\n\nThe end."


def _reading(title=TITLE, text=TEXT):
    return Reading.of(title, text, "en", WEDNESDAY)


def _at(reading, words):
    start = reading.full.index(words)
    return start, start + len(words)


def test_title_and_text_are_one_string():
    reading = _reading()
    assert reading.full == TITLE + "\n\n" + TEXT
    assert (reading.title_end, reading.text_start) == (21, 23)
    assert (reading.language, reading.reference_at, reading.cache) == ("en", WEDNESDAY, {})


@pytest.mark.parametrize("title", ["", "  "])
def test_without_a_title_the_text_stands_alone(title):
    reading = _reading(title=title)
    assert (reading.full, reading.title_end, reading.text_start) == (TEXT, 0, 0)
    assert reading.sentences[0].end == len("Yerevan asked.")
    assert not reading.is_caps_title
    assert reading.repeated_title is None


def test_spans_point_into_the_field():
    reading = _reading()
    assert reading.span(*_at(reading, "Armenia")) == Span(Field.TITLE, 0, 7)
    start, end = _at(reading, "Baku")
    span = reading.span(start, end)
    assert span.field is Field.TEXT
    assert TEXT[span.start : span.end] == "Baku"
    assert reading.span(17, 30) == Span(Field.TITLE, 17, 21)


def test_sentences_and_clauses_by_offset():
    reading = _reading()
    start, _ = _at(reading, "two died")
    sentence = reading.sentence_at(start)
    assert reading.full[sentence.start : sentence.end] == "Baku denied it, but two died."
    low, high = reading.clause_at(start)
    assert reading.full[low:high] == "but two died."
    assert reading.sentence_at(0).index == 0
    assert reading.sentence_at(len(reading.full)).index == len(reading.sentences) - 1
    assert reading.clause_at(len(reading.full))[1] == len(reading.full)
    assert reading.sentence_at(reading.text_start - 1).index == 0  # white space belongs to what it follows


def test_an_empty_article_has_one_empty_place():
    reading = _reading("", "")
    assert reading.sentences == ()
    assert reading.sentence_at(0).end == 0
    assert reading.clause_at(0) == (0, 0)
    assert reading.lead_end == 0
    assert not reading.is_caps(0, 0)


def test_the_lead_is_the_title_and_three_sentences():
    reading = _reading()
    assert reading.full[: reading.lead_end].endswith("Nobody knows.")
    short = _reading(text="Only one.")
    assert short.lead_end == len(short.full)
    assert _reading(text="").lead_end == len(TITLE) + 2


def test_capitals():
    reading = _reading(title="CHAD SAYS TROOPS KILLED 1,200", text="It did. NOTHING MORE WAS SAID. NATO met.")
    assert reading.is_caps_title
    assert reading.is_caps(*_at(reading, "CHAD"))
    assert reading.is_caps(*_at(reading, "MORE"))
    assert not reading.is_caps(*_at(reading, "NATO"))
    assert not _reading().is_caps_title


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        (f"{TITLE}\n\nYerevan asked.", TITLE),
        ("By our own staff\nARMENIA  asks for\u00a0help.\nYerevan asked.", "ARMENIA  asks for\u00a0help"),
        (f"{TITLE} from its allies.", None),
        ("Yerevan asked.", None),
    ],
)
def test_the_repeated_title(text, repeated):
    reading = _reading(text=text)
    found = reading.repeated_title
    assert (reading.full[slice(*found)] if found else None) == repeated


def test_folding_is_made_once():
    reading = _reading()
    assert reading.folded is reading.folded
    assert reading.folded.text.startswith("armenia asks for help yerevan")


def test_readings_are_not_hashable():
    with pytest.raises(TypeError):
        hash(_reading())


_OFFSETS = st.lists(st.integers(0, 200), max_size=6)


@given(
    st.lists(st.sampled_from(["Two died. ", "\n\n", "U.S. ", "No one ", "left.The", " end", "? ", ": "]), max_size=30),
    _OFFSETS,
)
def test_sentences_asked_for_out_of_order_are_those_of_the_whole(parts, offsets):
    text = "".join(parts)
    whole, asked = _reading(text=text), _reading(text=text)
    last = len(whole.sentences) - 1
    for offset in offsets:
        assert asked.sentence_at(offset) == whole.sentence_at(offset)
        assert asked.sentence(offset) == (whole.sentences[offset] if offset <= last else None)
    assert asked.sentence(-1) is None
    assert asked.sentences == whole.sentences == split_sentences(whole.full, whole.title_end)
