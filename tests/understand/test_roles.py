"""Who is party to a deed and who merely brokers, hosts, announces, welcomes or reports it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import article
from tests.core.rule_files import compiled
from watcher.explain import explain_article, render_explanation
from watcher.match import match_article

RULE = "rule: r-1\nlook_for: {parties: {states: {at_least: 1}}}"

CASES = [
    # Mediators, hosts and guarantors.
    ("en", "Israel and Lebanon agreed to a truce brokered by the United States and France.", "IL LB"),
    ("en", "A deal mediated by Egypt, Qatar and Turkey stopped the fighting between Israel and Hamas.", "IL"),
    ("en", "With Qatari mediation, Chad and its rebels signed a ceasefire.", "TD"),
    ("en", "Sudan's army accepted a pause through the mediation of Saudi Arabia.", "SD"),
    ("en", "Under the auspices of Russia, Armenia and Azerbaijan stopped shooting.", "AM AZ"),
    ("en", "Kenya and Uganda helped both sides reach a ceasefire in Burundi.", "BI"),
    (
        "en",
        "A ceasefire between Thailand and Cambodia, brokered by Malaysian prime minister Anwar Ibrahim, took hold.",
        "KH TH",
    ),
    ("en", "Oman hosted the envoys of Iran and Yemen, who agreed to a truce.", "IR YE"),
    ("en", "The truce in Libya was guaranteed by Turkey and Russia.", "LY"),
    ("en", "Norwegian mediators said that Colombia and the rebels would stop fighting.", "CO"),
    ("en", "Angola acted as mediator between Rwanda and Congo.", "CD RW"),
    ("en", "Togo has mediated a truce in Mali.", "ML"),
    ("en", "A truce facilitated by the government of Djibouti holds in Ethiopia.", "ET"),
    ("en", "An armistice overseen by Switzerland ended the war between Iran and Iraq.", "IQ IR"),
    # Places.
    ("en", "India and Pakistan agreed on a ceasefire at talks in Kazakhstan.", "IN PK"),
    ("en", "Armenia and Azerbaijan signed it at a summit in Georgia, officials said.", "AM AZ"),
    ("en", "On a visit to Egypt the king of Jordan recalled his envoy from Israel.", "IL JO"),
    ("en", "Eritrea and Ethiopia signed the truce in Algeria.", "ER ET"),
    ("en", "Peru and Ecuador exchanged fire as their presidents met for negotiations in Brazil.", "EC PE"),
    ("en", "Germany expels two Russian diplomats over a murder in Austria.", "DE RU"),
    (
        "en",
        "The United States will deploy 2,000 more troops to Romania and Poland to deter Russia in Ukraine.",
        "RU UA US",
    ),
    ("en", "Syria asked Russia for military assistance in Lebanon.", "RU SY"),
    ("en", "The envoy said in Kenya that Sudan had accepted the truce.", "SD"),
    ("en", "A Peruvian official stationed in Chile threatened Bolivia with war.", "BO PE"),
    # The other half of a coordinated deed.
    ("en", "Honduras cut ties with Taiwan and established relations with China.", "HN TW"),
    ("en", "Iran restored relations with Saudi Arabia after Sudan cut ties with Israel.", "IL IR SD"),
    ("en", "Latvia expels two Russian diplomats in solidarity with Estonia.", "LV RU"),
    # Announcers.
    ("en", "A ceasefire between Israel and Syria was announced by United States president Donald Trump.", "IL SY"),
    ("en", "Qatar announces an agreement between Israel and Hamas to extend the truce.", "IL"),
    ("en", "France announced that a truce between Armenia and Azerbaijan had begun.", "AM AZ"),
    ("en", "Israel and Hezbollah in Lebanon accepted a truce proposed by France.", "IL LB"),
    ("en", "Iran announced the expulsion of French and German diplomats.", "DE FR IR"),
    ("en", "Iran announced that French and German diplomats were expelled.", "DE FR IR"),
    ("en", "Russia announced a truce between its troops and Ukraine.", "RU UA"),
    ("en", "A ceasefire announced by Russia holds in Ukraine.", "RU UA"),
    # Reactions.
    ("en", "The truce between India and Pakistan was welcomed by China.", "IN PK"),
    ("en", "Spain and Italy welcomed the ceasefire between Israel and Lebanon.", "IL LB"),
    ("en", "Iraq condemned the Israeli strike on Iranian soldiers.", "IL IR"),
    ("en", "Turkey urged India and Pakistan to hold fire.", "IN PK"),
    ("en", "Turkey urged India and Pakistan to leave its soldiers alone.", "IN PK TR"),
    ("en", "Canada called on both sides to stop after Ethiopian troops shelled Eritrean posts.", "ER ET"),
    ("en", "Japan expressed concern after Chinese and Indian troops clashed.", "CN IN"),
    ("en", "The United States and France called for restraint after Greek and Turkish jets fired.", "GR TR"),
    ("en", "Egypt condemned the strike on Qatar and recalled its ambassador from Israel.", "EG IL QA"),
    ("en", "Jordan condemned Israel's strikes on Syria and expelled the ambassador.", "IL JO SY"),
    ("en", "Poland urged Ukraine and Russia to leave or face war.", "PL RU UA"),
    ("en", "Turkey condemned Armenia.", "AM TR"),
    # Sources.
    ("en", "Russian troops shelled a Ukrainian town, according to British officials.", "RU UA"),
    ("en", "According to US officials, Chinese ships rammed a Philippine boat.", "CN PH"),
    ("en", "Rwandan soldiers killed Congolese guards, said Belgium.", "CD RW"),
    ("en", "The Italian minister says Israel and Iran stopped firing.", "IL IR"),
    ("en", "A US official said that Russia struck Ukraine.", "RU UA"),
    ("en", "Ukraine said Russian and Belarusian planes bombed its army.", "BY RU UA"),
    ("en", "Syrian and Russian aircraft bombed its post, Turkey said.", "RU SY TR"),
    ("en", "Ukraine said that Russian troops killed three soldiers.", "RU UA"),
    ("en", "Mexico said it recalled its ambassador from Peru and Ecuador.", "EC MX PE"),
    ("en", "Norway said that Russian and Chinese attachés were expelled.", "CN NO RU"),
    ("en", "South Korea's news agency reported that North Korea threatened Japan.", "JP KP"),
    ("en", "The American president told reporters that Israel and Iran would stop.", "IL IR"),
    ("en", "Turkey told journalists that Syrian and Russian jets had bombed its post.", "RU SY TR"),
    # Private persons.
    ("en", "A French journalist was killed in a Russian strike on Ukraine.", "RU UA"),
    ("en", "British aid workers died when Israeli jets bombed a convoy in Lebanon.", "IL LB"),
    ("en", "Two Thai tourists were wounded as Indian and Pakistani guns fired.", "IN PK"),
    ("en", "An American student was hurt in Iran.", "IR US"),
    ("en", "A French journalist says that French soldiers fired on Malian troops.", "FR ML"),
    # Nothing but bystanders: somebody must be named.
    ("en", "The deal was brokered by Qatar and Egypt.", "EG QA"),
    ("en", "Qatar announces a deal.", "QA"),
    # No roles at all.
    ("en", "Israel and Lebanon exchanged fire.", "IL LB"),
    ("en", "Chad recalled its ambassador from Sudan and closed the border with Libya.", "LY SD TD"),
    ("en", "Fighting between the Afar and Somali Regions of Ethiopia goes on.", "ET"),
    ("en", "The hosts, Mali, fired on Niger.", "ML NE"),
    # French.
    ("fr", "Israël et le Liban ont conclu une trêve négociée par la France et les États-Unis.", "IL LB"),
    ("fr", "Le Tchad et le Soudan signent un accord sous l'égide du Qatar.", "SD TD"),
    ("fr", "Grâce à la médiation de l'Angola, le Rwanda et le Congo cessent le feu.", "CD RW"),
    ("fr", "L'Inde et le Pakistan ont cessé le feu, selon le Royaume-Uni.", "IN PK"),
    ("fr", "L'Espagne a salué la trêve entre l'Arménie et l'Azerbaïdjan.", "AM AZ"),
    ("fr", "Un journaliste français a été tué par une frappe russe en Ukraine.", "RU UA"),
    ("fr", "Le Maroc a rappelé son ambassadeur en Espagne.", "ES MA"),
    ("fr", "L'Algérie condamne la frappe du Mali et rappelle son ambassadeur au Niger.", "DZ ML NE"),
    ("fr", "Israël et la Syrie ont accepté une trêve lors de pourparlers en Azerbaïdjan.", "IL SY"),
    # Spanish.
    ("es", "Israel y Líbano acordaron una tregua mediada por Francia y Catar.", "IL LB"),
    ("es", "Con la mediación de Brasil, Perú y Ecuador firmaron un alto el fuego.", "EC PE"),
    ("es", "Rusia bombardeó Ucrania, según Polonia.", "RU UA"),
    ("es", "Chile condenó el ataque de Israel contra Irán.", "IL IR"),
    ("es", "Un periodista español murió en un bombardeo ruso en Ucrania.", "RU UA"),
    ("es", "Argentina retiró a su embajador de Venezuela.", "AR VE"),
    ("es", "Colombia y Ecuador acordaron una tregua en las conversaciones en Cuba.", "CO EC"),
    ("es", "México anunció que expulsó a su agregado de Perú y Bolivia.", "BO MX PE"),
    # Russian.
    ("ru", "Армения и Азербайджан договорились о перемирии при посредничестве России и Франции.", "AM AZ"),
    ("ru", "Израиль и Ливан прекратили огонь под эгидой США.", "IL LB"),
    ("ru", "Индия и Пакистан заключили перемирие на переговорах в Казахстане.", "IN PK"),
    ("ru", "По данным США, войска Эфиопии обстреляли Эритрею.", "ER ET"),
    ("ru", "Германия осудила удар Израиля по Сирии.", "IL SY"),
    ("ru", "Франция осудила Иран и отозвала своего посла из Сирии.", "FR IR SY"),
    ("ru", "Польша отозвала посла из Белоруссии.", "BY PL"),
    ("ru", "Французский журналист погиб при ударе России по Украине.", "RU UA"),
    # Ukrainian.
    ("uk", "Вірменія та Азербайджан домовилися про перемир'я за посередництва Росії та Франції.", "AM AZ"),
    ("uk", "Ізраїль і Ліван припинили вогонь під егідою США.", "IL LB"),
    ("uk", "За даними Польщі, війська Росії обстріляли Україну.", "RU UA"),
    ("uk", "Румунія засудила удар Росії по Україні.", "RU UA"),
    ("uk", "Литва відкликала посла з Білорусі.", "BY LT"),
    # Turkish.
    ("tr", "İsrail ve Lübnan, Mısır ve Katar'ın arabuluculuğunda ateşkes ilan etti.", "IL LB"),
    ("tr", "Hindistan ve Pakistan, Suudi Arabistan'ın ev sahipliğinde ateşkes imzaladı.", "IN PK"),
    ("tr", "ABD'li yetkililere göre Rusya Ukrayna'yı vurdu.", "RU UA"),
    ("tr", "İran, Irak'taki büyükelçisini geri çağırdı.", "IQ IR"),
    # Arabic.
    ("ar", "اتفقت إسرائيل ولبنان على هدنة بوساطة مصر وقطر.", "IL LB"),
    ("ar", "وقعت إثيوبيا وإريتريا الهدنة برعاية السعودية.", "ER ET"),
    ("ar", "رحبت الجزائر بوقف إطلاق النار بين الهند وباكستان.", "IN PK"),
    ("ar", "استدعت تونس سفيرها من المغرب.", "MA TN"),
]


def parties(text: str, language: str, title: str = "") -> tuple[str, ...]:
    [signal] = match_article(compiled(RULE), article(text=text, title=title, language=language)).signals
    return signal.states


@pytest.mark.parametrize(("language", "text", "expected"), CASES, ids=[text[:60] for _, text, _ in CASES])
def test_parties_and_bystanders(language: str, text: str, expected: str) -> None:
    assert " ".join(parties(text, language)) == expected


def test_a_rule_that_asks_for_a_bystander_finds_it() -> None:
    text = "Israel and Lebanon agreed to a truce brokered by France."
    for states, expected in (("{one_from: west}", ("FR", "IL", "LB")), ("{at_least: 3}", ("FR", "IL", "LB"))):
        west = "list: west\nkind: states\nitems: [FR]\n---\n" if "west" in states else ""
        rule = f"{west}rule: r-1\nlook_for: {{parties: {{states: {states}}}}}"
        [signal] = match_article(compiled(rule), article(title="", text=text)).signals
        assert signal.states == expected


def test_a_window_of_parties_goes_before_one_of_bystanders() -> None:
    rule = compiled(
        "rule: r-1\nlook_for: {truce: {phrases: truce*}, who: {states: {at_least: 1}}}\n"
        "close_together: [{clues: [truce, who], within: 1 sentence}]"
    )
    text = "Qatar announces a truce was brokered by Qatar. Chad and Sudan signed the truce on Monday."
    [signal] = match_article(rule, article(title="Truce brokered by Egypt", text=text)).signals
    assert signal.states == ("SD", "TD")


def test_explain_names_the_role() -> None:
    text = "Israel and Lebanon agreed to a truce brokered by France. According to Spain, Chile watched."
    [explanation] = explain_article(compiled(RULE), article(title="", text=text))
    said = "\n".join(render_explanation(explanation))
    assert "FR, not counted: mediator: brokered by X" in said
    assert "ES, not counted: source: according to X" in said


SENTENCES = [text for language, text, _ in CASES if language == "en"]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4), least=st.integers(1, 4))
def test_bystanders_never_cost_a_signal(texts: list[str], least: int) -> None:
    """A rule holds with the roles exactly where it holds without them: roles narrow who is named, nothing else."""
    text = " ".join(texts)
    rule = f"rule: r-1\nlook_for: {{parties: {{states: {{at_least: {least}}}}}}}"
    named = {one.split()[0] for one in texts for _, other, codes in CASES if other == one for one in codes.split()}
    result = match_article(compiled(rule), article(title="", text=text))
    if len(named) >= least:
        assert len(result.signals[0].states) >= least
