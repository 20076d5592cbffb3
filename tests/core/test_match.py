"""What rules find in articles: phrases, clues, windows, conditions, gates and exceptions."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, article
from tests.core.rule_files import SHIPPED, compiled, gazetteer, load, phrase_rule, shipped
from watcher.match import Facts, Suppressed, match_article, work_out_rule
from watcher.model import Article, Field, Skipped, Stance, Toll
from watcher.rules.compile import CompiledRules, compile_rules
from watcher.text.reading import Reading
from watcher.understand.casualties import find_casualties, find_casualties_in, sentences_with_casualties
from watcher.understand.states import find_states

PUBLISHED = NOW - timedelta(minutes=20)


def item(text: str, title: str = "", **values: object) -> Article:
    return article(title=title, text=text, **values)


def found(rules: CompiledRules, text: str, title: str = "", **values: object) -> list[str]:
    """The matched words of the first signal; empty without one."""
    result = match_article(rules, item(text, title, **values))
    return [match.text for match in result.signals[0].matches] if result.signals else []


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        # whole words
        ("sports", "A missile hits military transports.", []),
        ("concert", "A concerted attack began.", []),
        ("Curaçao", "He left Curacao's port.", ["Curacao"]),
        ("Curacao", "He left Curaçao’s port.", ["Curaçao"]),
        ("4 soldiers", "They counted 4,000 soldiers and 4.5 soldiers.", []),
        ("4 soldiers", "They met 4 soldiers and four soldiers.", ["4 soldiers", "four soldiers"]),
        # case
        ("US", "They told us to go.", []),
        ("US", "They told the US to go.", ["US"]),
        ("NATO", "The Nato summit.", []),
        ("martial law", "MARTIAL LAW was declared.", ["MARTIAL LAW"]),
        # accents, hyphens, white space
        ("état d'urgence", "L’ETAT  D'URGENCE est là.", ["ETAT  D'URGENCE"]),
        ("cease-fire line", "The cease fire\nline held.", ["cease fire\nline"]),
        ("no-fly zone", "A no–fly zone.", ["no–fly zone"]),
        ("İstanbul", "In ISTANBUL and Istanbul.", ["ISTANBUL", "Istanbul"]),
        ("Strasse", "Die Straße brennt.", []),
        ("Straße", "Die Strasse und die Straße.", ["Strasse", "Straße"]),
        # neighbours and gaps
        ("martial law", "martial, law", []),
        ("martial law", "martial “law”", []),
        ("recall~ ..2 ambassador", "It recalled, on Friday, its (first) ambassador.", []),
        ("recall~ ..5 ambassador", "It recalled, on Friday, its (first) ambassador.", None),
        ("recall~ ..2 ambassador", "It recalled ambassador Smith.", ["recalled ambassador"]),
        ("recall~ ..2 ambassador", "It recalled one two ambassador Smith.", ["recalled one two ambassador"]),
        ("recall~ ..2 ambassador", "It recalled one two three ambassador Smith.", []),
        ("recall~ ..1 ambassador", "It recalled 4,000.5 ambassador.", ["recalled 4,000.5 ambassador"]),
        ("recall~ ..1 ambassador", "It recalled Baku's ambassador.", ["recalled Baku's ambassador"]),
        ("recall~ ..9 ambassador", "It recalled them. The ambassador left.", []),
        ("recall~ ambassador", "He recalled\n\nAmbassador Smith came.", []),
        ("recall~ ..3 ambassador", "It recalled and recalled the ambassador.", ["recalled the ambassador"]),
        ("village* council", "The villagers council met.", ["villagers council"]),
        ("village*", "Village, villages, villager's.", ["Village", "villages", "villager"]),
        (".NET ..2 Nakhchivan", "The .NET server in Nakhchivan.", ["NET server in Nakhchivan"]),
        ("U.S. ..2 troops", "The U.S. sent troops.", ["U.S. sent troops"]),
        ("recall~ ..6 Nakhchivan", f"It recalled {' '.join(['w' * 30] * 6)} Nakhchivan.", None),
        ("Nakhchivan ..6 village*", f"In Nakhchivan {' '.join(['w' * 30] * 6)} villages.", None),
        ("attack~ ..3 attack~ ..1 Nakhchivan", "He attacked a town, attacked no more Nakhchivan.", []),
        # the longest name
        ("(Security|Security Council)", "The Security\n\nCouncil members met.", ["Security"]),
        ("(treaty|treaty organisation)", "The treaty organisation met.", ["treaty organisation"]),
        ("sign~ ..2 (treaty|treaty organisation)", "It signed the treaty organisation.", ["signed the treaty organisation"]),
        ("(mobilisation|general mobilisation) ..2 begins", "A general mobilisation begins.", ["general mobilisation begins"]),
    ],
)  # fmt: skip
def test_phrases_are_found_as_whole_words_in_order(phrase: str, text: str, expected: list[str] | None) -> None:
    assert found(phrase_rule(phrase), text) == (expected if expected is not None else [text[3:].rstrip(".")])


def test_the_citation_is_found_in_every_spelling() -> None:
    rules = phrase_rule("invoke~ ..2 Article 4")
    for text in (
        "invoked Article 4",
        "invoked Article four",
        "invokes Art. 4",
        "invoked article IV",
        "invoking ARTICLE 4",
    ):
        assert found(rules, f"Yerevan {text} today.") == [text]
    assert found(rules, "Yerevan invoked 4 articles today.") == []


def test_languages_have_their_own_number_words_and_endings() -> None:
    assert found(phrase_rule("статья* 4", languages="ru"), "Применена статья 4 договора.", language="ru") == [
        "статья 4"
    ]
    assert found(
        phrase_rule("invoqu* ..1 article 5", languages="fr"), "Elle invoque l'article 5 ici.", language="fr"
    ) == ["invoque l'article 5"]
    assert found(phrase_rule("article 5 ..1 l'OTAN", languages="fr"), "L'article 5 de l'OTAN.", language="fr") == [
        "article 5 de l'OTAN"
    ]
    assert found(phrase_rule("статья* 4", languages="ru"), "Статья четыре договора.", language="ru") == [
        "Статья четыре"
    ]


def test_a_headline_in_capitals_is_read_as_ordinary_words() -> None:
    assert found(phrase_rule("CSTO"), "", "CSTO SENDS TROOPS") == ["CSTO"]
    assert found(phrase_rule("US"), "", "SHELLING LEAVES US WITHOUT POWER") == []
    assert found(phrase_rule("US"), "The US left.", "SHELLING LEAVES US WITHOUT POWER") == ["US"]


def test_a_title_that_repeats_in_the_text_counts_once() -> None:
    title = "Poland declares martial law"
    result = match_article(phrase_rule("martial law"), item(f"{title}\n\nIt is the first time.", title))
    assert [match.span.field for match in result.signals[0].matches] == [Field.TITLE]


def test_offsets_point_into_the_field_as_given() -> None:
    text = "A\u0301 cafe\u0301 was hit. Then MARTIAL\u00a0LAW came."
    [signal] = match_article(phrase_rule("martial law"), item(text, "Nothing")).signals
    [match] = signal.matches
    assert (match.span.field, text[match.span.start : match.span.end]) == (Field.TEXT, "MARTIAL\u00a0LAW")


LONG = "Martial law came. Two. Three. Martial law stayed. Five. Martial law ended."


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("title", [("title", 0)]),
        ("lead", [("title", 0), ("text", 0)]),
        ("body", [("text", 30), ("text", 56)]),
        ("[title, body]", [("title", 0), ("text", 30), ("text", 56)]),
    ],
)
def test_a_clue_looks_where_it_is_told_to(parts: str, expected: list[tuple[str, int]]) -> None:
    rules = phrase_rule("martial law", clue=f"    in: {parts}\n")
    [signal] = match_article(rules, item(LONG, "Martial law")).signals
    assert [(match.span.field, match.span.start) for match in signal.matches] == expected


def test_only_accepted_stances_count() -> None:
    planned = "Poland will declare martial law on Friday."
    assert found(phrase_rule("declare~ martial law"), planned) == []
    rules = phrase_rule("declare~ martial law", clue="    accept: [happened, planned]\n")
    [signal] = match_article(rules, item(planned)).signals
    assert signal.matches[0].stance is Stance.PLANNED
    assert signal.matches[0].cue is not None
    assert signal.matches[0].cue.text == "will"


def test_not_phrases_take_away_the_match_that_they_touch_and_no_other() -> None:
    rules = phrase_rule("ambush~", clue="    not_phrases: [military exercise, tax ambush]\n")
    assert found(rules, "Voters fear a tax ambush.") == []
    assert found(rules, "An ambush ended the military exercise.") == []
    assert found(rules, "An ambush ended the military exercise. An ambush killed two.") == ["ambush"]


STATES = "rule: r-1\nlook_for: {{s: {{states: {{{}}}}}}}\n---\nlist: members\nkind: states\nitems: [AM, RU]\n"


@pytest.mark.parametrize(
    ("states", "text", "expected"),
    [
        ("at_least: 2", "Armenia and Azerbaijan talk.", ("AM", "AZ")),
        ("at_least: 2", "Armenia and Yerevan talk.", None),
        ("at_least: 2", "Armenia joins the Russian-led alliance.", None),
        ("one_from: members", "Azerbaijan and Iran talk.", None),
        ("one_from: members", "Azerbaijan and Armenia talk.", ("AM", "AZ")),
        ("all_from: members", "Azerbaijan and Armenia talk.", None),
        ("all_from: members", "Russia and Armenia talk.", ("AM", "RU")),
    ],
)
def test_states_clues(states: str, text: str, expected: tuple[str, ...] | None) -> None:
    result = match_article(compiled(STATES.format(states)), item(text))
    assert [signal.states for signal in result.signals] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("clue", "text", "expected"),
    [
        ("killed: {at_least: 10}", "Dozens of soldiers were killed.", Toll(12, vague=True)),
        ("killed: {at_least: 13}", "Dozens of soldiers were killed.", None),
        ("killed: {at_least: 1}", "Nobody was killed.", None),
        ("injured: {at_least: 3}", "Three soldiers were wounded.", Toll(3)),
        ("killed: {at_least: 1}", "Three soldiers were wounded.", None),
    ],
)
def test_casualty_clues(clue: str, text: str, expected: Toll | None) -> None:
    signals = match_article(compiled(f"rule: r-1\nlook_for: {{c: {{{clue}}}}}"), item(text)).signals
    tolls = [signal.killed or signal.injured for signal in signals]
    assert [(toll.at_least, toll.vague) for toll in tolls if toll] == (
        [] if expected is None else [(expected.at_least, expected.vague)]
    )


CLOSE = """\
rule: r-1
look_for:
  pair: {{states: {{at_least: 2}}}}
  deaths: {{killed: {{at_least: {at_least}}}}}
  act: {{phrases: ceasefire}}
