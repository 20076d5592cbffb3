"""Hears people on Telegram and answers them: each update once, one after the other, and none of them ends it.

The library's own polling stops for ever where Telegram refuses the token, and takes no update that it cannot read; so
the loop is ours, and its objects go no further than this module.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    CallbackQuery,
    Chat,
    ChatFullInfo,
    ChatMember,
    ChatMemberUpdated,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
    Update,
    User,
)
from telegram.constants import ChatType, ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from watcher.bot.access import role_of, wording_for
from watcher.bot.desk import Desk
from watcher.bot.talk import Answer, Asked, Command, Keyboard, Person, Place, PlaceKind, Role
from watcher.errors import StoreError
from watcher.model import Severity
from watcher.notify.base import plain_reason
from watcher.notify.governor import Governor, Urgency
from watcher.render import clean, shorten, utf16_units
from watcher.server import Reply, Request, Route
from watcher.store.codec import decode_time, encode_time
from watcher.subscriptions import LEFT, THROWN_OUT, SubscriptionStatus
from watcher.wording import LANGUAGES, wording_of

log = structlog.get_logger()

POLL_SECONDS = 50  # of one long poll; Telegram's own clients use as much
_ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
_HANDLE_WITHIN = 60.0  # seconds; a handler that waits longer is given up
_MOST_ATTEMPTS = 2  # to handle an update that the process died over
_OLD_AFTER = timedelta(hours=1)  # what was written while nobody listened is not acted on any more
_NETWORK_TOLD_AFTER = timedelta(minutes=10)
_CONFLICTS = 3  # within the next time: another program listens; one may be the end of our own earlier life
_CONFLICTS_WITHIN = timedelta(minutes=10)
_WRITE_HEALTH_EVERY = timedelta(minutes=1)
_LOOK_AT_WEBHOOK_EVERY = 300.0  # seconds
_MEMBERS_FOR = 60.0  # seconds for which an administrator is believed to be one
_PERSON_LIMIT = 20  # things that one person asks in a minute; more is ignored
_PRESS_LIMIT = 60  # the same of buttons: who ticks off states presses fast, and a page that changes is no flood
_STRANGER_LIMIT = 6
_GREETED = 500  # groups whose members have read who we are; anybody may put us into more
_REPLY_WITHIN = 30.0  # seconds; later nobody waits for it any more

_TEXT_UNITS = 4096  # https://core.telegram.org/bots/api#sendmessage, in UTF-16 code units after parsing
_CAPTION_UNITS = 1024
_TOAST_CHARS = 200
_NAME_CHARS = 64
_ANONYMOUS_ADMIN = 1087968824  # @GroupAnonymousBot, in whose name anonymous administrators write

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?", re.DOTALL)


class Trouble(StrEnum):
    """Why the bot hears nobody."""

    NONE = "ok"
    TOKEN = "token refused"  # noqa: S105  (a state, no secret)
    CONFLICT = "another program listens"
    NETWORK = "not reachable"


class Tell(Protocol):
    """Tells operators of a change of state, over whatever channel they are on."""

    def __call__(self, *, key: str, state: str, headline: str, body: str, severity: Severity = ...) -> None: ...


class Runtime:
    """The bot as long as the daemon runs. ``sleep`` waits between attempts; ``on_close`` closes what handlers hold."""

    def __init__(
        self,
        desk: Desk,
        token: str,
        base_url: str,
        governor: Governor,
        tell: Tell,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        poll_seconds: int = POLL_SECONDS,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._store = desk.store
        self._clock = desk.clock
        self._token = token
        self._governor = governor
        self._tell = tell
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._on_close = on_close
        self._request = HTTPXRequest(connection_pool_size=8, connect_timeout=10.0, read_timeout=15.0)
        self._bot = Bot(token, base_url=base_url, request=self._request, get_updates_request=self._request)
        self._id = token.partition(":")[0]  # of the bot: another one has updates of its own
        self._started_at = self._clock()
        self._failures = 0  # in a row
        self._trouble_since: datetime | None = None
        self._conflicts: deque[datetime] = deque(maxlen=_CONFLICTS)
        self._told = Trouble(next((one.state for one in self._store.journal.notices("bot")), Trouble.NONE.value))
        self._noted_at: datetime | None = None
        self._handling = asyncio.Lock()
        self._administrators: dict[tuple[int, int], tuple[float, bool]] = {}
        self._asked_lately: dict[tuple[int, bool], deque[float]] = {}  # by person or chat, and whether presses
        self._excused: set[str] = set()  # places that know that what they wrote came too late
        desk.find_channel = self.find_channel

    async def run(self) -> None:
        """Never returns: listens until it is cancelled, whatever happens."""
        while True:
            try:
                await self._connect()
                await self._listen(0)  # what waits already, so that people need not wait for the good news
                while True:
                    await self._listen(self._poll_seconds)
            except TelegramError as error:
                await self._back_off(error)
            except StoreError as error:
                log.error("bot_waits_for_the_store", reason=str(error))
                await self._sleep(10.0)
            except Exception:  # a defect here must end neither the bot nor the daemon
                log.exception("bot_failed")
                await self._sleep(30.0)

    async def aclose(self) -> None:
        """Nothing; closes the connections."""
        self._on_close()
        await self._request.shutdown()

    # Listening.

    @property
    def _is_webhook(self) -> bool:
        telegram = self._desk.settings().telegram
        return telegram is not None and telegram.mode == "webhook"

    async def _connect(self) -> None:
        me = await self._bot.get_me()
        self._desk.username = me.username or ""
        if self._store.kept.get("bot.username") != self._desk.username:
            with self._store.transaction():
                self._store.kept.put("bot.username", self._desk.username)
        if self._is_webhook:
            await self._bot.set_webhook(
                self._webhook_url(),
                max_connections=1,  # one after the other, as they came
                allowed_updates=_ALLOWED_UPDATES,
                secret_token=self.webhook_secret,
            )
        else:
            await self._bot.delete_webhook(drop_pending_updates=False)
        await self._register_menu()
        log.info("bot_connected", username=self._desk.username, webhook=self._is_webhook)

    async def _listen(self, seconds: int) -> None:
        if self._is_webhook:
            await self._look_at_webhook(_LOOK_AT_WEBHOOK_EVERY if seconds else 0.0)
            return
        with_offset = {"offset": self._offset} if self._offset else {}
        try:
            # Raw, because the library gives up a whole batch for one update that it cannot read; in small letters, as
            # it warns of methods for which it has a function.
            updates = await self._bot.do_api_request(
                "getupdates",
                api_kwargs={"timeout": seconds, "allowed_updates": list(_ALLOWED_UPDATES), **with_offset},
                read_timeout=seconds + 10.0,
            )
        except EndPointNotFound as error:
            raise InvalidToken(error.message) from error
        self._hears()
        for update in updates:
            await self.take(update)
        await self._greet()

    async def _look_at_webhook(self, pause: float) -> None:
        info = await self._bot.get_webhook_info()
        if info.url != self._webhook_url():
            raise Conflict("Conflict: another program has set a webhook of its own, or none")
        if info.last_error_date and self._clock() - info.last_error_date < timedelta(minutes=10):
            self._is_in(Trouble.NETWORK, f"Telegram cannot deliver to the webhook: {info.last_error_message}")
        else:
            self._hears()
        await self._greet()
        await self._sleep(pause)

    async def _back_off(self, error: TelegramError) -> None:
        self._failures += 1
        now = self._clock()
        reason = plain_reason(error.message, self._token)
        match error:
            case InvalidToken():
                self._is_in(Trouble.TOKEN, reason)
                pause = min(15.0 * 2**self._failures, 600.0)
            case Conflict():
                self._conflicts.append(now)
                if len(self._conflicts) == _CONFLICTS and now - self._conflicts[0] < _CONFLICTS_WITHIN:
                    self._is_in(Trouble.CONFLICT, reason)
                pause = min(2.5 * 2**self._failures, 60.0)
            case RetryAfter():
                after = error.retry_after
                pause = after.total_seconds() if isinstance(after, timedelta) else float(after)
            case _:
                self._is_in(Trouble.NETWORK, reason)
                pause = min(0.5 * 2 ** min(self._failures, 10), 60.0)
        log.warning("bot_does_not_hear", reason=reason, attempts=self._failures, next_attempt_in=pause)
        await self._sleep(pause)

    def _is_in(self, trouble: Trouble, reason: str) -> None:
        """Nothing; operators know of the trouble, at once or when it has lasted."""
        now = self._clock()
        self._trouble_since = self._trouble_since or now
        self._note(now)
        if self._told is trouble or (
            trouble is Trouble.NETWORK
            and (self._told is not Trouble.NONE or now - self._trouble_since < _NETWORK_TOLD_AFTER)
        ):
            return
        headline, advice = {
            Trouble.TOKEN: (
                "Telegram refuses the bot's token: nothing is sent or heard there",
                "Ask @BotFather for the token, and put it into token_file. It is tried again, with growing pauses.",
            ),
            Trouble.CONFLICT: (
                "Another program listens with the same bot token",
                "Each hears only a part of what people write. End one of them, or give it a token of its own, "
                'or mode = "off" in its [telegram].',
            ),
        }.get(trouble, ("The bot cannot hear people: Telegram is not reachable", "It is tried again all the time."))
        self._told = trouble
        self._tell(key="bot", state=trouble.value, headline=headline, body=f"{reason}\n{advice}")

    def _hears(self) -> None:
        now = self._clock()
        self._failures = 0
        self._trouble_since = None
        self._note(now, heard=True)
        still = bool(self._conflicts) and now - self._conflicts[-1] < _CONFLICTS_WITHIN
        if self._told is not Trouble.NONE and not (self._told is Trouble.CONFLICT and still):
            self._told = Trouble.NONE
            self._tell(key="bot", state="ok", headline="The bot hears people again", body="", severity=Severity.WATCH)

    def _note(self, now: datetime, *, heard: bool = False) -> None:
        """Nothing; commands can tell how the bot does."""
        if heard and (self._noted_at is None or now - self._noted_at >= _WRITE_HEALTH_EVERY):
            self._noted_at = now
            with self._store.transaction():
                self._store.kept.put("bot.heard_at", encode_time(now))

    # The webhook.

    @property
    def webhook_secret(self) -> str:
        """What Telegram says in a header of each update, so that nobody else can."""
        return self._derived("secret of the webhook")

    @property
    def webhook_path(self) -> str:
        """Below the public address; says nothing of the token."""
        return f"/public/telegram/{self._derived('path of the webhook')[:24]}"

    def _derived(self, purpose: str) -> str:
        return hmac.new(self._token.encode(), purpose.encode(), hashlib.sha256).hexdigest()

    def _webhook_url(self) -> str:
        server = self._desk.settings().server
        return (server.public_url.rstrip("/") if server else "") + self.webhook_path

    def routes(self) -> tuple[Route, ...]:
        """Where Telegram posts its updates; none where they are asked for."""
        if not self._is_webhook:
            return ()
        return (Route("POST", self.webhook_path, self._posted, is_public=True, is_for_programs=True),)

    async def _posted(self, request: Request) -> Reply:
        """Handles the update that was posted; Telegram posts it again where this fails."""
        secret = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), self.webhook_secret.encode()):
            log.warning("webhook_refused", reason="the secret is missing or wrong")
            return Reply(status=403)
        try:
            update = json.loads(request.body)
        except ValueError:
            update = None
        if not isinstance(update, dict):
            return Reply(status=400)
        self._hears()
        await self.take(update)
        return Reply()

    # One update.

    @property
    def _offset(self) -> int:
        """The id of the next update; what is lower was handled."""
        return int(self._store.kept.get(f"bot.offset:{self._id}") or 0)

    async def take(self, raw: dict[str, Any]) -> None:
        """Nothing; the update was handled, or skipped because nothing can be done with it. Raises StoreError."""
        async with self._handling:
            update_id = raw.get("update_id")
            if not isinstance(update_id, int) or update_id < self._offset:
                return
            if self._begin(update_id) > _MOST_ATTEMPTS:
                log.error("update_skipped", update_id=update_id, reason="the process died over it")
            else:
                await self._take(raw, update_id)
            with self._store.transaction():
                self._store.kept.put(f"bot.offset:{self._id}", str(update_id + 1))

    def _begin(self, update_id: int) -> int:
        """Which attempt this is."""
        known, _, count = (self._store.kept.get("bot.attempt") or "").partition(" ")
        attempt = int(count) + 1 if known == str(update_id) else 1
        with self._store.transaction():
            self._store.kept.put("bot.attempt", f"{update_id} {attempt}")
        return attempt

    async def _take(self, raw: dict[str, Any], update_id: int) -> None:
        bound = log.bind(update_id=update_id)
        try:
            update = Update.de_json(raw, self._bot)
        except (TypeError, ValueError, KeyError, AttributeError):
            bound.exception("update_not_readable")
            return
        try:
            async with asyncio.timeout(_HANDLE_WITHIN):
                await self._answer_update(update)
        except TelegramError as error:
            bound.warning("reply_failed", reason=plain_reason(error.message, self._token))
        except StoreError:
            raise
        except Exception:  # poison is skipped, and the person is told
            log.exception("update_failed", update_id=update_id)
            await self._apologise(update)

    async def _apologise(self, update: Update) -> None:
        person, chat = update.effective_user, update.effective_chat
        if person is None or chat is None:
            return
        sorry = wording_of(person.language_code).say("bot.sorry")
        try:
            if update.callback_query is not None:
                await self._bot.answer_callback_query(update.callback_query.id, sorry[:_TOAST_CHARS])
            elif update.message is not None and await self._governor.reserve(str(chat.id), Urgency.REPLY):
                await self._bot.send_message(chat.id, sorry, message_thread_id=_thread(update.message))
        except TelegramError as error:
            log.warning("reply_failed", reason=plain_reason(error.message, self._token))

    async def _answer_update(self, update: Update) -> None:
        if update.my_chat_member is not None:
            await self._membership(update.my_chat_member)
        elif update.callback_query is not None:
            await self._pressed(update.callback_query)
        elif update.message is not None:
            await self._written(update.message)

    async def _written(self, message: Message) -> None:
        if message.migrate_to_chat_id:
            self.chat_moved(str(message.chat.id), str(message.migrate_to_chat_id))
            return
        text = message.text or ""
        place = _place(message.chat, _thread(message))
        person = _person(message)
        if person is None or not text or place is None:
            return
        if message.forward_origin is not None:  # the words of somebody else, whoever passes them on
            return
        is_private = place.kind is PlaceKind.PRIVATE
        found = _COMMAND.fullmatch(text.strip())
        if found and (found[2] or self._desk.username).lower() != self._desk.username.lower():
            return  # another bot's
        if not found and not is_private:
            return
        leads = await self._leads(person, place, is_anonymous=_is_anonymous(message))
        role = role_of(self._desk, person, place, is_administrator=leads)
        if self._is_too_much(person, place, role):
            return
        wording = wording_for(self._desk, person, place)
        name = found[1].lower() if found else ""
        words = tuple((found[3] or "").split()) if found else (text,)
        asked = Asked(person, place, role, wording, words, "", message.message_id, self._clock(), leads)
        command = self._desk.commands.get(name) if found else Command(self._desk.text, Role.STRANGER)
        if command is None:
            if is_private and role > Role.STRANGER:
                await self._give([Answer(wording.say("bot.unknown_command"))], asked)
        elif role < command.least:
            await self._give(self._refusal(asked), asked)
        elif self._is_old(message.date) and not command.is_timeless:
            await self._excuse(asked, message.date)
        else:
            await self._give(await command.handler(asked), asked)

    def _refusal(self, asked: Asked) -> list[Answer]:
        if asked.role is Role.STRANGER:
            # In a group that is not ours, silence; in private the way in, and nothing else.
            return [Answer(asked.wording.say("bot.stranger"))] if asked.place.kind is PlaceKind.PRIVATE else []
        key = "bot.only_operators" if asked.place.kind is PlaceKind.PRIVATE else "bot.only_administrators"
        return [Answer(asked.wording.say(key))]

    def _is_old(self, at: datetime) -> bool:
        return at < self._started_at and self._clock() - at > _OLD_AFTER

    async def _excuse(self, asked: Asked, at: datetime) -> None:
        if asked.place.target not in self._excused:
            self._excused.add(asked.place.target)
            await self._give([Answer(asked.wording.say("bot.too_late", time=f"{at.astimezone(UTC):%H:%M}"))], asked)

    async def _pressed(self, query: CallbackQuery) -> None:
        message, data = query.message, query.data or ""
        place = None if message is None else _place(message.chat, _thread(message))
        if message is None or place is None:
            await self._toast(query.id, "")
            return
        person = _person_of(query.from_user)
        leads = await self._leads(person, place)
        role = role_of(self._desk, person, place, is_administrator=leads)
        wording = wording_for(self._desk, person, place)
        if self._is_too_much(person, place, role, is_press=True):
            await self._toast(query.id, "" if role is Role.STRANGER else wording.say("bot.too_fast"))
            return
        word, _, rest = data.partition(":")
        press = self._desk.presses.get(word)
        asked = Asked(
            person,
            place,
            role,
            wording,
            tuple(rest.split(":")) if rest else (),
            data,
            message.message_id,
            self._clock(),
        )
        if press is None or role < press.least:
            await self._toast(query.id, wording.say("bot.not_yours" if press else "bot.unknown_button"))
            return
        await self._give(await press.handler(asked), asked, query.id)

    def _is_too_much(self, person: Person, place: Place, role: Role, *, is_press: bool = False) -> bool:
        """Whether one person, or one chat of strangers, asks so much that the answers would be a flood."""
        is_stranger = role is Role.STRANGER
        is_press &= not is_stranger
        most = _STRANGER_LIMIT if is_stranger else _PRESS_LIMIT if is_press else _PERSON_LIMIT
        is_too_much = self._asks_too_much((person.id, is_press), most) or (
            is_stranger and place.chat != person.id and self._asks_too_much((place.chat, is_press), most)
        )
        if is_too_much:
            log.warning("person_asks_too_much", role=role.name.lower())
        return is_too_much

    def _asks_too_much(self, asker: tuple[int, bool], most: int) -> bool:
        now = asyncio.get_running_loop().time()
        lately = self._asked_lately.setdefault(asker, deque())
        while lately and lately[0] < now - 60:
            lately.popleft()
        if len(self._asked_lately) > 1000:
            self._asked_lately = {
                one: times for one, times in self._asked_lately.items() if times and times[-1] > now - 60
            }
            self._asked_lately[asker] = lately
        if len(lately) >= most:
            return True
        lately.append(now)
        return False

    # Who is who.

    async def _leads(self, person: Person, place: Place, *, is_anonymous: bool = False) -> bool:
        is_private = place.kind is PlaceKind.PRIVATE
        return is_private or is_anonymous or await self._is_administrator(place.chat, person.id)

    async def _is_administrator(self, chat: int, person: int) -> bool:
        now = asyncio.get_running_loop().time()
        known = self._administrators.get((chat, person))
        if known is not None and known[0] > now:
            return known[1]
        try:
            member = await self._bot.get_chat_member(chat, person)
        except TelegramError as error:
            log.warning("member_not_known", reason=plain_reason(error.message, self._token))
            return False
        is_one = member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
        self._administrators = {who: seen for who, seen in self._administrators.items() if seen[0] > now}
        self._administrators[chat, person] = (now + _MEMBERS_FOR, is_one)
        return is_one

    async def find_channel(self, name: str) -> Place | None:
        """The channel of that name or id, where the bot may write; None where it may not, or there is none."""
        try:
            chat = await self._bot.get_chat(name)
            mine = await self._bot.get_chat_member(chat.id, int(self._id))
        except TelegramError as error:
            log.info("channel_not_found", reason=plain_reason(error.message, self._token))
            return None
        if chat.type != ChatType.CHANNEL or mine.status not in (ChatMember.OWNER, ChatMember.ADMINISTRATOR):
            return None
        return _place(chat, None)

    # Chats that come, move and go.

    async def _membership(self, change: ChatMemberUpdated) -> None:
        place = _place(change.chat, None)
        if place is None:
            return
        was_in, is_in = (
            one.status not in (ChatMember.LEFT, ChatMember.BANNED)
            for one in (change.old_chat_member, change.new_chat_member)
        )
        if was_in and not is_in:
            self.chat_gone(str(place.chat))
        elif is_in and not was_in and place.kind is PlaceKind.GROUP:
            person = _person_of(change.from_user)
            greeted = (self._store.kept.get("bot.greeted") or "").split()
            is_known = str(place.chat) in greeted or self._is_too_much(person, place, Role.STRANGER)
            if not is_known:
                with self._store.transaction():
                    self._store.kept.put("bot.greeted", " ".join([*greeted, str(place.chat)][-_GREETED:]))
                wording = wording_of(person.language)
                asked = Asked(person, place, Role.STRANGER, wording, (), "", 0, self._clock())
                await self._give([Answer(wording.say("bot.hello_group"))], asked)

    def chat_gone(self, chat: str, because: str = THROWN_OUT) -> None:
        """Nothing; what the chat and its topics had subscribed to is over, and operators know."""
        with self._store.transaction():
            over = self._store.subscriptions.end_chat(chat, because, self._clock())
            for one in over:
                self._store.subscriptions.withdraw(one.id, because, self._clock())
        if over:
            self._desk.take_subscriptions()
        for one in over:
            log.info("subscription_ended", recipient_id=one.id, reason=because)
            if because != LEFT and one.approved_by:
                self._tell(
                    key=f"subscription:{one.id}",
                    state=f"ended {encode_time(self._clock())}",
                    headline=f"{shorten(clean(one.title), _NAME_CHARS, len)} gets nothing more: {because}",
                    body=f"Subscription {one.id} is over.",
                    severity=Severity.WATCH,
                )

    def chat_moved(self, old: str, new: str) -> None:
        """Nothing; what the group had subscribed to goes where the group has gone."""
        now = self._clock()
        with self._store.transaction():
            before = {one.id: one.target for one in self._store.subscriptions.of_chat(old)}
            moved = self._store.subscriptions.move(old, new, now)
            for one in moved:
                self._store.outbox.move_recipient(one.id, before[one.id], one.target)
        if moved:
            log.info("chat_moved", recipient_ids=[one.id for one in moved])
            self._desk.take_subscriptions()

    async def _greet(self) -> None:
        """Nothing; who was let in by a command on the machine knows it now."""
        for one in self._store.subscriptions.all(SubscriptionStatus.ACTIVE):
            if one.is_told:
                continue
            chat, _, thread = one.target.partition("/")
            place = Place(int(chat), int(thread) if thread else None, one.kind, one.title)
            person = Person(one.who_id, one.who, one.language)
            asked = Asked(person, place, Role.MANAGER, wording_of(one.language), (), "", 0, self._clock())
            try:
                await self._give(self._desk.welcome(one), asked)
            except TelegramError as error:
                log.warning("reply_failed", recipient_id=one.id, reason=plain_reason(error.message, self._token))
            with self._store.transaction():
                now = self._store.subscriptions.get(one.id)  # commands may have changed it meanwhile
                if now is not None:
                    self._store.subscriptions.save(replace(now, is_told=True))

    # Answers.

    async def _give(self, answers: Sequence[Answer], asked: Asked, query_id: str | None = None) -> None:
        if query_id is not None:
            await self._toast(query_id, next((one.toast for one in answers if one.toast), ""))
        for answer in answers:
            if answer.text or answer.edits or answer.picture or answer.document:
                await self._send(answer, asked)

    async def _toast(self, query_id: str, text: str) -> None:
        try:
            await self._bot.answer_callback_query(query_id, shorten(text, _TOAST_CHARS, len) or None)
        except BadRequest as error:  # "query is too old": the press was made while nobody listened
            log.info("press_not_answered", reason=plain_reason(error.message, self._token))

    async def _send(self, answer: Answer, asked: Asked) -> None:
        chat, _, thread = (answer.to or asked.place.target).partition("/")
        for _ in range(2):
            if not await self._governor.reserve(chat, Urgency.REPLY, longest=_REPLY_WITHIN):
                log.warning("reply_dropped", reason="too much is sent to this chat")
                return
            try:
                await self._post(answer, asked, chat, int(thread) if thread else None)
                return
            except RetryAfter as error:
                after = error.retry_after
                seconds = after.total_seconds() if isinstance(after, timedelta) else float(after)
                self._governor.hold(chat, seconds)
            except ChatMigrated as error:
                self.chat_moved(chat, str(error.new_chat_id))
                chat, thread = str(error.new_chat_id), ""
            except Forbidden:
                self.chat_gone(chat)
                return
            except BadRequest as error:
                said = error.message.lower()
                if "not modified" in said:
                    return
                if not answer.edits or not answer.text:
                    raise
                answer = Answer(answer.text, answer.keyboard, is_html=answer.is_html, to=answer.to)

    async def _post(self, answer: Answer, asked: Asked, chat: str, thread: int | None) -> None:
        keyboard = _markup(answer.keyboard)
        edited = answer.message_id or asked.message_id
        mode = ParseMode.HTML if answer.is_html else None
        if answer.edits and not answer.text:
            await self._bot.edit_message_reply_markup(chat, edited, reply_markup=keyboard)
            return
        text = answer.text if answer.is_html else fit(answer.text, _TEXT_UNITS)
        if answer.edits:
            await self._bot.edit_message_text(
                text,
                chat,
                edited,
                parse_mode=mode,
                reply_markup=keyboard,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
            return
        is_here = not answer.to
        wanted = answer.reply_to
        if wanted is None and is_here and not asked.press and asked.place.kind is PlaceKind.GROUP:
            wanted = asked.message_id
        reply = ReplyParameters(wanted, allow_sending_without_reply=True) if wanted and is_here else None
        if answer.picture is not None:
            caption = answer.text if answer.is_html else fit(answer.text, _CAPTION_UNITS)
            await self._bot.send_photo(
                chat,
                answer.picture,
                caption=caption or None,
                parse_mode=mode,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=thread,
                disable_notification=answer.is_silent,
            )
        elif answer.document is not None:
            await self._bot.send_document(
                chat,
                answer.document.content,
                filename=answer.document.name,
                caption=fit(answer.text, _CAPTION_UNITS) or None,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=thread,
                disable_notification=answer.is_silent,
            )
        else:
            await self._bot.send_message(
                chat,
                text,
                parse_mode=mode,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=thread,
                disable_notification=answer.is_silent,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )

    async def _register_menu(self) -> None:
        """Nothing; Telegram shows the commands, in each language, to each as far as they may use them."""
        telegram = self._desk.settings().telegram
        scopes: list[tuple[str, BotCommandScope, Role]] = [
            ("private", BotCommandScopeAllPrivateChats(), Role.MANAGER),
            ("groups", BotCommandScopeAllGroupChats(), Role.MANAGER),
            *((str(one), BotCommandScopeChat(one), Role.OPERATOR) for one in (telegram.admins if telegram else ())),
        ]
        menus = {
            (name, language): [
                (command, wording_of(language).say(one.summary))
                for command, one in self._desk.commands.items()
                if one.summary and one.least <= most and (one.in_groups or name != "groups")
            ]
            for name, _, most in scopes
            for language in ("", *LANGUAGES)
        }
        fingerprint = hashlib.sha256(repr(sorted(menus.items())).encode()).hexdigest()
        if self._store.kept.get("bot.menu") == f"{self._id} {fingerprint}":
            return
        is_whole = True
        for name, scope, _ in scopes:
            for language in ("", *LANGUAGES):
                commands = [BotCommand(*one) for one in menus[name, language]]
                try:
                    await self._bot.set_my_commands(commands, scope, language or None)
                except BadRequest as error:  # an admin who has never written to the bot has no chat yet
                    is_whole = False
                    log.info("menu_refused", scope=name, reason=plain_reason(error.message, self._token))
                    break
        if is_whole:
            with self._store.transaction():
                self._store.kept.put("bot.menu", f"{self._id} {fingerprint}")


def heard_at(kept: str | None) -> datetime | None:
    """When the bot last heard Telegram, from what is kept; None: never."""
    return None if kept is None else decode_time(kept)


def fit(text: str, units: int) -> str:
    """The text as far as a message can hold it, cut at the end of a line where there is one."""
    if utf16_units(text) <= units:
        return text
    cut = shorten(text, units - 2, utf16_units)
    head, newline, _ = cut.rpartition("\n")
    return f"{head}\n…" if newline and len(head) > len(cut) // 2 else cut


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    if not keyboard:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(one.text, url=one.url or None, callback_data=one.data or None) for one in row]
            for row in keyboard
        ]
    )


def _place(chat: Chat | ChatFullInfo, thread: int | None) -> Place | None:
    kinds: dict[str, PlaceKind] = {
        ChatType.PRIVATE: PlaceKind.PRIVATE,
        ChatType.GROUP: PlaceKind.GROUP,
        ChatType.SUPERGROUP: PlaceKind.GROUP,
        ChatType.CHANNEL: PlaceKind.CHANNEL,
    }
    kind = kinds.get(chat.type)
    if kind is None:
        return None
    return Place(chat.id, thread, kind, _named(chat.title or chat.full_name or str(chat.id)))


def _thread(message: object) -> int | None:
    """The topic of a forum; replies in plain groups have thread ids too, which are no topics."""
    if isinstance(message, Message) and message.is_topic_message:
        return message.message_thread_id
    return None


def _person(message: Message) -> Person | None:
    if message.sender_chat is not None:  # in the name of a chat: an anonymous administrator, a linked channel
        language = message.from_user.language_code if message.from_user else None
        return Person(message.sender_chat.id, _named(message.sender_chat.title or ""), language)
    return None if message.from_user is None or message.from_user.is_bot else _person_of(message.from_user)


def _person_of(user: User) -> Person:
    return Person(user.id, _named(user.full_name), user.language_code)


def _is_anonymous(message: Message) -> bool:
    """Whether an administrator of this very group wrote it in the group's name."""
    return (
        message.from_user is not None
        and message.from_user.id == _ANONYMOUS_ADMIN
        and message.sender_chat is not None
        and message.sender_chat.id == message.chat.id
    )


def _named(name: str) -> str:
    return shorten(clean(name), _NAME_CHARS, len) or "?"
