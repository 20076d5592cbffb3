"""Which agency a report rests on; a sentence about an agency is no credit."""

from __future__ import annotations

import pytest

from tests.builders import article
from watcher.understand.wires import find_agency, find_wire

BODY = "Two soldiers were killed on the border. Officials gave no details."
RU = "На границе погибли двое военных. Подробностей не сообщили."
UK = "На кордоні загинули двоє військових. Подробиць не надали."
TR = "Sınırda iki asker öldü. Yetkililer ayrıntı vermedi."
FR = "Deux soldats ont été tués à la frontière. Aucun détail n'a été donné."
ES = "Dos soldados murieron en la frontera. No hubo más detalles."
AR = "قتل جنديان على الحدود. ولم تقدم السلطات تفاصيل."

# language, title, text, expected agency
CREDITED = [
    ("en", "", f"YEREVAN, Sept 14 (Reuters) - {BODY}", "Reuters"),
    ("en", "", f"YEREVAN (Reuters) — {BODY}", "Reuters"),
    ("en", "", f"MOSCOW, September 14. /TASS/. {BODY}", "TASS"),
    ("en", "", f"BEIJING, Sept. 14 (Xinhua) -- {BODY}", "Xinhua"),
    ("en", "", f"YEREVAN, SEPTEMBER 14, ARMENPRESS. {BODY}", "Armenpress"),
    ("en", "", f"Tehran, IRNA – {BODY}", "IRNA"),
    ("en", "", f"Baku, September 14, AZERTAC\n{BODY}", "Azertac"),
    ("en", "", f"MINSK, 14 September (BelTA) – {BODY}", "BelTA"),
    ("en", "", f"ISLAMABAD (AP) — {BODY}", "AP"),
    ("en", "", f"WARSAW (PAP) - {BODY}", "PAP"),
    ("en", "", f"Damascus, SANA- {BODY}", "SANA"),
    ("en", "", f"MOSCOW. Sept 14 (Interfax) - {BODY}", "Interfax"),
    ("en", "", f"NEW DELHI (PTI): {BODY}", "PTI"),
    ("en", "", f"By Reuters\n{BODY}", "Reuters"),
    ("en", "", f"Associated Press\n{BODY}", "AP"),
    ("en", "", f"Reuters Staff\n{BODY}", "Reuters"),
    ("en", "Soldiers killed on the border – TASS", BODY, "TASS"),
    ("en", "Soldiers killed on the border | Ukrinform", BODY, "Ukrinform"),
    ("en", "", f"{BODY} (AFP)", "AFP"),
    ("en", "", f"{BODY} (with AFP)", "AFP"),
    ("en", "", f"{BODY}\nSource: Xinhua", "Xinhua"),
    ("en", "", f"{BODY} — Reuters", "Reuters"),
    ("en", "", f"{BODY}\n(Reporting by Ann Bee in Yerevan; Editing by Cee Dee)", "Reuters"),
    ("en", "", f"Two soldiers were killed on the border, TASS reported. {BODY}", "TASS"),
    ("en", "", f"According to Reuters, two soldiers were killed. {BODY}", "Reuters"),
    ("en", "", f"Two soldiers were killed, according to the state news agency Azertac. {BODY}", "Azertac"),
    ("en", "", f"Two soldiers were killed, officials told Reuters. {BODY}", "Reuters"),
    ("en", "", f"Two soldiers were killed, RIA Novosti reported, citing the ministry. {BODY}", "RIA Novosti"),
    ("en", "", f"Two soldiers were killed, as quoted by the Anadolu Agency. {BODY}", "Anadolu"),
    ("en", "", f"Two soldiers were killed, according to a report by AFP. {BODY}", "AFP"),
    ("en", "Two soldiers killed, Interfax reports", BODY, "Interfax"),
    ("en", "", f"Troops fired first, a Reuters correspondent said. {BODY}", "Reuters"),
    ("en", "", f"Citing the agency Tasnim, the channel said that two soldiers were killed. {BODY}", "Tasnim"),
    ("en", "", f"Two soldiers were killed, Yonhap news agency said. {BODY}", "Yonhap"),
    ("ru", "", f"МОСКВА, 14 сен — РИА Новости. {RU}", "RIA Novosti"),
    ("ru", "", f"ЕРЕВАН, 14 сентября. /ТАСС/. {RU}", "TASS"),
    ("ru", "", f"Двое военных погибли, сообщает РИА Новости. {RU}", "RIA Novosti"),
    ("ru", "", f"Об этом сообщает агентство «Интерфакс». {RU}", "Interfax"),
    ("ru", "", f"Двое военных погибли, передает ТАСС. {RU}", "TASS"),
    ("ru", "", f"По данным Рейтер, погибли двое военных. {RU}", "Reuters"),
    ("ru", "", f"Погибли двое военных, пишет издание со ссылкой на Reuters. {RU}", "Reuters"),
    ("ru", "", f"Как сообщило агентство Арменпресс, погибли двое. {RU}", "Armenpress"),
    ("ru", "", f"Ссылаясь на Азертадж, издание сообщило о двух погибших. {RU}", "Azertac"),
    ("ru", "", f"ТАСС сообщает о двух погибших. {RU}", "TASS"),
    ("ru", "", f"{RU}\nИсточник: Укринформ", "Ukrinform"),
    ("ru", "", f"{RU} (АФП)", "AFP"),
    ("ru", "Двое погибли на границе — Reuters", RU, "Reuters"),
    ("uk", "", f"Загинули двоє військових, повідомляє Укрінформ. {UK}", "Ukrinform"),
    ("uk", "", f"За даними Reuters, загинули двоє. {UK}", "Reuters"),
    ("uk", "", f"Про це пише Інтерфакс-Україна. {UK}", "Interfax-Ukraine"),
    ("uk", "", f"Загинули двоє, передає УНІАН з посиланням на міністерство. {UK}", "UNIAN"),
    ("uk", "", f"{UK}\nДжерело: Укрінформ", "Ukrinform"),
    ("uk", "", f"Посилаючись на РІА Новості, видання пише про двох загиблих. {UK}", "RIA Novosti"),
    ("tr", "", f"ERİVAN (AA) - {TR}", "Anadolu"),
    ("tr", "", f"Anadolu Ajansı'nın haberine göre iki asker öldü. {TR}", "Anadolu"),
    ("tr", "", f"Reuters'ın haberine göre iki asker öldü. {TR}", "Reuters"),
    ("tr", "", f"TASS'ın haberine göre iki asker öldü. {TR}", "TASS"),
    ("tr", "", f"İki askerin öldüğünü Reuters bildirdi. {TR}", "Reuters"),
    ("tr", "", f"{TR}\nKaynak: AA", "Anadolu"),
    ("tr", "", f"{TR} (DHA)", "DHA"),
    ("fr", "", f"EREVAN (AFP) - {FR}", "AFP"),
    ("fr", "", f"Deux soldats ont été tués, selon l'AFP. {FR}", "AFP"),
    ("fr", "", f"Deux soldats ont été tués, rapporte l’agence Reuters. {FR}", "Reuters"),
    ("fr", "", f"D'après l'agence de presse TASS, deux soldats ont été tués. {FR}", "TASS"),
    ("fr", "", f"Deux soldats ont été tués, a indiqué un officier à l'AFP. {FR}", "AFP"),
    ("fr", "", f"{FR} (avec AFP)", "AFP"),
    ("fr", "", f"{FR}\nAvec AFP", "AFP"),
    ("fr", "", f"Par AFP\n{FR}", "AFP"),
    ("es", "", f"EREVÁN (EFE).- {ES}", "EFE"),
    ("es", "", f"Dos soldados murieron, según EFE. {ES}", "EFE"),
    ("es", "", f"Dos soldados murieron, informó la agencia Reuters. {ES}", "Reuters"),
    ("es", "", f"De acuerdo con la agencia TASS, murieron dos soldados. {ES}", "TASS"),
    ("es", "", f"{ES}\nFuente: EFE", "EFE"),
    ("es", "", f"{ES} (con Europa Press)", "Europa Press"),
    ("ar", "", f"قتل جنديان وفق وكالة رويترز. {AR}", "Reuters"),
    ("ar", "", f"أفادت وكالة الأناضول بمقتل جنديين. {AR}", "Anadolu"),
    ("ar", "", f"نقلا عن رويترز قتل جنديان. {AR}", "Reuters"),
    ("ar", "", f"ذكرت وكالة الأنباء السعودية أن جنديين قتلا. {AR}", "SPA"),
    ("ar", "", f"قال مسؤول لوكالة فرانس برس إن جنديين قتلا. {AR}", "AFP"),
    ("ar", "", f"{AR} (رويترز)", "Reuters"),
    ("ar", "", f"{AR}\nالمصدر: سبوتنيك", "Sputnik"),
    ("de", "", f"EREWAN (dpa) - {BODY}", "dpa"),
]  # fmt: skip

