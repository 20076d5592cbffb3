"""The pages of /settings: one message that each press turns into another page, and what each press changes.

A press is ``set:KEY:PAGE[:ARGUMENT[:NUMBER]]``; a page that begins with ``=`` is a change. Rules and families stand in
it as hashes, because their names may be longer than the 64 bytes that a button holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time

from watcher.bot.invitations import key_of
from watcher.bot.regions import REGIONS
from watcher.bot.talk import Button, Keyboard
from watcher.bot.zones import USUAL, city_of, find_zones
from watcher.model import Digest, QuietHours, RuleStatus, Severity
from watcher.render import isolate, shorten
from watcher.rulebook import RuleBook
from watcher.settings.values import check_zone, parse_quiet_hours
from watcher.subscriptions import EVERY, NO_STATE, Subscription
from watcher.wording import LANGUAGES, Wording, wording_of

PER_PAGE = 8  # rows; more does not fit a telephone above its keyboard
_NAMED = 5  # of what was chosen; of more, how many
_LABEL_CHARS = 40
_QUIET = ("22:00-07:00", "23:00-06:00", "00:00-08:00", "20:00-08:00")
_DAILY = ("07:00", "08:00", "09:00", "12:00", "18:00")
_HOURS = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d\d))?(?:\s+(\S.*))?", re.ASCII)
_AT = re.compile(r"(?:daily\s+)?(\d{1,2})(?:[:.](\d\d))?(?:\s+(\S.*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Face:
    """How the message looks: its text and its buttons."""

    text: str
    keyboard: Keyboard = ()


class UnclearZoneError(ValueError):
    """The words name no time zone, or several; ``zones`` are those that they may mean."""

    def __init__(self, said: str, zones: tuple[str, ...]) -> None:
        super().__init__(said)
        self.said = said
        self.zones = zones


def name_hash(name: str) -> str:
    """The name of a rule or family as a button carries it."""
    return hashlib.sha256(name.encode()).hexdigest()[:10]


def families_of(book: RuleBook) -> dict[str, dict[str, str]]:
    """The rules that people can choose: titles by id, by family; sorted."""
    found: dict[str, dict[str, str]] = {}
    for rule_id, policy in sorted(book.event_policies.items(), key=lambda one: (one[1].family, one[1].title, one[0])):
        if book.statuses[rule_id] is RuleStatus.STABLE:
            found.setdefault(policy.family, {})[rule_id] = policy.title
    return found


def rule_families(book: RuleBook) -> dict[str, str]:
    """The family of each rule, by its id."""
    return {rule_id: policy.family for rule_id, policy in book.event_policies.items()}


def family_name(family: str, wording: Wording) -> str:
    """What people call the family; the operator's own word where it is theirs."""
    key = f"settings.family_{family.replace('-', '_')}"
    return wording.say(key) if key in wording.forms else family


