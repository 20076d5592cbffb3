"""Parties of sentences as news has them, in eleven languages, written from the rules alone.

Each row is a day (of the article; empty: 14 September 2022), the parties, and the text; ``T:title // text`` where there is
a title.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from watcher.text.reading import Reading
from watcher.understand.states import Gazetteer, find_states

TABLES = {
    "und": """
| | The company paid fines and the male suspects were freed.
""",
    "en": """
| DE FR | German and French diplomats met behind closed doors.
| KG TJ | Kyrgyz border guards said Tajik soldiers opened fire near the village of Ak-Sai.
| TM UZ | Ashgabat summoned the Uzbek envoy over the incident.
| LA TH | Vientiane said a Thai patrol boat had crossed the Mekong.
| BI RW | Bujumbura closed its border with Rwanda on Friday.
| ET ER | Asmara's forces advanced deeper into Ethiopia, witnesses said.
| KP KR | Pyongyang fired two missiles and Seoul scrambled jets.
| CN TW | The PLA sent 30 warplanes towards Taiwan, Taipei's defence ministry said.
| IR IL | The IRGC vowed revenge after an Israeli raid.
| IR | The Islamic Revolutionary Guard Corps seized a tanker.
| IN PK | The Indian Army and Pakistan Rangers traded fire along the Line of Control.
| IL SY | Tsahal tanks shelled a post in southern Syria.
| US IR | CENTCOM said it struck a depot used by Iran.
| GB RU | The Royal Navy shadowed a Russian frigate in the Channel.
| TR SY | Ankara's troops entered northern Syria at dawn.
| UA RU | Zelensky said Putin had refused talks.
| TR GR | Erdogan warned Athens that his patience was running out.
| AM AZ | Pashinyan accused Aliyev of breaking the truce.
2019-05-02 | VE US | Maduro said Trump was plotting a coup.
2024-03-02 | FR | Macron refused to rule out sending troops.
2024-03-02 | DE FR | Scholz contradicted Macron on the missiles.
2010-06-02 | AM TR | President Serzh Sargsyan met Abdullah Gul.
2023-11-02 | IL | Netanyahu told reporters the war would be long.
| IN | Prime Minister Narendra Modi chaired a meeting of the security cabinet.
2026-02-01 | CA US | Mark Carney said Washington's threats were unacceptable.
| | The Russian-led bloc sent observers.
| YE | Iran-backed rebels fired on a port in Yemen.
| | Turkish-backed fighters clashed with rival militias.
| AM AZ | The US-brokered truce between Armenia and Azerbaijan collapsed.
| | A pro-Russian politician was detained after an anti-Ukrainian speech.
| UA | Ukraine received German-made tanks.
| | The ex-Soviet bloc held a summit.
| SD | Egyptian-mediated talks on Sudan's war failed.
| | The New York Times and the Jerusalem Post published the letter.
| | Manchester United beat Real Madrid, while Paris Saint-Germain lost.
| | British Airways and Turkish Airlines cancelled flights.
| | The Jordan River valley was flooded and the Chad Basin dried up.
| | Michael Jordan and Chad Smith attended the gala in Georgia Tech's arena.
| GE RU | Georgia accused Russia of moving the boundary markers.
| | Georgia's governor ordered an evacuation in Atlanta and Savannah.
| GE | Tbilisi protested. Georgia will not back down, the minister said.
| JO | Jordan said its army shot down a drone near Amman.
| TD SD | Chad closed its border with Sudan after the raid.
| TR IQ | Turkey launched a new operation in northern Iraq.
| | The family ate turkey and Brazil nuts with Swiss cheese.
| ML NE | Mali and Niger announced a joint force.
| NG | Gunmen attacked villages in the Nigerian states of Borno, Yobe, Niger and Plateau.
| NG | Bandits killed farmers in Niger state, north-central Nigeria.
| | Refugees from Nagorno-Karabakh, Crimea and South Ossetia staged a rally.
| RU UA | Russia said Ukraine had shelled Crimea.
| AM AZ | Armenia said Azerbaijan attacked Nagorno-Karabakh.
| IL PS | Israel struck Gaza City and the West Bank town of Jenin.
| | YEREVAN, Sept 14 (Reuters) - The bridge was closed on Wednesday.
| AM | BAKU, Azerbaijan (AP) - Armenia called the charge baseless.
| GN | Guinea's junta dissolved the government in Conakry.
| GQ GA | Equatorial Guinea and Gabon took their island dispute to court.
| GW | Bissau: soldiers in Guinea-Bissau stormed the palace.
| CD RW | The Democratic Republic of Congo expelled Rwanda's ambassador.
| CG | The Republic of the Congo sent police to Brazzaville's port.
| CD | Kinshasa said M23 rebels had taken the town.
| SS SD | South Sudan's army crossed into Sudan, Khartoum said.
| | New Mexico's governor and the South China Sea commission met in Latin America.
| IE | Ireland protested to the bloc.
| GB | Northern Ireland's police deployed more officers after riots, London said.
| MM BD | Burma's generals shelled a village near Bangladesh.
| MM TH | The Tatmadaw bombed a camp near the Thai border.
| CZ PL | Czechia and Poland closed the crossing.
| SZ ZA | Eswatini asked South Africa for help.
| CI | Ivory Coast's government recalled its envoy.
| TL ID | Timor-Leste and Indonesia signed a border accord.
| VA | The Holy See offered to mediate.
| XK RS | Kosovo and Serbia put their forces on alert.
| RS XK | Belgrade said Pristina had provoked the clash.
| BA | Bosnian Serb leader Milorad Dodik threatened secession from Bosnia.
| MK GR | North Macedonia and Greece reopened the dispute.
| AE YE | Emirati jets struck a target in Yemen.
| SA | Riyadh said a Saudi frigate had been hit.
| QA BH | Qatari and Bahraini delegations left.
| NL BE | Dutch and Belgian frigates sailed.
| PH CN | Philippine coastguards accused a Chinese vessel of ramming.
| MZ | Mozambican soldiers retook the town.
| CF TD | Central African troops clashed with Chadian soldiers.
| BF ML | Burkinabe and Malian officers plotted together.
| SN GM | Senegalese forces crossed into The Gambia.
| LS | Basotho soldiers mutinied in Maseru.
| DK | Copenhagen summoned the envoy, and Danish officers protested.
| SE FI | Swedish and Finnish reservists were called up.
| US MX | U.S. agents and Mexican marines exchanged fire.
| US | US troops left the base.
| | They told us that it was over.
| IR US | TEHRAN THREATENS TO HIT US BASES
| CN IN | T:CHINA MASSES TROOPS AS INDIA WARNS OF WAR // The build-up continued.
2026-07-02 | CO VE GY | Colombian analysts were silent as Venezuela threatened Guyana.
| CO | Colombian defense minister Pedro Sanchez said the rebels would pay.
| IQ | Iraqi prime minister Mohammed Shia al-Sudani visited the front.
| PS | Abu Ahmed al-Masri was killed in Gaza, medics said.
| IL | Israeli jets killed Saleh al-Iraqi, the army said.
| RU UA | Moscow's ambassador to Kyiv was expelled.
| UA | A missile hit an apartment block in Kharkiv, Ukraine.
| SY TR | The Syrian Arab Army shelled a Turkish outpost.
| LB IL | The Lebanese Armed Forces and the Israel Defense Forces traded accusations.
| FR ML | France's Barkhane force left Mali.
| RU | The FSB detained a man and Rosgvardia sealed the street.
| AM RU | Armenia's Security Council asked Russia for help.
| PE | Peru declared a state of emergency as Lima burned.
| MD | Chisinau said drones had entered Moldovan airspace from Transnistria.
| | Soviet troops crushed the uprising in 1956.
| CU US | Havana and Washington reopened their embassies.
| LR SL | Liberia and Sierra Leone fielded a joint patrol.
| TO WS | Tonga and Samoa denounced the test.
| VC | Saint Vincent and the Grenadines called for a meeting.
| KN | St Kitts and Nevis protested.
| TT VE | Trinidad and Tobago accused Venezuela of piracy.
| AG | Antigua and Barbuda's prime minister resigned.
| KM | Comorian soldiers landed on the island.
| DJ | Djibouti hosted the talks.
| MV IN | Malé told Indian troops to leave the Maldives.
| MN | Mongolian troops trained with helicopters.
| BT CN | Bhutanese guards saw Chinese bulldozers.
| FJ | Fiji's military chief warned of a coup.
| AM AZ RU | Russian peacekeepers stood by as Azerbaijani troops crossed into Armenia proper.
| UZ KG | Uzbekistan's border service said a Kyrgyz herder had been shot.
| KH TH | Phnom Penh accused Bangkok of laying mines.
| ER | Isaias Afwerki's government denied it.
2013-05-01 | EG | Mohamed Morsi declared a state of emergency.
2006-07-20 | IL LB | Olmert vowed to go on until Hezbollah left southern Lebanon.
2022-09-14 | | Ex-chancellor Gerhard Schroeder kept his seat on the board.
2022-09-14 | | Former prime minister Tony Blair gave a lecture.
2023-10-20 | SA IR | Mohammed bin Salman spoke by phone with Ebrahim Raisi.
| BR | Brasília recalled its envoy.
| CG CD | Brazzaville and Kinshasa blamed each other for the ferry attack.
| CY GR TR | Greek Cypriot officials were absent as Mitsotakis and Erdogan met.
| CN | The People's Liberation Army Navy sailed past the shoal.
| NP IN | Nepali police said Indian guards had crossed the bridge.
| KE SO | Kenya Defence Forces shelled al-Shabaab camps in Somalia.
| PK | Rawalpindi, the seat of Pakistan's generals, stayed silent.
| AU PG | Canberra signed a pact with Port Moresby.
| MX | Mexican cartels fought each other in Sinaloa.
| ID | Indonesian troops fought separatists in Papua.
| | Panama hats and Danish pastries were sold at the fair in New England.
| | Chad Kroeger and Georgia O'Keeffe inspired the show.
| GE | Georgia's foreign ministry summoned the envoy.
| | The Atlanta area of Georgia saw record heat, the sheriff said.
| JO SY | Jordanian troops fired on smugglers crossing from Syria.
| TR | The Turkish lira fell after Erdogan spoke.
| | The trial of Kyle, a Turkey farmer from Nebraska, began.
| NG CM | Nigeria and Cameroon agreed on the border at Bakassi.
| NE | Niger's junta closed the airspace.
| US | America's allies were dismayed.
| | South American and Central American farmers met Latin American bankers.
| UA | "We will fight on," Ukraine's president said.
| US KR KP | US and South Korean marines trained while the North Korean leader watched missiles.
| BY PL | Minsk pushed migrants towards the Polish border.
| | The Minsk agreements and the Geneva Conventions were discussed.
| MM | Naypyitaw extended emergency rule.
| IR | The Quds Force commander was buried.
| | Reporters from the Moscow Times and the Kyiv Independent were present.
| EE RU | An Estonian patrol boat stopped a Russian tanker.
| SO ET | Mogadishu expelled Ethiopia's envoy over the Somaliland deal.
| US | The Pentagon said Green Berets had landed.
| FR DZ | The French and Algerian foreign ministers traded barbs.
| SV HN | Salvadoran fishermen were held by the Honduran navy.
| LA VN | Laos and Viet Nam marked their border.
| MR SN | Nouakchott freed the Senegalese trawler.
| RS BA | Serbian MiGs flew along the Bosnian border.
| GB AR | Whitehall dismissed Argentina's claim to the Falklands.
| KR JP | Seoul's coast guard chased a Japanese survey ship.
2015-03-03 | DE FR | Merkel and Hollande flew in overnight.
2003-04-04 | IQ GB | Saddam's forces fired at British marines.
2022-09-14 | | Angela Merkel's memoirs filled the shops; Merkel, long retired, signed copies.
2024-05-05 | LB | Mikati asked the army to deploy.
2008-08-10 | GE RU | Saakashvili said Medvedev had lied.
| IN | Indian peacekeepers came under fire.
| AM | The Armenian-backed offer was dropped, Yerevan said.
| | A German-built submarine and a Chinese-owned port were photographed.
| | The Israel-based firm hired anti-Iranian hackers.
| UA | The Kyiv-controlled part of the region lost power, said the Ukrainian army.
| | Bayern Munich signed a Croatian striker and a Senegalese winger.
| | He studied at the American University and flew Qatar Airways.
| | The Persian Gulf, the Sea of Japan and the Gulf of Guinea are busy.
| | A Cuban sandwich, Swiss cheese and Turkish delight were served.
| JO | Fighting near Amman; Jordan said it would respond.
| | Jordan Henderson scored as Chad Smith drummed.
| GE AM | Georgia and Armenia opened a crossing.
| TD LY | Rebels from Libya attacked northern Chad.
| KP US | NORTH KOREA TESTS MISSILE AS US CARRIER ARRIVES
| | LET US PRAY, SAYS BISHOP
| SD | El Fasher fell; Sudan's army withdrew.
| PS IL | Hamas fighters in Gaza fired at an Israeli post.
| | The Golan Heights, Kashmir and Western Sahara stay disputed.
| CY TR | Turkish troops entered the buffer zone in Cyprus, near Northern Cyprus.
| RU UA | Donetsk and Luhansk were shelled by Russian guns, Kyiv said.
| | Former Yugoslav republics sent teams.
| CN PH | Manila said the China Coast Guard fired water cannon.
| MX US | The US Border Patrol shot a Mexican teenager.
| ET SO | Ethiopian National Defence Force troops left Somalia.
| SS | Kiir sacked his army chief in South Sudan.
| NG | Boko Haram burned villages in the states of Adamawa, Niger and Sokoto, Nigeria said.
| CD UG | FARDC and Ugandan soldiers shelled the rebels.
| TZ BI | Tanzanian police pushed Burundian refugees back.
| UZ AF | Termez is in Uzbekistan, across from Afghanistan.
| IE | Taoiseach Micheal Martin spoke in Dublin.
| NL RU | The Hague expelled four Russian spies, the Dutch government said.
| XK | Kosovars voted; Kurti won.
| AE OM | Abu Dhabi and Muscat signed.
| CU | Cubans rioted.
| PK | Asim Munir, Pakistan's army chief, spoke.
| TW | Tsai Ing-wen spoke in Taipei.
""",
    "ru": """
