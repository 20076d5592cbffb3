"""Regular expressions: linear in hostile text, wrong ones located, and letters that every match must hold."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.rules.regex import MAX_CHARS, RegexError, compile_regex
from watcher.text.fold import fold


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        ("Article (4|5)", ("article",)),
        ("(?i)troops? mov(ed|ing)", ("troop",)),
        ("shelled|bombed", ("shelled", "bombed")),
        ("shelled|T-72", ()),
        ("[Tt]roops", ("roops",)),
        ("(troops)", ()),
        ("shells?", ("shell",)),
        ("shel*ed", ("she",)),
        ("shell+ed", ("shell",)),
        ("shell{2}ed", ("shell",)),
        ("shell{0,2}ed", ("shel",)),
        (r"shell\bed", ("shell",)),
        (r"\Qshelled\E", ()),
        ("(?s)tanks.{0,99}?mill", ("tanks",)),
        ("a(b|c(d|efgh)ijkl)m", ()),
        ("войск(а|о)", ("воиск",)),
        ("[abc|]defg|hijk[)]", ("defg", "hijk")),
        ("(?:x)shelled", ("shelled",)),
        (r"\p{Greek}+shelled\x{41}", ("shelled",)),
    ],
)
def test_letters_that_every_match_holds(text: str, literals: tuple[str, ...]) -> None:
    assert compile_regex(text).literals == literals


PATTERNS = [
    "Article (4|5)", "(?i)troops? mov(ed|ing)", "shelled|bombed", "[Tt]roops", "shells?", "shel*ed", "shell+ed", "shell{0,2}ed",
    "войск(а|о)", "Ärger+lich", "(?i)skiff", "état-major", "İzmir(li)?", "straße|Strasse",
]  # fmt: skip


@given(st.data())
def test_no_match_is_without_them(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(PATTERNS))
    found = data.draw(st.from_regex(pattern))
    regex = compile_regex(pattern)
    for start, end in regex.spans(found):
        assert any(literal in fold(found[start:end]).text for literal in regex.literals)
        assert re.search(pattern, found[start:end])


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("shell(ed|ing", "this ( is never closed", 5),
        ("she(ll)ed)", "this ) closes nothing", 9),
        ("(?=shell)", "(?=: this is not possible here (no look-ahead, no look-behind)", 0),
        ("x*", "this also matches where nothing stands: ask for at least one character", 0),
        ("a" * (MAX_CHARS + 1), f"expected at most {MAX_CHARS} characters, found {MAX_CHARS + 1}", MAX_CHARS),
        (r"(\pL{30}){30}x(\pL{30}){30}", "this stands for too much: repeat less", 0),
    ],
)
def test_what_is_wrong_and_where(text: str, message: str, offset: int) -> None:
    with pytest.raises(RegexError) as caught:
        compile_regex(text)
    assert (caught.value.message, caught.value.offset) == (message, offset)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.-:<>P=!1,20 éß", max_size=30))
def test_any_text_compiles_or_is_refused_with_a_place_in_it(text: str) -> None:
    try:
        regex = compile_regex(text)
    except RegexError as error:
        assert 0 <= error.offset <= len(text)
    else:
        assert all(start < end for start, end in regex.spans(f"ab {text} é1.20"))


def test_hostile_text_takes_linear_time() -> None:
    regex = compile_regex("(a+)+b|(a|aa)+c")
    started = time.perf_counter()
    assert list(regex.spans("a" * 200_000)) == []
    assert time.perf_counter() - started < 2  # a backtracking engine would not end


def test_offsets_count_code_points() -> None:
    assert list(compile_regex("x+").spans("é😀xx日x")) == [(2, 4), (5, 6)]
    assert list(compile_regex("x").spans("x\ud800")) == []
