"""What an edit means: says it anything else, and what became of the words that were quoted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, article, excerpt, match, signal
from watcher.model import Article, Excerpt, Field, Signal, Span, Toll
from watcher.revision import (
    REREAD_FIRST,
    REREAD_FOR,
    Fate,
    Verdict,
    hash_words,
    is_another_page,
    is_cut,
    judge_quotes,
    may_be_revised,
    reread_at,
    says_something_else,
    telling_words,
)

LINE = "Twelve soldiers were killed in the shelling, the ministry said."


@pytest.mark.parametrize(
    ("language", "old", "new", "is_telling"),
    [
        ("en", LINE, LINE.upper(), False),
        ("en", LINE, LINE.replace(",", " –").replace(" the ", "  the\n"), False),
        ("en", f"3 minutes ago. {LINE}", f"2 hours ago. {LINE}", False),
        ("en", f"just now. {LINE}", f"5 mins ago. {LINE}", False),
        ("en", f"3m ago. {LINE}", f"one hour ago. {LINE}", False),
        ("de", f"vor 3 Minuten. {LINE}", f"vor einer Stunde. {LINE}", False),
        ("tr", f"3 dakika önce. {LINE}", f"2 sa. önce. {LINE}", False),
        ("it", f"3 minuti fa. {LINE}", f"un'ora fa. {LINE}", True),  # a form that is not known is a word like others
        ("az", f"3 dəqiqə əvvəl. {LINE}", f"1 saat əvvəl. {LINE}", False),
        ("hy", f"3 րոպե առաջ. {LINE}", f"2 ժամ առաջ. {LINE}", False),
        ("fa", f"۳ دقیقه پیش. {LINE}", f"۲ ساعت پیش. {LINE}", False),
        ("en", f"3 soldiers ago. {LINE}", f"2 soldiers ago. {LINE}", True),
        ("en", f"Wednesday, 14:05. {LINE}", f"Thursday, 9.30. {LINE}", False),
        ("fr", f"Il y a 3 minutes. {LINE}", f"Il y a 2 heures. {LINE}", False),
        ("ru", f"3 минуты назад. {LINE}", f"5 часов назад. {LINE}", False),
        ("ar", f"منذ 3 دقائق {LINE}", f"منذ 5 ساعات {LINE}", False),
        ("en", LINE, LINE.replace("Twelve", "Forty"), True),
        ("en", "12 soldiers were killed.", "15 soldiers were killed.", True),
        ("en", LINE, LINE.replace("were", "were not"), True),
        ("en", LINE, f"{LINE} Armenia invoked Article 4.", True),
        ("en", LINE, "", True),
    ],
)
def test_times_and_marks_say_nothing(language: str, old: str, new: str, is_telling: bool) -> None:
    before, after = (article(title="", text=text, language=language) for text in (old, new))
    assert says_something_else(before, after) is is_telling
    same = telling_words(old, language, NOW) == telling_words(new, language, NOW)
    assert same is not is_telling
    assert (hash_words(telling_words(old, language, NOW)) == hash_words(telling_words(new, language, NOW))) is same


def test_a_headline_counts_as_much_as_the_text() -> None:
    assert says_something_else(article(title="Shelling"), article(title="Shelling: 12 dead"))


@given(st.text(max_size=300))
def test_nothing_is_said_twice_over(text: str) -> None:
    assert not says_something_else(article(text=text), article(text=text))
    assert telling_words(text, "en", NOW) == telling_words(text, "en", NOW)
    assert -(2**63) <= hash_words(telling_words(text, "en", NOW)) < 2**63


LONG = " ".join(f"Sentence number {n} of a long report on the border." for n in range(40))


@pytest.mark.parametrize(
    ("new", "cut", "another"),
    [
        (LONG, False, False),
        (LONG[:400], True, False),
        (f"{LONG[:400]} … read more", True, False),
        (LONG[1000:1400], False, False),  # the beginning is gone: an edit
        (LONG[:1700], False, False),  # nearly all of it: the end is gone, an edit
        ("Log in to read on. Subscribers see more of this and every other report.", False, True),
        ("Something else entirely, " * 100, False, False),  # as long as before: rewritten
        ("", True, True),
    ],
)
def test_a_wall_in_front_of_a_page_is_no_edit(new: str, cut: bool, another: bool) -> None:
    assert is_cut(LONG, new) is cut
    assert is_another_page(LONG, new) is another


TREATY = "Yerevan invoked Article four of the Collective Security Treaty on Wednesday."
DEAD = "The ministry said that 12 soldiers were killed in the shelling."
REST = "Schools stay closed until the end of the week."


def read(*sentences: str, title: str = "Fighting on the border") -> Article:
    return article(title=title, text=" ".join(sentences))


def found(one: Article, toll: int | None = None, words: str = "killed", clue: str = "deaths") -> list[Signal]:
    """What a rule finds that looks for these words in the text."""
    if words not in one.text:
        return []
    matches = (match(words, one.text, clue=clue, toll=None if toll is None else Toll(toll)),)
    return [signal(rule_id="r", matches=matches)]


def quoted(sentence: str) -> list[Excerpt]:
    return [excerpt(sentence)]


@pytest.mark.parametrize(
    ("after", "toll", "expected"),
    [
        (read(DEAD, REST), 12, Verdict(Fate.HELD)),
        (read(REST, DEAD.upper()), 12, Verdict(Fate.HELD)),
        (read("By Wednesday 12 had been killed.", REST), 12, Verdict(Fate.HELD)),  # the same in other words
        (read(DEAD.replace("12", "9"), REST), 9, Verdict(Fate.CHANGED, DEAD.replace("12", "9"))),
        (read(DEAD.replace("12", "20"), REST), 20, Verdict(Fate.CHANGED, DEAD.replace("12", "20"))),
        (read(DEAD.replace("killed", "hurt"), REST), None, Verdict(Fate.CHANGED, DEAD.replace("killed", "hurt"))),
        (read(REST), None, Verdict(Fate.GONE)),
        (read(REST, title=DEAD), None, Verdict(Fate.GONE)),  # a headline is another place
    ],
)
def test_the_fate_of_a_quote(after: Article, toll: int | None, expected: Verdict) -> None:
    before = read(DEAD, REST)
    assert judge_quotes(quoted(DEAD), before, found(before, 12), after, found(after, toll)) == expected


def test_what_the_old_version_did_not_hold_was_judged_before() -> None:
    assert judge_quotes(quoted(DEAD), read(REST), [], read(TREATY), []) == Verdict(Fate.HELD)
    assert judge_quotes([], read(DEAD), [], read(REST), []) == Verdict(Fate.HELD)


def test_a_changed_sentence_says_more_than_one_that_is_gone() -> None:
    before, after = read(TREATY, DEAD), read(DEAD.replace("killed", "hurt"))
    quotes = [*quoted(TREATY), *quoted(DEAD)]
    verdict = judge_quotes(quotes, before, found(before, 12), after, [])
    assert verdict == Verdict(Fate.CHANGED, DEAD.replace("killed", "hurt"))
    assert str(verdict) == (
        "The source has changed the sentence that we quoted: it now says "
        "“The ministry said that 12 soldiers were hurt in the shelling.”"
    )


def test_a_quoted_headline_is_looked_for_in_the_headline() -> None:
    before, after = read(REST, title="12 killed on the border"), read(REST, title="12 hurt on the border")
    matches = (match("killed", before.title, clue="deaths", span=Span(Field.TITLE, 3, 9)),)
    quotes = [excerpt(before.title, field=Field.TITLE)]
    verdict = judge_quotes(quotes, before, [signal(matches=matches)], after, [])
    assert verdict == Verdict(Fate.CHANGED, after.title)


def test_other_clues_of_the_rule_prove_nothing() -> None:
    before, after = read(TREATY, DEAD), read(DEAD, REST)
    both = [
        signal(
            rule_id="r",
            matches=(
                match("invoked", before.text, clue="invocation"),
                match("killed", before.text, clue="deaths", toll=Toll(12)),
            ),
        )
    ]
    assert judge_quotes(quoted(TREATY), before, both, after, found(after, 12)).fate is Fate.GONE


@cache
def times_read() -> Sequence[timedelta]:
    """How long after it was first seen an item is read that is edited every minute."""
    at = NOW
    found = []
    while may_be_revised(None, NOW, at := reread_at(NOW, at)):
        found.append(at - NOW)
    return found


def test_what_is_edited_all_the_time_is_read_ever_less() -> None:
    assert times_read()[:3] == [REREAD_FIRST, 2 * REREAD_FIRST, 3 * REREAD_FIRST]
    assert len(times_read()) <= 18
    assert times_read()[-1] <= REREAD_FOR


@pytest.mark.parametrize(
    ("published", "first_seen", "may"),
    [
        (None, timedelta(days=2), True),
        (None, timedelta(days=4), False),
        (timedelta(days=4), timedelta(days=1), False),  # known for long when we saw it
        (timedelta(days=1), timedelta(days=1), True),
    ],
)
def test_history_is_not_revised(published: timedelta | None, first_seen: timedelta, may: bool) -> None:
    assert may_be_revised(published and NOW - published, NOW - first_seen, NOW) is may