| | Возглавляемая Россией организация собралась.
| | Проиранские группировки обстреляли базу.
| YE | Поддерживаемые Ираном хуситы атаковали порт в Йемене.
| AM AZ | Перемирие при посредничестве США между Арменией и Азербайджаном сорвано.
| | Антироссийские лозунги звучали на митинге.
| | Бывший СССР распался давно.
| | Газета «Московский комсомолец» и агентство РИА Новости сообщили об этом.
| | Донбасс, Приднестровье и Южная Осетия остались спорными.
| | «Динамо Киев» обыграло «Спартак Москва».
2004-05-05 | US | Буш выступил с речью.
| DE | Бундесвер отправил технику.
| IL | ЦАХАЛ нанёс удар.
| GE | Тбилиси и грузинские власти отвергли обвинения.
| UA RU | Киев заявил, что российские войска обстреляли Херсон.
| AM AZ | Армянские и азербайджанские военнослужащие вступили в перестрелку.
| KR | Войска нанесли удар по Южной Корее.
| KG TJ | Кыргызстан обвинил Таджикистан в агрессии.
| UZ | Узбекские пограничники открыли огонь.
| TR SY | Турция нанесла удары по северу Сирии, сообщила Анкара.
| | Пророссийские активисты вышли на митинг.
| PL BY | Польша закрыла границу с Белоруссией.
| IL IR | Израильтяне уничтожили иранский конвой.
2023-03-01 | FR | Макрон провёл телефонный разговор.
| GE | Грузинский парламент в Тбилиси одобрил закон.
| KH TH | Камбоджийские солдаты обстреляли таиландских пограничников.
| | Беженцы из Крыма и Абхазии собрались в клубе.
| VN CN | Вьетнамские рыбаки столкнулись с китайскими кораблями.
| ET | Эфиопские военные вошли в город.
2023-05-05 | US | Байден подписал указ.
| ML FR | Малийские власти выслали французского посла.
| KZ | Акорда опровергла сообщение.
| AM | Армянка погибла, сообщили в Ереване.
| IL PS | Израильские войска и палестинские боевики вступили в бой.
| SY | Сирийцы бежали из Алеппо.
| CF RU | Российские инструкторы прибыли в ЦАР.
| PL LT | Вильнюс и Варшава усилили охрану границ.
""",
    "uk": """
