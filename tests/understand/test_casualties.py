"""Each case is a text with the tolls that it reports as happened; the reference date is 14 September 2022.

``killed`` and ``injured`` are the lower bound, with ``~`` behind a vague one, ``..N`` where an upper bound is stated and
``-`` for none.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model import Stance, Toll
from watcher.text.fold import fold_term
from watcher.text.reading import Reading
from watcher.understand.casualties import TRIGGERS, Casualty, find_casualties, toll
from watcher.understand.states import Gazetteer

REFERENCE_AT = datetime(2022, 9, 14, 14, 39, tzinfo=UTC)
SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"
HAPPENED = frozenset({Stance.HAPPENED})

# killed | injured | text
ENGLISH = """
17 | - | Thirteen Houthi fighters and four Saudi soldiers died in the clash.
20 | - | Twenty Indian soldiers were killed, including 5 Sikh officers.
20 | - | Twenty people were killed, among them 5 Rohingya refugees.
4 | - | The dead included four nurses.
6 | - | Raiders slit the throats of six shepherds.
29 | - | Twenty-nine pilgrims, seven of them nuns, were killed when shells hit the shrine.
6 | - | The mayor said six people, four of whom worked at the plant, had been killed.
- | 5 | Five monks, one of them aged 80, were wounded on Monday.
7 | - | Seven died in Goma, and all of them were guards.
70 | - | The army said that it killed "more than 70 gunmen" overnight.
- | - | The raid killed no civilians, the army said.
- | - | The strike killed zero civilians, the coalition insisted.
- | - | The power cut killed 40 servers.
- | 4 | Four monks were hurt when the roof of the prayer hall came down.
- | 6 | Six were hurt by flying glass.
31 | - | Two more guards died overnight, bringing to 31 the number of people killed since the siege began.
4 | - | Monday's blast brought to four the number of medics killed this month.
- | 90 | The raids brought to 90 the number of wounded.
57 | - | Another body was found, bringing to 57 the death toll.
2 | - | Among the dead were two interpreters.
5 | - | Five of the 11 hostages were killed.
3 | - | Three of their nine recruits died.
19 | - | The fatalities numbered 19.
26 | - | Police counted 17 dead in the port and 9 in the suburbs, for a total of 26.
12 | 7 | Police counted 12 dead in the port and arrested a total of 26 people, 7 of them injured.
40 | - | The district counted a local toll of 8, while 40 people died across the province.
1~ | - | The killed recruits were buried on Sunday.
2 | - | The mortar round killed a teacher and her two pupils.
1200 | - | The siege has killed 1 200 people.
1200 | - | The siege has killed 1 200 people.
1250000 | - | The war killed 1 250 000 people.
300 | - | On Sept 12 300 people died.
12 | - | At least a dozen Ukrainian and Russian soldiers were killed.
12~ | - | Dozens of Armenian and Azerbaijani soldiers were killed on Tuesday.
49 | - | At least 49 Armenian and Azerbaijani soldiers were killed.
207 | - | Armenia put its losses at 135 dead and Azerbaijan reported 72 servicemen killed.
176 | - | Armenia lost 105 soldiers and Azerbaijan 71.
121 | - | Azerbaijan said 50 of its troops had been killed, while Armenia reported at least 71 deaths.
3 | - | INDIAN TROOPS KILL THREE PAKISTANI SOLDIERS
20 | 76 | 20 Indian soldiers dead, 76 injured in clash with China
4 | - | Four civilians, among them a nurse, lost their lives in the strike.
5 | 17 | The shelling of Stepanakert killed at least five people and injured 17, officials said.
1 | 3 | One person died and three were hospitalised with injuries.
1 | 2 | One civilian was killed and two were wounded, Kyiv said.
21 | - | Twenty-one people have lost their lives since Monday.
2 | - | Two pilots died when their jet was shot down.
6 | - | Six of its soldiers were killed in a drone attack, Kuwait said.
32 | - | More than two dozen rockets hit the city, killing 32.
- | - | Troops killed time playing cards.
- | - | The proposal was dead on arrival.
- | - | Police seized 12 kg of drugs and killed the engine.
- | - | The fire killed 200 chickens.
- | - | No deaths or injuries were reported.
- | - | None of the 12 crew members were hurt.
- | - | The crew of 12 escaped unhurt.
- | - | It would be the death of the alliance.
- | - | The death of the deal surprised Brussels.
- | - | Stocks took a beating; 3 banks lost 12 percent.
- | - | Five players were injured before the match.
8 | - | Eight bodies were found after the shelling.
11 | 30 | A suicide bomber killed 11 people and himself and wounded 30.
15 | - | The attack on the convoy, which killed 15 soldiers, was the deadliest since 2020.
- | - | The attack, which killed 15 soldiers in 2016, is still unsolved.
10 | - | Iranian forces shot and killed 10 border guards.
2 | - | A man and two children were killed.
13 | - | A roadside bomb has killed 13 Pakistani soldiers, Reuters reported in 2022.
100 | - | The toll from Monday's raid now stands at 100.
31 | - | Russia's defence ministry said 31 had died.
- | - | The ministry denied that 31 had died.
- | - | Ukraine's claim that 600 Russian soldiers were killed is false.
9 | - | Nine killed, dozens missing after landslide
- | - | Nine missing, feared dead after landslide
4 | 2 | Four killed and two critically injured
2 | 1 | 2 soldiers martyred, one wounded
49 | - | 49 soldiers were killed on Tuesday.
49 | - | At least 49 Armenian servicemen were killed.
49 | - | The shelling killed 49 soldiers.
6 | - | The blast killed six.
6 | 20 | A missile hit the market, killing six and wounding 20.
3 | 12 | The attack left 3 dead and 12 wounded.
3 | 12 | Three people were killed and 12 injured in the raid.
3 | 12 | Three dead, 12 wounded in border clash
2 | 3 | 2 killed, 3 wounded in shelling
12~ | - | Clashes on the border, resulting in dozens of deaths on both sides, went on.
12~ | - | Dozens of soldiers died.
100~ | - | Hundreds were killed in the offensive.
40~ | - | Scores of people were killed.
2~ | - | Several villagers were killed.
1000~ | - | Thousands of civilians have been killed this month.
12 | - | A dozen soldiers were killed.
6 | - | Half a dozen guards were killed.
2 | - | A couple of soldiers were killed.
10000~ | - | Tens of thousands have died.
105 | - | The death toll rose to 105 on Wednesday.
105 | - | The death toll has climbed to at least 105, with 49 killed on Tuesday.
105 | - | The death toll from the clashes reached 105.
81 | - | The toll in Teri Mangal rose to 81.
99 | - | Six more soldiers died, bringing the total to 99.
99 | - | In all, 99 people were killed, 49 of them soldiers.
155 | - | A total of 155 servicemen were killed; 105 of them were Armenian.
71 | - | Azerbaijan raised its death toll from 50 to 71.
17 | - | The flood claimed the lives of 17 people.
17 | - | The fighting claimed 17 lives.
9 | - | Nine people lost their lives.
12 | - | Rescuers found the bodies of 12 miners.
12 | - | Twelve bodies were recovered from the river.
3 | - | Three people, including two children, were killed.
5 | - | Five soldiers, among them two officers, died in the ambush.
7 | - | The strike killed seven people, including three children.
1~ | - | Azerbaijani troops killed soldiers near the border.
1~ | - | Soldiers were killed, the ministry said.
1 | - | A soldier was killed by a sniper.
1 | - | The shelling killed a woman in the village.
1~ | - | The deputy commander was among the dead.
1 | - | His brother was one of the dead.
49 | - | Armenia lost 49 troops.
99 | - | 49 Armenian and 50 Azerbaijani soldiers were killed.
99 | - | Armenia said 49 of its soldiers died while Azerbaijan reported 50.
99 | - | The fighting killed 49 Armenian and 50 Azerbaijani soldiers.
99 | - | Forty-nine Armenian soldiers and fifty Azerbaijani soldiers were killed.
12 | - | 12 soldiers and three civilians were killed.
1298 | 58 | Chad said its troops killed 1,269 Libyan soldiers while 29 Chadian soldiers were killed and 58 wounded.
- | 12 | Twelve people were injured in the blast.
- | 12 | Twelve people were hurt.
- | 12 | The blast injured 12.
- | 12 | The blast wounded at least a dozen people.
- | 7 | Seven soldiers were wounded in action.
- | 20 | Twenty people were hospitalised with injuries.
- | 30 | About 30 residents suffered injuries.
- | 1 | A policeman was wounded.
6000 | - | The war killed more than 6,000 people this month.
6000 | - | Over 6,000 people have been killed.
40 | - | No fewer than 40 people were killed.
50 | - | Nearly 50 people were killed.
150 | - | Almost 150 people were killed when aircraft raided villages.
20 | - | Some 20 people died.
20 | - | About 20 people died.
1..12 | - | Up to 12 people were killed.
1..20 | - | As many as 20 soldiers were killed.
1..10 | - | Fewer than 10 people died.
10..15 | - | Between 10 and 15 people died.
10..15 | - | The blast killed 10 to 15 people.
1..20~ | 1..20~ | Twenty people were killed or wounded.
1..20~ | 1..20~ | The attack killed and wounded 20 people.
10 | - | The army executed 10 prisoners.
4 | - | Four men were shot dead.
4 | - | Gunmen shot dead four men.
3 | - | Three were fatally wounded.
5 | - | Five miners died in an accident.
12 | - | Twelve people were killed in a bus crash.
230 | - | An earthquake killed 230 people.
1 | - | Police killed a gunman in Ohio.
2 | - | Israeli troops kill two Palestinians
3 | - | Israeli tank kills three Egyptian troops
12 | - | Russian missiles kill 12 in Kharkiv
8 | - | Eight killed as truck bomb explodes
23 | - | 23 died in Angur Adar.
9 | - | Nine French peacekeepers were killed during an air raid more than a week ago.
3 | - | Israeli airstrikes have killed three soldiers close to Damascus.
13 | - | The deaths of 13 conscripts shocked the country.
13 | - | There were 13 deaths.
13 | - | Officials reported 13 civilian deaths.
4 | - | The killing of four soldiers was condemned.
11 | - | Eleven people perished in the fire.
2 | 5 | Two people have died and five others were injured.
2 | - | A rocket struck a house and two people were killed inside.
45 | - | 45 people were killed in Lwarai Mandi and 23 died in Angur Adar.
6 | - | Six people were killed, which Baku denies.
1~ | - | The general was killed in an air strike.
1~ | - | The killings of soldiers continued.
15 | - | Fifteen bodies lay in the street.
5 | - | The number of dead rose to five.
44 | - | The number of people killed climbed to 44.
- | 90 | The number of wounded rose to 90.
3 | - | Three of the wounded soldiers died in hospital.
2 | - | Two Iranian generals were assassinated.
10 | - | Ten people died of their wounds.
40 | - | At least 40 people have been confirmed dead.
12 | - | Twelve people were found dead.
- | - | There were no casualties.
- | - | No casualties were reported.
- | - | Nobody was killed.
- | - | No one was killed or injured.
- | - | No injuries are reported.
- | - | The strike caused no deaths.
- | - | Without casualties, the troops withdrew.
- | - | The senate killed the deal.
- | - | Lawmakers voted to kill the bill.
- | - | The bill was killed in committee.
- | - | Two cows were killed by a shell.
- | - | Wolves killed 20 sheep.
- | - | Talks reached a dead end.
- | - | The deadline is Friday.
- | - | The race ended in a dead heat.
- | - | Fans are dying to see it.
- | - | It is the killer app of the year.
- | - | The writers killed off the character.
- | - | The engine died on the motorway.
- | - | The ship crossed the Dead Sea.
- | - | She killed it on stage.
- | - | A sudden death play-off decided the match.
- | - | Twelve people are feared dead.
- | - | Twelve miners are missing.
- | - | Ten people are presumed dead.
- | - | The court sentenced three men to death.
- | - | The death penalty was abolished in 12 states.
- | - | He received death threats.
- | - | In 2020, the two fought a war that killed more than 6,000 people.
- | - | More than 6,000 people were killed in the 44-day war.
- | - | Two years ago 300 soldiers were killed there.
1~ | - | Soldiers were killed on September 13.
1 | - | A commander was killed on 13 September 2022.
- | - | Dozens could be killed, analysts warn.
- | - | An attack may kill thousands.
- | - | If war comes, thousands will die.
- | - | Prices hurt exports by 20 percent.
- | - | High rates hurt 12 companies' sales.
- | - | Trade wars hurt growth.
- | - | Inflation took a heavy toll.
- | - | The road toll rose to 5 dollars.
- | - | The company reported losses of $49 million.
- | - | The team lost 3 games.
- | - | The army lost 49 tanks.
- | - | The striker has a knee injury.
- | - | The party died down at midnight.
- | - | The phone battery died.
- | - | Old habits die hard.
- | - | They destroyed 12 drones.
- | - | 12 drones were shot down.
1~ | - | Soldiers were killed in 3 attacks.
49 | - | In 3 attacks, 49 soldiers were killed.
1 | - | A 12-year-old boy was killed.
1 | - | The shell killed a 12-year-old girl.
3 | - | On day 2 of the battle three soldiers were killed.
2 | - | Two people were killed by 12 missiles.
5 | - | 5 people, aged 12 to 40, were killed.
- | - | He was at death's door.
- | - | In the film 40 people are killed.
- | - | Killing time is an art.
100~ | - | Hundreds of people died.
- | - | A court sentences 44 people to death.
7 | - | At least seven people are confirmed to have died in the storm.
4 | - | Four members of the mob were also killed.
20 | - | Market fire: At least 20 people are killed when a fire breaks out.
3 | 12~ | He drove into cars, killing three and leaving dozens injured, before being shot dead.
135 | 5000 | The death toll rises to 135, with more than 5,000 injured and dozens missing.
30 | 12~ | Air strikes have killed at least 30 people and left dozens more injured.
12 | - | He was among the 12 people killed in the attack.
- | - | The party was wounded by the scandal.
- | - | A trial began over the plane that crashed on 23 June 1985, killing all 329 people on board.
- | - | He was jailed for the 1964 murder of two men.
3 | - | A drone struck the town, killing three.
"""

OTHER_LANGUAGES = [
    ("ru", "49 | - | В столкновениях погибли 49 военнослужащих."),
    ("ru", "49 | - | 49 солдат были убиты."),
    ("ru", "3 | 12 | Погибли три человека, 12 ранены."),
    ("ru", "3 | 12 | В результате удара убиты 3 солдата и ранены 12 человек."),
    ("ru", "105 | - | Число погибших возросло до 105."),
    ("ru", "6 | - | Обстрел унёс жизни шести человек."),
    ("ru", "1~ | - | Погибли солдаты, сообщили власти."),
    ("ru", "- | - | Никто не погиб."),
    ("ru", "- | - | Погибших нет."),
    ("ru", "- | - | В 2020 году на войне погибли 6000 человек."),
    ("ru", "- | - | Могут погибнуть тысячи человек."),
    ("ru", "- | 20 | Ранения получили 20 человек."),
    ("uk", "49 | - | У боях загинули 49 військових."),
    ("uk", "49 | - | 49 солдатів було вбито."),
    ("uk", "3 | 12 | Загинули три людини, 12 поранені."),
    ("uk", "6 | - | Унаслідок обстрілу загинуло 6 людей."),
    ("uk", "105 | - | Кількість загиблих зросла до 105."),
    ("uk", "- | 20 | Поранення дістали 20 людей."),
    ("uk", "1~ | - | Загинули військові, повідомила влада."),
    ("uk", "- | - | Ніхто не загинув."),
    ("uk", "- | - | У 2020 році на війні загинули 6000 людей."),
    ("uk", "- | - | Можуть загинути тисячі людей."),
    ("tr", "49 | - | Çatışmalarda 49 asker öldü."),
    ("tr", "49 | - | 49 asker öldürüldü."),
    ("tr", "3 | 12 | Saldırıda 3 kişi öldü, 12 kişi yaralandı."),
    ("tr", "6 | - | 6 asker şehit oldu."),
    ("tr", "5 | - | 5 kişi hayatını kaybetti."),
    ("tr", "105 | - | Ölü sayısı 105'e yükseldi."),
    ("tr", "- | 20 | 20 kişi yaralandı."),
    ("tr", "- | - | Saldırıda ölen olmadı."),
    ("tr", "- | - | 2020 yılında savaşta 6000 kişi öldü."),
    ("tr", "- | - | Binlerce kişi ölebilir."),
    ("fr", "49 | - | 49 soldats ont été tués."),
    ("fr", "49 | - | Les combats ont tué 49 soldats."),
    ("fr", "3 | 12 | L'attaque a fait trois morts et 12 blessés."),
    ("fr", "6 | 20 | Six personnes ont été tuées et 20 blessées."),
    ("fr", "105 | - | Le bilan s'élève à 105 morts."),
    ("fr", "9 | - | Neuf personnes ont perdu la vie."),
    ("fr", "1~ | - | Des soldats ont été tués."),
    ("fr", "- | - | Aucun soldat n'a été tué."),
    ("fr", "- | - | L'attaque n'a pas fait de morts."),
    ("fr", "- | - | En 2020, la guerre a tué 6000 personnes."),
    ("fr", "- | - | Des milliers de personnes pourraient être tuées."),
    ("es", "49 | - | 49 soldados murieron."),
    ("es", "49 | - | Los combates mataron a 49 soldados."),
    ("es", "3 | 12 | El ataque dejó tres muertos y 12 heridos."),
    ("es", "6 | 20 | Seis personas murieron y 20 resultaron heridas."),
    ("es", "105 | - | La cifra de muertos subió a 105."),
    ("es", "9 | - | Nueve personas perdieron la vida."),
    ("es", "1~ | - | Ayer murieron soldados."),
    ("es", "- | - | No murió nadie."),
    ("es", "- | - | No hubo muertos."),
    ("es", "- | - | En 2020 la guerra mató a 6000 personas."),
    ("es", "- | - | Miles de personas podrían morir."),
    ("ar", "49 | - | قتل 49 جنديا في الاشتباكات."),
    ("ar", "49 | - | مقتل 49 جنديا."),
    ("ar", "3 | 12 | قتل 3 أشخاص وأصيب 12 آخرون."),
    ("ar", "6 | - | أسفر القصف عن مقتل 6 أشخاص."),
    ("ar", "- | 20 | أصيب 20 شخصا بجروح."),
    ("ar", "105 | - | ارتفع عدد القتلى إلى 105."),
    ("ar", "5 | - | استشهد 5 فلسطينيين."),
    ("ar", "1~ | - | قتل جنود على الحدود."),
    ("ar", "- | - | لم يقتل أحد."),
    ("ar", "- | - | في عام 2020 قتل 6000 شخص في الحرب."),
    ("ar", "- | - | قد يقتل آلاف الأشخاص."),
]


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


def casualties_of(text: str, gazetteer: Gazetteer, language: str = "en", title: str = "") -> tuple[Casualty, ...]:
    return find_casualties(Reading.of(title, text, language, REFERENCE_AT), gazetteer)


def tolls(row: str, gazetteer: Gazetteer, language: str = "en") -> tuple[str, str]:
    """What the text of a row reports, written as in the table, and what the row expects."""
    killed, injured, text = (part.strip() for part in row.split("|", 2))
    found = casualties_of(text, gazetteer, language)
    written = []
    for kind in ("killed", "injured"):
        result = toll(found, kind, HAPPENED)
        if result is None:
            written.append("-")
        else:
            value = result[0]
            upper = "" if value.at_most is None else f"..{value.at_most}"
            written.append(f"{value.at_least}{upper}{'~' if value.vague else ''}")
    return " | ".join(written), f"{killed} | {injured}"


ROWS = ENGLISH.strip().splitlines()


def test_the_table_is_large() -> None:
    assert len(ROWS) >= 120


@pytest.mark.parametrize("row", ROWS)
def test_tolls(row: str, gazetteer: Gazetteer) -> None:
    found, expected = tolls(row, gazetteer)
    assert found == expected


@pytest.mark.parametrize(("language", "row"), OTHER_LANGUAGES)
def test_tolls_in_other_languages(language: str, row: str, gazetteer: Gazetteer) -> None:
    found, expected = tolls(row, gazetteer, language)
    assert found == expected


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("No soldiers were killed.", Stance.DENIED),
        ("There were no casualties.", Stance.DENIED),
        ("The ministry denied that 12 soldiers had been killed.", Stance.DENIED),
        ("Up to 300 people could be killed.", Stance.POSSIBLE),
        ("If it attacks, hundreds will die.", Stance.POSSIBLE),
        ("The war of 1994 killed 30,000 people.", Stance.PAST),
    ],
)
def test_stance_of_casualties(text: str, stance: Stance, gazetteer: Gazetteer) -> None:
    assert {c.stance for c in casualties_of(text, gazetteer) if c.kind == "killed"} == {stance}


def test_spans_hold_number_and_word(gazetteer: Gazetteer) -> None:
    text = "Tensions rose. At least 49 Armenian soldiers were killed and 20 wounded on Tuesday."
    killed, injured = casualties_of(text, gazetteer)
    assert text[killed.start : killed.end] == "At least 49 Armenian soldiers were killed"
    assert text[injured.start : injured.end] == "20 wounded"


def test_two_named_sides_rest_on_both_mentions(gazetteer: Gazetteer) -> None:
    found = casualties_of("Armenia said 49 of its soldiers died while Azerbaijan reported 50.", gazetteer)
    result = toll(found, "killed", HAPPENED)
    assert result is not None
    assert [(c.at_least, c.side) for c in result[1]] == [(49, "AM"), (50, "AZ")]


@pytest.mark.parametrize(
    "text",
    [
        "49 Armenian soldiers and 3 Armenian civilians were killed.",
        "49 soldiers and 12 officers were killed in Armenia.",
    ],
)
def test_figures_of_one_side_are_not_added(text: str, gazetteer: Gazetteer) -> None:
    result = toll(casualties_of(text, gazetteer), "killed", HAPPENED)
    assert result is not None
    assert result[0].at_least == 49


def test_a_total_beats_higher_parts_and_only_accepted_stances_count(gazetteer: Gazetteer) -> None:
    text = "In 2020, 6,000 people were killed. The death toll rose to 105. Earlier 120 were killed, some said."
    result = toll(casualties_of(text, gazetteer), "killed", HAPPENED)
    assert result is not None
    assert result[0].at_least == 105
    result = toll(casualties_of(text, gazetteer), "killed", frozenset({Stance.PAST}))
    assert result is not None
    assert result[0].at_least == 6000
    assert toll(casualties_of(text, gazetteer), "killed", frozenset({Stance.PLANNED})) is None
    assert toll((), "killed", HAPPENED) is None


def test_a_title_that_repeats_counts_once(gazetteer: Gazetteer) -> None:
    title = "Two soldiers killed in shelling"
    assert len(casualties_of(f"{title}\n\nThe shelling went on.", gazetteer, title=title)) == 1


def test_every_casualty_has_a_trigger_of_the_prefilter(gazetteer: Gazetteer) -> None:
    for language, row in [("en", row) for row in ROWS] + OTHER_LANGUAGES:
        text = row.split("|", 2)[2].strip()
        if not casualties_of(text, gazetteer, language):
            continue
        folded = fold_term(text)
        terms = TRIGGERS[language]
        assert any(re.search(rf"(?<!\w){re.escape(term.rstrip('*'))}", folded) for term in terms), text


words = st.sampled_from(
    "49 killed wounded and dead soldiers , . were dozens of no death toll rose to 105 Armenian from which lost".split()
)


@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=40).map(" ".join)), st.sampled_from([*TRIGGERS, "xx"]))
def test_finding_never_raises_and_spans_lie_in_the_text(gazetteer: Gazetteer, text: str, language: str) -> None:
    for casualty in casualties_of(text, gazetteer, language):
        assert 0 <= casualty.start < casualty.end <= len(text)
        assert casualty.at_least >= 1
        assert casualty.at_most is None or casualty.at_most >= casualty.at_least


@pytest.mark.shared_data
def test_the_seed_article(gazetteer: Gazetteer) -> None:
    path = SHARED_DATA / "seed-article.txt"
    if not path.is_file():
        pytest.skip("the development data is not beside the checkout")
    found = casualties_of(path.read_text(encoding="utf-8"), gazetteer)
    result = toll(found, "killed", HAPPENED)
    assert result is not None
    assert result[0] == Toll(12, None, True)


@pytest.mark.timeout(30)  # linear takes six seconds at most, quadratic a minute
@pytest.mark.parametrize("piece", ["killed 12 after the 2001 attacks ", "17 dead and a total of 3, "])
def test_hostile_text_is_read_in_linear_time(piece: str, gazetteer: Gazetteer) -> None:
    assert find_casualties(Reading.of("", piece * 6_000, "en", REFERENCE_AT), gazetteer)
