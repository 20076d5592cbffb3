"""Scopes of subscriptions, the recipients that they make, and what is offered to choose from."""

from __future__ import annotations

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.bot.choosing import UnclearZoneError, with_zone
from watcher.bot.invitations import hash_code, link_of, new_code, parse_terms
from watcher.bot.regions import REGIONS
from watcher.bot.zones import USUAL, city_of, find_zones
from watcher.model import Channel, Digest, QuietHours, Recipient
from watcher.subscriptions import (
    DECLINED,
    EVERY,
    LEFT,
    REMOVED,
    PlaceKind,
    Subscription,
    approved,
    ended,
    new_subscription,
    subscription_id,
    with_subscriptions,
)
from watcher.understand.gazetteer import Gazetteer
from watcher.wording import LANGUAGES

NOW = datetime(2022, 9, 14, 16, 0, tzinfo=UTC)
FAMILIES = {"border-fire": "clash", "border-shelling": "clash", "pact-invoked": "treaty"}


def subscription(target: str = "2222", **changes: object) -> Subscription:
    made = new_subscription(target, PlaceKind.PRIVATE, "Anna", "en", "Anna", 2222, NOW)
    return replace(approved(made, "Olga", NOW), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "families", "expected"),
    [
        ((), (), ()),
        ((EVERY,), (), (EVERY,)),
        ((EVERY, "border-fire"), ("clash",), (EVERY,)),
        (("pact-invoked",), ("clash",), ("pact-invoked", "border-fire", "border-shelling")),
        (("border-fire",), ("clash",), ("border-fire", "border-shelling")),
        (("border-*",), (), ("border-*",)),
        ((), ("nothing-such",), ()),
    ],
)
def test_the_rules_of_a_recipient(rules: tuple[str, ...], families: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert subscription(rules=rules, families=families).to_recipient(FAMILIES).rules == expected


@pytest.mark.parametrize(
    ("states", "expected"), [((EVERY,), ()), (("AM", "--"), ("AM", "--")), ((), ("",)), ((EVERY, "AM"), ())]
)
def test_no_state_chosen_is_not_any_state(states: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert subscription(states=states).to_recipient(FAMILIES).states == expected


@given(
    st.lists(st.sampled_from([EVERY, *FAMILIES, "gone"])).map(tuple),
    st.lists(st.sampled_from(["clash", "treaty", "gone"])).map(tuple),
)
def test_a_rule_is_never_told_that_was_not_chosen(rules: tuple[str, ...], families: tuple[str, ...]) -> None:
    told = subscription(rules=rules, families=families).to_recipient(FAMILIES).rules
    for rule, family in FAMILIES.items():
        assert (rule in told or EVERY in told) == (EVERY in rules or rule in rules or family in families)


def test_names_that_no_longer_exist() -> None:
    one = subscription(rules=("border-fire", "old-rule", "border-*", "old-*"), families=("clash", "old"))
    assert one.unknown(FAMILIES) == ("old", "old-*", "old-rule")
    assert subscription(rules=(EVERY,)).unknown({}) == ()


def test_a_configured_chat_is_not_told_twice() -> None:
    configured = (
        Recipient("desk", Channel.TELEGRAM, "2222"),
        Recipient("admin-3333", Channel.TELEGRAM, "3333", rules=(), is_operator=True),
        Recipient("mail", Channel.EMAIL, "4444"),
    )
    subscriptions = [subscription(target, rules=(EVERY,)) for target in ("2222", "3333", "4444", "2222/17")]
    subscriptions.append(ended(subscription("5555", rules=(EVERY,)), LEFT, NOW))
    ids = [one.id for one in with_subscriptions(configured, subscriptions, FAMILIES)]
    expected = [subscription_id(target) for target in ("3333", "4444", "2222/17")]
    assert ids == ["desk", "admin-3333", "mail", *expected]


def test_ids_do_not_show_the_chat() -> None:
    ids = {subscription_id(str(number)) for number in range(-100, 2000)}
    assert len(ids) == 2100
    assert all(len(one) == len("chat-abcdefgh") for one in ids)


@pytest.mark.parametrize(
    ("because", "may"), [(LEFT, True), (REMOVED, False), (DECLINED, False)], ids=["left", "removed", "declined"]
)
def test_who_left_may_return(because: str, may: bool) -> None:
    assert ended(subscription(), because, NOW).may_return is may


def test_another_zone_keeps_the_hours_on_the_clock() -> None:
    one = subscription(quiet_hours=QuietHours(time(22), time(7), "UTC"), digest=Digest(time(8), "UTC"), zone="UTC")
    moved = with_zone(one, "Asia/Yerevan")
    assert moved.quiet_hours == QuietHours(time(22), time(7), "Asia/Yerevan")
    assert moved.digest == Digest(time(8), "Asia/Yerevan")


def test_every_state_has_one_region() -> None:
    listed = sorted(code for codes in REGIONS.values() for code in codes)
    assert listed == sorted(Gazetteer.load().names())


@pytest.mark.parametrize(
    ("text", "language", "zone"),
    [
        ("Yerevan", "en", "Asia/Yerevan"),
        ("  ереван ", "ru", "Asia/Yerevan"),
        ("київ", "uk", "Europe/Kyiv"),
        ("Kyiv", "en", "Europe/Kyiv"),
        ("يريفان", "ar", "Asia/Yerevan"),
        ("İstanbul", "tr", "Europe/Istanbul"),
        ("istambul", "es", "Europe/Istanbul"),
        ("new york", "fr", "America/New_York"),
        ("asia/tbilisi", "en", "Asia/Tbilisi"),
        ("London", "en", "Europe/London"),
    ],
)
def test_a_zone_by_its_city(text: str, language: str, zone: str) -> None:
    assert find_zones(text, language) == (zone,)


@pytest.mark.parametrize("text", ["", " ", "xyzzy", "what a day", "0" * 500, "\u202e"])
def test_what_is_no_city(text: str) -> None:
    assert find_zones(text, "en") == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_usual_zones_have_names(language: str) -> None:
    assert {*USUAL} <= zoneinfo.available_timezones()
    names = [city_of(zone, language) for zone in USUAL]
    assert len({*names}) == len(USUAL)
    assert all(find_zones(name, language) == (zone,) for name, zone in zip(names, USUAL, strict=True))


@pytest.mark.parametrize(
    ("words", "expected"),
    [((), (1, 7)), (("10",), (10, 7)), (("2d",), (1, 2)), (("10", "90d"), (10, 90)), (("1d", "3"), (3, 1))],
)
def test_terms_of_an_invitation(words: tuple[str, ...], expected: tuple[int, int]) -> None:
    assert parse_terms(words) == (expected[0], timedelta(days=expected[1]))


@pytest.mark.parametrize("words", [("0",), ("9999",), ("91d",), ("0d",), ("soon",), ("٣",)])
def test_terms_that_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        parse_terms(words)


def test_codes_fit_a_deep_link() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(len(one) <= 64 and one.replace("-", "a").replace("_", "a").isalnum() for one in codes)
    assert link_of("a_bot", "x", for_group=True) == "https://t.me/a_bot?startgroup=x"
    assert all(hash_code(one) != one for one in codes)


def test_an_unclear_zone_says_what_was_said() -> None:
    assert UnclearZoneError("x", ()).said == "x"
