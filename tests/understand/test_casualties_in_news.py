"""Tolls of sentences as news has them, in seven languages, written from the rules alone.

Each row is killed, injured (the lower bound, ``..N`` where an upper one is stated, ``-`` for none), and the text;
``T:title // text`` where there is a title. The article is of 14 September 2022.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.model import Stance
from watcher.text.reading import Reading
from watcher.understand.casualties import find_casualties, toll
from watcher.understand.states import Gazetteer

TABLES = {
    "en": """
| 3 | - | Four American soldiers were held, but three guards were killed.
| 3 | - | Three Turkish soldiers are killed in Syrian attacks, bringing the number of Turkish soldiers killed in Syria to 21.
| 21 | - | The number of Turkish soldiers killed in Syria rose to 21.
| 4 | - | Four marines were shot dead in the raid, taking the number of British troops killed in Afghanistan to 300.
| - | - | The herder said 40 goats and a yak had been killed.
| 2 | - | Two of a crew of 20 drowned.
| 3 | 12 | The blast left 3 dead and 12 wounded.
| 105 | - | The death toll rose to 105 on Wednesday.
| 105 | - | Ten bodies were found in the cellar and five in the yard; the death toll now stands at 105.
| 20..30 | - | Between 20 and 30 soldiers were killed.
| 1..200 | - | Up to 200 people were killed.
| 1..50 | - | As many as 50 people died in the raid.
| 1..10 | - | Fewer than 10 people were killed.
| 12 | - | Dozens died.
| 40 | - | Scores of villagers were massacred.
| 100 | - | Hundreds were killed in the siege.
| 1000 | - | Thousands have perished.
| 10000 | - | Tens of thousands have been killed.
| 6 | - | Half a dozen miners died.
| 2 | - | A couple of guards were killed.
| 2 | - | Several protesters were killed.
| 10 | - | Tens of people were killed.
| 44 | - | The flood claimed the lives of 44 people.
| 7 | - | The attack took seven lives.
| 1500 | - | More than 1,500 people lost their lives.
| 99 | - | 49 Armenian and 50 Azerbaijani soldiers were killed.
| 120 | - | 49 Armenian and 50 Azerbaijani soldiers were killed on Monday, bringing the total to 120.
| 6 | - | Five Lebanese civilians and an Israeli soldier died.
| 6 | - | 5 Lebanese civilians and an Israeli soldier were killed in the exchange.
| 2 | - | Two Israelis were killed in the ambush, bringing the number killed since the war began to 40,000.
| 2 | - | Two soldiers died on Friday, taking the army's losses since the invasion started to 1,204.
| - | - | There were no casualties.
| - | - | Nobody was killed or injured in the strike.
| - | - | No one was hurt.
| - | - | No deaths were reported.
| - | - | The opposition killed the deal.
| - | - | Two cows were killed when a shell landed in the field.
| - | - | The comedian killed it on stage.
| - | - | The phone died and the battery killed the mood.
| - | - | In 1994, some 800,000 people were killed in the genocide.
| - | - | The 1990s war left 30,000 dead.
| - | - | More than 6,000 people died in the 2020 war.
| 1 | - | A soldier was shot dead at the checkpoint.
| 1 | 2 | A gunman killed an officer and wounded two others.
| 4 | 9 | Four killed, nine injured in border shelling
| - | 15 | Fifteen people were hospitalised with burns.
| - | 30 | About 30 people were hurt.
| - | 1 | A girl suffered injuries to her leg.
| 14 | - | Fourteen sailors drowned when the frigate sank.
| - | - | Eight sailors are missing and feared dead.
| - | - | The minister warned that thousands could die.
| - | - | Officials deny that 40 soldiers were killed.
| 1200000 | - | The famine has killed 1.2 million people.
| 31 | - | Thirty-one people, including nine children, were killed.
| 6 | - | The bodies of six men were recovered from the rubble.
| 3 | - | Three bodies were pulled from the ruins.
| 9 | - | Among the dead were nine children.
| 17 | 40 | At least 17 dead, 40 wounded as rockets hit market
| 21 | - | The number of dead climbed from 18 to 21.
| 250 | - | The casualty count reached 250 fatalities.
| 5 | - | Army says it lost five men.
| 11 | - | Eleven pilgrims succumbed to their wounds.
| 60 | - | An estimated 60 fighters were eliminated, the army said.
| 2 | 1 | Clashes killed two and injured one.
| - | - | The dead sea level fell by two metres.
| 8 | - | A suicide bomber blew himself up, killing eight.
| 3 | - | Gunmen ambushed the convoy, and three troops were slain.
| 13 | - | The health ministry put the death toll at 13.
| 1 | - | Soldiers were killed in the ambush.
| 71 | - | T:71 die in attack // Rescuers worked through the night.
| 2 | 5 | Two people have been confirmed dead and five others remain in hospital with injuries.
| 24 | - | On 13 September, 24 soldiers were killed.
| - | - | Ten years ago 24 soldiers were killed here.
| 105 | - | Armenia said 105 of its soldiers had been killed.
| 176 | - | Armenia said 105 of its soldiers had been killed, while Azerbaijan reported 71 deaths among its troops.
| 16 | - | The fighting claimed 16 lives.
| - | - | Had the bomb gone off, hundreds would have been killed.
| - | - | How many people were killed?
| 2500 | - | Two and a half thousand people have died.
| 52 | - | Fifty two people were burned alive.
| 19 | - | Nineteen students were gunned down.
| 5 | - | A family of five was killed.
| 2 | - | A couple and their daughter were killed.
| - | - | The drill simulated an attack in which 300 people were killed.
| 8 | 25 | Eight people were killed and 25 hurt when a drone hit a bus.
| 2 | - | A father and his son died instantly; the two were farmers, and two bodies were found.
| 1 | - | The ambassador was assassinated.
| 300 | - | Some 300 migrants drowned off the coast.
| 14 | - | The death toll has climbed to 14 after a wounded officer died in hospital.
| 38 | - | Israel said 15 of its soldiers had died, and Lebanon counted 23 dead.
| 10000 | - | The toll could not be verified, but tens of thousands were killed, the envoy said.
| 45 | 110 | Officials put the toll at 45 dead and 110 injured.
| - | - | The new bill was killed in committee.
| - | - | The striker suffered a knee injury and the team lost 3-0.
| - | - | Forty sheep were slaughtered for the feast.
| - | - | Police denied reports that two protesters had been killed.
| - | - | Not a single soldier was killed, the ministry said.
| - | 3 | Nobody died, but three guards were wounded.
| 1..30 | - | Up to 30 fighters may have been killed, and the army confirmed that up to 30 fighters were killed.
| 1500..2000 | - | From 1,500 to 2,000 people died.
| 17 | - | Militants executed 17 captured soldiers.
| 7 | - | Seven of the crew of 12 perished.
| 9 | - | The attack left nine people dead, four of them children.
| 63 | - | 63 killed in Kabul wedding blast
| 4 | - | Four more bodies were recovered overnight.
| 22 | - | Mine explosion kills 22 workers.
| - | - | Two hundred people are missing and presumed dead.
| 100 | 12 | Hundreds of civilians were killed and dozens were wounded.
| 61 | - | Two more people died in hospital, raising the death toll from 59 to 61.
| 5 | - | Five soldiers, including two officers, fell in combat.
| 4 | - | Three Turkish soldiers and a Syrian fighter were killed in the raid, Ankara confirmed three Turkish deaths.
| 3 | - | Three people were killed on Tuesday. More than 14,000 people have been killed since the conflict started in 2014.
| - | - | The accident in 1986 killed 31 people, historians say.
| - | - | If the dam breaks, 5,000 people will die.
| 2 | - | Two peacekeepers lost their lives when their patrol was ambushed.
| 600 | - | Army kills 600 rebels
| 1 | - | One person was killed.
| 1250 | - | The earthquake claimed one thousand two hundred and fifty lives.
| - | - | The sergeant was sentenced to death for the murder.
| 16 | 34 | The bombing killed at least 16 people and wounded 34 others, medics said.
| 3 | - | Three Kenyan troops were slain when their truck hit a mine.
| 152 | - | The number of people killed in the landslide rose from 147 to 152.
| 1 | 1 | A policeman died and a bystander was injured.
| 12 | 70 | A dozen people died and about 70 were injured when the stand collapsed.
| 90 | - | Nearly 90 villagers were murdered.
| 33 | - | Shelling took the lives of 33 residents.
| 11 | - | Seven Pakistani soldiers and four Afghan fighters were killed in the clash.
| 20 | - | The army says it killed 20 militants and lost no men.
| 1 | - | The army said one soldier and no civilians had died.
| - | - | There were no reports of deaths or injuries.
| - | - | The quake caused no loss of life.
| - | - | Inflation killed demand, and the striker was dead on his feet.
| - | - | Wildfires killed 2,000 koalas.
| - | - | The siege of 1992 cost 11,000 lives.
| - | - | Twenty years ago, 3,000 people were killed in the attacks.
| - | - | Thousands may die unless aid arrives.
| - | - | The exercise rehearsed a crash in which 200 people die.
| 2 | - | Two more hostages have been confirmed dead.
| 200 | - | Some two hundred people were feared dead, but officials confirmed 200 deaths on Friday.
| 18 | - | The fighting left 18 combatants dead.
| 5 | 3 | Five dead, three hurt in mall shooting
| 26 | - | Rescuers recovered 26 bodies.
| 1..12 | - | No more than 12 people died.
| 31 | - | A total of 31 people died: 20 in the city and 11 in the hills.
| 8 | - | Eight out of ten crew members died.
| 40 | - | Forty-odd fighters were wiped out.
| 9 | - | Ukraine says nine of its border guards have been killed so far.
| 3 | - | Israel killed three commanders on Sunday; since October 7 more than 30,000 people have been killed in Gaza.
| 2 | 7 | Missile attack on Kharkiv kills two, injures seven
| 50000 | - | At least fifty thousand people have been killed.
| 1 | - | Gunmen shot dead a judge.
| - | 12 | Twelve were treated in hospital for burns.
""",
    "ru": """