| | Очолюваний Росією блок зібрався.
| | Проросійські бойовики захопили будівлю.
| | Крим і Донбас залишаються окупованими.
| UA RU | ЗСУ відбили атаку російських військ.
2015-02-12 | UA RU | Порошенко і Путін говорили телефоном.
| US | Пентагон оголосив про допомогу.
| UA RU | Росіяни вдарили ракетами по Україні.
| HU | Угорщина висловила протест.
| PL | Варшава відкликала посла.
| BY RU | Білоруські та російські військові почали навчання.
| MD | Молдовська поліція затримала трьох чоловіків.
| CN TW | Китай погрожує Тайваню.
| IL LB | Ізраїльська армія завдала ударів по Лівану.
| RU | Кремль заперечив це.
| US | Сполучені Штати надіслали зброю.
| TR GR | Турецькі винищувачі перехопили грецький літак.
| MM | Бірманські військові захопили владу.
| SD | Суданська армія відбила місто.
| AZ AM | Азербайджанські військові обстріляли вірменське село.
| KZ UZ | Казахстанські прикордонники затримали узбецьких громадян.
""",
    "tr": """
| | Rusya liderliğindeki ittifak toplandı.
| YE | İran destekli milisler Yemen'de saldırdı.
| AM AZ | ABD arabuluculuğunda Ermenistan ile Azerbaycan anlaştı.
| | Rus yanlısı gruplar toplandı.
| | Dağlık Karabağ ve Kırım gündemdeydi.
| TR SY | TSK, Suriye'de hedefleri vurdu.
2022-09-14 | TR RU | Erdoğan ile Putin görüştü.
| IL | Knesset kararı onayladı.
| US RU | Beyaz Saray ve Kremlin açıklama yaptı.
| | Galatasaray Real Madrid'i yendi.
| AM AZ | Ermenistan, Azerbaycan'ı ateşkesi bozmakla suçladı.
| SY | Suriye'nin kuzeyinde çatışma çıktı.
| GR TR | Atina, Türkiye'nin kararını kınadı.
| RU UA | Rus birlikleri Ukrayna'ya girdi.
| IL IR | İsrail uçakları İran'daki hedefleri vurdu.
| FR DE | Fransız ve Alman askerleri çekildi.
| US | Washington yönetimi açıklama yaptı, ABD'li yetkili konuştu.
| PK IN | Pakistanlı askerler Hindistan sınırında öldü.
| | Milliyet ve Hürriyet gazeteleri haberi yazdı.
| GE | Gürcistan Dışişleri Bakanlığı elçiyi çağırdı.
| VE CO | Venezuela askerleri Kolombiya sınırını geçti.
| ET ER | Etiyopya ile Eritre arasında savaş çıktı.
| ML FR | Bamako yönetimi Fransız büyükelçiyi sınır dışı etti.
| AM AZ TR | Ankara, Erivan ve Bakü arasında görüşme yapıldı.
""",
    "fr": """
