"""Rules written in a test, compiled as they are in production."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from textwrap import dedent

from watcher.rules.compile import CompiledRules, compile_rules
from watcher.rules.load import load_rules
from watcher.rules.schema import RuleSet
from watcher.understand.gazetteer import Gazetteer

SHIPPED = Path(__file__).parents[2] / "rules"


@cache
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


def load(text: str) -> RuleSet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        return load_rules([path])


def compiled(text: str) -> CompiledRules:
    return compile_rules(load(text), gazetteer())


@cache
def shipped() -> CompiledRules:
    return compile_rules(load_rules([SHIPPED]), gazetteer())


def phrase_rule(*phrases: str, languages: str = "en", clue: str = "") -> CompiledRules:
    """One rule, `r-1`, that looks for the phrases as clue `a`."""
    listed = "\n".join(f"      - {phrase}" for phrase in phrases)
    return compiled(f"rule: r-1\nlanguages: [{languages}]\nlook_for:\n  a:\n    phrases:\n{listed}\n{clue}")