| 99 | - | Погибли 49 армянских и 50 азербайджанских солдат.
| 176 | - | Армения сообщила о гибели 105 военных, Азербайджан — 71.
| 20..30 | - | Погибло от 20 до 30 человек.
| - | - | Минобороны опровергло гибель 40 солдат.
| - | - | По словам властей, погибших и раненых нет.
| - | - | В ходе войны 2020 года погибли более 6000 человек.
| - | - | Он убил время за игрой.
| - | - | Погибло 300 коров.
| 2 | - | В результате удара погибли двое мирных жителей, с начала войны погибло более 10 тысяч человек.
| 1 | - | Хирурги сделали четыре операции, однако преступник умер.
| - | - | Пострадала репутация компании.
| 1500 | - | Погибли полторы тысячи человек.
| 105 | - | Число погибших возросло до 105.
| 3 | 12 | Погибли трое военных, 12 ранены.
| 5 | - | В результате обстрела погибло пять человек.
| 20..30 | - | Погибли от 20 до 30 солдат.
| 10 | - | Десятки человек погибли.
| - | - | Пострадавших нет.
| - | - | Жертв и разрушений нет.
| 99 | - | Погибли 49 армянских и 50 азербайджанских военных.
| - | 7 | Семь человек получили ранения.
| 1 | - | Убит командир бригады.
| - | - | В 1994 году погибли 30 тысяч человек.
| 1..50 | - | Погибли до 50 человек.
| 44 | - | Число жертв выросло до 44 человек.
| - | 8 | Восемь пограничников получили ранения.
| 3 | 5 | Трое погибли, ещё пятеро ранены.
| - | - | Обошлось без жертв.
| 71 | - | Азербайджан сообщил о гибели 71 военнослужащего.
| 15 | - | Жертвами теракта стали 15 человек.
| 9 | 21 | Девять человек погибли, 21 пострадал.
| 2 | - | Двое военнослужащих убиты, сообщило Минобороны.
| 100 | - | Погибли сотни мирных жителей.
| - | - | Никто не погиб.
| 1500 | - | Погибло более полутора тысяч человек.
""",
    "uk": """