# language, title, text: no agency, or not one alone
NOT_CREDITED = [
    ("en", "", BODY),
    ("en", "", f"Two Reuters journalists were hurt by shelling near the border. {BODY}"),
    ("en", "", f"A missile hit a car that carried a Reuters crew. {BODY}"),
    ("en", "", f"The French news agency (AFP) mourns a reporter who was killed. {BODY}"),
    ("en", "", f"Reuters said its journalist was wounded. {BODY}"),
    ("en", "", f"Reuters said that two of its journalists were wounded. {BODY}"),
    ("en", "", f"Reuters reported two dead, TASS reported five. {BODY}"),
    ("en", "", f"According to Reuters, two died. {BODY} Later AFP reported that five had died."),
    ("en", "", f"{BODY} (Reuters, AFP)"),
    ("en", "", f"{BODY} (with AFP and Reuters)"),
    ("en", "", f"{BODY} {BODY} {BODY} On Monday a witness told Reuters that it was quiet."),
    ("en", "", f"Russia expelled the head of the AP bureau. {BODY}"),
    ("en", "", f"The photo was taken in Reuters Square. {BODY}"),
    ("en", "", f"The AA said that roads were blocked by snow. {BODY}"),
    ("en", "", f"Members of the Anadolu Efes team left. {BODY}"),
    ("en", "", f"A sputnik was launched. {BODY}"),
    ("en", "", f"The Trend towards war goes on. {BODY}"),
    ("en", "Reuters office hit by a shell", BODY),
    ("ru", "", f"Журналист Рейтер ранен при обстреле. {RU}"),
    ("ru", "", f"Здание ТАСС оцеплено полицией. {RU}"),
    ("uk", "", f"Журналіста агентства Reuters поранено під час обстрілу. {UK}"),
    ("tr", "", f"AA muhabirleri saldırıda yaralandı, Reuters ekibi de oradaydı. {TR}"),
    ("fr", "", f"Un journaliste de l'AFP a été blessé. {FR}"),
    ("fr", "", f"L'AFP a indiqué que son photographe était blessé. {FR}"),
    ("es", "", f"Un periodista de EFE resultó herido. {ES}"),
    ("ar", "", f"أصيب مراسل رويترز في القصف. {AR}"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "title", "text", "agency"), CREDITED)
def test_a_report_that_rests_on_an_agency_names_it(language: str, title: str, text: str, agency: str) -> None:
    wire = find_wire(article(language=language, title=title, text=text))
    assert wire is not None
    assert wire.agency.name == agency
    assert wire.words in f"{title}\n{text}"


@pytest.mark.parametrize(("language", "title", "text"), NOT_CREDITED)
def test_what_is_no_credit_for_the_whole(language: str, title: str, text: str) -> None:
    assert find_wire(article(language=language, title=title, text=text)) is None


def test_agencies_are_known_by_every_name_with_their_state() -> None:
    assert find_agency("РИА Новости") == find_agency("RIA Novosti")
    assert {find_agency(name).state for name in ("TASS", "Anadolu Agency", "Reuters")} == {"RU", "TR", ""}  # type: ignore[union-attr]
    assert find_agency("OC Media") is None
