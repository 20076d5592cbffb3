"""Every language says everything, with the same values in it and every plural that it has."""

from __future__ import annotations

import pytest

from watcher.wording import LANGUAGES, nearest_language, placeholders, plural_categories, wording_of


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_says_what_english_says(language: str) -> None:
    english, other = wording_of("en").forms, wording_of(language).forms
    assert sorted(other) == sorted(english)
    assert {key: placeholders(form) for key, form in other.items()} == {
        key: placeholders(form) for key, form in english.items()
    }
    assert {key: isinstance(form, str) for key, form in other.items()} == {
        key: isinstance(form, str) for key, form in english.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_counts_has_every_plural_of_its_language(language: str) -> None:
    for key, form in wording_of(language).forms.items():
        if not isinstance(form, str):
            assert set(form) == plural_categories(language) | {"other"}, key
            assert all(text.strip() for text in form.values()), key
        else:
            assert form.strip(), key


@pytest.mark.parametrize(
    ("tag", "language"),
    [("fr", "fr"), ("fr-CA", "fr"), ("uk_UA", "uk"), ("AR", "ar"), ("de", "en"), ("", "en"), (None, "en")],
)
def test_the_nearest_language(tag: str | None, language: str) -> None:
    assert nearest_language(tag) == language


def test_states_have_names_in_each_language() -> None:
    assert [wording_of(language).state("AM") for language in ("en", "ru", "ar")] == ["Armenia", "Армения", "أرمينيا"]
    assert wording_of("fr").state("ZZ9") == "ZZ9"


def test_a_sentence_with_values() -> None:
    assert wording_of("tr").say("common.cancel") == "İptal"
    with pytest.raises(KeyError):
        wording_of("en").say("common.nothing_such")