alert_when: {{all_of: [pair, deaths]}}
close_together:
  - {{clues: [deaths, pair], within: {within}}}
"""


def close(within: str, text: str, title: str = "", at_least: int = 1) -> tuple[tuple[str, ...], int] | None:
    result = match_article(compiled(CLOSE.format(within=within, at_least=at_least)), item(text, title))
    for signal in result.signals:
        assert signal.killed is not None
        return signal.states, signal.killed.at_least
    return None


def test_the_window_must_by_itself_hold_all_its_clues() -> None:
    apart = "Armenia and Azerbaijan fought. It was cold. Twelve soldiers were killed."
    assert close("2 sentences", apart) is None
    assert close("3 sentences", apart) == (("AM", "AZ"), 12)
    assert close("paragraph", apart) == (("AM", "AZ"), 12)
    assert close("paragraph", apart.replace(". ", ".\n\n")) is None


def test_the_title_is_the_sentence_before_the_first() -> None:
    assert close("2 sentences", "Twelve soldiers were killed.", "Armenia and Azerbaijan clash") == (("AM", "AZ"), 12)
    assert close("1 sentence", "Twelve soldiers were killed.", "Armenia and Azerbaijan clash") is None


def test_states_around_the_smallest_window_are_no_parties() -> None:
    text = (
        "Belarus and Russia send a mission. Clashes between Armenia and Azerbaijan left 12 soldiers dead. "
        "Iran and Turkey watch."
    )
    assert close("3 sentences", text) == (("AM", "AZ"), 12)


def test_the_first_window_decides_and_later_ones_about_others_add_nothing() -> None:
    text = (
        "Armenia and Azerbaijan fought and 12 soldiers were killed. Nothing else is known.\n\n"
        "Elsewhere, Ukraine and Russia fought and 90 soldiers were killed."
    )
    assert close("2 sentences", text) == (("AM", "AZ"), 12)


def test_a_later_window_about_the_same_states_raises_the_toll() -> None:
    text = (
        "Armenia and Azerbaijan fought and 12 soldiers were killed. Nothing else is known.\n\n"
        "By night Armenia and Azerbaijan said that 40 soldiers were killed."
    )
    assert close("1 sentence", text) == (("AM", "AZ"), 40)


def test_figures_are_added_up_within_the_window_only() -> None:
    text = "Armenia and Azerbaijan fought. Two soldiers were killed. It rained. It snowed. 40 soldiers were killed."
    assert close("2 sentences", text, at_least=10) is None
    assert close("5 sentences", text, at_least=10) == (("AM", "AZ"), 40)


TIES = """
rule: r-1
look_for:
  pair: {states: {at_least: 2}}
  cut: {phrases: [(sever~|cut~) ..3 ties, recall~ ..2 ambassador*, expel~, разрывает отношения]}