| 99 | - | Загинули 49 вірменських і 50 азербайджанських військових.
| - | - | Унаслідок атаки ніхто не постраждав.
| 5..10 | - | Загинуло від 5 до 10 осіб.
| 40 | - | Кількість загиблих зросла з 35 до 40.
| - | - | У 2014 році під Іловайськом загинуло понад 300 військових.
| 1 | - | Сім'ї загиблого виплатили допомогу, загинув один солдат.
| - | - | Постраждала економіка країни.
| 4 | 10 | Загинули четверо людей, ще десятеро поранені.
| 27 | - | Кількість загиблих зросла до 27.
| - | - | Жертв немає.
| 2 | - | Унаслідок удару загинуло двоє людей.
| - | 6 | Шестеро цивільних дістали поранення.
| 100 | - | Сотні людей загинули.
| 1 | - | Росіяни вбили жінку.
| 15 | - | Рятувальники дістали тіла 15 людей.
| - | - | У 2014 році загинуло 298 людей.
| 3 | - | Троє військових загинули, повідомили в міністерстві.
| 5 | 13 | П'ятеро людей загинули, 13 отримали поранення.
| - | - | Обійшлося без жертв та постраждалих.
| 31 | - | Кількість жертв ракетного удару сягнула 31.
| 8 | 12 | Вісім людей загинуло, дванадцять поранено.
| 1 | - | Загинув прикордонник.
| - | - | Ніхто не загинув.
""",
    "tr": """