@dataclass(frozen=True, slots=True)
class Choosing:
    """The pages of one subscription, as it is now."""

    subscription: Subscription
    book: RuleBook
    wording: Wording

    def open(self, words: Sequence[str]) -> Face:
        """The page that the words of a press name; the first one where they name none."""
        page, argument, number = (*words, "", "", "")[:3]
        pages: Mapping[str, Callable[[str, int], Face]] = {
            "rules": self._rules,
            "family": self._family,
            "states": self._states,
            "region": self._region,
            "severity": self._severity,
            "quiet": self._quiet,
            "digest": self._digest,
            "zone": self._zone,
            "preview": self._preview,
            "language": self._language,
        }
        return pages.get(page, self._main)(argument, int(number) if number.isdecimal() else 0)

    def _main(self, _: str = "", __: int = 0) -> Face:
        say, one = self.wording.say, self.subscription
        lines = [
            say("settings.title", title=isolate(one.title)),
            "",
            say("settings.rules", value=self._say_rules()),
            say("settings.states", value=self._say_states()),
            say("settings.severity", value=say(f"common.{one.min_severity.label}")),
            say("settings.delivery", value=self._say_digest()),
            say("settings.quiet", value=self._say_quiet()),
            say("settings.preview", value=say("settings.discreet" if one.is_discreet else "settings.full")),
            say("settings.language", value=self.wording.name),
        ]
        if one.is_empty:
            lines += ["", say("settings.nothing_chosen")]
        if gone := one.unknown(rule_families(self.book)):
            lines += ["", say("settings.gone", names=", ".join(gone))]
        rows: list[tuple[Button, ...]] = [
            (self._to("rules"), self._to("states")),
            (self._to("severity"), self._to("digest")),
            (self._to("quiet"), self._to("preview")),
            (self._to("language"), self._button(say("settings.b_done"), "close")),
        ]
        if gone:
            rows.append((self._button(say("settings.b_tidy"), "=tidy"),))
        return Face("\n".join(lines), tuple(rows))

    def closed(self) -> Face:
        """What was chosen, without buttons."""
        return Face(self._main().text)

    def _say_rules(self) -> str:
        one = self.subscription
        if EVERY in one.rules:
            return self.wording.say("settings.all_rules")
        families = [family_name(family, self.wording) for family in one.families]
        known = {rule: title for rules in families_of(self.book).values() for rule, title in rules.items()}
        named = [isolate(known[rule]) if rule in known else rule for rule in one.rules if rule in known or "*" in rule]
        if not families and not named:
            return self.wording.say("settings.nothing")
        if len(named) > _NAMED:
            named = [self.wording.count("settings.rules_count", len(named))]
        return ", ".join((*families, *named))

    def _say_states(self) -> str:
        states = self.subscription.states
        if EVERY in states:
            return self.wording.say("settings.any_state")
        names = sorted(self.wording.state(code) for code in states if code != NO_STATE)
        if len(names) > _NAMED:
            names = [self.wording.count("settings.states_count", len(names))]
        if NO_STATE in states:
            names.append(self.wording.say("settings.no_state"))
        return ", ".join(names) or self.wording.say("settings.nothing")

    def _say_quiet(self) -> str:
        quiet = self.subscription.quiet_hours
        if quiet is None:
            return self.wording.say("settings.none")
        return f"{quiet.start:%H:%M}–{quiet.end:%H:%M} ({self._city(quiet.zone)})"

    def _say_digest(self) -> str:
        digest = self.subscription.digest
        if digest is None:
            return self.wording.say("settings.at_once")
        if digest.at is None:
            return self.wording.say("settings.hourly")
        return f"{self.wording.say('settings.daily', time=f'{digest.at:%H:%M}')} ({self._city(digest.zone)})"

    def _city(self, zone: str) -> str:
        return city_of(zone, self.wording.language)

    def _rules(self, _: str, number: int) -> Face:
        one, say = self.subscription, self.wording.say
        rows = [(self._choice(say("settings.everything"), EVERY in one.rules, "=all"),)]
        families = families_of(self.book)
        for family, rules in families.items():
            chosen = len(rules) if family in one.families else len({*rules} & {*one.rules})
            label = f"{family_name(family, self.wording)} {chosen}/{len(rules)}"
            rows.append((self._button(label, "family", name_hash(family)),))
        return self._paged(say("settings.pick_rules"), rows[1:], number, ("rules",), first=rows[:1])

    def _family(self, argument: str, number: int) -> Face:
        found = [(name, rules) for name, rules in families_of(self.book).items() if name_hash(name) == argument]
        if not found:
            return self._rules("", 0)
        (family, rules) = found[0]
        one, name = self.subscription, family_name(found[0][0], self.wording)
        is_whole = family in one.families
        whole = self._choice(self.wording.say("settings.whole_family", family=name), is_whole, "=family", argument)
        rows = [
            (self._choice(title, is_whole or rule in one.rules, "=rule", name_hash(rule), str(number)),)
            for rule, title in rules.items()
        ]
        return self._paged(name, rows, number, ("family", argument), first=[(whole,)], back="rules")

    def _states(self, _: str, number: int) -> Face:
        one, say = self.subscription, self.wording.say
        first = [
            (self._choice(say("settings.any"), EVERY in one.states, "=anystate"),),
            (self._choice(say("settings.without_state"), NO_STATE in one.states, "=nostate"),),
        ]
        buttons = []
        for region, codes in REGIONS.items():
            chosen = len({*codes} & {*one.states})
            buttons.append(self._button(f"{self.wording.state(region)} {chosen or ''}".strip(), "region", region))
        return Face(say("settings.pick_states"), (*first, *_in_twos(buttons), self._back()))

    def _region(self, argument: str, number: int) -> Face:
        codes = REGIONS.get(argument)
        if codes is None:
            return self._states("", 0)
        chosen = {*self.subscription.states}
        name = self.wording.state(argument)
        is_whole = {*codes} <= chosen
        whole = self._choice(self.wording.say("settings.whole_region", region=name), is_whole, "=region", argument)
        names = sorted((self.wording.state(code), code) for code in codes)
        rows = _in_twos([self._choice(label, code in chosen, "=state", code) for label, code in names])
        return Face(name, ((whole,), *rows, self._back("states")))

    def _severity(self, _: str, __: int) -> Face:
        say = self.wording.say
        rows = [
            (
                self._choice(
                    say(f"settings.from_{one.label}"), one is self.subscription.min_severity, "=severity", one.label
                ),
            )
            for one in Severity
        ]
        return Face(say("settings.pick_severity"), (*rows, self._back()))

    def _quiet(self, _: str, __: int) -> Face:
        if not self.subscription.zone:
            return self._zone("quiet", 0)
        say, quiet = self.wording.say, self.subscription.quiet_hours
        now = f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else ""
        off = self._choice(say("settings.none"), quiet is None, "=quiet", "off")
        hours = [self._choice(one.replace("-", "–"), one == now, "=quiet", one.replace(":", "")) for one in _QUIET]
        zone = self._button(self._zone_label(), "zone", "quiet")
        text = say("settings.pick_quiet", example=f"/settings quiet 22:00-07:00 {self.subscription.zone}")
        return Face(text, ((off,), *_in_twos(hours), (zone,), self._back()))

    def _digest(self, _: str, __: int) -> Face:
        if not self.subscription.zone:
            return self._zone("digest", 0)
        say, digest = self.wording.say, self.subscription.digest
        now = f"{digest.at:%H:%M}" if digest and digest.at else ""
        rows = [
            (self._choice(say("settings.at_once"), digest is None, "=digest", "off"),),
            (self._choice(say("settings.hourly"), digest is not None and digest.at is None, "=digest", "hourly"),),
            *_in_twos(
                [
                    self._choice(say("settings.daily", time=one), one == now, "=digest", one.replace(":", ""))
                    for one in _DAILY
                ]
            ),
            (self._button(self._zone_label(), "zone", "digest"),),
        ]
        text = say("settings.pick_delivery", example=f"/settings digest 06:30 {self.subscription.zone}")
        return Face(text, (*rows, self._back()))

    def _zone_label(self) -> str:
        return self.wording.say("settings.zone", value=self._city(self.subscription.zone))

    def _zone(self, then: str, _: int) -> Face:
        return Face(
            self.wording.say("settings.pick_zone", example="/settings zone Tokyo"),
            (*self.zones(USUAL, then), self._back()),
        )

    def zones(self, zones: Iterable[str], then: str = "") -> Keyboard:
        """Buttons that choose one of the zones, and go on to a page."""
        mine = self.subscription.zone
        return _in_twos([self._choice(self._city(one), one == mine, "=zone", one, then) for one in zones])

    def _preview(self, _: str, __: int) -> Face:
        say, is_discreet = self.wording.say, self.subscription.is_discreet
        rows = (
            (self._choice(say("settings.full"), not is_discreet, "=preview", "full"),),
            (self._choice(say("settings.discreet"), is_discreet, "=preview", "discreet"),),
        )
        return Face(say("settings.pick_preview"), (*rows, self._back()))

    def _language(self, _: str, __: int) -> Face:
        mine = self.wording.language
        buttons = [self._choice(wording_of(one).name, one == mine, "=language", one) for one in LANGUAGES]
        return Face(self.wording.say("settings.pick_language"), (*_in_twos(buttons), self._back()))

    # Changes.

    def change(self, words: Sequence[str]) -> tuple[Subscription, tuple[str, ...]] | None:
        """The subscription after the change that the words of a press name, and the page to show; None: no change."""
        action, argument, more = (*words, "", "", "")[:3]
        one = self.subscription
        match action:
            case "=all":
                is_on = EVERY not in one.rules
                return replace(one, rules=(EVERY,) if is_on else (), families=()), ("rules",)
            case "=proposed" if one.proposed:
                return replace(one, rules=one.proposed, proposed=()), ()
            case "=family" | "=rule":
                return self._change_rules(action, argument, more)
            case "=anystate":
                return replace(one, states=() if EVERY in one.states else (EVERY,)), ("states",)
            case "=nostate":
                return replace(one, states=_toggled(one.states, (NO_STATE,))), ("states",)
            case "=region" if argument in REGIONS:
                return replace(one, states=_toggled(one.states, REGIONS[argument])), ("region", argument)
            case "=state" if region := next((name for name, codes in REGIONS.items() if argument in codes), None):
                return replace(one, states=_toggled(one.states, (argument,))), ("region", region)
            case "=severity" if argument in {level.label for level in Severity}:
                return replace(one, min_severity=Severity[argument.upper()]), ()
            case "=quiet":
                text = argument if argument == "off" else re.sub(r"(\d\d)(\d\d)", r"\1:\2", argument)
                return _or_none(lambda: self.with_quiet(text))
            case "=digest":
                text = re.sub(r"^(\d\d)(\d\d)$", r"\1:\2", argument)
                return _or_none(lambda: self.with_digest(text))
            case "=zone":
                found = _or_none(lambda: self.with_zone(argument))
                return found and (found[0], (more,) if more in ("quiet", "digest") else ())
            case "=preview":
                return replace(one, is_discreet=argument == "discreet"), ()
            case "=language" if argument in LANGUAGES:
                return replace(one, language=argument), ()
            case "=tidy":
                gone = one.unknown(rule_families(self.book))
                rules, families = (tuple(x for x in names if x not in gone) for names in (one.rules, one.families))
                return replace(one, rules=rules, families=families), ()
        return None

    def _change_rules(self, action: str, argument: str, more: str) -> tuple[Subscription, tuple[str, ...]] | None:
        one, families = self.subscription, families_of(self.book)
        if action == "=family":
            family = next((name for name in families if name_hash(name) == argument), None)
            if family is None:
                return None
            rules = tuple(rule for rule in one.rules if rule != EVERY and rule not in families[family])
            return replace(one, rules=rules, families=_toggled(one.families, (family,))), ("family", argument)
        found = ((name, rule) for name, rules in families.items() for rule in rules if name_hash(rule) == argument)
        family, rule = next(found, ("", ""))
        if not rule:
            return None
        page = ("family", name_hash(family), more)
        if family in one.families:  # all but this one
            others = tuple(other for other in families[family] if other != rule)
            kept = tuple(name for name in one.families if name != family)
            return replace(one, families=kept, rules=tuple(dict.fromkeys((*one.rules, *others)))), page
        return replace(one, rules=_toggled(one.rules, (rule,))), page

    def with_quiet(self, text: str) -> Subscription:
        """With the quiet hours that the words name, or none for "off"; raises ValueError, UnclearZoneError."""
        one = self.subscription
        if text.strip().lower() in ("off", "none", "0", "-"):
            return replace(one, quiet_hours=None)
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        zone = self._named_zone(found[5])
        hours = f"{int(found[1]):02}:{found[2] or '00'}-{int(found[3]):02}:{found[4] or '00'} {zone}"
        quiet = parse_quiet_hours(hours)
        return replace(with_zone(one, zone), quiet_hours=quiet)

    def with_digest(self, text: str) -> Subscription:
        """With a digest at that time, hourly, or none for "off"; raises ValueError, UnclearZoneError."""
        one, plain = self.subscription, text.strip()
        if plain.lower() in ("off", "none", "0", "-"):
            return replace(one, digest=None)
        word, _, rest = plain.partition(" ")
        if word.lower() == "hourly":
            zone = self._named_zone(rest)
            return replace(with_zone(one, zone), digest=Digest(None, zone))
        found = _AT.fullmatch(plain)
        if found is None:
            raise ValueError(text)
        zone = self._named_zone(found[3])
        return replace(with_zone(one, zone), digest=Digest(time(int(found[1]), int(found[2] or 0)), zone))

    def with_zone(self, text: str) -> Subscription:
        """With the time zone of that name or city; raises UnclearZoneError."""
        return with_zone(self.subscription, self._named_zone(text))

    def _named_zone(self, text: str | None) -> str:
        plain = (text or "").strip()
        if not plain and self.subscription.zone:
            return self.subscription.zone
        try:
            return check_zone(plain)
        except ValueError:
            zones = find_zones(plain, self.wording.language)
            if len(zones) == 1:
                return zones[0]
            raise UnclearZoneError(plain, zones) from None

    # Buttons.

    def _button(self, label: str, *words: str) -> Button:
        return Button(
            shorten(label, _LABEL_CHARS, len), ":".join(("set", key_of(self.subscription), *words)).rstrip(":")
        )

    def _choice(self, label: str, is_chosen: bool, *words: str) -> Button:
        return self._button(f"✓ {label}" if is_chosen else label, *words)

    def _to(self, page: str) -> Button:
        return self._button(self.wording.say(f"settings.b_{page}"), page)

    def _back(self, page: str = "main") -> tuple[Button, ...]:
        return (self._button(f"‹ {self.wording.say('common.back')}", page),)

    def _paged(
        self,
        text: str,
        rows: Sequence[tuple[Button, ...]],
        number: int,
        page: tuple[str, ...],
        *,
        first: Sequence[tuple[Button, ...]] = (),
        back: str = "main",
    ) -> Face:
        last = max((len(rows) - 1) // PER_PAGE, 0)
        number = min(number, last)
        words = (*page, "")[:2]
        turn = [self._button("‹‹", *words, str(number - 1))] if number else []
        turn += [self._button("››", *words, str(number + 1))] if number < last else []
        shown = rows[number * PER_PAGE : (number + 1) * PER_PAGE]
        return Face(text, (*first, *shown, *([tuple(turn)] if turn else []), self._back(back)))


def with_zone(subscription: Subscription, zone: str) -> Subscription:
    """The subscription of people who live there; its hours stay what they are on the clock."""
    quiet, digest = subscription.quiet_hours, subscription.digest
    return replace(
        subscription,
        zone=zone,
        quiet_hours=None if quiet is None else QuietHours(quiet.start, quiet.end, zone),
        digest=None if digest is None else Digest(digest.at, zone),
    )


def _or_none(change: Callable[[], Subscription]) -> tuple[Subscription, tuple[str, ...]] | None:
    try:
        return change(), ()
    except ValueError:
        return None


def _toggled(known: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """With the names, or without them where all were there; choosing some ends choosing everything."""
    kept = tuple(one for one in known if one != EVERY)
    if {*names} <= {*kept}:
        return tuple(one for one in kept if one not in names)
    return tuple(sorted({*kept, *names}))


def _in_twos(buttons: Sequence[Button]) -> Keyboard:
    return tuple(tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2))