close_together:
  - {clues: [cut, pair], within: WITHIN}
"""


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("Senegal recalls its ambassador to Iran after a shipment was seized in Nigeria.", ("IR", "SN")),
        ("While Brazil protested, Peru expelled the ambassador of Chile.", ("CL", "PE")),
        ("Ghana severs ties with Mali because Niger asked for it, and Togo severed ties with Benin.", None),
        ("Kenya recalls its ambassador to Sudan, but Egypt did not follow.", ("KE", "SD")),
        # The clause by itself names one state: its counterpart is in the rest of the sentence.
        ("After an attack by Eritrea its neighbour Ethiopia severed ties.", ("ER", "ET")),
        # The subject stands before.
        ("Latvia and Estonia say that they expelled diplomats of Russia and Belarus.", ("BY", "EE", "LV", "RU")),
        ("France said it expelled envoys of Syria and Iran.", ("FR", "IR", "SY")),
        ("Poland, which expelled envoys of Russia and Belarus, shut a border.", ("BY", "PL", "RU")),
        ("Peru accused Cuba, recalling its ambassador to Chile and Bolivia.", ("BO", "CL", "CU", "PE")),
    ],
)
def test_a_clause_that_holds_all_clues_names_the_parties(text: str, states: tuple[str, ...] | None) -> None:
    """And no third state of its sentence; two such clauses are both told."""
    for within in ("1 sentence", "3 sentences", "paragraph"):
        [signal] = match_article(compiled(TIES.replace("WITHIN", within)), item(text)).signals
        assert signal.states == (states or ("BJ", "GH", "ML", "TG"))


def test_clauses_before_stay_where_verbs_need_no_subject() -> None:
    text = "Литва заявила, что разрывает отношения с Ираном и Кубой, хотя Польша против."
    [signal] = match_article(compiled(TIES.replace("WITHIN", "1 sentence")), item(text, language="ru")).signals
    assert signal.states == ("CU", "IR", "LT")


def test_a_window_of_several_sentences_has_no_telling_clause() -> None:
    text = "Iran and Nigeria quarrel. Senegal recalls its ambassador to Mali."
    rule = TIES.replace("WITHIN", "2 sentences") + "  - {clues: [pair, cut], within: 1 sentence}\n"
    assert match_article(compiled(rule), item(text)).signals[0].states == ("ML", "SN")
    assert close("2 sentences", "Iran and Iraq fought as Turkey watched. Two died.") == (("IQ", "IR", "TR"), 2)


def test_every_close_together_entry_is_needed() -> None:
    rules = compiled(
        CLOSE.format(within="1 sentence", at_least=1).replace("all_of: [pair, deaths]", "all_of: [pair, deaths, act]")
        + "  - {clues: [act, pair], within: 1 sentence}\n"
    )
    both = "Armenia and Azerbaijan say that 12 soldiers were killed. Armenia and Azerbaijan agreed a ceasefire."
    assert len(match_article(rules, item(both)).signals) == 1
    assert not match_article(rules, item(both.replace("Azerbaijan agreed", "others agreed"))).signals


WHEN = """\
rule: r-1
look_for: {{a: {{phrases: alpha}}, b: {{phrases: beta}}, c: {{phrases: gamma}}}}
alert_when: {{{}}}
"""


@pytest.mark.parametrize(
    ("when", "holds", "fails"),
    [
        ("all_of: [a, b]", ["alpha beta"], ["alpha", "beta gamma"]),
        ("any_of: [a, b]", ["alpha", "beta"], ["gamma"]),
        ("all_of: [a], none_of: [b]", ["alpha", "alpha gamma"], ["alpha beta", "gamma"]),
        ("at_least: {n: 2, of: [a, b, c]}", ["alpha gamma", "beta gamma", "alpha beta gamma"], ["alpha", "gamma"]),
        ("none_of: [a]", ["nothing"], ["alpha"]),
    ],
)
def test_alert_when(when: str, holds: list[str], fails: list[str]) -> None:
    rules = compiled(WHEN.format(when))
    assert [bool(match_article(rules, item(text)).signals) for text in holds + fails] == (
        [True] * len(holds) + [False] * len(fails)
    )


GATED = """\
rule: r-1
{}
look_for: {{a: {{phrases: martial law}}}}
"""


@pytest.mark.parametrize(
    ("gate", "values", "reason"),
    [
        ("languages: [en]", {"language": "ru"}, "language: ru is not among en"),
        ("languages: [en, fr]", {"language": "und"}, None),
        ("severity: watch", {"language": "ru"}, None),
        ("sources: {ids: [tass]}", {}, "source: not among tass"),
        ("sources: {ids: [courier]}", {}, None),
        ("sources: {tags: [caucasus]}", {"tags": ("asia",)}, "source: has no tag of caucasus"),
        ("sources: {tags: [caucasus, asia]}", {"tags": ("asia",)}, None),
        ("sources: {not_tags: [blog]}", {"tags": ("asia", "blog")}, "source: has the tag blog"),
    ],
)
def test_gates_skip_with_a_reason(gate: str, values: dict[str, object], reason: str | None) -> None:
    result = match_article(compiled(GATED.format(gate)), item("Martial law was declared.", **values))
    assert len(result.signals) == (reason is None)
    assert result.skipped == (() if reason is None else (Skipped("r-1", reason),))


def unless(condition: str, text: str, title: str = "", now: datetime | None = None, **values: object) -> str | None:
    """The detail's exception if it stopped the rule; None: the signal went out."""
    rules = compiled(
        "rule: r-1\nlook_for: {a: {phrases: martial law}, d: {killed: {at_least: 1}}}\nalert_when: {any_of: [a, d]}\n"
        f"unless:\n  - {{name: x, because: y, {condition}}}\n"
    )
    result = match_article(rules, item(text, title, **values), now)
    assert len(result.signals) + len(result.suppressed) == 1
    if result.suppressed:
        assert result.suppressed == (Suppressed("r-1", "x", "y"),)
    return result.suppressed[0].name if result.suppressed else None