| 99 | - | 49 Ermeni ve 50 Azerbaycan askeri öldü.
| 20..30 | - | 20 ila 30 kişi öldü.
| - | - | Can kaybı yok.
| - | - | Yetkililer 40 askerin öldüğü iddiasını yalanladı.
| - | - | 2020'deki savaşta 6 bin kişi hayatını kaybetmişti.
| 6 | - | Altı polis şehit edildi.
| - | - | Depremde yüzlerce koyun öldü.
| 6 | - | Roketli saldırıda 6 sivil can verdi.
| 5 | 8 | Saldırıda 5 kişi öldü, 8 kişi yaralandı.
| 49 | - | 49 asker şehit oldu.
| 105 | - | Ölü sayısı 105'e yükseldi.
| - | - | Ölen ya da yaralanan olmadı.
| 10 | - | Onlarca kişi hayatını kaybetti.
| 3 | - | Üç asker hayatını kaybetti.
| - | 20 | En az 20 kişi yaralandı.
| - | - | 17 terörist etkisiz hale getirildi.
| - | - | 1999 depreminde 17 bin kişi öldü.
| 2 | - | Patlamada iki polis öldürüldü.
| 7 | - | Yedi işçi yaşamını yitirdi.
| 21 | 40 | Patlamada 21 kişi öldü, 40'tan fazla kişi yaralandı.
| - | - | Saldırıda can kaybı yaşanmadı.
| 4 | 9 | Çatışmada 4 asker şehit oldu, 9 asker yaralandı.
| 30 | - | En az 30 kişi öldürüldü.
| - | - | Ölü ya da yaralı yok.
""",
    "fr": """
| 176 | - | L'Arménie a perdu 105 soldats et l'Azerbaïdjan 71.
| - | - | Paris a démenti que 40 soldats aient été tués.
| - | - | Personne n'a été blessé.
| - | - | La guerre de 1994 a fait 30 000 morts.
| - | - | Le veto a tué le projet de loi.
| 40 | - | L'attaque a coûté la vie à 40 personnes.
| 3 | - | Trois soldats ont été tués, portant à 58 le nombre de militaires tués au Sahel depuis 2013.
| - | - | Le corps de ballet et le corps d'armée ont défilé.
| 2 | - | Les corps de deux soldats ont été retrouvés.
| 7 | 15 | Sept personnes ont été tuées et quinze blessées.
| 10 | - | Des dizaines de morts ont été recensés.
| 23 | - | Le bilan s'alourdit à 23 morts.
| - | - | Aucune victime n'est à déplorer.
| 1 | - | Un soldat a trouvé la mort.
| 1200 | - | Plus de 1 200 personnes ont péri.
| 99 | - | 49 soldats arméniens et 50 soldats azerbaïdjanais ont été tués.
| - | - | En 1994, 800 000 personnes ont été tuées.
| 20..30 | - | Entre 20 et 30 soldats ont été tués.
| - | 3 | Trois policiers ont été blessés.
| 18 | 30 | L'attentat a fait 18 morts et une trentaine de blessés.
| 6 | - | Six casques bleus ont perdu la vie.
| 1..50 | - | Jusqu'à 50 personnes ont été tuées.
| 11 | 4 | Onze soldats ont péri et quatre ont été blessés.
| 200 | - | Le bilan est passé de 150 à 200 morts.
| - | - | Il n'y a pas eu de victimes.
""",
    "es": """
| 99 | - | Murieron 49 soldados armenios y 50 soldados azerbaiyanos.
| 20..30 | - | Entre 20 y 30 soldados murieron.
| - | - | El ejército desmintió la muerte de 40 soldados.
| - | - | La guerra de 1982 dejó más de 900 muertos.
| - | - | La sequía mató 500 vacas.
| 7 | - | Siete agentes cayeron en combate.
| 40 | - | El balance de muertos sube de 35 a 40.
| - | - | La droga mata y las mentiras matan.
| - | - | El cuerpo de bomberos llegó tarde.
| 1 | - | Hallaron el cuerpo de una mujer.
| 8 | 20 | Ocho personas murieron y otras 20 resultaron heridas.
| 105 | - | El número de muertos ascendió a 105.
| - | - | No hubo víctimas.
| 10 | - | Decenas de muertos deja el bombardeo.
| 2 | - | Dos soldados perdieron la vida.
| 1..40 | - | Hasta 40 personas murieron.
| - | 1 | Un agente resultó herido.
| 1 | - | El ejército abatió a un guerrillero.
| - | - | En 1936 murieron miles de personas.
| 15 | - | El ataque dejó 15 muertos.
| 9 | - | Nueve mineros fallecieron en la explosión.
| 24 | 60 | El atentado dejó 24 muertos y más de 60 heridos.
| - | - | El presidente negó que hubiera muertos.
| 13 | 5 | Trece muertos y cinco heridos en un ataque.
| 1000 | - | Más de mil personas han muerto.
| - | - | Nadie murió en el ataque.
""",
    "ar": """
