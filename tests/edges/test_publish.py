"""What other systems get of alerts and events: CAP 1.2 by the standard's own rules, Atom, JSON, a page."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.builders import NOW, alert, article, event, excerpt, match, report, signal
from watcher.evidence import Evidence, Grounds, Known, Versions
from watcher.model import Alert, AlertKind, EventChange, Severity, Stance, Toll
from watcher.publish.cap import Certainty, Urgency, certainty, has_cap_form, render_cap, urgency
from watcher.publish.events import Dossier, event_json, render_atom
from watcher.publish.files import export, publish
from watcher.publish.page import render_alert_page
from watcher.rules.schema import RuleText
from watcher.store import Store

NAMES = {"AM": "Armenia", "AZ": "Azerbaijan"}
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
HAPPENED = frozenset({Stance.HAPPENED})

# The elements of CAP 1.2 in the order of the standard (section 3.2), with how often each may stand.
ALERT = "identifier sender sent status msgType source? scope restriction? addresses? code* note? references? incidents? info*"
INFO = (
    "language? category+ event responseType* urgency severity certainty audience? eventCode* effective? onset? expires? "
    "senderName? headline? description? instruction? web? contact? parameter* resource* area*"
)
AREA = "areaDesc polygon* circle* geocode* altitude? ceiling?"
PAIR = "valueName value"
VALUES = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def check_children(element: ElementTree.Element, grammar: str) -> None:
    """The children are those of the grammar, in its order, as often as it lets them."""
    pattern = "".join(
        f"(?:{CAP}{name} )".replace("{", r"\{").replace("}", r"\}") + (many or "")
        for name, many in re.findall(r"(\w+)([?*+]?)", grammar)
    )
    children = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(pattern, children), children


def check_cap(text: str) -> ElementTree.Element:
    """The message, if it keeps every rule of the standard; else AssertionError."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == f"{CAP}alert"
    check_children(root, ALERT)
    for info in root.iter(f"{CAP}info"):
        check_children(info, INFO)
    for area in root.iter(f"{CAP}area"):
        check_children(area, AREA)
    for name in ("parameter", "eventCode", "geocode"):
        for pair in root.iter(CAP + name):
            check_children(pair, PAIR)
    for name, values in VALUES.items():
        for element in root.iter(CAP + name):
            assert element.text in values.split(), (name, element.text)
    for name in ("sent", "effective", "onset", "expires"):
        for element in root.iter(CAP + name):
            assert TIME.fullmatch(element.text or ""), element.text
            assert not (element.text or "").endswith("+00:00")  # UTC is written -00:00
    for name in ("identifier", "sender"):
        assert re.fullmatch(r"[^\s,<&]+", said(root, name))
    assert said(root, "scope") != "Restricted" or said(root, "restriction")
    for reference in said(root, "references").split():
        sender, identifier, sent = reference.split(",")
        assert sender and identifier and TIME.fullmatch(sent)
    return root


def said(root: ElementTree.Element, name: str) -> str:
    return next((element.text or "" for element in root.iter(CAP + name)), "")


def cap(one: Alert, *earlier: Alert, stances: frozenset[Stance] = HAPPENED) -> ElementTree.Element:
    text = render_cap(one, earlier, stances, NAMES, sender="desk@example.org", valid_for=timedelta(hours=24))
    return check_cap(text)


FIRST = alert(event_id="event-1", publishers=("Courier",))
UPDATE = alert(
    id="b2b2b2b2b2",
    event_id="event-1",
    changes=(EventChange.CONFIRMED,),
    publishers=("Courier", "Radio"),
    created_at=NOW + timedelta(hours=1),
    previous_alert_id=FIRST.id,
)


