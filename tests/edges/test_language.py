"""Languages told apart by script, words, letters and endings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.language import UNKNOWN, detect_language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Armed forces of both states opened fire near the border"),
        ("de", "Die Regierung hat am Montag erklärt, dass sie keine Truppen entsenden wird."),
        ("fr", "Le gouvernement a annoncé lundi qu'il n'enverra pas de troupes."),
        ("es", "El gobierno anunció el lunes que no enviará tropas a la frontera."),
        ("it", "Il governo ha annunciato lunedì che non invierà truppe."),
        ("pt", "O governo anunciou na segunda-feira que não vai enviar tropas."),
        ("nl", "De regering heeft maandag gezegd dat er geen troepen worden gestuurd."),
        ("sv", "Regeringen sade på måndagen att inga trupper ska skickas."),
        ("fi", "Hallitus ilmoitti maanantaina, ettei se lähetä joukkoja."),
        ("pl", "Rząd ogłosił w poniedziałek, że nie wyśle wojsk."),
        ("cs", "Vláda v pondělí oznámila, že nevyšle vojáky."),
        ("ro", "Guvernul a anunțat luni că nu va trimite trupe."),
        ("hu", "A kormány hétfőn bejelentette, hogy nem küld csapatokat."),
        ("tr", "Hükümet pazartesi günü asker göndermeyeceğini açıkladı."),
        ("az", "Hökumət bazar ertəsi qoşun göndərməyəcəyini bildirib."),
        ("ru", "Правительство объявило в понедельник, что не направит войска."),
        ("uk", "Уряд оголосив у понеділок, що не надсилатиме війська."),
        ("be", "Урад паведаміў у панядзелак, што не будзе пасылаць войскі."),
        ("bg", "Правителството обяви в понеделник, че няма да изпрати войски."),
        ("sr", "Влада је у понедељак саопштила да неће слати трупе."),
        ("kk", "Үкімет дүйсенбіде әскер жібермейтінін мәлімдеді."),
        ("hy", "Կառավարությունը երկուշաբթի հայտարարեց, որ զորք չի ուղարկի։"),
        ("ka", "მთავრობამ ორშაბათს განაცხადა, რომ ჯარს არ გაგზავნის."),
        ("el", "Η κυβέρνηση ανακοίνωσε τη Δευτέρα ότι δεν θα στείλει στρατεύματα."),
        ("ar", "أعلنت الحكومة يوم الاثنين أنها لن ترسل قوات إلى الحدود"),
        ("fa", "دولت روز دوشنبه اعلام کرد که نیرو اعزام نمی‌کند"),
        ("ur", "حکومت نے پیر کو کہا کہ وہ فوج نہیں بھیجے گی"),
        ("he", "הממשלה הודיעה ביום שני כי לא תשלח כוחות"),
        ("hi", "सरकार ने सोमवार को कहा कि वह सेना नहीं भेजेगी"),
        ("ko", "정부는 월요일 군대를 보내지 않겠다고 발표했다"),
        ("ja", "政府は月曜日、部隊を派遣しないと発表した。"),
        ("zh", "政府周一宣布不会派遣军队，以避免冲突升级。"),
        (UNKNOWN, ""),
        (UNKNOWN, "Article 4"),
        (UNKNOWN, "12345 67890 !!! ???"),
    ],
)
def test_sentences(language: str, text: str) -> None:
    assert detect_language(text) == language


@given(st.text(max_size=300))
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert 2 <= len(detect_language(text)) <= 3
    assert detect_language(text) == detect_language(text)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("language", "corpus"),
    [
        ("en", "long_articles_en"),
        ("ar", "news_ar"),
        ("es", "news_es"),
        ("fr", "news_fr"),
        ("ru", "wikinews_ru"),
        ("tr", "rss_tr"),
        ("uk", "press_uk"),
    ],
)
def test_real_texts(language: str, corpus: str, shared_data: Path) -> None:
    with gzip.open(shared_data / "corpus" / f"{corpus}.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    for chars, least in ((200, 0.99), (60, 0.88)):
        right = sum(detect_language(text[:chars]) == language for text in texts)
        assert right / len(texts) >= least


# Headlines, which are short and have few function words.
HEADLINES = """
en: Israel strikes Iran
en: Kremlin denies mobilisation plans
en: Turkey recalls ambassador
en: Ceasefire holds in Gaza
en: Armenia asks CSTO for help
en: Two dead after shelling
ru: Россия объявила мобилизацию
ru: Погибли трое военных
ru: Армения обратилась в ОДКБ
ru: Посол отозван из Баку
ru: Удар по Харькову
uk: Росія оголосила мобілізацію
uk: Загинуло троє військових
uk: Україна відкликала посла
uk: Удар по Харкову: є загиблі
tr: İran büyükelçisini geri çağırdı
tr: Rusya seferberlik ilan etti
tr: Gazze'de ateşkes başladı
tr: Iki asker sehit oldu
fr: La Pologne invoque l'article 4
fr: L'Iran frappe Israël
fr: Deux morts dans une attaque
fr: Paris rappelle son ambassadeur
es: Perú rompe relaciones con México
es: Dos muertos en un ataque
es: Israel bombardea Gaza
es: Polonia invoca el artículo 4
ar: روسيا تعلن التعبئة
ar: قتلى في قصف على غزة
ar: الجزائر تستدعي سفيرها
fa: ایران سفیر خود را فراخواند
fa: کشته شدن سه سرباز در مرز
hy: Հայաստանը դիմել է ՀԱՊԿ-ին
ka: საქართველომ ელჩი გაიწვია
az: Azərbaycan səfirini geri çağırdı
az: Ermənistan KTMT-yə müraciət edib
de: Polen beruft sich auf Artikel 4
it: L'Italia richiama l'ambasciatore
pl: Polska powołuje się na artykuł 4
pt: Brasil expulsa diplomatas
nl: Nederland zet diplomaten uit
ur: پاکستان نے سفیر واپس بلا لیا
he: ישראל תקפה באיראן
el: Η Ελλάδα ανακάλεσε τον πρέσβη
bg: България изгони двама дипломати
sr: Србија повукла амбасадора
zh: 俄罗斯宣布动员
en: Army puts reserves on alert
en: Rebels seize airport in Goma
en: Missile hits hospital, dozens feared dead
en: China, Philippines trade blame over collision
en: Explainer: what is Article 4?
en: Zelensky visits front line
ru: Армия приведена в боевую готовность
ru: Ракета попала в больницу, десятки погибших
ru: Путин объявил войну
ru: Переговоры сорваны
ru: Минобороны опровергло сообщения
ru: Введено военное положение
uk: Армію приведено у бойову готовність
uk: Ракета влучила в лікарню, десятки загиблих
uk: Путін оголосив війну
uk: Переговори зірвано
uk: Зеленський відвідав передову
uk: Введено воєнний стан
tr: Ordu alarma geçirildi
tr: Füze hastaneye isabet etti, onlarca ölü
tr: Putin savaş ilan etti
tr: Bakanlık iddiaları yalanladı
tr: Sıkıyönetim ilan edildi
fr: L'armée placée en état d'alerte
fr: Un missile frappe un hôpital
fr: Le président décrète la mobilisation
fr: Rupture des relations diplomatiques
fr: Cessez-le-feu à Gaza
es: El ejército en alerta máxima
es: Misil impacta en hospital
es: El presidente decreta la movilización
es: Ruptura de relaciones diplomáticas
es: Alto el fuego en Gaza
ar: الجيش في حالة تأهب
ar: صاروخ يصيب مستشفى
ar: الرئيس يعلن الحرب
fa: ارتش به حالت آماده‌باش درآمد
hy: Բանակը մարտական պատրաստության է բերվել
ka: პრეზიდენტმა ომი გამოაცხადა
az: Prezident müharibə elan etdi
az: Qoşunlar sərhədə toplanır
de: Der Präsident erklärt den Krieg
de: Bundeswehr in Alarmbereitschaft
it: Il presidente dichiara guerra
it: Cessate il fuoco a Gaza
pl: Prezydent ogłosił mobilizację
ro: Președintele declară război
bg: Президентът обяви война
sr: Председник прогласио рат
be: Прэзідэнт абвясціў вайну
kk: Президент соғыс жариялады
"""


@pytest.mark.parametrize("line", HEADLINES.strip().splitlines())
def test_headlines(line: str) -> None:
    language, text = line.split(": ", 1)
    assert detect_language(text) == language
