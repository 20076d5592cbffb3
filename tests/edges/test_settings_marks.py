"""Every key that the standard parser reads has a place, and that place holds the key."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.settings.marks import KeyPath, find_keys

TRICKY = '''\
# a comment with "quotes" and [brackets]
top = 1 # after = value
"quoted key" . 'with space'.plain = "a # b = [c]"
when = 1979-05-27 07:32:00
text = """
not_a_key = 1
""\\"""" # an escaped quote, then the end
raw = \'\'\'x = '1' \'\'\'\'
list = [ 1, [2, "]"], # , ]
  {deep = {er = 1}, b = []},
]

[a.b]
c = {}
[[many]]
id = "one"
[many.sub]
x = 1
[[many.inner]]
y = 2
[[many.inner]]
y = 3
[[many]]\r
id = "two"\r
[ many . sub ]
x = 2'''


def paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    found = {path} if path else set()
    if isinstance(value, dict):
        return found.union(*(paths(item, (*path, key)) for key, item in value.items()))
    if isinstance(value, list):
        return found.union(*(paths(item, (*path, index)) for index, item in enumerate(value)))
    return found


def test_every_key_of_a_tricky_document_has_its_place() -> None:
    marks = find_keys(TRICKY)
    assert set(marks) == paths(tomllib.loads(TRICKY))
    lines = TRICKY.split("\n")
    for path, (line, column) in marks.items():
        if isinstance(path[-1], str):
            assert lines[line - 1][column - 1 :].lstrip("\"'").startswith(path[-1]), path


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("top",), (2, 1)),
        (("quoted key", "with space", "plain"), (3, 29)),
        (("list", 1, 1), (9, 17)),
        (("list", 2, "deep", "er"), (10, 12)),
        (("many", 0), (15, 3)),
        (("many", 0, "inner", 1, "y"), (22, 1)),
        (("many", 1, "sub", "x"), (26, 1)),
    ],
)
def test_places(path: KeyPath, place: tuple[int, int]) -> None:
    assert find_keys(TRICKY)[path] == place


SCALARS = st.sampled_from(
    ["1", "-1.5e3", "true", '"a # ] } , ="', "'\\'", "1979-05-27 07:32:00", '"""\n"" ] """', "''''a'''"]
)
KEYS = st.sampled_from(["a", "b-1", '"x y"', "'.'", '"\\u00e9\\""'])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ " + ",\n # no\n".join(items) + "]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {item}" for key, item in table.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_nesting(table: dict[str, str]) -> None:
    text = "".join(f"{key} = {value} # end\n" for key, value in table.items())
    assert set(find_keys(text)) == paths(tomllib.loads(text))
