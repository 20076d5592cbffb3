"""Looking at a channel without sending anything: may the bot speak in each chat, does the mail server let us in."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import aiosmtplib
from telegram import Bot, ChatMemberRestricted
from telegram.constants import ChatAction, ChatMemberStatus, ChatType
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from watcher.notify.base import plain_reason
from watcher.notify.email import Security


@dataclass(frozen=True, slots=True)
class BotLook:
    """What Telegram says of the bot."""

    name: str  # "@watcher_bot"; empty where the token is refused or Telegram cannot be reached
    trouble: str = ""  # in Telegram's words
    is_token_refused: bool = False
    webhook: str = ""  # address that hears updates instead of us; empty: none
    chats: tuple[tuple[str, str], ...] = ()  # target, and why nothing can be sent there; empty: it can


async def look_at_bot(token: str, base_url: str, targets: Iterable[str], patience: timedelta) -> BotLook:
    """Who the bot is and in which of the chats it may speak; nothing is sent, and no update is taken."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    seconds = patience.total_seconds()
    request = HTTPXRequest(connect_timeout=seconds, read_timeout=seconds, pool_timeout=seconds)
    bot = Bot(token, base_url=base_url, request=request, get_updates_request=request)
    try:
        try:
            me = await bot.get_me()
            webhook = (await bot.get_webhook_info()).url
        except TelegramError as error:
            return BotLook("", plain_reason(error.message, token), isinstance(error, InvalidToken))
        chats = [(target, await _why_silent(bot, me.id, target, token)) for target in dict.fromkeys(targets)]
        return BotLook(f"@{me.username}", webhook=webhook, chats=tuple(chats))
    finally:
        await request.shutdown()


async def _why_silent(bot: Bot, own_id: int, target: str, token: str) -> str:
    chat_id = target.partition("/")[0]
    try:
        chat = await bot.get_chat(chat_id)
        if chat.type == ChatType.PRIVATE:
            # The only question whose answer tells that a person has blocked the bot; it shows "typing" for a moment.
            await bot.send_chat_action(chat_id, ChatAction.TYPING)
            return ""
        member = await bot.get_chat_member(chat_id, own_id)
    except TelegramError as error:
        return plain_reason(error.message, token)
    if member.status in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED):
        return "the bot is no member"
    if isinstance(member, ChatMemberRestricted) and not member.can_send_messages:
        return "the bot may not send messages"
    if chat.type == ChatType.CHANNEL and not getattr(member, "can_post_messages", False):
        return "the bot may not post: make it an administrator of the channel"
    is_plain = member.status == ChatMemberStatus.MEMBER
    if is_plain and chat.permissions is not None and chat.permissions.can_send_messages is False:
        return "members may not send messages there: make the bot an administrator"
    return ""


async def look_at_mail_server(
    host: str,
    port: int,
    *,
    sender: str,
    security: Security,
    username: str,
    password: str,
    patience: timedelta,
    tls: ssl.SSLContext | None = None,
) -> str:
    """Why no mail could be handed over, in the server's words; empty: it lets us in and takes the sender."""
    client = aiosmtplib.SMTP(
        hostname=host,
        port=port,
        username=username or None,
        password=password or None,
        use_tls=security == "tls",
        start_tls=security == "starttls",
        tls_context=tls or (ssl.create_default_context() if security != "none" else None),
        timeout=patience.total_seconds(),
    )
    try:
        await client.connect()
        await client.mail(sender)
        await client.rset()
        await client.quit()
    except aiosmtplib.SMTPResponseException as error:
        return plain_reason(f"{error.code} {error.message}", password)
    except (aiosmtplib.SMTPException, OSError) as error:
        return plain_reason(str(error) or type(error).__name__, password)
    finally:
        client.close()
    return ""


async def look_at_address(host: str, port: int, patience: timedelta) -> str:
    """Why no connection can be made; empty: it can."""
    try:
        async with asyncio.timeout(patience.total_seconds()):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer in time"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    writer.close()
    return ""