| | L'alliance dirigée par la Russie s'est réunie.
| YE | Les rebelles soutenus par l'Iran ont attaqué au Yémen.
| AM AZ | La trêve négociée par la Russie entre l'Arménie et l'Azerbaïdjan a tenu.
| | Des milices pro-iraniennes ont manifesté.
| | Le Haut-Karabakh et la Crimée restent disputés.
| FR | L'ex-président français Nicolas Sarkozy a été jugé.
2010-02-02 | FR DE | Sarkozy a reçu Merkel.
| US | La Maison-Blanche et le Pentagone ont réagi.
| | L'accord de Paris sur le climat a été signé.
| IR | Les gardiens de la révolution ont tiré un missile.
| GN | La Guinée a dissous son parlement.
| NE NG | Le Niger et le Nigeria ont fermé leur frontière.
| TH KH | Des soldats thaïlandais et cambodgiens ont échangé des tirs.
| ML | Bamako a expulsé l'ambassadeur de la junte malienne.
| RU UA | Le Kremlin a accusé l'Ukraine.
| CI BF | La Côte d'Ivoire et le Burkina Faso ont fermé leur frontière.
| DZ MA | Alger a rompu ses relations avec le Maroc.
| US | Les États-Unis ont envoyé des troupes.
| TD | L'armée tchadienne a riposté à N'Djamena.
| CD RW | Kinshasa accuse l'armée rwandaise.
| | Le journal Le Parisien et l'équipe du Paris Saint-Germain.
| NL | Des avions néerlandais ont décollé.
| BF | Les soldats burkinabè ont repris la ville.
| GW SN | Des militaires bissau-guinéens ont tiré sur des pêcheurs sénégalais.
| PH CN | Manille dénonce les navires chinois.
| NE BJ | Niamey a rappelé son ambassadeur et le Bénin a fermé la frontière.
| TZ KE | Des soldats tanzaniens et kényans ont patrouillé.
| IL LB | Tsahal a frappé le sud du Liban.
""",
    "es": """