def test_a_first_alert_as_cap() -> None:
    root = cap(FIRST)
    found = {name: said(root, name) for name in ("identifier", "sender", "status", "msgType", "category", "incidents")}
    assert found == {
        "identifier": FIRST.id,
        "sender": "desk@example.org",
        "status": "Actual",
        "msgType": "Alert",
        "category": "Security",
        "incidents": "event-1",
    }
    assert (said(root, "urgency"), said(root, "severity"), said(root, "certainty")) == (
        "Immediate",
        "Extreme",
        "Likely",
    )
    assert said(root, "references") == ""
    assert said(root, "sent") == "2022-09-14T15:00:00-00:00"
    assert said(root, "expires") == "2022-09-15T15:00:00-00:00"
    assert said(root, "web") == "https://courier.example/1"
    assert [area.findtext(f"{CAP}areaDesc") for area in root.iter(f"{CAP}area")] == ["Armenia", "Azerbaijan"]
    assert [code.findtext(f"{CAP}value") for code in root.iter(f"{CAP}geocode")] == ["AM", "AZ"]


def test_an_update_refers_to_every_earlier_message() -> None:
    root = cap(UPDATE, FIRST)
    assert said(root, "msgType") == "Update"
    assert said(root, "references") == f"desk@example.org,{FIRST.id},2022-09-14T15:00:00-00:00"
    assert said(root, "certainty") == "Observed"


def test_what_its_only_source_takes_back_is_cancelled() -> None:
    gone = alert(id="c3", event_id="event-1", changes=(EventChange.CORRECTED,), excerpts=(), reports=(report(),))
    root = cap(gone, FIRST)
    assert (said(root, "msgType"), said(root, "responseType"), said(root, "urgency")) == ("Cancel", "AllClear", "Past")
    still = alert(
        id="c4", event_id="event-1", changes=(EventChange.CORRECTED,), excerpts=(), reports=(report(), report())
    )
    assert said(cap(still, FIRST), "msgType") == "Update"


@pytest.mark.parametrize(
    ("values", "status"),
    [({"kind": AlertKind.EXERCISE}, "Exercise"), ({"is_test_rule": True}, "Test"), ({}, "Actual")],
)
def test_drills_and_rules_under_test_are_marked(values: dict[str, Any], status: str) -> None:
    assert said(cap(alert(event_id="event-1", **values)), "status") == status


def test_notices_have_no_cap_form() -> None:
    assert not has_cap_form(alert(kind=AlertKind.NOTICE, event_id=None))


@pytest.mark.parametrize(
    ("publishers", "changes", "stances", "expected"),
    [
        (("A", "B"), (EventChange.OPENED,), HAPPENED, Certainty.OBSERVED),
        (("A", "B"), (EventChange.OPENED,), frozenset(), Certainty.OBSERVED),
        (("A",), (EventChange.OPENED,), HAPPENED, Certainty.LIKELY),
        ((), (EventChange.OPENED,), HAPPENED, Certainty.POSSIBLE),  # only media of a party say so
        (("A", "B"), (EventChange.DENIED,), HAPPENED, Certainty.POSSIBLE),
        (("A", "B"), (EventChange.OPENED,), frozenset({Stance.PLANNED}), Certainty.POSSIBLE),
        (("A", "B"), (EventChange.OPENED,), frozenset({Stance.PLANNED, Stance.HAPPENED}), Certainty.OBSERVED),
    ],
)
def test_how_sure_it_is(
    publishers: tuple[str, ...], changes: tuple[EventChange, ...], stances: frozenset[Stance], expected: Certainty
) -> None:
    assert certainty(alert(publishers=publishers, changes=changes), stances) is expected


@pytest.mark.parametrize(
    ("severity", "stances", "expected"),
    [
        (Severity.CRITICAL, HAPPENED, Urgency.IMMEDIATE),
        (Severity.WARNING, HAPPENED, Urgency.EXPECTED),
        (Severity.WATCH, HAPPENED, Urgency.FUTURE),
        (Severity.CRITICAL, frozenset({Stance.POSSIBLE}), Urgency.FUTURE),
        (Severity.CRITICAL, frozenset({Stance.PAST}), Urgency.PAST),
    ],
)
def test_how_soon_somebody_must_act(severity: Severity, stances: frozenset[Stance], expected: Urgency) -> None:
    assert urgency(alert(severity=severity), stances) is expected


