"""A day of four people with one watcher: what each of them reads, in their language, at their hours.

A press officer in a group in French, a lawyer in private in Russian, a field worker in Arabic who is told discreetly
and rests at night, a manager who gets a digest by mail in Spanish; and a chief whom nobody wants to have to wake.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.bot_room import GROUP, OLGA, BotRoom, open_room
from tests.newsroom import Item
from tests.smtp import MailServer
from watcher.model import DeliveryState

PRESS, COLLEAGUE, LAWYER, FIELD, CHIEF = 2001, 2002, 2003, 2004, 2005
MANAGER = "manager@example.org"

RULES = """\
rule: border-deaths
title: Deaths at a border
status: stable
family: clash
severity: critical
languages: [en]
look_for:
  fire: {phrases: [exchange~ ..2 fire]}
  pair: {states: {at_least: 2}}
  deaths: {killed: {at_least: 1}}
escalate: {if_not_acknowledged_in: 30m, to: [chief]}
---
rule: ambassador-expelled
title: An ambassador is expelled
status: stable
family: rupture
severity: warning
languages: [en]
look_for:
  expelled: {phrases: [expelled the ambassador]}
  pair: {states: {at_least: 2}}
"""
DEATHS = "Armenian and Azerbaijani troops exchanged fire near Jermuk on Tuesday, and at least 12 soldiers were killed."
MORE_DEATHS = (
    "At least 49 soldiers were killed as Armenian and Azerbaijani troops exchanged fire near Jermuk on Tuesday."
)
DENIED = "Azerbaijan denied that its troops had exchanged fire with Armenian soldiers near Jermuk."


@dataclass
class Day:
    """The room and the letters of one day."""

    room: BotRoom
    mails: MailServer
    items: int = 0

    async def hears(self, *texts: str, outlet: str = "courier", minutes: int = 10) -> None:
        """Nothing; a newsroom reports it, and so much later what is due was sent."""
        parts = self.room.parts
        assert parts is not None
        for text in texts:
            self.items += 1
            item = Item(f"item{self.items}", f"Report {self.items}", text, self.room.now, (text,))
            self.room.room.publish(outlet, item)
        self.room.now += timedelta(minutes=minutes)
        if texts:
            await parts.poll(outlet)
        await parts.dispatch()

    async def comes(self, hour: int, minute: int = 0, day: int = 14) -> None:
        """Nothing; it is that time in UTC, and what is due was sent."""
        self.room.now = datetime(2022, 9, day, hour, minute, tzinfo=UTC)
        await self.hears(minutes=0)

    def told(self, chat: int) -> list[str]:
        """The alerts in a chat, with the buttons under them, as they are read now."""
        return [one.latest.text for one in self.room.api.to(chat) if one.buttons and "useful:" in str(one.buttons)]

    def letters(self) -> list[str]:
        return [f"{one.mail['Subject']}\n{_plain(one.mail)}" for one in self.mails.accepted]

    def everything(self, chat: int) -> str:
        """All that was ever to be read there, labels of buttons and earlier faces included."""
        return "\n".join(
            "\n".join((face.text, *(button.text for button in face.buttons)))
            for one in self.room.api.to(chat)
            for face in (one, *one.edits)
        )


def _plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    async with open_room(tmp_path) as room, MailServer() as mails:
        for number, name, language in (
            (PRESS, "Anne", "fr"),
            (COLLEAGUE, "Émile", "fr"),
            (LAWYER, "Дмитрий", "ru"),
            (FIELD, "سلمى", "ar"),
        ):
            room.api.person(number, name, language)
        room.api.person(CHIEF, "Şef", "tr", has_started=True)
        room.api.group(GROUP, "Presse", members={PRESS: "administrator", COLLEAGUE: "member"})
        sources = "".join(
            f'[[sources]]\nid = "{name}"\nurl = "{room.room.url(name)}"\nlanguage = "en"\npublisher = "{publisher}"\n{more}\n'
            for name, publisher, more in (
                ("radio", "Radio Nine", 'affiliation = "independent"'),
                ("azstate", "Azertac", 'affiliation = "state"\nstate = "AZ"'),
            )
        )
        room.configure_bot(
            rules=RULES,
            more=f"""
            {sources}
            [email]
            host = "127.0.0.1"
            port = {mails.port}
            sender = "watcher@example.org"
            [[recipients]]
            id = "manager"
            channel = "email"
            to = "{MANAGER}"
            digest = "daily 08:00 Europe/Paris"
            language = "es"
            [[recipients]]
            id = "chief"
            channel = "telegram"
            to = "{CHIEF}"
            rules = []
            language = "tr"
            """,
        )
        room.now = datetime(2022, 9, 14, 5, 0, tzinfo=UTC)
        async with room.listening():
            for outlet in ("courier", "radio", "azstate"):
                assert room.parts is not None
                await room.parts.poll(outlet)
            yield Day(room, mails)


async def subscribe(day: Day) -> None:
    """Nothing; the three of Telegram are let in and have chosen."""
    room = day.room
    greeting = await room.asks(PRESS, GROUP, f"/start@watcher_bot {await room.invites()}")
    assert await room.presses(COLLEAGUE, greeting, "Tout recevoir") == "Vous ne pouvez pas modifier cela."
    await room.presses(PRESS, greeting, "Tout recevoir")
    await room.says(LAWYER, LAWYER, "/start")
    request = next(one for one in reversed(room.api.to(OLGA)) if one.buttons)
    await room.presses(OLGA, request, "Let in")
    await room.presses(LAWYER, room.api.to(LAWYER)[-1], "Получать всё")
    greeting = await room.asks(FIELD, FIELD, f"/start {await room.invites()}")
    await room.presses(FIELD, greeting, "استلام كل شيء", "الإشعار", "أن هناك تنبيهًا فقط")
    asked = await room.asks(FIELD, FIELD, "/settings quiet 20:00-08:00")
    assert asked.text.startswith("أين تعيشون؟")  # the hours are good, only whose clock is meant was not said
    settings = await room.asks(FIELD, FIELD, "/settings quiet 20:00-08:00 Asia/Yerevan")
    assert "20:00–08:00 (يريفان)" in settings.text


async def test_a_day_of_four_people(day: Day) -> None:
    room = day.room
    await subscribe(day)

    # An alert; who answers for it, and that everybody sees so.
    await day.hears(DEATHS)
    (french,), (russian,) = day.told(GROUP), day.told(LAWYER)
    assert french.startswith("CRITIQUE : Deaths at a border: Armenia and Azerbaijan, at least 12 killed\n")
    assert "Si personne n’appuie sur « Je m’en occupe », d’autres seront prévenus le 2022-09-14 05:40 UTC." in french
    assert "Если никто не нажмёт «Беру на себя»" in russian
    assert "watcher alerts" not in french + russian  # a command of the shell is no answer to somebody in a chat
    assert "watcher alerts ack" in day.letters()[0]
    assert [one.partition("\n")[0] for one in day.told(FIELD)] == ["تنبيه جديد"]
    first = room.api.to(GROUP)[-1]
    assert await room.presses(COLLEAGUE, first, "Je m’en occupe") == "Noté : vous vous en occupez."
    await day.hears()
    for chat in (GROUP, LAWYER):
        assert "✓ Émile, 05:10 UTC" in str(
            next(one for one in room.api.to(chat) if "useful:" in str(one.buttons)).buttons
        )
        assert not re.search("d’autres seront prévenus|узнают другие", "\n".join(day.told(chat)))

    # Who is told discreetly asks, and reads all of it: the very words, and where they stand.
    alert_id = re.search(r"/event (\w+)", day.told(FIELD)[0])
    assert alert_id is not None
    whole, facts, chart = await room.says(FIELD, FIELD, f"/event {alert_id[1]}")
    assert "at least 12 soldiers were killed" in whole.text
    assert "/courier/item1" in whole.text + str(whole.entities)
    assert "سيُبلَّغ آخرون" not in whole.text  # Émile has it
    assert "أرمينيا، أذربيجان" in facts.text  # a comma of theirs
    assert chart.photo.startswith(b"\x89PNG")

    # An update nobody answers in time: the chief is asked in words, and by a button that is there.
    await day.hears(MORE_DEATHS)
    assert "Désormais – morts : au moins 49" in day.told(GROUP)[0]
    await day.hears(minutes=31)
    (unanswered,) = day.told(CHIEF)
    assert unanswered.startswith(
        "2022-09-14 05:30 UTC tarihinden beri kimse yanıt vermedi. Üstlenmek için “İlgileniyorum”"
    )
    assert "YANITSIZ · KRİTİK" in unanswered
    await room.presses(CHIEF, room.api.to(CHIEF)[-1], "İlgileniyorum")
    await day.hears()
    assert "kimse yanıt vermedi" not in day.told(CHIEF)[0]
    for chat in (GROUP, LAWYER):  # nothing is said twice in one message
        for text in day.told(chat):
            lines = text.split("\n")
            assert not (lines[1].startswith(("Désormais", "Теперь")) and lines[2][-12:] in lines[1]), text

    # A denial is told in the words of the reader's language and of who denies.
    await day.hears(DENIED, outlet="azstate")
    for chat in (GROUP, LAWYER):
        assert "“Azerbaijan denied" in day.told(chat)[-1]
        assert "denies it" not in day.told(chat)[-1]

    # What the manager gets at eight in Paris: one letter, in Spanish throughout.
    letters = len(day.mails.accepted)
    await day.hears("India expelled the ambassador of Pakistan on Wednesday.", "Peru expelled the ambassador of Chile.")
    assert len(day.mails.accepted) == letters
    await day.comes(6, 5, day=15)
    (digest,) = day.letters()[letters:]
    assert digest.startswith("Resumen: ")
    assert "Rupturas: 2" in digest
    assert "advertencia: 2" in digest

    # The field worker's night: one message in the morning, not one for each.
    texts = len(day.told(FIELD))
    before = len(room.api.to(FIELD))
    await day.comes(17, day=15)
    await day.hears("Kenya expelled the ambassador of Somalia on Thursday.")
    await day.hears("Chad expelled the ambassador of Sudan on Thursday.")
    held = await room.asks(FIELD, FIELD, "/held")
    assert held.text.startswith("تنبيهان محتجزان هنا (2):")
    await day.comes(4, 1, day=16)
    assert len(day.told(FIELD)) == texts  # a list has no buttons
    (answer, morning) = room.api.to(FIELD)[before:]
    assert answer.text == held.text
    assert re.fullmatch(r"تنبيه جديد\n\S+ \S*/event \w+\S*", morning.text), morning.text

    # What they ask for themselves is in their language, too.
    sources = await room.asks(LAWYER, LAWYER, "/sources")
    assert "Azertac — государственное (Азербайджан): работает" in sources.text
    assert "independent" not in sources.text
    muted = next(one for one in reversed(room.api.to(LAWYER)) if "mute:" in str(one.buttons))
    await room.presses(LAWYER, muted, "Отключить", "8 ч")
    assert "Здесь отключено: «" in room.api.to(LAWYER)[-1].text
    why = await room.asks(LAWYER, LAWYER, f"/why {alert_id[1]}")
    assert "“exchanged fire” — как случившееся" in why.text  # not what the rule's author calls it

    # Nothing failed on the way, and what is ours is nowhere in English.
    with room.store() as store:
        assert not store.outbox.entries(states=[DeliveryState.FAILED, DeliveryState.UNCERTAIN], limit=10)
    ours = re.compile(
        r"\b(acknowledged?|newsrooms?|published|first seen|killed \(|update of|alert [a-z0-9]{10})\b", re.IGNORECASE
    )
    for chat in (GROUP, LAWYER, FIELD, CHIEF):
        assert not ours.findall(day.everything(chat))
    # Who goes is gone.
    asked = await room.asks(FIELD, FIELD, "/forget")
    await room.presses(FIELD, asked, "حذف الكل")
    count = len(room.api.to(FIELD))
    await day.hears("Iran expelled the ambassador of Iraq on Friday.")
    assert len(room.api.to(FIELD)) == count