| | La alianza liderada por Rusia se reunió.
| YE | Rebeldes respaldados por Irán atacaron un puerto de Yemen.
| | Las milicias pro iraníes se retiraron.
| | Crimea y Nagorno Karabaj siguen en disputa.
| RU | El Kremlin lo negó.
| US | La Casa Blanca y el Pentágono reaccionaron.
2012-02-02 | VE CU | Chávez viajó a La Habana.
2022-09-14 | | El expresidente Álvaro Uribe habló.
| GE RU | Georgia acusó a Rusia de mover la frontera.
| | El Acuerdo de París fue firmado.
| KP | Pyongyang lanzó un misil norcoreano.
| | La empresa sin fines de lucro cerró a fines de mes.
| VE GY | Venezuela amenazó a Guyana.
| TH KH | Soldados tailandeses y camboyanos murieron en la frontera.
| US MX | Estados Unidos y los militares mexicanos cooperan.
| CO EC | Bogotá retiró a su embajador; tropas ecuatorianas cruzaron.
| MA | El gobierno marroquí protestó.
| RU UA | El presidente de Rusia y el de Ucrania hablaron.
| | El Real Madrid ganó al París Saint-Germain.
| KP KR | Corea del Norte disparó contra Corea del Sur.
| IL | El ejército israelí confirmó la operación.
| NI | Managua expulsó al nuncio; la policía nicaragüense lo escoltó.
| TD SD | Soldados chadianos cruzaron a Sudán.
| CL | La Paz rompió relaciones con Santiago de Chile, dijo el canciller chileno.
| AF PK | Los talibanes afganos atacaron un puesto paquistaní.
| PY BO | Los paraguayos y los bolivianos firmaron la paz.
| KE SO | Tropas keniatas entraron en Somalia.
| HN SV | Tegucigalpa acusó a los salvadoreños.
""",
    "ar": """
