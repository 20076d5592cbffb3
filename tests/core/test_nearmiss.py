"""What a rule lacked, and the nearest text."""

from __future__ import annotations

import pytest

from tests.builders import article
from tests.core.rule_files import compiled
from watcher.nearmiss import Likeness, NearMiss, near_misses_of

HEAD = "rule: r-1\nlook_for:\n"
CLASH = f"""{HEAD}\
  act: {{phrases: [shell~ ..3 village*, exchange~ ..2 fire]}}
  pair: {{states: {{at_least: 2}}}}
  deaths: {{killed: {{at_least: 2}}}}
close_together:
  - {{clues: [pair, deaths], within: 2 sentences}}
"""
ACT = "Azerbaijan shelled a village of Armenia."
DEAD = "Two soldiers were killed."
FILLER = " It was a calm day. The market was open. Children went to school. Nobody was worried."


def misses(rules: str, text: str, title: str = "", **values: object) -> list[NearMiss]:
    return list(near_misses_of(Likeness(compiled(rules)), article(title=title, text=text, **values)))


def described(rules: str, text: str, title: str = "") -> list[tuple[str, tuple[str, ...], str, list[tuple[str, str]]]]:
    return [
        (one.kind.value, one.names, one.detail, [(nearest.text, nearest.why) for nearest in one.nearest])
        for one in misses(rules, text, title)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ACT} {DEAD}", []),
        ("The weather was fine.", []),
        (ACT.replace("shelled", "left"), []),
        (
            f"{ACT} One soldier was killed.",
            [
                (
                    "clue",
                    ("deaths",),
                    "at least 1: at least 2 wanted",
                    [("One soldier was killed.", "“One soldier was killed”: counts, and is not enough")],
                )
            ],
        ),
        (
            f"{ACT} Two soldiers may have been killed.",
            [
                (
                    "clue",
                    ("deaths",),
                    "no figure that counts: at least 2 wanted",
                    [
                        (
                            "Two soldiers may have been killed.",
                            "“Two soldiers may have been killed”: possible, and only happened counts (cue “may have”)",
                        )
                    ],
                )
            ],
        ),
        (f"{ACT} Nothing else is known.", [("clue", ("deaths",), "no figure that counts: at least 2 wanted", [])]),
        (
            f"Azerbaijan did not shell a village of Armenia. {DEAD}",
            [
                (
                    "clue",
                    ("act",),
                    "0 found",
                    [
                        (
                            "Azerbaijan did not shell a village of Armenia.",
                            "“shell a village”: denied, and only happened counts (cue “did not”)",
                        )
                    ],
                )
            ],
        ),
        (
            f"Azerbaijan and Armenia traded artillery fire. {DEAD}",
            [
                (
                    "clue",
                    ("act",),
                    "0 found",
                    [("Azerbaijan and Armenia traded artillery fire.", "lacks “exchange”")],
                )
            ],
        ),
        (
            f"Azerbaijan says the village, which lies on the border of Armenia, was shelled. {DEAD}",
            [
                (
                    "clue",
                    ("act",),
                    "0 found",
                    [
                        (
                            "Azerbaijan says the village, which lies on the border of Armenia, was shelled.",
                            "its words are not in this order, or not so close together",
                        )
                    ],
                )
            ],
        ),
        (f"Azerbaijan and Armenia are at odds. {DEAD}", [("clue", ("act",), "0 found", [])]),
        (
            f"Troops shelled a village of Armenia. {DEAD}",
            [("clue", ("pair",), "AM: 1 of 2", [("Armenia", "“Armenia”: counts for AM")])],
        ),
        (
            f"{ACT}{FILLER} {DEAD}",
            [
                (
                    "distance",
                    ("pair", "deaths"),
                    "within 6 sentences, 2 sentences wanted",
                    [("Azerbaijan … Armenia … Two soldiers were killed", "not close enough")],
                )
            ],
        ),
        # Far apart and without the act: two things are missing.
        (f"Azerbaijan and Armenia are at odds.{FILLER} {DEAD}", []),
    ],
    ids=[
        "signal", "nothing", "two missing", "too few", "possible", "no figure", "denied", "other word", "order",
        "nothing like it", "one state", "far apart", "far apart and more",
    ],
)  # fmt: skip
def test_one_thing_is_missing(text: str, expected: list[object]) -> None:
    assert described(CLASH, text) == expected


def test_choices_are_one_thing() -> None:
    rules = f"""{HEAD}\
  a: {{phrases: [apple]}}
  b: {{phrases: [pear]}}
  c: {{phrases: [plum]}}
  d: {{phrases: [cherry]}}
alert_when: {{all_of: [a], any_of: [b, c], at_least: {{n: 2, of: [b, c, d]}}}}
"""
    assert [one.names for one in misses(rules, "An apple, a pear.")] == [("c", "d")]
    assert misses(rules, "An apple.") == []
    rules = rules.replace(", at_least: {n: 2, of: [b, c, d]}", "").replace("  d: {phrases: [cherry]}\n", "")
    assert described(rules, "An apple.") == [("clue", ("b", "c"), "b: 0 found; c: 0 found", [])]
    assert misses(rules, "A banana.") == []


def test_what_must_not_be_there() -> None:
    rules = f"{HEAD}  a: {{phrases: [apple]}}\n  b: {{phrases: [rotten]}}\nalert_when: {{all_of: a, none_of: b}}\n"
    assert described(rules, "A rotten apple.") == [
        ("forbidden", ("b",), "1 found", [("A rotten apple.", "“rotten”: is there")])
    ]