LAW = "Poland declared martial law."


def test_exceptions_stop_a_signal_by_name() -> None:
    assert unless("phrases: drill~", LAW) is None
    assert unless("phrases: alarm~", LAW + " An alarm was raised.") == "x"
    assert unless("title_has: explained", LAW, "Martial law, explained") == "x"
    assert unless("title_has: explained", LAW + " It was explained.", "Martial law") is None
    assert unless("source_tags: [satire]", LAW, tags=("satire",)) == "x"
    assert unless("source_tags: [satire]", LAW, tags=("news",)) is None


def test_exceptions_near_a_clue() -> None:
    assert unless("phrases: alarm~, within: 1 sentence, of: a", LAW + " An alarm was raised.") is None
    assert unless("phrases: alarm~, within: 2 sentences, of: a", LAW + " An alarm was raised.") == "x"
    assert unless("phrases: alarm~, within: paragraph, of: a", LAW + "\n\nAn alarm was raised.") is None
    assert unless("phrases: alarm~, within: paragraph, of: a", LAW + " Oh. An alarm was raised.") == "x"


def test_exceptions_by_stance() -> None:
    assert unless("phrases: withdraw~", LAW + " It may withdraw it.") is None
    assert unless("phrases: withdraw~, accept: possible", LAW + " It may withdraw it.") == "x"


