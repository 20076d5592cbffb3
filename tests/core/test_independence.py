"""Who independently says so: every combination of state media, parties, copies and wire credits."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, report
from watcher.independence import fold_copies, weigh
from watcher.model import Report, Standing

PARTIES = ("AM", "AZ")


def one(article_id: str, publisher: str, hours: float = 0, **values: object) -> Report:
    defaults = {
        "source_id": publisher.casefold(),
        "published_at": NOW + timedelta(hours=hours),
        "affiliation": "unknown",
    }
    return report(article_id=article_id, publisher=publisher, **(defaults | values))


def state(article_id: str, publisher: str, code: str, **values: object) -> Report:
    return one(article_id, publisher, affiliation="state", state=code, **values)


AZERTAC = state("az", "Azertac", "AZ")
# What may be said beside the report of a party's agency without anybody independent saying so.
NOBODY_ELSE = {
    "a reprint": one("reprint", "Courier", 1, same_text=("az",)),
    "a reprint that bears an earlier date": one("early", "Herald", -1, same_text=("az",)),
    "a reprint of a reprint": one("again", "Gazette", 2, same_text=("reprint",)),
    "a report that rests on it": one("credit", "Mirror", 1, origin="Azertac"),
    "a reprint of a report that rests on it": one("credit-copy", "Echo", 2, same_text=("credit",)),
    "its own agency under another name": one("tv", "AZƏRTAC", 3),
    "another outlet of the same state": state("radio", "Radio Baku", "AZ"),
    "a reprint of that": one("radio-copy", "Star", 2, same_text=("radio",)),
    "media of the other party": state("arm", "Armenpress", "AM"),
    "a report that rests on those": one("arm-credit", "Sun", 1, origin="Armenpress"),
    "an outlet of a party": one("party", "Ordu", affiliation="party"),
    "a reprint of the party's outlet": one("party-copy", "Day", 1, same_text=("party",)),
    "media of a state that nobody named": state("unclear", "State TV", ""),
    "a state outlet that names an independent agency": state("claim", "Channel One", "AZ", origin="Reuters"),
}


@pytest.mark.parametrize("size", [0, 1, 2])
def test_media_of_the_parties_and_what_rests_on_them_never_confirm(size: int) -> None:
    for names in itertools.combinations(NOBODY_ELSE, size):
        weighed = weigh([AZERTAC, *(NOBODY_ELSE[name] for name in names)], PARTIES)
        # A copy of something that is not there is a report of its own.
        known = {"az", *(NOBODY_ELSE[name].article_id for name in names)}
        loose = [name for name in names if set(NOBODY_ELSE[name].same_text) - known]
        assert weighed.confirming == len(loose), names


def test_all_of_them_together_never_confirm() -> None:
    assert weigh([AZERTAC, *NOBODY_ELSE.values()], PARTIES).confirming == 0


@pytest.mark.parametrize("name", NOBODY_ELSE)
def test_one_independent_newsroom_is_one_and_two_are_two(name: str) -> None:
    beside = [AZERTAC, *NOBODY_ELSE.values()]
    assert weigh([*beside, one("oc", "OC Media", 4)], PARTIES).confirming == 1
    assert weigh([*beside, one("oc", "OC Media", 4), one("radio-free", "Open Radio", 5)], PARTIES).confirming == 2


def test_an_agency_and_all_that_credit_it_are_one_voice() -> None:
    reports = [one("r", "Reuters"), *(one(f"c{n}", f"Outlet {n}", n, origin="Reuters") for n in range(1, 5))]
    (voice,) = weigh(reports, PARTIES).voices
    assert (voice.name, voice.copies, voice.confirms) == ("Reuters", 4, True)


def test_a_reprint_without_a_credit_follows_the_one_that_gives_it() -> None:
    reports = [one("a", "Courier"), one("b", "Mirror", 1, same_text=("a",), origin="Reuters")]
    (voice,) = weigh(reports, PARTIES).voices
    assert (voice.name, voice.outlets) == ("Reuters", ("Courier", "Mirror"))


def test_state_media_of_a_third_state_are_one_voice() -> None:
    reports = [state("t1", "TRT", "TR"), state("t2", "Anadolu", "TR"), one("c", "Courier", origin="Anadolu")]
    (voice,) = weigh(reports, PARTIES).voices
    assert (voice.standing, voice.state, voice.confirms) == (Standing.STATE, "TR", True)
    assert voice.name == "TRT, Anadolu"


def test_where_the_parties_are_not_known_no_state_media_confirm() -> None:
    assert weigh([state("t", "TRT", "TR")], ()).confirming == 0


def test_the_agency_of_a_state_is_known_without_being_configured() -> None:
    (voice,) = weigh([one("t", "ТАСС")], ("RU", "UA")).voices
    assert (voice.standing, voice.confirms) == (Standing.PARTY, False)
    assert weigh([one("t", "ТАСС", affiliation="independent")], ("RU", "UA")).confirming == 1  # as the desk says


def test_one_family_is_one_voice_in_any_case() -> None:
    assert weigh([one("a", "Courier"), one("b", "COURIER", 1)], PARTIES).confirming == 1


def test_of_steps_those_count_that_the_fewest_report() -> None:
    reports = [one("a", "A", step="x"), one("b", "B", step="x"), one("c", "A", step="y")]
    assert [voice.name for voice in weigh(reports, PARTIES).voices if voice.confirms] == ["A"]


def test_copies_are_folded_into_the_earliest_whoever_names_the_other() -> None:
    reports = [one("b", "B", 1, same_text=("c",)), one("a", "A"), one("c", "C", 2, same_text=("a",))]
    assert [(each.article_id, each.copy_of) for each in fold_copies(reports)] == [("a", None), ("b", "a"), ("c", "a")]


PUBLISHERS = ["Courier", "Radio", "Reuters", "Azertac", "TASS", "Mirror"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PUBLISHERS),
            st.sampled_from(["unknown", "independent", "state", "party"]),
            st.sampled_from(["", "AZ", "RU"]),
            st.sampled_from([None, "Reuters", "Azertac"]),
            st.integers(0, 3),
            st.sets(st.integers(0, 6), max_size=2),
        ),
        max_size=7,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_makes_no_difference(rows, order) -> None:
    reports = [
        one(
            str(n),
            publisher,
            hours,
            affiliation=affiliation,
            state=code,
            origin=origin,
            same_text=tuple(map(str, same)),
        )
        for n, (publisher, affiliation, code, origin, hours, same) in enumerate(rows)
    ]
    shuffled = list(reports)
    order.shuffle(shuffled)
    weighed = weigh(reports, PARTIES)
    assert weigh(shuffled, PARTIES) == weighed
    assert weigh(weighed.reports, PARTIES) == weighed  # and so does doing it again