@pytest.fixture(scope="session")
def cap_schema() -> etree.XMLSchema:
    """The standard's own schema, which may not be kept here: $CAP_XSD names the file."""
    path = os.environ.get("CAP_XSD")
    if not path:
        pytest.skip("$CAP_XSD does not name the schema of CAP 1.2 (docs.oasis-open.org/emergency/cap/v1.2)")
    return etree.XMLSchema(file=path)


@pytest.mark.parametrize("one", [FIRST, UPDATE, alert(event_id="e", states=(), killed=None, family=None, reports=())])
def test_messages_hold_to_the_schema_itself(cap_schema: etree.XMLSchema, one: Alert) -> None:
    text = render_cap(one, [FIRST], HAPPENED, NAMES, sender="desk@example.org", valid_for=timedelta(hours=24))
    cap_schema.assertValid(etree.fromstring(text.encode()))


ANY = st.text(alphabet=st.characters(), max_size=60)  # also what XML and HTML have no way to write
NASTY = st.one_of(
    ANY, st.sampled_from(["]]>", "<script>alert(1)</script>", "&amp;&#0;", "\u202ex\x00\ud800", "عربي <b> x"])
)


def evidence_for(one: Alert, title: str, text: str) -> Evidence:
    found = article(title=title, text=text)
    spans = [match(text, text, clue=title or "c")] if text else []
    return Evidence(
        alert_id=one.id,
        decided_at=NOW,
        grounds=Grounds(found, "0" * 64, (signal(matches=tuple(spans)),), NOW),
        known=Known((event(title=title),)),
        quoted=(),
        previous_alert_id=None,
        rules=(RuleText("rule", title, text.encode("utf-8", "replace").decode()),),
        versions=Versions("0", "0", "0", "0"),
    )


