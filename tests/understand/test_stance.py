"""Each case is a sentence with its match in square brackets; the reference date is 14 September 2022."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.model import Stance
from watcher.text.reading import Reading
from watcher.understand.stance import judge, languages
from watcher.understand.words import mistake_in, read_data

REFERENCE_AT = datetime(2022, 9, 14, 14, 39, tzinfo=UTC)
SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"

HAPPENED = """
Two years after the coup, soldiers [seized the palace].
Twelve guards were [killed] two years after the truce.
Militants shelled the city in May 2021. The army is on alert. At least 250 people were [killed].
The two [agreed to a truce] that will start at midnight.
Until Warsaw [invoked Article 4], the alliance had kept silent.
Thai and Lao troops fought a war in 1988. On Tuesday they [clashed] again.
The two fought a border war in 1998. It has [killed] thousands since.
The party was banned in 2013. It [severed ties] with its founder, a spokesman said.
The insurgency began in 2009. The fighting [killed] 12 soldiers.
He survived a bombing in 2011. Gunmen [attacked his house].
The treaty signed in 1992 was invoked. It [obliges] members to help.
Fighting went on. They [mobilised reservists].
The deadliest raid since the 2016 attacks [killed] nine.
The colonel, freed after the 2008 war, [declared martial law] on Monday.
Armenian troops [mobilised reservists] as fears of war grew.
Iran [launched strikes] on Israel, saying it would not tolerate attacks.
Azerbaijan [recalled its ambassador] from Iran on Friday.
Iran [ordered partial mobilisation] on Monday.
Tehran [expelled the diplomats] after refusing to negotiate.
The president [declared martial law], which parliament could overturn.
India and Pakistan each [expel a diplomat] from the other country as tensions grow.
Following a day of missile attacks, Hamas [declares a truce].
Rwanda's [threat to launch military strikes] in Congo worries the bloc.
Russia, which may intervene, [closed the consulate].
"We have asked for help," he said, and [invoked Article 4].
Poland's prime minister said he had [requested consultations under Article 4] of the treaty.
The ministry said it [recalled the ambassador] to protest against plans to build a wall.
Nobody was hurt, but the army [went on high alert].
He said 'no' to talks and [declared war].
Without naming Baku, he [invoked Article 4].
Kyiv has [severed diplomatic ties] with Tehran, the president said, adding that he would explain later.
The government never wanted war but [declared martial law] on Tuesday.
Turkey shot down a jet that had not answered calls, and two pilots were [killed].
After refusing for weeks, Armenia finally [invoked Article 4].
Unlike in 2021, Armenia [invoked Article 4].
As in 2020, Armenian soldiers were [killed].
Georgia will not forget that Russian troops [invaded] its territory.
It was the first time a member [invoked Article 4] since the pact was signed in 1992.
Having ruled out talks, Baku [shelled] the town.
Sources who asked not to be named said Armenia had [invoked Article 4].
Armenia has not only [invoked Article 4] but recalled its envoy.
Armenia [invoked Article 4] to avoid a wider war.
Armenia [invoked Article 4] in an attempt to stop the shelling.
Armenia [invoked Article 4], hoping for help.
Armenia [invoked Article 4] and said it would not surrender.
Armenia [invoked Article 4] and may ask for troops.
A day after Moscow denied involvement, Kyiv [recalled its ambassador].
No sooner had the truce begun than troops [shelled] the town.
Armenia [invoked Article 4] of the Collective Security Treaty on Monday.
He also said that Yerevan had [invoked Article four of the Collective Security Treaty], which treats an attack on one as an attack on all.
Yerevan has [invoked Article 4], the government confirmed.
Armenia did not wait and [invoked Article 4].
Although Russia has not responded, Armenia [invoked Article 4].
Armenia [invoked Article 4] but the CSTO has not replied.
Armenia [invoked Article 4], though no one answered.
While Moscow refused to comment, Yerevan [invoked Article 4] on Tuesday.
Russia, which has not answered, said that Armenia [invoked Article 4].
Officials could not say how many were [killed].
It was not clear how many soldiers had been [killed].
No fewer than 40 soldiers were [killed].
No less than 40 soldiers [died] on the border.
Not only did Armenia protest, it [invoked Article 4].
Azerbaijan has no doubt [invoked Article 4].
Yerevan [invoked Article 4] without delay.
Without hesitation Yerevan [invoked Article 4].
Without warning, Azerbaijani artillery [shelled] three towns.
Dozens, if not hundreds, were [killed].
Armenia could invoke Article 4 after 49 soldiers were [killed] on Tuesday.
Analysts say that Russia may intervene because Azerbaijani forces [killed] 49 soldiers.
Armenia will ask for help, and 49 of its soldiers were [killed].
Pashinyan warned that he had [invoked Article 4].
The minister warned that Armenia had already [invoked Article 4].
Six people were [killed], which Baku denies.
Six people were [killed], a claim that Baku denied.
Armenia [invoked Article 4], officials said, denying reports of a split.
Baku denied responsibility for the [killing] of 12 civilians.
The Kremlin did not deny that Armenia had [invoked Article 4].
Moscow refused to condemn the [killing] of 49 soldiers.
Moscow will respond to the [air strikes] on its territory.
The alliance is considering its answer to the [invasion].
The UN urged both sides to investigate the [deaths] of the soldiers.
Russia said it would retaliate for the [air strikes].
Armenia was forced to [invoke Article 4].
Iran used drones to [kill] six soldiers.
Armenia became the first member to [invoke Article 4].
Azerbaijan began to [shell] the town at dawn.
Yerevan had to [invoke Article 4] after the shelling.
The two sides' clashes led to [dozens of deaths].
Clashes on the border this week resulted in [dozens of deaths] on both sides.
Armenia [invoked Article 4] of the Collective Security Treaty, signed in 1992.
Armenia [invoked Article 4] of the treaty signed in 1992.
Armenia, which lost a war in 2020, [invoked Article 4].
The treaty signed in 1992 was [invoked] by Armenia on Monday.
In the worst fighting since 2020, 49 soldiers were [killed].
For the first time since the 2020 war, Armenian soldiers were [killed].
49 soldiers were [killed] in the worst breach of the 2020 ceasefire.
On 13 September, 49 soldiers were [killed].
Armenian troops were [killed] on September 13, 2022.
Armenia [invoked Article 4] a day after CSTO exercises ended.
Azerbaijan exercised its right of self-defence and [struck] the base.
A film crew was [killed] by a shell.
The army used military might and [shelled] the town.
Against the will of the parliament, the president [declared martial law].
Nearly 50 people were [killed].
Almost 150 people were [killed] when aircraft raided the villages.
He denied wrongdoing, and the court said 12 people were [killed].
Armenia [invoked Article 4], and it is unclear if Russia will help.
Parliament debated after the president [declared war].
Officials neither confirmed nor denied the report. Yerevan [invoked Article 4] on Monday.
Baku denied the report. Yerevan had [invoked Article 4] the day before.
Armenia [invokes Article 4], calls on allies to act
Russian missiles [kill] 12 in Kharkiv, Kyiv says
Azerbaijani forces fired, [killing] six soldiers and wounding 20.
Three soldiers were reportedly [killed].
Azerbaijan claims to have [killed] 12 saboteurs.
The president, who could not attend, [declared martial law] by decree.
Two conscripts were [killed] during a military exercise in Belarus.
Poland [invoked Article 4] even if some allies doubted it.
Armenia invoked the pact and [recalled its ambassador].
Several leaders who had threatened to leave [severed ties] instead.
Armenia's army, whose chief might resign, [shelled] the heights.
Nobody expected it, but Armenia [invoked Article 4].
The man who will be tried [killed] three soldiers.
They [recalled their ambassador] rather than negotiate.
Baku [expelled two diplomats], not three.
Armenia, not Azerbaijan, [invoked Article 4].
At least 12 were [killed] as troops tried to cross the river.
The ministry had no comment, and 12 soldiers were [killed].
"""

PLANNED = """
The king is widely expected to [declare martial law].
Quito was still set to [close the embassy].
Yerevan intends to [invoke Article 4].
The army has been told to [mobilise reservists].
Armenia says it is ready to [invoke Article 4].
Biden to [recall ambassador]
Moscow announced it would shortly begin and will [close the consulate].
NATO is expected to [activate Article 4] on Monday.
Armenia has agreed to [invoke Article 4].
Armenia will [invoke Article 4], its prime minister said.
Armenia to [invoke Article 4]
Armenia is to [invoke Article 4] on Friday.
Armenia plans to [invoke Article 4].
Armenia is planning to [invoke Article 4] next week.
The army was ordered to [mobilise reservists].
The president ordered the army to [mobilise reservists].
Baku vowed to [recall its ambassador].
Russia is about to [declare war].
Warsaw is set to [invoke Article 4].
The troops are ready to [invade].
The allies agreed to [activate Article 4].
Turkey has decided to [expel ten diplomats].
Iran pledged to [strike back].
Tehran is preparing for [general mobilisation].
"We'll [invoke Article 4]", the minister said.
Armenia will formally [invoke Article 4] and recall its envoy.
Armenia will recall its envoy and [invoke Article 4].
The cabinet promised to [sever diplomatic ties].
Belarus is going to [declare martial law].
Kyiv said that it will [expel the diplomats].
Moscow announced plans to [close the consulate].
The planned [invasion] was known to few.
A general [mobilisation] is planned for October.
Parliament votes to [declare war]
"""

POSSIBLE = """
Were Asmara [massing troops], satellites would show it.
Were Yerevan to [invoke Article 4], its allies would be in a bind.
Were it ever again to [strike] Tehran, Washington said, the truce would end.
Should Minsk [close the border], trade would stop.
"Should they [cross the river], we will answer," he said.
Had Quito [broken off relations], the embassy would have closed.
Doctors fear 30 people were [killed].
The prime minister did not say whether Armenia had [invoked Article 4].
Pashinyan said that if necessary Armenia would [invoke Article 4].
Calls are growing for Armenia to [invoke Article 4].
Experts discuss the possibility of [invoking Article 4].
What if Armenia [invoked Article 4]?
Russia's threats to [invade] continue.
The minister feared that Russia would [invade].
Baku is believed to be considering [recalling its ambassador].
They suggested [invoking Article 4].
He advised [invoking Article 4].
The chance of [war] is growing.
Lithuania wants NATO to [invoke Article 4].
It would take a vote to [invoke Article 4].
CSTO troops rehearsed how to [repel an invasion] in a war game.
Armenia could [invoke Article 4] of the Collective Security Treaty, analysts said.
Armenia may [invoke Article 4].
Armenia might yet [invoke Article 4].
Armenia would [invoke Article 4], he said.
If attacked, Armenia will [invoke Article 4].
If Armenia [invokes Article 4], Russia must answer.
Armenia will [invoke Article 4] if Azerbaijan attacks again.
Armenia said it will [invoke Article 4] unless the shelling stops.
Unless it [invokes Article 4], Armenia stands alone.
Parliament will decide whether Armenia [invoked Article 4] lawfully.
It is not clear whether anyone was [killed].
Yerevan threatens to [invoke Article 4].
Yerevan threatened on Monday to [invoke Article 4].
Minsk warned of [war].
The minister warned that Armenia would [invoke Article 4].
Moscow warns that hundreds will be [killed].
The opposition calls on Armenia to [invoke Article 4].
Protesters called on the government to [recall its ambassador].
Lawmakers urged Pashinyan to [invoke Article 4].
Reporters asked whether Yerevan had [invoked Article 4].
Journalists asked if Yerevan had [invoked Article 4].
There is a risk of [invasion].
Fears of an [invasion] grew.
A possible [invasion] worries Warsaw.
The potential [invasion] was discussed.
In the event of an [invasion], the border closes.
Armenia is considering [invoking Article 4].
A proposal to [invoke Article 4] was tabled.
Armenia nearly [invoked Article 4].
Will Armenia [invoke Article 4]?
Has Yerevan [invoked Article 4]?
Did Azerbaijani troops [kill] 49 soldiers?
"Will you [invoke Article 4]?" a reporter shouted.
I hope that Armenia [invokes Article 4].
Citizens wish Armenia had [invoked Article 4].
Armenia should [invoke Article 4], the general advised.
Armenia would have [invoked Article 4] had Russia listened.
Warsaw refused to rule out [invoking Article 4].
Warsaw has not ruled out [invoking Article 4].
Yerevan did not rule out that it would [invoke Article 4].
Yerevan cannot rule out [invoking Article 4].
An [invasion] cannot be ruled out.
Another war is possible. An [invasion] is likely.
In the war game, Armenia [invoked Article 4].
During the exercise, Armenia [invoked Article 4] against a mock enemy.
Armenia [invoked Article 4] in a simulation run by students.
In the film, Armenia [invokes Article 4] and the world ends.
The novel tells how a president [declared martial law].
In the video game 40 soldiers are [killed].
The satirical site wrote that Poland [invoked Article 4].
Belarus [mobilised reservists] for drills.
The drill simulated an attack in which 40 people were [killed].
The scenario has Russia [invading] in spring.
Dozens could be [killed], the UN said.
Thousands may have been [killed].
Up to 12 people could be killed or [wounded].
Armenia wants to [invoke Article 4].
The ministry demanded that Baku [recall its ambassador].
The senator proposed to [sever diplomatic ties].
The region is on the brink of [war].
Armenia, a source said, could soon [invoke Article 4].
Ankara could be drawn in should Armenia [invoke Article 4]?
Moscow is weighing [general mobilisation].
It is possible that Armenia [invoked Article 4].
Kyiv asked its allies to [sever ties].
Perhaps Armenia [invoked Article 4] too late?
The treaty is [triggered] if a member is attacked.
"""

DENIED = """
A court barred the ministry from [expelling the diplomats].
The envoys kept Quito from [breaking off relations].
Minsk, far from [expelling diplomats], invited more.
Armenia decided against [invoking Article 4].
Armenia chose not to [invoke Article 4].
Armenia has so far not [invoked Article 4].
Armenia opted not to [invoke Article 4].
Armenia backed away from [invoking Article 4].
No state has ever [invoked Article 4].
Poland has neither [invoked Article 4] nor asked for help.
Poland did nothing of the sort and never [invoked Article 4].
The government said there was no truth in reports that it had [invoked Article 4].
"We are not [invoking Article 4]," the minister said.
The Kremlin says it is not planning to [declare war].
Moscow insisted it had not [closed the consulate].
A Kremlin spokesman called reports of [mobilisation] untrue.
There is no [mobilisation] in Belarus, Lukashenko said.
Nor did Armenia [invoke Article 4].
Lukashenko rules out [mobilisation]
The [invasion] never happened.
War averted: [invasion] called off
Kyiv is against [invoking Article 4].
Nothing suggests Armenia [invoked Article 4].
Yerevan has not [invoked Article 4] of the Collective Security Treaty.
Yerevan hasn't [invoked Article 4].
Armenia did not [invoke Article 4].
Armenia never [invoked Article 4].
Armenia has never formally [invoked Article 4].
Yerevan denied that it had [invoked Article 4].
Yerevan denies having [invoked Article 4].
Kremlin denies [invoking Article 4]
Armenia refused to [invoke Article 4].
Armenia declined to [invoke Article 4].
Armenia stopped short of [invoking Article 4].
The statement fell short of [invoking Article 4].
Armenia ruled out [invoking Article 4].
There were no [casualties].
No one was [killed].
Nobody was [killed] in the shelling.
The strike ended without [casualties].
No soldiers were [killed], the ministry said.
No Armenian soldiers have been [killed] so far.
Officials said no civilians were [killed].
Warsaw says no risk of [invasion]
There is no risk of [invasion], Warsaw said.
Armenia has yet to [invoke Article 4].
Armenia has not yet [invoked Article 4].
Neither side [invoked Article 4].
None of the crew were [killed].
Armenia cannot [invoke Article 4].
Armenia will not [invoke Article 4], the minister said.
Armenia won't [invoke Article 4].
Armenia does not plan to [invoke Article 4].
Armenia has no plans to [invoke Article 4].
Armenia has no intention of [invoking Article 4].
An [invasion] was averted.
The allies averted an [invasion].
The [air strike] was called off at the last minute.
The president called off the [air strike].
Reports that Armenia [invoked Article 4] are false.
Reports that Armenia had [invoked Article 4] were denied by Yerevan.
The claim that soldiers were [killed] turned out to be false.
Baku dismissed reports that its troops had [killed] civilians.
Baku rejected claims that its army [shelled] the town.
Instead of [invoking Article 4], Armenia went to the United Nations.
It is not true that Armenia [invoked Article 4].
There is no evidence that Armenia [invoked Article 4].
Yerevan failed to [invoke Article 4].
Denying that it had [invoked Article 4], Yerevan called for calm.
Yerevan said on Monday that it had not [invoked Article 4].
Not a single soldier was [killed].
Azerbaijan denied [killing] 49 soldiers.
The [ambassador was not recalled], Baku said.
Armenia, so far, has not [invoked Article 4].
The plan to [invoke Article 4] was rejected.
"""

PAST = """
Two years after it [expelled the diplomats], Prague reopened its mission.
The mission reopened three decades after Prague [expelled the diplomats].
Militants shelled the city in May 2021. The army responded with air strikes. At least 250 people were [killed].
Gunmen stormed a school there in 2004. Three days later [commandos attacked].
Rebels took the port in 1998. By the end of the year thousands were [killed].
Rebels took the port in 1998. That same month they [executed the mayor].
The pair fought over the plateau in 1999. Roughly a thousand soldiers were [killed].
The rebels launched an offensive in 1997. They [launched another] a year later.
Marking ten years since the raid, relatives of the 40 people [killed] laid flowers.
In 2008 the neighbours fought a five-day war. It [killed] hundreds.
The first war ended in 1994. Some 30,000 people were [killed].
In 1998 the two went to war over a dusty town. They signed a truce two years later. Tens of thousands were [killed].
Militants raided the same market two years ago. They [burned] it to the ground.
The alliance [invoked Article 5] after the 2001 attacks.
Following the 2004 bombings, Madrid [withdrew its troops].
Ankara [closed the border] after the war in 1993.
Armenia [invoked Article 4] back in 2010.
In September 2020 Azerbaijan [attacked] Armenian positions.
Armenia last [invoked Article 4] in 2021.
A decade ago, Georgia [severed ties] with Russia.
Survivors of the 1988 pogrom, in which dozens were [killed], gathered.
The 44-day war, in which 6,000 were [killed], ended in November 2020.
After the war in 1994 a [ceasefire was signed].
Monday marks 30 years since the army [invaded].
Earlier, in 2016, the sides [exchanged fire] for four days.
In 2020, Armenia and Azerbaijan fought a war that [killed] more than 6,000 people.
More than 6,000 people were [killed] in 2020.
In the 2020 war 6,000 people [died].
The 2020 war [killed] more than 6,000 people.
In the 44-day war more than 6,000 soldiers [died].
Two years ago Armenia [invoked Article 4].
Thirty years ago thousands were [killed] there.
In the 1990s tens of thousands were [killed].
During World War II millions were [killed].
On the anniversary of the battle, in which 300 soldiers were [killed], wreaths were laid.
Commemorating the soldiers [killed] on the border, he laid a wreath.
In July 2021, the two armies clashed and three soldiers were [killed].
Twelve soldiers were [killed] in May.
In early May troops [shelled] the village.
In May 1994 the sides agreed to a [ceasefire].
Dozens were [killed] when fighting erupted in 2016.
When war broke out in 2020, thousands were [killed].
Decades ago the army [shelled] these hills.
Azerbaijan [invaded] the district in 1993.
Azerbaijani troops attacked the village in 2016 and [killed] three soldiers.
Drones that struck the town in 2016, [killing] three soldiers, came from the east.
Between 1988 and 1994 about 30,000 people were [killed].
On 27 September 2020 Azerbaijan [launched an offensive], and Armenia mobilised.
"""

OTHER_LANGUAGES = [
    ("ru", "Армения [применила статью 4] договора.", Stance.HAPPENED),
    ("ru", "Армения не [применила статью 4] договора.", Stance.DENIED),
    ("ru", "Армения не будет [применять статью 4].", Stance.DENIED),
    ("ru", "Ереван опроверг сообщения о том, что он [применил статью 4].", Stance.DENIED),
    ("ru", "Армения может [применить статью 4].", Stance.POSSIBLE),
    ("ru", "Если Баку нападёт, Армения [применит статью 4].", Stance.POSSIBLE),
    ("ru", "Ереван угрожает [применить статью 4].", Stance.POSSIBLE),
    ("ru", "Армения намерена [применить статью 4].", Stance.PLANNED),
    ("ru", "Армения будет [применять статью 4].", Stance.PLANNED),
    ("ru", "В 2020 году на войне [погибли] более 6000 человек.", Stance.PAST),
    ("ru", "Два года назад здесь [погибли] солдаты.", Stance.PAST),
    ("ru", "Россия не ответила, но Армения [применила статью 4].", Stance.HAPPENED),
    ("ru", "В ходе учений условно [погибли] 40 человек.", Stance.POSSIBLE),
    ("uk", "Вірменія [застосувала статтю 4] договору.", Stance.HAPPENED),
    ("uk", "Вірменія не [застосувала статтю 4].", Stance.DENIED),
    ("uk", "Єреван заперечив, що [застосував статтю 4].", Stance.DENIED),
    ("uk", "Вірменія може [застосувати статтю 4].", Stance.POSSIBLE),
    ("uk", "Якщо Баку нападе, Вірменія [застосує статтю 4].", Stance.POSSIBLE),
    ("uk", "Вірменія планує [застосувати статтю 4].", Stance.PLANNED),
    ("uk", "Київ погрожує [розірвати відносини].", Stance.POSSIBLE),
    ("uk", "У 2020 році на війні [загинули] понад 6000 людей.", Stance.PAST),
    ("uk", "Два роки тому тут [загинули] військові.", Stance.PAST),
    ("uk", "Росія не відповіла, але Вірменія [застосувала статтю 4].", Stance.HAPPENED),
    ("uk", "Під час навчань армія [оголосила мобілізацію].", Stance.POSSIBLE),
    ("tr", "Ermenistan 4. maddeyi [yürürlüğe koydu].", Stance.HAPPENED),
    ("tr", "Ermenistan 4. maddeyi [yürürlüğe koymadı].", Stance.DENIED),
    ("tr", "Ermenistan 4. maddeyi [yürürlüğe koyacak].", Stance.PLANNED),
    ("tr", "Ermenistan 4. maddeyi [yürürlüğe koyabilir].", Stance.POSSIBLE),
    ("tr", "Saldırıda [ölen] olmadı.", Stance.DENIED),
    ("tr", "Eğer Bakü saldırırsa Ermenistan [seferberlik] ilan eder.", Stance.POSSIBLE),
    ("tr", "Moskova, [seferberlik] iddialarını yalanladı.", Stance.DENIED),
    ("tr", "2020 yılında savaşta 6 bin kişi [öldü].", Stance.PAST),
    ("tr", "İki yıl önce burada askerler [öldü].", Stance.PAST),
    ("tr", "Tatbikatta [seferberlik] ilan edildi.", Stance.POSSIBLE),
    ("fr", "L'Arménie [a invoqué l'article 4].", Stance.HAPPENED),
    ("fr", "L'Arménie n'a pas [invoqué l'article 4].", Stance.DENIED),
    ("fr", "Erevan dément avoir [invoqué l'article 4].", Stance.DENIED),
    ("fr", "L'Arménie pourrait [invoquer l'article 4].", Stance.POSSIBLE),
    ("fr", "Si Bakou attaque, l'Arménie [invoquera l'article 4].", Stance.POSSIBLE),
    ("fr", "L'Arménie va [invoquer l'article 4].", Stance.PLANNED),
    ("fr", "L'Arménie menace d'[invoquer l'article 4].", Stance.POSSIBLE),
    ("fr", "En 2020, la guerre a [tué] plus de 6000 personnes.", Stance.PAST),
    ("fr", "Il y a deux ans, des soldats ont été [tués] ici.", Stance.PAST),
    ("fr", "La Russie n'a pas répondu mais l'Arménie [a invoqué l'article 4].", Stance.HAPPENED),
    ("fr", "Aucun soldat n'a été [tué].", Stance.DENIED),
    ("es", "Armenia [invocó el artículo 4].", Stance.HAPPENED),
    ("es", "Armenia no [invocó el artículo 4].", Stance.DENIED),
    ("es", "Armenia niega haber [invocado el artículo 4].", Stance.DENIED),
    ("es", "Armenia podría [invocar el artículo 4].", Stance.POSSIBLE),
    ("es", "Si Bakú ataca, Armenia [invocará el artículo 4].", Stance.POSSIBLE),
    ("es", "Armenia va a [invocar el artículo 4].", Stance.PLANNED),
    ("es", "Armenia amenaza con [invocar el artículo 4].", Stance.POSSIBLE),
    ("es", "En 2020 la guerra [mató] a más de 6000 personas.", Stance.PAST),
    ("es", "Hace dos años [murieron] allí soldados.", Stance.PAST),
    ("es", "Rusia no respondió, pero Armenia [invocó el artículo 4].", Stance.HAPPENED),
    ("ar", "أرمينيا [فعلت المادة 4] من المعاهدة.", Stance.HAPPENED),
    ("ar", "لم [تفعل أرمينيا المادة 4].", Stance.DENIED),
    ("ar", "أرمينيا لن [تفعل المادة 4].", Stance.DENIED),
    ("ar", "نفت أرمينيا أنها [فعلت المادة 4].", Stance.DENIED),
    ("ar", "قد [تفعل أرمينيا المادة 4].", Stance.POSSIBLE),
    ("ar", "إذا هاجمت باكو [تفعل أرمينيا المادة 4].", Stance.POSSIBLE),
    ("ar", "قالت إن أرمينيا [فعلت المادة 4].", Stance.HAPPENED),
    ("ar", "أعلنت يريفان أن أرمينيا [فعلت المادة 4].", Stance.HAPPENED),
    ("ar", "أرمينيا سوف [تفعل المادة 4].", Stance.PLANNED),
    ("ar", "أرمينيا تهدد [بتفعيل المادة 4].", Stance.POSSIBLE),
    ("ar", "في عام 2020 [قتل] أكثر من 6000 شخص في الحرب.", Stance.PAST),
    ("ar", "قبل عامين [قتل] جنود هنا.", Stance.PAST),
    ("ar", "لم ترد روسيا لكن أرمينيا [فعلت المادة 4].", Stance.HAPPENED),
]

TABLES = {
    Stance.HAPPENED: HAPPENED,
    Stance.PLANNED: PLANNED,
    Stance.POSSIBLE: POSSIBLE,
    Stance.DENIED: DENIED,
    Stance.PAST: PAST,
}
CASES = [(line, stance) for stance, table in TABLES.items() for line in table.strip().splitlines()]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("In 2008 the two fought a five-day war.\n\nThe conflict [displaced] thousands.", Stance.PAST),
        ("In 2008 the two fought a five-day war.\n\nDozens were [killed].", Stance.HAPPENED),
        ("In the 2008 war he lost an arm.\n\nSoldiers [stormed the palace].", Stance.HAPPENED),
        ("In 2008 they fought a war. " + "They raided towns. " * 9 + "They [burned] one.", Stance.HAPPENED),
    ],
)
def test_retelling_over_paragraphs(marked: str, expected: Stance) -> None:
    assert judge_marked(marked)[0] is expected


def judge_marked(marked: str, language: str = "en") -> tuple[Stance, str | None]:
    start = marked.index("[")
    end = marked.index("]") - 1
    text = marked.replace("[", "", 1).replace("]", "", 1)
    reading = Reading.of("", text, language, REFERENCE_AT)
    judgement = judge(reading, start, end)
    return judgement.stance, None if judgement.cue is None else text[slice(*judgement.cue)]


def test_the_table_is_large() -> None:
    assert len(CASES) >= 150


@pytest.mark.parametrize(("marked", "stance"), CASES)
def test_stance(marked: str, stance: Stance) -> None:
    assert judge_marked(marked)[0] is stance, judge_marked(marked)


@pytest.mark.parametrize(("language", "marked", "stance"), OTHER_LANGUAGES)
def test_stance_in_other_languages(language: str, marked: str, stance: Stance) -> None:
    assert judge_marked(marked, language)[0] is stance, judge_marked(marked, language)


@pytest.mark.parametrize(
    ("marked", "cue"),
    [
        ("Yerevan has not [invoked Article 4].", "has not"),
        ("Armenia — officials said — could [invoke Article 4].", "could"),
        ("In 2020, Armenia and Azerbaijan fought a war that [killed] more than 6,000 people.", "2020"),
        ("Will Armenia [invoke Article 4]?", "?"),
        ("Yerevan denied that it could [invoke Article 4].", "denied that"),
    ],
)
def test_the_cue_that_decided_is_named(marked: str, cue: str) -> None:
    found = judge_marked(marked)[1]
    assert found is not None
    assert cue in found


def test_a_cue_inside_the_match_does_not_count_unless_it_is_an_auxiliary() -> None:
    assert judge_marked("Tehran [threatens to strike] the base.")[0] is Stance.HAPPENED
    assert judge_marked("The [ambassador could be recalled] soon.")[0] is Stance.POSSIBLE
    assert judge_marked("They told the [US] to go.")[0] is Stance.HAPPENED
    assert judge_marked("They have only [recalled the ambassador] once.")[0] is Stance.PAST


@pytest.mark.parametrize(
    ("days", "stance"), [(0, Stance.HAPPENED), (31, Stance.HAPPENED), (32, Stance.PAST), (400, Stance.PAST)]
)
def test_a_date_is_past_when_it_lies_more_than_31_days_before_the_article(days: int, stance: Stance) -> None:
    text = "On 13 September 2022 troops killed 49 soldiers."
    reading = Reading.of("", text, "en", datetime(2022, 9, 13, 12, tzinfo=UTC) + timedelta(days=days))
    start = text.index("killed")
    assert judge(reading, start, start + 6).stance is stance


@pytest.mark.parametrize(
    ("language", "marked", "stance"),
    [
        ("en", "Latvia [closes its border] on 1 August.", Stance.PLANNED),
        ("en", "On 1 August, Latvia [closed its border].", Stance.PAST),
        ("en", "On 24 July, Latvia [closed its border].", Stance.HAPPENED),
        ("en", "Latvia [declared an emergency] until 1 August.", Stance.HAPPENED),
        ("en", "Latvia [declares an emergency] until 1 August.", Stance.HAPPENED),
        ("en", "The [ceasefire] starts on 27 July.", Stance.PLANNED),
        ("en", "Two men [wounded by tank fire] on 20 July have died.", Stance.HAPPENED),
        ("ru", "Стороны [прекращают огонь] 27 июля.", Stance.PLANNED),
        ("ru", "27 июля стороны [прекратили огонь].", Stance.PAST),
        ("ru", "Стороны [договорились о прекращении огня] с 27 июля.", Stance.HAPPENED),
        ("tr", "27 Temmuz'da [OHAL ilan] edilmiştir.", Stance.PAST),
        ("tr", "20 Temmuz'da [OHAL ilan] edilmiştir.", Stance.HAPPENED),
        ("fr", "Le Mali [ferme sa frontière] le 1er août.", Stance.PLANNED),
    ],
)
def test_a_date_ahead_is_not_past_unless_the_verb_says_so(language: str, marked: str, stance: Stance) -> None:
    start, end = marked.index("["), marked.index("]") - 1
    text = marked.replace("[", "").replace("]", "")
    reading = Reading.of("", text, language, datetime(2022, 7, 25, 12, tzinfo=UTC))
    assert judge(reading, start, end).stance is stance


def test_a_title_is_judged_by_itself() -> None:
    title = "Kremlin denies invading"
    reading = Reading.of(title, "Russian troops invaded the town on Monday.", "en", REFERENCE_AT)
    start = title.index("invading")
    assert judge(reading, start, len(title)).stance is Stance.DENIED
    start = reading.full.index("invaded")
    assert judge(reading, start, start + 7).stance is Stance.HAPPENED


def test_a_language_without_cues_judges_everything_as_happened() -> None:
    assert judge_marked("Hayastan [kirarets hodvats 4].", "hy") == (Stance.HAPPENED, None)


def test_the_cue_files_load_in_every_language() -> None:
    assert set(languages()) >= {"ar", "en", "es", "fr", "ru", "tr", "uk"}
    for language in languages():
        assert judge_marked("[x] y.", language)[0] is Stance.HAPPENED


@pytest.mark.parametrize("language", languages())
def test_every_phrase_of_the_cue_files_can_be_read(language: str) -> None:
    data = read_data("cues", language)
    assert data is not None
    phrases = [phrase for group in data["cues"] for phrase in group["words"]]
    phrases += [phrase for kind in data["clauses"].values() for phrase in kind]
    assert {phrase: mistake_in(phrase) for phrase in phrases if mistake_in(phrase)} == {}


words = st.sampled_from(
    "if unless not no never could will denied that , . ; ( ) and but which after 2020 ago ? killed invoked to was".split()
)


@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=60).map(" ".join)), st.integers(0, 200), st.data())
def test_judging_never_raises_and_its_cue_lies_in_the_text(text: str, start: int, data: st.DataObject) -> None:
    start = min(start, len(text))
    end = data.draw(st.integers(start, len(text)))
    language = data.draw(st.sampled_from([*languages(), "und", "xx"]))
    judgement = judge(Reading.of("", text, language, REFERENCE_AT), start, end)
    if judgement.cue is not None:
        assert 0 <= judgement.cue[0] < judgement.cue[1] <= len(text)


@pytest.mark.shared_data
def test_the_seed_article() -> None:
    path = SHARED_DATA / "seed-article.txt"
    if not path.is_file():
        pytest.skip("the development data is not beside the checkout")
    text = path.read_text(encoding="utf-8")
    reading = Reading.of("", text, "en", REFERENCE_AT)
    wanted = {"invoked Article four of the Collective Security Treaty": Stance.HAPPENED, "44-day war": Stance.PAST}
    for words_of_match, stance in wanted.items():
        start = text.index(words_of_match)
        assert judge(reading, start, start + len(words_of_match)).stance is stance
