"""Phrases to patterns, rules to conditions, and what cannot be compiled."""

from __future__ import annotations

import pytest

from tests.builders import article
from tests.core.rule_files import compiled, gazetteer, load
from watcher.errors import RuleError
from watcher.rules.compile import compile_rules, expand_phrase
from watcher.rules.phrases import PhraseError
from watcher.rules.schema import ListKind, RuleList

TREATY = RuleList(
    list="treaty",
    kind=ListKind.PHRASES.value,
    items=("Collective Security Treaty", "Collective Security Treaty Organi(s|z)ation", "CSTO"),
)


def slots(phrase: str, languages: tuple[str, ...] = ("en",)) -> list[list[set[str]]]:
    patterns = expand_phrase(phrase, {"treaty": TREATY}, languages)
    return [[set(slot) for slot in pattern.forms] for pattern in patterns]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Ambassador", [[{"ambassador"}]]),
        ("state-of-emergency", [[{"state of emergency"}]]),
        ("(aid|help) request", [[{"aid request", "help request"}]]),
        ("mobili(s|z)ation", [[{"mobilisation", "mobilization"}]]),
        ("village* council", [[{"village*"}, {"council"}]]),
        ("council village*", [[{"council village*"}]]),
        ("recall ..4 ambassador*", [[{"recall"}, {"ambassador*"}]]),
        (
            "$treaty",
            [
                [
                    {
                        "collective security treaty",
                        "collective security treaty organisation",
                        "collective security treaty organization",
                        "csto",
                    }
                ]
            ],
        ),
        ("(order ..3 attack|strike)", [[{"strike"}], [{"order"}, {"attack"}]]),
        ("straße", [[{"straße", "strasse"}]]),
    ],
)
def test_a_phrase_becomes_slots_of_literals(phrase: str, expected: list[list[set[str]]]) -> None:
    assert slots(phrase) == expected


def test_double_letters_are_one_letter_in_the_languages_that_write_it() -> None:
    assert slots("strasse", ("de",)) == [[{"straße", "strasse"}]]
    assert slots("manoeuvre", ("fr",)) == [[{"manoeuvre", "manœuvre"}]]
    assert slots("assess", ("en",)) == [[{"assess"}]]


def test_a_number_after_article_is_found_in_every_spelling() -> None:
    [[forms]] = slots("Article 4")
    assert {"article 4", "article four", "article iv", "art. 4", "art 4"} <= forms
    [[plain]] = slots("4 soldiers")
    assert "iv soldiers" not in plain


def test_inflected_words_stand_for_all_their_forms() -> None:
    assert slots("invoke~") == [[{"invoke", "invokes", "invoked", "invoking"}]]


def test_large_products_of_neighbours_are_looked_for_one_after_the_other() -> None:
    many = "|".join(f"word{letter}" for letter in "abcdefghijklmnopqrst")
    [pattern] = expand_phrase(f"({many}) ({many})", {}, ("en",))
    assert [len(slot.literals) for slot in pattern.slots] == [20, 20]
    assert pattern.gaps == (0,)


def test_the_anchor_is_the_slot_that_is_met_least_often() -> None:
    [pattern] = expand_phrase("(send|fire) ..4 tank* ..6 Nakhchivan", {}, ("en",))
    assert pattern.anchor == 2


def test_equal_phrases_and_clues_of_several_rules_are_compiled_once() -> None:
    rule = "rule: r-{n}\nlook_for: {{a: {{phrases: [martial law, order~ ..3 mobilisation]}}, b: {{killed: {{at_least: 1}}}}}}"
    rules = compiled("\n---\n".join(rule.format(n=n) for n in range(5)))
    assert len(rules.patterns) == 2
    assert {rule.clues["a"].key for rule in rules.rules} == {0}
    assert {rule.clues["b"].key for rule in rules.rules} == {1}


def test_rules_that_are_off_are_left_out_and_the_others_ordered_by_id() -> None:
    rules = compiled(
        """\
        rule: b-1
        look_for: {a: {phrases: martial law}}
        ---
        rule: a-1
        look_for: {a: {phrases: martial law}}
        ---
        rule: c-1
        status: off
        look_for: {a: {phrases: martial law}}
        """
    )
    assert [rule.id for rule in rules.rules] == ["a-1", "b-1"]


def test_what_makes_a_rule_a_candidate_is_the_rarest_clue_that_it_needs() -> None:
    rules = compiled(
        """\
        rule: by-phrase
        look_for: {a: {phrases: recall~ ..3 Nakhchivan}, b: {killed: {at_least: 1}}, c: {states: {at_least: 1}}}
        ---
        rule: by-death
        look_for: {b: {killed: {at_least: 1}}, c: {states: {at_least: 1}}}
        ---
        rule: by-state
        look_for: {c: {states: {at_least: 2}}}
        ---
        rule: by-either
        look_for: {a: {phrases: Nakhchivan}, b: {killed: {at_least: 1}}}
        alert_when: {any_of: [a, b]}
        """
    )
    names = [rule.id for rule in rules.rules]
    assert {names[index] for index in rules.casualty_rules} == {"by-death", "by-either"}
    assert {names[index] for index in rules.other_rules} == {"by-state"}
    assert {names[index] for indexes in rules.pivots.values() for index in indexes} == {"by-phrase", "by-either"}


def test_a_phrase_that_stands_for_too_many_forms_is_a_problem_with_its_place() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    word = "|".join(f"{one}{other}x" for one in letters for other in letters)[:980]
    items = "\n".join(f"  - ({word.replace('x', extra)[:900].rpartition('|')[0]})" for extra in letters)
    rule_set = load(
        f"list: big\nkind: phrases\nitems:\n{items}\n---\nrule: r-1\nlook_for: {{a: {{phrases: [$big]}}}}\n"
    )
    with pytest.raises(RuleError) as caught:
        compile_rules(rule_set, gazetteer())
    [problem] = caught.value.problems
    assert problem.location.line > 1
    assert "more than 5,000 forms" in problem.message
    assert problem.message.startswith("look_for.a.phrases: $big")


def test_alternatives_with_gaps_inside_do_not_multiply_without_end() -> None:
    choice = "(" + "|".join(f"w{letter} ..2 v{letter}" for letter in "abcdefghijklmnopqrst") + ")"
    with pytest.raises(PhraseError, match="more than 256 sequences"):
        expand_phrase(f"{choice} ..1 {choice}", {}, ("en",))


def test_a_word_that_no_text_can_hold_is_a_problem() -> None:
    rule_set = load('rule: r-1\nlook_for: {a: {phrases: ["ـــ", martial law]}}\n')
    with pytest.raises(RuleError, match="no text can hold this"):
        compile_rules(rule_set, gazetteer())


def test_gates_are_remembered_without_growing_for_ever() -> None:
    rules = compiled("rule: r-1\nlanguages: [en]\nlook_for: {a: {phrases: martial law}}\n")
    for number in range(5000):
        assert rules.gated(article(language=f"x{number}")).rules == frozenset()
    assert rules.gated(article()) is rules.gated(article(source_id="another", tags=("unnamed",)))
    assert len(rules._gates) < 5000


def test_a_rule_can_be_found_by_its_id() -> None:
    rules = compiled("rule: r-1\nlook_for: {a: {phrases: martial law}}\n")
    assert rules.rule("r-1") is rules.rules[0]
    assert rules.rule("r-2") is None