class Tags(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers |= {name for name, _ in attrs if name.startswith("on")}


KNOWN_TAGS = set(
    "html head meta title style body h1 h2 h3 bdi blockquote mark p table thead tbody tr th td section pre div ul li "
    "details summary span a br code".split()
)


@given(title=NASTY, text=NASTY)
def test_any_title_and_text_gives_well_formed_documents(title: str, text: str) -> None:
    quotes = (excerpt(text, text),) if text else ()
    one = alert(
        event_id="event-1",
        headline=title,
        rule_title=text,
        excerpts=quotes,
        reports=(report(title=title, publisher=text, url=text),),
        publishers=(text,),
        body=title,
    )
    cap(one)
    dossier = Dossier(event(title=title, reports=one.reports), (one,))
    ElementTree.fromstring(render_atom([dossier], NAMES, sender=text).encode())
    page = render_alert_page(one, evidence_for(one, title, text), NAMES)
    page.encode()
    found = Tags(page)
    assert found.tags <= KNOWN_TAGS
    assert not found.handlers


def test_the_page_says_everything_and_loads_nothing() -> None:
    text = "Yerevan invoked Article four of the Collective Security Treaty. Dozens of soldiers were killed.\n\nمرحبا."
    evidence = evidence_for(FIRST, "Yerevan asks", text)
    page = render_alert_page(FIRST, evidence, NAMES)
    for part in (FIRST.headline, "0" * 64, evidence.rules[0].hash, "Armenia (AM)", FIRST.id, "watcher verify"):
        assert part in page
    assert '<p dir="auto">' in page
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    assert "default-src 'none'" in page
    assert not re.search(r"<(script|img|link|iframe)|javascript:|url\(", page)


def test_the_page_of_an_alert_without_evidence_says_so() -> None:
    assert "was not kept" in render_alert_page(FIRST, None, NAMES)


def test_the_feed_as_a_reader_sees_it() -> None:
    dossiers = [
        Dossier(event(id="old", last_seen_at=NOW - timedelta(hours=3)), (FIRST,)),
        Dossier(event(id="new", title="Later", killed=Toll(3)), (UPDATE,)),
    ]
    feed = feedparser.parse(render_atom(dossiers, NAMES, sender="desk@example.org").encode())
    assert not feed.bozo
    assert feed.feed.id == "tag:desk@example.org,2026:events"
    assert [entry.id for entry in feed.entries] == [
        "tag:desk@example.org,2026:event/new",
        "tag:desk@example.org,2026:event/old",
    ]
    first = feed.entries[0]
    assert first.updated == "2022-09-14T16:00:00Z"
    assert first.title == UPDATE.headline
    assert first.link == "https://courier.example/1"
    assert {tag.term for tag in first.tags} == {"treaty", "AM", "AZ"}
    assert "2 independent newsrooms" in first.content[0].value
    atom = "{http://www.w3.org/2005/Atom}"
    root = ElementTree.fromstring(render_atom(dossiers, NAMES, sender="desk@example.org").encode())
    # RFC 4287: exactly one id, title and updated in the feed and in each entry.
    for element in (root, *root.iter(f"{atom}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(atom + name)) == 1, name


@pytest.fixture
def store() -> Any:
    with Store.open(None, exclusive=True) as store:
        with store.transaction():
            for number in range(4):
                one = event(id=f"event-{number}", last_seen_at=NOW + timedelta(hours=number))
                store.events.save(one)
                if number != 3:  # nobody was told of the last
                    store.events.save_alert(alert(id=f"a{number}", event_id=one.id))
        yield store


def test_files_are_replaced_only_when_they_say_something_else(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    assert publish(store, folder, NAMES, sender="desk@example.org", limit=3)
    written = json.loads((folder / "events.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in written["events"]] == ["event-2", "event-1"]
    before = (folder / "events.json").stat().st_ino
    assert not publish(store, folder, NAMES, sender="desk@example.org", limit=3)
    assert (folder / "events.json").stat().st_ino == before
    with store.transaction():
        store.events.save_alert(alert(id="later", event_id="event-2", headline="Now more"))
    assert publish(store, folder, NAMES, sender="desk@example.org", limit=3)
    assert sorted(path.name for path in folder.iterdir()) == ["events.atom", "events.json"]
    assert "Now more" in (folder / "events.atom").read_text(encoding="utf-8")


def test_the_digest_tells_whether_any_of_the_latest_events_changed(store: Store) -> None:
    digest = store.events.digest(2)
    with store.transaction():
        store.events.save(event(id="event-0", last_seen_at=NOW, title="An old one"))
    assert store.events.digest(2) == digest
    seen = {digest}
    for change in (
        lambda: store.events.save_alert(alert(id="another", event_id="event-2")),
        lambda: store.events.save(event(id="event-2", last_seen_at=NOW + timedelta(hours=2), title="Renamed")),
        lambda: store.events.save(
            event(
                id="event-2", last_seen_at=NOW + timedelta(hours=2), title="Renamed", reports=(report(title="Edited"),)
            )
        ),
    ):
        with store.transaction():
            change()
        seen.add(store.events.digest(2))
    assert len(seen) == 4


def test_an_export_has_a_line_for_each_event(store: Store) -> None:
    lines = [json.loads(line) for line in export(store, None, NAMES)]
    assert [line["id"] for line in lines] == ["event-0", "event-1", "event-2", "event-3"]
    assert lines[0] == json.loads(
        json.dumps(event_json(Dossier(event(id="event-0"), (alert(id="a0", event_id="event-0"),)), NAMES))
    )
    since = [json.loads(line)["id"] for line in export(store, NOW + timedelta(hours=2), NAMES)]
    assert since == ["event-2", "event-3"]