def test_exceptions_by_age() -> None:
    assert unless("older_than: 72h", LAW) is None
    assert unless("older_than: 72h", LAW, now=PUBLISHED + timedelta(hours=72)) is None
    assert unless("older_than: 72h", LAW, now=PUBLISHED + timedelta(hours=73)) == "x"
    undated = {"published_at": None, "first_seen_at": PUBLISHED}
    assert unless("older_than: 72h", LAW, now=PUBLISHED + timedelta(hours=73), **undated) == "x"


def test_exceptions_by_the_date_that_the_text_gives() -> None:
    assert unless("event_older_than: 72h", LAW) is None
    assert unless("event_older_than: 72h", "On 1 September Poland declared martial law.") == "x"
    assert unless("event_older_than: 72h", "On 13 September Poland declared martial law.") is None


def test_exceptions_with_several_conditions_need_them_all() -> None:
    assert unless("title_has: explained, phrases: alarm~", LAW + " An alarm was raised.") is None
    assert unless("title_has: explained, phrases: alarm~", LAW + " An alarm was raised.", "Explained") == "x"


def test_exceptions_end_on_their_day() -> None:
    assert unless("phrases: martial, until: 2022-09-14", LAW) == "x"
    assert unless("phrases: martial, until: 2022-09-13", LAW) is None
    assert unless("phrases: martial, until: 2022-09-14", LAW, now=datetime(2022, 9, 15, tzinfo=UTC)) is None


