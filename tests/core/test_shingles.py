"""Hashed windows: stable, blind to layout, and fit for finding copies."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.shingles import containment, sample, shingles

STORY = (
    "Yerevan asked the alliance for military help on Wednesday after two days of clashes on the border. "
    "The prime minister told parliament that part of the country's territory was under foreign control. "
) * 3


def test_values_never_change():
    # Stored in the database: a change here makes every stored shingle worthless.
    assert shingles("Armenia asks its allies for help") == {
        -1642552788296642626,
        -560938394363304532,
        1501038968887976776,
    }


def test_hashes_are_the_same_in_another_process():
    script = "from watcher.text.shingles import shingles; print(sorted(shingles('one two three four five six')))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(sorted(shingles("one two three four five six")))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Armenia’s army moved in today", "ARMENIA'S  army, moved\nin — today!"),
        ("Café owners fled the town", "Cafe owners fled the town"),
    ],
)
def test_layout_case_accents_and_punctuation_do_not_matter(a, b):
    assert shingles(a) == shingles(b)


@pytest.mark.parametrize(("text", "count"), [("", 0), (" … ", 0), ("one", 1), ("one two three", 1), ("a b c d e", 2)])
def test_short_texts_are_one_window(text, count):
    assert len(shingles(text)) == count


def test_order_and_place_matter():
    assert shingles("a b c d") != shingles("d c b a")
    assert shingles("ab cd ef gh") != shingles("ba cd ef gh")
    assert shingles("one two") != shingles("two one")


def test_a_copy_cut_short_is_contained():
    assert containment(shingles(STORY), shingles(STORY[: len(STORY) // 2])) > 0.95
    assert containment(shingles(STORY), shingles("Something else entirely happened in another place")) == 0
    assert containment(shingles(STORY), frozenset()) == 0


@given(st.text(max_size=200))
def test_hashes_fit_a_signed_column(text):
    assert all(-(2**63) <= value < 2**63 for value in shingles(text))


@given(st.lists(st.integers(0, 9999), min_size=5, max_size=60))
def test_windows_hash_alike_wherever_they_stand(numbers):
    words = [f"w{number}" for number in numbers]
    assert shingles(" ".join(words[1:])) <= shingles(" ".join(words))


def test_the_sample_thins_out_behind_the_beginning():
    words = [f"word{i}" for i in range(20_000)]
    kept = sample(" ".join(words))
    assert list(kept) == sorted(kept)
    assert 0.9 < len(kept) * 16 / len(words) < 1.1
    assert shingles(" ".join(words[:19])) <= set(kept)
    assert len(sample(" ".join(words[:67]))) < 40


@pytest.mark.parametrize("length", [1, 3, 8, 20, 60, 200, 1000])
def test_a_text_cut_at_any_length_shares_samples_with_the_whole(length):
    words = [f"word{i}" for i in range(2_000)]
    assert set(sample(" ".join(words[: max(length, 4)]))) & set(sample(" ".join(words)))


def test_nothing_has_no_sample():
    assert sample(" … ") == ()
