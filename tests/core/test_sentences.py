"""Sentences, paragraphs and clauses."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text.sentences import _STOP, _Splitter, split_clauses, split_sentences


def _sentences(text, title_end=0):
    return [text[s.start : s.end] for s in split_sentences(text, title_end)]


# "|" stands where a sentence ends.
@pytest.mark.parametrize(
    "marked",
    [
        "Mr. Smith met Lt. Col. J. Doe in the U.S. on Sept. 14.| He left.| The U.S. President spoke.",
        "He lived in the U.S.| The army left at 5 p.m. Tuesday.| It rose 4.5 percent to No. 4.| Then Art. 4 was invoked.",
        '“We asked for help.”| Pashinyan said so.| "Will they?" he asked.| He said: "No."| The end…| But no.',
        "YEREVAN, Sept 14 (Reuters) - Armenia said so.| It asked.",
        "Three men sat.| Shells fell.| He told me.| Rockets said no.| Smith rose with the sun.| Jets flew.",
        "They met on Sat. Sept. 3 with Gen. Petrov.| No. 4 won.",
        "Two died.[1]| Another one fell.[12][13]| End.",
        "Three were killed.The army left.| Then quiet.".replace("killed.The", "killed.|The"),
        "The toll rose to\n81.| About 45 people died.",
        "George W. Bush spoke.| Plan B.| The end.",
        "14 сентября 2022 г.| Армения заявила.| В. Путин и А. С. Пушкин.| В г. Москва и т.д.| Конец.",
        "ABD Başkanı konuştu.| 2. Karabağ Savaşı bitti.| 44. gün geldi.| Dr. Ali gitti.",
        "قال الرئيس.| هل هذا صحيح؟| نعم.| د. محمد قال.",
        "Հայաստանը դիմեց:| Բաքուն հերքեց։| Վերջ։",
        "in lower case.| armenia invoked article 4.| end",
        "He won.| al-Shabaab claimed it.",
        "Smith Inc. said so.| Officials agreed.",
        "M. Macron a dit non.| L'art. 5 reste.",
        "El Sr. Pérez habló.| EE.UU. respondió.",
        "Fighting [...] Armenia said (…) Baku.",
        "He said it (in Baku.)| Then he left.",
        "What now?!| Nobody knows...| Yes!",
        "The vote was 3.5 to 2.| It passed.",
        "Gen. Sidorov of St. Petersburg met Sen. Menendez.| They spoke.",
        "He said « no. ».| Then Sens. Graham and Reps. Smith left ...| Good.",
        "It happened at 3 a.m.| Nobody was hurt.",
    ],
)
def test_splits_where_people_would(marked):
    expected = [part.strip() for part in marked.split("|")]
    assert _sentences(marked.replace("|", "")) == expected


def test_a_blank_line_a_bullet_or_a_list_number_starts_a_sentence_and_a_paragraph():
    text = "No stop here\n\nNext one\ngoes on\n- first\n• second\n1. Third\n2) Fourth\n \t\nFifth"
    found = split_sentences(text, 0)
    assert [(text[s.start : s.end], s.paragraph) for s in found] == [
        ("No stop here", 0),
        ("Next one\ngoes on", 1),
        ("- first", 2),
        ("• second", 3),
        ("1. Third", 4),
        ("2) Fourth", 5),
        ("Fifth", 6),
    ]


def test_a_title_is_one_sentence_and_the_first_paragraph():
    title, text = "War ends. Peace comes", "One. Two.\n\nThree."
    full = title + "\n\n" + text
    found = split_sentences(full, len(title))
    assert [(full[s.start : s.end], s.index, s.paragraph) for s in found] == [
        ("War ends. Peace comes", 0, 0),
        ("One.", 1, 1),
        ("Two.", 2, 1),
        ("Three.", 3, 2),
    ]


@pytest.mark.parametrize("text", ["", " \n\n ", "\n", "...", "."])
def test_odd_texts_split_without_trouble(text):
    assert _sentences(text) == ([text] if text.strip() else [])


def _visible(text):
    return "".join(c for c in text if c not in "\u200b\ufeff").strip()


@given(st.text(st.one_of(st.characters(), st.sampled_from('.!?…"”) \nAa1-•')), max_size=300))
def test_sentences_are_ordered_stripped_and_cover_every_character(text):
    found = split_sentences(text, 0)
    position = 0
    for index, sentence in enumerate(found):
        assert sentence.index == index
        assert not _visible(text[position : sentence.start])
        piece = text[sentence.start : sentence.end]
        assert piece
        assert piece == piece.strip()
        position = sentence.end
    assert not _visible(text[position:])


# "|" stands where a clause ends.
@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en", "Armenia has not, officials said, invoked Article 4"),
        ("en", "Armenia has not, the ministry said on Tuesday, invoked Article 4, |but Baku denied it"),
        ("en", "It will, unless stopped, invoke Article 4"),
        ("en", "If Azerbaijan attacks,| Armenia will invoke Article 4"),
        ("en", "Officials |who will meet on Tuesday said| Armenia had invoked Article 4"),
        ("en", "In 2020, the two nations fought a 44-day war, |which killed 6,000 people"),
        ("en", "The war between Armenia and Azerbaijan killed 6,000 people"),
        ("en", "Armenia has not invoked Article 4| and Azerbaijan killed 12 soldiers"),
        ("en", "Armenia and Azerbaijan fought and died"),
        ("en", "Pashinyan said| that Armenia had invoked it |after 12 soldiers were killed on Tuesday"),
        ("en", "Armenia has invoked it since 2020"),
        ("en", "Warsaw says| no risk of invasion"),
        ("en", "Armenia, |which has not invoked Article 4,| recalled its ambassador"),
        ("en", "Baku may strike;| Yerevan invoked Article 4:| two died"),
        ("en", "“We have asked for help, including military, in restoring order,”| Pashinyan said"),
        ("en", "He spoke of a “provocation” on the border"),
        ("en", "Troops moved in on that day"),
        ("en", "Armenia is said to have invoked Article 4"),
        ("en", "Armenia recalled its envoy, |threatening to cut ties"),
        ("ru", "Армения не применила статью 4, |но Баку заявил,| что 12 солдат погибли"),
        ("uk", "Вірменія не застосувала статтю 4, |але Баку заявив,| що 12 солдатів загинули"),
        ("fr", "L'Arménie n'a pas invoqué l'article 4, |mais Bakou nie"),
        ("es", "Armenia no invocó el artículo 4, |pero Bakú lo niega"),
        ("tr", "Ermenistan çağırmadı, |ancak Bakü reddetti"),
        ("ar", "لم تفعل أرمينيا المادة الرابعة |لكن باكو نفت ذلك"),
        ("hy", "Մեկ երկու; երեք".replace("; ", ";| ")),
    ],
)
def test_clauses(language, marked):
    text = marked.replace("|", "")
    clauses = [text[start:end] for start, end in split_clauses(text, 0, len(text), language)]
    assert [clause.strip() for clause in clauses] == [part.strip() for part in marked.split("|")]


@given(
    st.text(st.sampled_from('ab said that, ; : — - “”"«»...and but who not will killed,\n'), max_size=200),
    st.sampled_from(["en", "ru", "ar", "xx"]),
)
def test_clauses_cover_the_sentence_without_gaps(text, language):
    clauses = split_clauses(text, 0, len(text), language)
    assert clauses[0][0] == 0
    assert clauses[-1][1] == len(text)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(clauses))


@pytest.mark.parametrize(
    "text",
    [
        "." * 200_000,
        "\n" * 200_000,
        " " * 200_000 + "x",
        "a. " * 60_000,
        "x and y " * 25_000,
        '"' * 100_000,
        "“" * 100_000,
        "not, " * 40_000,
        "a" * 200_000,
        ", said " * 30_000,
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.timeout(30)  # linear takes two seconds at most, quadratic minutes
def test_hostile_text_is_split_in_linear_time(text):
    sentences = split_sentences(text, 0)
    for sentence in sentences:
        assert split_clauses(text, sentence.start, sentence.end, "en")


# More of the same, as they stand in news: "|" where a sentence ends.
SENTENCES = r"""
Dr. Aliyev and Prof. K. Petrosyan met in St. Petersburg.| Talks lasted two hours.
The convoy left at 4 a.m. on Monday.| It never arrived.
The convoy left at 4 a.m.| Nobody saw it again.
Gen. Mark A. Milley spoke.| So did Sen. J.D. Vance of Ohio.
"We are at war," he said.| "There is no other word."
He asked: "Who fired first?"| Nobody answered.
'They shot at us.'| The witness then fled.
KYIV, Ukraine (AP) — Russian forces struck a bridge.| Two people died.
ANKARA, Sept. 13 (Reuters) - Turkey recalled its envoy.| Greece followed.
BREAKING: Israel strikes Iran!| Explosions heard in Isfahan!| More to come...
The U.N. Security Council met.| The U.S. vetoed the text.| Russia abstained.
He works for Lockheed Martin Corp. in Texas.| The firm denied it.
Troops of the 3rd Bn. crossed the line.| They met no resistance.
See pp. 4-5 for details.| The rest is secret.
Prices rose 3.5 per cent.| Oil hit $101.20 a barrel.| Gas fell.
It happened near Mt. Ararat at approx. 3 p.m. local time.| Police came.
The spokesman, Lt. Col. Peter Lerner, confirmed it.| He gave no details.
Was it an accident?| Or was it an attack?!| We do not know.
The law was passed in Jan. 2020.| It lapsed in Dec. of that year.
The president (who is ill.) did not attend.| His deputy did.
Fighting went on all night... and then stopped.| Peace came.
Fighting went on all night...| Then it stopped.
He met Vladimir V. Putin.| They signed a deal.
Company X vs. Company Y was settled.| Nobody won.
The group, i.e. the rebels, fled.| Others, e.g. the militia, stayed.
www.example.org reported it.| The site bbc.co.uk did too.
The treaty (Art. 4, para. 2) applies.| Lawyers agree.
Flight No. 17 was shot down.| 298 people died.
"It is over."
They fired 20 missiles.|Ten were shot down.
He was born in Washington, D.C.| She was born in Paris.
He said "we won."| She said "no."
Iran vs. Israel: who is stronger?| Experts disagree.
The ceasefire (announced on Monday) held.| [Editor's note: corrected.]| It broke later.
MINISTER: WE WILL FIGHT.| ENEMY RETREATS.| CITY FREE.
Reporting by A. Smith; editing by B. Jones.
The jet, an F-16, crashed.| Its pilot, Capt. O'Neil, survived.
He said (and I quote): "Go."| They went.
Alliance members – incl. Turkey – agreed.| Hungary did not.
1. Armenia asks for help.
The ministers of India, Pakistan, etc. met.| No deal was made.
Inc. magazine wrote it.| Others copied.
Army Sgt. 1st Class J. Doe died.| He was 30.
В 2020 г. началась война.| Погибли 6 тыс. человек.| Мир наступил в ноябре.
Об этом сообщил А. С. Пушкин.| Г. Москва молчит.
Удар нанесли по ул. Ленина, д. 5.| Погибли трое, т. е. вся семья.
«Мы победим.»| Он так сказал.
— Вы пойдёте?| — Да.| Он ушёл.
У 2014 р. почалася війна.| Загинуло понад 10 тис. осіб.
Про це заявив ген. В. Залужний.| Він не уточнив деталей.
Dr. A. Yılmaz konuştu.| Saat 14.30'da patlama oldu.| 4. madde işletildi.
Türkiye 4. maddeyi işletti.| NATO toplandı.
M. Macron a parlé.| Mme. Le Pen a répondu.| L'art. 5 s'applique.
« Nous sommes en guerre. »| Il l'a dit hier.
El Sr. Pérez habló.| ¿Qué pasó?| ¡Nadie lo sabe!
EE. UU. atacó.| La ONU calló.
أعلنت روسيا الحرب.| هل توقفت المعارك؟| لا.
قال الوزير: «سنرد».| ثم غادر.
ایران حمله کرد.| آیا جنگ شد؟| نه.
Հայաստանը դիմեց ՀԱՊԿ-ին։| Պատասխան չկա։
Ո՞վ կրակեց։| Ոչ ոք չգիտի:| Լռություն։
रूस ने हमला किया।| युद्ध शुरू हुआ।
Lt. Gen. H.R. McMaster and Maj. Gen. Qassem Soleimani never met.| They fought in the same war.
The U.S.-led coalition bombed Raqqa.| The U.K. joined in.| So did France.
MOSCOW — Russia expelled a diplomat on Friday.| Poland did too.
BEIRUT (Reuters) — Israel struck Beirut.| Hezbollah replied.
WARSAW/KYIV, Nov 16 - A missile killed two people.| NATO met.
The envoy (Mr. Lavrov) left.| No deal.
They want peace — so they say.| We do not believe it.
"Fire!" he shouted.| The guns opened up.
"Did they cross the border?" asked the reporter.| "Yes."
He fired at 6:30 a.m.; she replied at noon.| Both died.
The missile flew 1,200 km.| It fell in the sea.
The firm, Rheinmetall A.G., builds tanks.| Its shares rose.
The vote was 10-2.| Russia and China opposed it.
Ukraine's Gen. Staff said so.| Kyiv agreed.
The city of St. Louis sent aid.| Others did not.
In No. 10, aides met.| Nobody spoke.
The attack killed 12.| 30 were hurt.
It cost $3 bn.| That is a lot.
Prime Minister N. Pashinyan spoke to V. Putin.| They agreed on nothing.
See Fig. 3.| The front moved west.
He said: 'Never.'| Then he left.
The war began on 24 Feb.| It has lasted months.
Troops entered at dawn!| By noon it was over.
PM: "No war."| Opposition: "Lies."
Officials (e.g. the mayor) fled.| The rest stayed.
Israel vs. Hamas: the toll.| What we know.
He works at the Dept. of Defense.| She does not.
The ship left port at 9 p.m. Friday.| It sank at 11 p.m.| Nobody survived.
By John A. Smith
Hello World.|Next sentence here.| Third one.
A bomb fell on Main St.| Two died.
It was Jan. 6.| The mob came.
'We won't go.'| That is what they said.
The President of the U.S. spoke on Monday.| Congress listened.
Mr. X and Ms. Y met Col. Z.| It was cold.
They said "stop."| Nobody did.
The pact covers Arts. 4, 5 and 6.| It is old.
Iran's Col. Gen. Bagheri warned Israel.| Israel laughed.
Is it war?| No.| Is it peace?| No.
What happened... nobody knows.
В г. Киеве прошёл митинг.| В нём участвовало 5 тыс. человек.
По словам ген. Суровикина, удар отражён.| Потерь нет.
Он родился в 1952 г. в Ленинграде.| Его отец воевал.
«Град» обстрелял город.| Есть жертвы!| Что дальше?
ООН, ЕС и др. организации осудили удар.| США молчат.
Удар завдано по м. Харків.| Загинули люди.
«Шахеди» летіли вночі.| Збито 10 шт.| Влучань немає.
T.C. Dışişleri Bakanlığı açıkladı.| Sn. Bakan konuştu.
12. yıl dönümünde anıldı.| 3 asker şehit oldu.
L'armée a frappé à 5 h. du matin.| Il y a des morts.
« Qui a tiré ? » demande-t-il.| Personne ne répond.
S. M. le roi a parlé.| Le peuple écoute.
El Gral. Padrino habló.| Nadie le creyó.
«¡Fuego!», gritó.| Los soldados dispararon.
Los EE.UU. e Irán negocian.| Hay tregua.
بدأت الحرب في 24 فبراير.| قتل الآلاف!| متى تنتهي؟
د. أحمد تحدث.| لم يجب أحد.
Բաքուն հերքեց։| Երևանը պնդում է՝ կրակել են։| Վերջ։
وزیر گفت: «جنگ نمی‌خواهیم.»| سپس رفت.
საქართველომ უარი თქვა.| რუსეთმა უპასუხა.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_splits_news(marked):
    assert _sentences(marked.replace("|", "")) == [part.strip() for part in marked.split("|")]


CLAUSES = r"""
en: Armenia invoked Article 4,| but Azerbaijan denied the attack.
en: Although talks failed,| the truce held.
en: If Russia attacks,| NATO will respond.
en: The minister said| that the army had crossed the border.
en: The general,| who had fought in Syria,| died.
en: Troops fired shells; |civilians fled.
en: The army struck Homs| while diplomats met in Geneva.
en: Armenia, Russia and Belarus signed the pact.
en: Russia struck Odesa| and Ukraine shot down ten drones.
en: He resigned| because the war was lost.
ru: Армения обратилась в ОДКБ,| но помощи не получила.
ru: Он сказал,| что армия перешла границу.
fr: Le ministre a dit| que l'armée avait franchi la frontière.
es: El ministro dijo| que el ejército cruzó la frontera.
uk: Якщо Росія нападе,| НАТО відповість.
en: Iran struck Erbil| because Israel had killed a general.
en: The envoy,| whose house was hit, |left.
en: When the truce ended,| fighting resumed.
en: Kyiv fired,| and Moscow replied.
en: Unless it stops,| we will act.
en: Turkey, a NATO member, invoked Article 4.
ru: Если удары продолжатся,| Киев ответит.
ru: Посол,| которого отозвали, |уехал.
fr: Si la trêve tient,| les otages rentreront.
es: Si continúa la guerra,| habrá hambre.
tr: Rusya saldırdı| ancak Ukrayna direndi.
ar: قصفت إسرائيل دمشق| بينما اجتمع الوزراء.
"""


@pytest.mark.parametrize("line", CLAUSES.strip().splitlines())
def test_parts_clauses_of_news(line):
    language, marked = line.split(": ", 1)
    text = marked.replace("|", "")
    clauses = [text[start:end].strip() for start, end in split_clauses(text, 0, len(text), language)]
    assert clauses == [part.strip() for part in marked.split("|")]


_PIECES = (
    'war Sept sept no No messrs xi IV 12 a U.S т.д г. . .) ! ? … : :: ( [ « » " \n The the died ա։ ա: Он 4 É Ⓐ'.split(
        " "
    )
)


@given(st.lists(st.sampled_from([*_PIECES, " ", " ", ". ", ". "]), max_size=24).map("".join), st.integers(0, 8))
def test_a_glance_at_a_stop_says_what_the_full_look_says(text, start):
    splitter = _Splitter(text)
    for found in _STOP.finditer(text, start):
        surely = splitter._ends_surely(*found.span(), start, len(text))
        assert surely in (None, splitter._ends_sentence(found, start, len(text)))