def test_an_exception() -> None:
    rules = f"{HEAD}  a: {{phrases: [apple]}}\nunless:\n  - {{name: pie, title_has: pie, because: cooking}}\n"
    assert described(rules, "An apple.", "About pies and a pie") == [
        ("exception", ("pie",), "title has “pie” (cooking)", [])
    ]
    two = rules + "  - {name: tart, title_has: tart}\n"
    assert described(two, "An apple.", "A pie, a tart") == []


def test_states_alone_are_half_of_all_news() -> None:
    rules = f"{HEAD}  act: {{phrases: [recall~ ..4 ambassador*]}}\n  pair: {{states: {{at_least: 2}}}}\n"
    assert misses(rules, "Norway and Hungary signed a treaty.") == []
    assert misses(rules, "Norway sent an ambassador to Hungary.") == []
    assert [one.names for one in misses(rules, "Norway may recall its ambassador from Hungary.")] == [("act",)]
    [one] = misses(rules, "The ambassador of Norway to Hungary was recalled.")
    assert [nearest.why for nearest in one.nearest] == ["its words are not in this order, or not so close together"]


def test_gated_rules_lack_nothing() -> None:
    rules = CLASH + "languages: [en]\n"
    assert misses(rules, f"{ACT} Nothing else is known.", language="fr") == []


def test_an_article_keeps_no_text() -> None:
    [one] = misses(CLASH, f"{ACT} Nothing else is known.")
    assert one.article.text == ""


def test_stems_and_long_words_are_shown() -> None:
    rules = f"""{HEAD}\
  a: {{phrases: [(order~|decree~) ..4 general mobili(s|z)ation, ambass* ..3 left]}}
  b: {{phrases: [border]}}
"""
    [one] = misses(rules, "The government decreed general rejoicing at the border.")
    assert [nearest.why for nearest in one.nearest] == ["lacks “general mobilisation”"]
    [one] = misses(rules, "The ambassador closed the border.")
    assert [nearest.why for nearest in one.nearest] == ["lacks “left”"]


STEPS = """\
rule: ties-then-call-up
languages: [en]
steps:
  ties_broken:
    look_for:
      act: {phrases: [recall~ ..4 ambassador*]}
      pair: {states: {at_least: 2}}
    close_together: [{clues: [act, pair], within: 1 sentence}]
  call_up:
    look_for:
      act: {phrases: [order~ ..3 mobili(s|z)ation], accept: [happened, planned]}
      pair: {states: {at_least: 1}}
    close_together: [{clues: [act, pair], within: 1 sentence}]
in_order: {steps: [ties_broken, call_up], within: 10d, sharing: a state}
unless:
  - {name: chess, phrases: [chess olympiad], because: it is about players}
"""
COUNT = """\
rule: many-clashes
look_for:
  act: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
count: {of: publishers, at_least: 3, within: 24h}
"""
TWICE = "Iran recalled its ambassador from Armenia. Iran ordered full mobilisation."


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        pytest.param(STEPS, "Iran recalled its ambassador from Armenia.", [], id="a whole step, the other not begun"),
        pytest.param(STEPS, TWICE, [], id="both steps whole"),
        pytest.param(STEPS, "Iran may recall its ambassador from Armenia.", [("ties_broken", "clue", ("act",))], id="one step"),
        pytest.param(STEPS, "A man ordered a general mobilisation.", [("call_up", "clue", ("pair",))], id="the other, whose clues have the same names"),
        pytest.param(STEPS, TWICE.replace("recalled", "may recall"), [("ties_broken", "clue", ("act",))], id="one lacks a clue, one is whole"),
        pytest.param(STEPS, "Iran may recall its ambassador from Armenia. Iran could order full mobilisation.", [("ties_broken", "clue", ("act",)), ("call_up", "clue", ("act",))], id="both lack one"),
        pytest.param(STEPS, "A general ordered full mobilisation. It is autumn in Iran.", [("call_up", "distance", ("act", "pair"))], id="too far apart"),
        pytest.param(STEPS, "Iran recalled its ambassador from Armenia during the chess olympiad.", [("ties_broken", "exception", ("chess",))], id="stopped"),
        pytest.param(STEPS, "The weather was fine in Iran and Armenia.", [], id="nothing"),
        pytest.param(COUNT, "Armenia and Azerbaijan exchanged fire.", [], id="is counted"),
        pytest.param(COUNT, "Armenia and Azerbaijan may exchange fire.", [(None, "clue", ("act",))], id="would be counted but for one thing"),
        pytest.param(COUNT, "Armenia exchanged fire with rebels.", [(None, "clue", ("pair",))], id="one state too few"),
    ],
)  # fmt: skip
def test_rules_over_several_articles(
    rules: str, text: str, expected: list[tuple[str | None, str, tuple[str, ...]]]
) -> None:
    assert [(one.step, one.kind.value, one.names) for one in misses(rules, text)] == expected


def test_a_step_is_named_with_its_rule() -> None:
    [one] = misses(STEPS, "Iran may recall its ambassador from Armenia.")
    assert one.part == "ties-then-call-up, step ties_broken"
    [one] = misses(COUNT, "Armenia and Azerbaijan may exchange fire.")
    assert one.part == "many-clashes"
