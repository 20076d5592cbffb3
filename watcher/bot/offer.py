"""Everything that the bot offers, put on its desk; the order is that of /help and of Telegram's menu."""

from __future__ import annotations

from collections.abc import Callable

from watcher.bot.acting import Acting
from watcher.bot.desk import Desk
from watcher.bot.invitations import Invitations
from watcher.bot.looking import Looking
from watcher.bot.subscribing import Subscribing


def offer_all(desk: Desk) -> Callable[[], None]:
    """What to call at the end; the desk has every command and press."""
    invitations = Invitations(desk)
    Subscribing(desk, invitations).register()
    looking = Looking(desk)
    looking.register()
    Acting(desk).register()
    invitations.register()
    return looking.close