SEED_STORY = (
    "Yerevan has requested aid from the Collective Security Treaty Organization, a Russian-led bloc. "
    "It had invoked Article four of the Collective Security Treaty, officials said. "
    "The mission is led by Stanislav Zas of Belarus and includes Russian General Anatoly Sidorov.\n\n"
    "Tensions between Baku and Yerevan spiked this week, resulting in dozens of deaths on both sides. "
    "In 2020, the two nations fought a 44-day war which ended with a Moscow-brokered truce."
)


def treaty(result_of: Article) -> list[tuple[tuple[str, ...], Toll | None, str]]:
    signals = match_article(shipped(), result_of).signals
    return [(s.states, s.killed, s.matches[0].text) for s in signals if s.rule_id == "csto-article-4-invoked"]


EXPECTED = [(("AM", "AZ"), Toll(12, vague=True), "invoked Article four of the Collective Security Treaty")]


def test_the_flagship_rule_on_the_story_that_it_is_for() -> None:
    assert treaty(item(SEED_STORY)) == EXPECTED


@pytest.mark.shared_data
def test_the_flagship_rule_on_the_seed_article(shared_data: Path) -> None:
    text = (shared_data / "seed-article.txt").read_text(encoding="utf-8")
    assert treaty(item(text)) == EXPECTED


WORDS = st.sampled_from(
    "Armenia Azerbaijan Russia invoked could not Article 4 four IV of the Collective Security Treaty CSTO killed 12"
    " dozens soldiers were deaths In 2020 . , “ ” ( ) - — ’s l' d' \n \n\n • 4,000 US us ARMENIA martial law declared"
    " will ? ! ; Ġ İ ß \u0301 \u00ad \u200b \u0000 \ud800 مقتل убиты".split(" ")
)
TEXTS = st.lists(WORDS, max_size=60).map(" ".join) | st.lists(WORDS, max_size=40).map("".join) | st.text(max_size=200)
LANGUAGES = st.sampled_from(["en", "ru", "fr", "ar", "tr", "und", "ja"])


PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PROPERTY
@given(title=TEXTS, text=TEXTS, language=LANGUAGES)
def test_any_text_is_evaluated_and_spans_slice_back(title: str, text: str, language: str) -> None:
    for signal in match_article(shipped(), item(text, title, language=language)).signals:
        for match in signal.matches:
            field = title if match.span.field is Field.TITLE else text
            assert field[match.span.start : match.span.end] == match.text
            assert match.cue is None or match.cue.text in (title + "\n\n" + text)


PHRASES = [
    "(invoke~|declare~) ..4 Article 4",
    "CSTO",
    "US",
    "martial law",
    "(Armenia|Russia) ..2 (invoked|declared) ..3 (law|Treaty)",
    "soldier* were",
    "Collective ..1 Treaty",
    "4",
    "4,000 ..3 soldier*",
    "(dozens|o'soldier|l'armenia) ..4 (4,000|of|declar*) ..1 deaths",
    "(of|martial) soldiers",
]


