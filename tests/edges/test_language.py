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