| 99 | - | قتل 49 جنديا أرمينيا و50 جنديا أذربيجانيا.
| - | - | نفى الجيش مقتل 40 جنديا.
| 20..30 | - | قتل ما بين 20 و30 شخصا.
| - | - | قتل أكثر من 6000 شخص في حرب عام 2020.
| 40 | - | ارتفع عدد القتلى من 35 إلى 40.
| 3 | 7 | استشهد ثلاثة فلسطينيين وجرح سبعة آخرون.
| 2800 | - | ألفين و800 شخص لقوا حتفهم.
| 15 | - | السجن الذي قتل فيه 15 سجينا.
| - | - | أصيب الفريق بذعر شديد.
| 5 | 10 | قتل خمسة أشخاص وأصيب عشرة آخرون.
| 10 | - | مقتل عشرات الجنود في هجوم.
| 105 | - | ارتفعت حصيلة القتلى إلى 105.
| - | - | لم يسفر الهجوم عن سقوط ضحايا.
| 2 | - | استشهد فلسطينيان في غارة.
| 3 | - | لقي ثلاثة جنود مصرعهم.
| 15 | - | أسفر القصف عن مقتل 15 مدنيا.
| 1 | - | مقتل جندي في اشتباكات.
| - | 20 | إصابة 20 شخصا بجروح.
| - | - | في عام 1994 قتل 800 ألف شخص.
| 30 | - | قتل ثلاثون شخصا على الأقل في الانفجار.
| 8 | 15 | أسفر الهجوم عن مقتل 8 أشخاص وإصابة 15 آخرين.
| 1000 | - | قتل أكثر من ألف مدني.
| 12 | - | لقي 12 شخصا حتفهم.
| 2 | 4 | مقتل جنديين وإصابة أربعة آخرين.
| - | - | لم يقتل أحد في الهجوم.
""",
}
CASES = [
    (language, *map(str.strip, row.split("|")[1:]))
    for language, table in TABLES.items()
    for row in table.split("\n")[1:-1]
]


def shown(casualties, kind):
    found = toll(casualties, kind, frozenset({Stance.HAPPENED}))
    if found is None:
        return "-"
    figure = found[0]
    has_bound = figure.at_most is not None and figure.at_most != figure.at_least
    return f"{figure.at_least}..{figure.at_most}" if has_bound else str(figure.at_least)


@pytest.mark.parametrize(("language", "killed", "injured", "text"), CASES, ids=[f"{c[0]}-{c[3][:50]}" for c in CASES])
def test_tolls(language, killed, injured, text):
    title, _, body = text.removeprefix("T:").partition(" // ") if text.startswith("T:") else ("", "", text)
    reading = Reading.of(title, body, language, datetime(2022, 9, 14, 12, tzinfo=UTC))
    casualties = find_casualties(reading, Gazetteer.load())
    assert (shown(casualties, "killed"), shown(casualties, "injured")) == (killed, injured)


ENDED = [case for case in CASES if case[3].endswith((".", "؟", "?")) and not case[3].startswith("T:")]
UNRELATED = {
    "en": "The weather was fine.",
    "ru": "Погода была хорошая.",
    "uk": "Погода була гарна.",
    "tr": "Hava çok güzeldi.",
    "fr": "Le temps était beau.",
    "es": "El tiempo era bueno.",
    "ar": "كان الطقس جميلا.",
}


@given(st.sampled_from(ENDED), st.sampled_from([" ", "\n\n"]))
@settings(deadline=None)  # the first text of a language compiles its phrases
def test_an_unrelated_sentence_changes_no_figure(case, gap):
    language, _, _, text = case
    at = datetime(2022, 9, 14, 12, tzinfo=UTC)
    alone = find_casualties(Reading.of("", text, language, at), Gazetteer.load())
    followed = find_casualties(Reading.of("", f"{text}{gap}{UNRELATED[language]}", language, at), Gazetteer.load())
    assert followed == alone