| | اجتمع التحالف بقيادة روسيا.
| YE | هاجمت الميليشيات المدعومة من إيران ميناء في اليمن.
| | القرم وناغورني قره باغ والجولان مناطق متنازع عليها.
| RU US | نفى الكرملين وأكد البيت الأبيض.
2022-09-14 | TR RU | التقى أردوغان بوتين.
| IR | أطلق الحرس الثوري صواريخ.
| AM AZ | هدنة بوساطة أمريكية بين أرمينيا وأذربيجان.
2022-09-14 | | الرئيس السابق أوباما ألقى كلمة.
| US AF | غارة جوية أمريكية تقتل السوداني في أفغانستان
| EG IQ | قتل الجندي المصري في العراق.
| IL PS | قتل الفلسطيني أحمد خالد برصاص إسرائيلي.
| | مجرى الأحداث يتغير وأهداف مالية جديدة.
| | أصيب اللاعب بقطع في الرباط الصليبي.
| | قال الأمير تركي الفيصل ذلك.
| EG SD | قالت مصر إن القوات السودانية عبرت الحدود.
| IL LB | شنت إسرائيل غارات على لبنان.
| SA YE | اعترضت السعودية صاروخا أطلق من اليمن.
| RU UA | أعلنت موسكو أن القوات الأوكرانية قصفت المدينة.
| IR US | هددت طهران بضرب القواعد الأمريكية.
| AM AZ | تبادلت أرمينيا وأذربيجان إطلاق النار.
| TH KH | تبادل الجيش التايلاندي والقوات الكمبودية القصف.
| VE GY | اتهمت فنزويلا جارتها غيانا.
| | قتل أبو أحمد المصري في الغارة.
| DZ MA | قطعت الجزائر علاقاتها مع المغرب.
| ET ER | حشدت إثيوبيا قواتها على الحدود مع إريتريا.
| PH CN | اتهمت مانيلا السفن الصينية بالتحرش.
| TD | أعلنت نجامينا إغلاق الحدود.
| NE ML | أعلنت نيامي وباماكو تشكيل قوة مشتركة.
| SO ET | اتهمت مقديشو الجيش الإثيوبي بدخول أراضيها.
| KW IQ | احتجت الكويت على تصريحات بغداد.
""",
    "hy": """
