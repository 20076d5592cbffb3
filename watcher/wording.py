"""The program's own fixed sentences in the languages that its readers choose; what a source says is never translated.

Each language has a folder in ``watcher/texts``, each part of the program a file there: ``texts/fr/bot.toml`` holds what
the bot says, and ``say("bot.greeting")`` finds it. A sentence that counts has one form for each plural of the language
(https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # loaded by what counts, names states, or is not English: most runs say nothing
    from babel import Locale

# English first: what the others are measured against.
LANGUAGES = ("en", "fr", "ru", "uk", "es", "tr", "ar")
_RIGHT_TO_LEFT = frozenset({"ar"})
_FOLDER = Path(__file__).resolve().parent / "texts"

Forms: TypeAlias = "str | Mapping[str, str]"  # of one sentence; several where it counts, by CLDR plural category


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language."""

    language: str  # one of LANGUAGES
    forms: Mapping[str, Forms]  # by "file.key"
    is_right_to_left: bool

    def say(self, key: str, /, **values: object) -> str:
        """The sentence as plain text, with the values in their places; KeyError for a sentence or value not there."""
        form = self.forms[key]
        if not isinstance(form, str):
            raise KeyError(f"{key} counts something")
        return form.format(**values)

    def count(self, key: str, number: int, /, **values: object) -> str:
        """The sentence in the form that the number takes in this language; its place for the number is ``{number}``."""
        forms = self.forms[key]
        if isinstance(forms, str):
            return forms.format(number=number, **values)
        category = _locale(self.language).plural_form(number)
        return forms.get(category, forms["other"]).format(number=number, **values)

    def number(self, number: int) -> str:
        """The number in digits as this language groups them."""
        if self.language == "en":
            return f"{number:,}"
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.language))

    def state(self, code: str) -> str:
        """The name of the state in this language; the code where it has none."""
        return str(_locale(self.language).territories.get(code, code))

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return str(_locale(self.language).get_display_name()).capitalize()


@cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale(language)


def nearest_language(code: str | None) -> str:
    """The language among ours that the IETF tag asks for ("pt-BR"); English where it is none of them."""
    language = (code or "").replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else LANGUAGES[0]


@cache
def wording_of(language: str | None) -> Wording:
    """The sentences of the language that is nearest to the IETF tag."""
    chosen = nearest_language(language)
    forms: dict[str, Forms] = {}
    for path in sorted((_FOLDER / chosen).glob("*.toml")):
        for key, form in tomllib.loads(path.read_text(encoding="utf-8")).items():
            forms[f"{path.stem}.{key}"] = form
    return Wording(chosen, forms, chosen in _RIGHT_TO_LEFT)


def placeholders(form: Forms) -> frozenset[str]:
    """The names of the values that the sentence has places for."""
    texts = [form] if isinstance(form, str) else list(form.values())
    return frozenset(name for text in texts for _, name, _, _ in Formatter().parse(text) if name)


def plural_categories(language: str) -> frozenset[str]:
    """The CLDR plural categories of the language's whole numbers."""
    rule = _locale(language).plural_form
    return frozenset(rule(number) for number in range(201))