@PROPERTY
@given(text=TEXTS, title=TEXTS, seed=st.integers(0, 1000))
def test_the_order_of_the_rules_changes_nothing(text: str, title: str, seed: int) -> None:
    documents = [f'rule: rule-{n}\nlook_for: {{a: {{phrases: ["{phrase}"]}}}}' for n, phrase in enumerate(PHRASES)]
    shuffled = random.Random(seed).sample(documents, len(documents))
    one, other = (match_article(_compiled(tuple(order)), item(text, title)) for order in (documents, shuffled))
    assert one == other


@PROPERTY
@given(text=TEXTS, title=TEXTS)
def test_no_candidate_is_missed(text: str, title: str) -> None:
    """What the index leaves out is what a complete evaluation finds not to hold."""
    documents = [f'rule: rule-{n}\nlook_for: {{a: {{phrases: ["{phrase}"]}}}}' for n, phrase in enumerate(PHRASES)]
    one = item(text, title)
    for rules in (_compiled(tuple(documents)), shipped()):
        facts = Facts(rules, one, None)
        verdicts = [work_out_rule(rule, facts) for rule in rules.rules]
        assert match_article(rules, one).signals == tuple(v.signal for v in verdicts if v.signal)


FILLERS = st.lists(
    st.sampled_from(
        ", — ... “ • … & * ' 4,000 x's l'a a.b.c 1.2.3 \u200b é の \n\n an wwwwwwwwwwwwwwwwwwwwwwww".split(" ")
    ),
    max_size=9,
).map(" ".join)
ANCHORS = st.sampled_from("Armenia invoked treaty law the martial soldier soldiers' o'soldier 4,000 of".split())
MARKS = st.lists(st.one_of(ANCHORS, FILLERS), max_size=12).map(" ".join)


@PROPERTY
@given(text=MARKS, title=MARKS)
def test_what_is_in_sight_of_an_anchor_is_all_there_is(text: str, title: str) -> None:
    """A phrase that makes its rule a candidate is found wherever one is that every place of its anchor is asked for."""
    phrases = [*PHRASES, "Armenia ..8 law", "treaty ..6 soldier*", "the treaty ..1 soldiers", "(law|the) ..2 martial"]
    alone = [f'rule: rule-{n:02}\nlook_for: {{a: {{phrases: ["{phrase}"]}}}}' for n, phrase in enumerate(phrases)]
    beside = [
        f"{document[:-1]}, b: {{states: {{at_least: 1}}}}}}\nalert_when: {{any_of: [a, b]}}" for document in alone
    ]
    some, every = _compiled(tuple(alone)), _compiled(tuple(beside))
    assert some.pivots and not every.pivots
    one = item(text, title)
    for rules in zip(some.rules, every.rules, strict=True):
        found, wanted = (
            Facts(compiled, one, None).finding(rule.clues["a"])
            for compiled, rule in zip((some, every), rules, strict=True)
        )
        assert (found.items, found.counted) == (wanted.items, wanted.counted)


SENTENCES = st.lists(
    st.sampled_from(
        [
            "Armenia invoked Article four of the treaty on Monday. ",
            "Georgia said that 12 soldiers were killed and 5 wounded. ",
            "Russia and Azerbaijan shelled the village. ",
            "Troops could shell the village, Baku warned. ",
            "In 2020 they fought a war. It killed 6,000 people. ",
            "At least 49 Armenian and 50 Azerbaijani soldiers died. ",
            "GORIS, Armenia — Nobody was hurt. ",
            "Iran shelled Iraq and 7 died, while Turkey and Greece said they invoked nothing after Georgia left. ",
            "Moscow-led troops invoked nothing; Tbilisi did. ",
            "Nothing happened.\n\n",
            "- Chad sent an envoy.\n\n",
        ]
    ),
    max_size=14,
).map("".join)
WINDOWS = [
    "within: 1 sentence",
    "within: 3 sentences",
    "within: paragraph",
]
CLUES = """
look_for:
  act: {phrases: [invoke~, shell~, (said|died)]}
  more: {phrases: [village, troops ..3 village, treaty], not_phrases: [warned]}
  parties: {states: {at_least: 2}}
  deaths: {killed: {at_least: 5}}
  hurt: {injured: {at_least: 1}, in: [lead]}
"""
TOGETHER = ["act, parties", "act, more", "deaths, parties", "act, deaths, parties", "act, hurt", "more, parties"]
CONDITIONS = [
    "alert_when: {all_of: [act], any_of: [parties, deaths]}",
    "alert_when: {at_least: {n: 2, of: [act, more, parties, deaths]}}",
    "alert_when: {all_of: [act], none_of: [hurt]}",
    "unless: [{name: warned, phrases: [envoy, nothing], of: act, within: 2 sentences}]",
    "",
]