| AM | Հայաստանում և Հայաստանից։
| AZ | Ադրբեջանցիները և ադրբեջանական բանակը։
| GE | Վրաստանին և վրացիներին։
| IR | Իրանի նախագահը հայտնեց։
| RU US | Ռուսաստանն ու ԱՄՆ-ն։
| UA | Ուկրաինայում պատերազմ է։
| AM AZ | Հայաստանը մեղադրեց Ադրբեջանին։
| RU | Մոսկվան հայտարարություն տարածեց։
| GE TR | Վրաստանի և Թուրքիայի սահմանը փակ է։
| AZ AM | Բաքուն հերքեց Երևանի հայտարարությունը։
| IR AZ | Իրանական զորքերը մոտեցան Ադրբեջանի սահմանին։
""",
    "az": """
| AM AZ | Azərbaycan ordusu Ermənistanın mövqelərini vurdu.
| RU | Moskva bəyanat yaydı, Rusiyanın səfiri çağırıldı.
| IR | İranla sərhəd bağlandı.
| AM IR | Erməni və iranlı diplomatlar görüşdü.
| TR GR | Türkiyə və Yunanıstan danışıqlara başladı.
""",
    "ka": """
| | პრემიერმა განაცხადა, რომ მოლაპარაკება გაგრძელდება.
| GE | საქართველოს პარლამენტმა განაცხადა.
| AM | სომხეთის ჯარი და სომხური მხარე.
| RU | რუსები და რუსული ტანკები.
| TR | თურქულმა თვითმფრინავებმა თურქეთიდან.
| IR US | ირანელებმა და ამერიკელებმა ისაუბრეს.
| ML | მალის არმია და მალიში შეტევა.
| TD | ჩადის არმია.
| UA RU | უკრაინასა და რუსეთს შორის.
| SY | სირიაში და სირიის საზღვარზე.
| IL | ისრაელმა და ისრაელის არმიამ.
| GE RU | საქართველომ რუსეთს მოსთხოვა ჯარის გაყვანა.
| UA | უკრაინის არმიამ დარტყმა მიაყენა.
| TR AZ | თურქეთი და აზერბაიჯანი შეთანხმდნენ.
| RU UA | რუსულმა ჯარმა უკრაინაში ქალაქი დაბომბა.
| AM GE | სომხეთის პრემიერი თბილისში ჩავიდა, საქართველომ მიიღო.
""",
    "fa": """
| | دولت کمک مالی را تصویب کرد.
| ML | کودتا در مالی محکوم شد.
| IR US | ایران آمریکا را تهدید کرد.
| IL | ارتش اسرائیل حمله کرد.
| AF PK | نیروهای افغانستان و پاکستان درگیر شدند.
| UA RU | مسکو و کی‌یف یکدیگر را متهم کردند.
| SA YE | عربستان سعودی یمن را بمباران کرد.
""",
}
CASES = [
    (language, *map(str.strip, row.split("|", 2)))
    for language, table in TABLES.items()
    for row in table.split("\n")[1:-1]
]


@pytest.mark.parametrize(("language", "day", "expected", "text"), CASES, ids=[f"{c[0]}-{c[3][:50]}" for c in CASES])
def test_parties(language, day, expected, text):
    title, _, body = text.removeprefix("T:").partition(" // ") if text.startswith("T:") else ("", "", text)
    at = datetime.combine(date.fromisoformat(day or "2022-09-14"), time(12), UTC)
    mentions = find_states(Reading.of(title, body, language, at), Gazetteer.load())
    assert " ".join(sorted({m.code for m in mentions if m.excluded is None})) == " ".join(sorted(expected.split()))