@PROPERTY
@given(text=SENTENCES, title=SENTENCES.map(lambda text: text[:60].partition("\n")[0]))
def test_looking_only_where_a_clue_can_count_changes_nothing(text: str, title: str) -> None:
    documents = []
    for number, (close_clues, within, conditions) in enumerate(itertools.product(TOGETHER, WINDOWS, CONDITIONS)):
        windows = f"close_together:\n  - {{clues: [{close_clues}], {within}}}"
        if number % 2:
            windows += "\n  - {clues: [deaths, parties], within: 2 sentences}"
        when = conditions or f"alert_when: {{all_of: [{close_clues}]}}"
        documents.append(f"rule: rule-{number:03}\n{windows}\n{when}{CLUES}")
    rules = _compiled(tuple(documents))
    one = item(text, title)
    facts = Facts(rules, one, None)
    verdicts = [work_out_rule(rule, facts) for rule in rules.rules]
    result = match_article(rules, one)
    assert result.signals == tuple(verdict.signal for verdict in verdicts if verdict.signal)
    assert match_article(_compiled(tuple(reversed(documents))), one).signals == result.signals
    assert {one.rule_id for one in result.suppressed} == {
        verdict.rule.id for verdict in verdicts if verdict.holds and not verdict.signal
    }


@PROPERTY
@given(text=SENTENCES, seed=st.integers(0, 1000))
def test_what_is_found_by_sentence_is_what_the_whole_text_has(text: str, seed: int) -> None:
    whole, parts = (Reading.of("", text, "en", NOW) for _ in range(2))
    order = random.Random(seed).sample(parts.sentences, len(parts.sentences))
    states = {one.index: find_states(parts, gazetteer(), one) for one in order}
    assert find_states(whole, gazetteer()) == tuple(one for index in sorted(states) for one in states[index])
    indexes = [one.index for one in order if one.index in sentences_with_casualties(parts)]
    casualties = {index: find_casualties_in(parts, gazetteer(), index) for index in indexes}
    assert find_casualties(whole, gazetteer()) == tuple(one for i in sorted(casualties) for one in casualties[i])


_CACHE: dict[tuple[str, ...], CompiledRules] = {}


def _compiled(documents: tuple[str, ...]) -> CompiledRules:
    if documents not in _CACHE:
        _CACHE[documents] = compile_rules(load("\n---\n".join(documents)), gazetteer())
    return _CACHE[documents]


@pytest.mark.parametrize("phrase", ["перемир*", "перемир'я", "перемир’я", "оголо* ..1 перемир*"])
@pytest.mark.parametrize("apostrophe", "'’ʼ")
def test_an_apostrophe_between_cyrillic_letters_is_part_of_the_word(phrase: str, apostrophe: str) -> None:
    rules = compiled(f'rule: r-1\nlook_for: {{a: {{phrases: ["{phrase}"]}}}}')
    text = f"Сторони оголосили нове перемир{apostrophe}я, кажуть у столиці."
    [signal] = match_article(rules, item(text, language="uk")).signals
    assert signal.matches[0].text.endswith(f"перемир{apostrophe}я")


def test_hostile_repetition_stays_linear() -> None:
    rules = compiled("rule: r-1\nlook_for: {a: {phrases: ['order~ ..50 order~ ..50 order~ ..50 mobilisation']}}")
    assert not match_article(rules, item("order " * 3000)).signals
    assert match_article(rules, item("order " * 3000 + "mobilisation")).signals


def test_long_texts_full_of_names_and_figures_stay_cheap() -> None:
    text = "Armenia and Azerbaijan say that 3 soldiers were killed. " * 1500
    assert close("50 sentences", text, at_least=1000) is None
    assert close("50 sentences", text) == (("AM", "AZ"), 3)


def test_signals_are_plain_enough_to_store() -> None:
    [signal, *_] = match_article(shipped(), item(SEED_STORY)).signals
    assert replace(signal) == signal
    assert json.dumps([match.text for match in signal.matches])
    assert SHIPPED.is_dir()
