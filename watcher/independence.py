"""Who independently says so: reports folded into voices, and which of these confirm an event. Pure.

The only home of that decision: confirmation, `publishers_doubled`, `count: publishers` and what alerts say of their
sources all rest on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from watcher.model import Report, Standing, Voice
from watcher.understand.wires import Agency, find_agency

_STATE, _PARTY = "state", "party"  # values of `affiliation` that mean something here; every other is a newsroom


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Whose words they are."""

    kind: str  # newsroom, state or party
    key: str  # of a state its code; else the name in one case
    name: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """Reports with the voice that each speaks with, and all voices, those that confirm first."""

    reports: tuple[Report, ...]
    voices: tuple[Voice, ...]

    @property
    def confirming(self) -> int:
        """How many independent voices say so."""
        return sum(voice.confirms for voice in self.voices)


Key: TypeAlias = tuple[datetime, str, str]


def order_of(report: Report) -> Key:
    """By date, and the same in every run where dates are equal."""
    return report.published_at or report.first_seen_at, report.article_id, report.source_id


def fold_copies(reports: Iterable[Report]) -> tuple[Report, ...]:
    """The reports by date, each that repeats another's text marked as a copy of the earliest with that text.

    Texts that one report says to repeat tie it to the others in either direction, so that the order of arrival makes no
    difference.
    """
    ordered = sorted(reports, key=order_of)
    first: dict[str, str] = {}  # to another of its group, up to one for all

    def group(article_id: str) -> str:
        while article_id in first:
            article_id = first[article_id]
        return article_id

    known = {report.article_id for report in ordered}
    for report in ordered:
        copied = [report.copy_of] if report.copy_of and not report.same_text else []
        for other in (*report.same_text, *copied):
            if other in known and group(other) != group(report.article_id):
                first[group(report.article_id)] = group(other)
    original: dict[str, str] = {}
    folded = []
    for report in ordered:
        key = group(report.article_id)
        copy_of = original.get(key)
        folded.append(report if report.copy_of == copy_of else replace(report, copy_of=copy_of))
        original.setdefault(key, report.article_id)
    return tuple(folded)


def weigh(reports: Iterable[Report], parties: Collection[str]) -> Weighed:
    """The voices in which the reports speak, whatever the order that they are given in.

    One newsroom family is one voice. So are the media of one state; those of a party, or of a state that nobody named,
    confirm nothing, nor do those of any state where the parties are not known. A copy speaks with the voice of its
    original, a report that rests on an agency with the agency's; one of a state's agency is that state's voice. Where
    media of a state are among those that share a text, it is theirs unless an agency is credited that is not.
    """
    folded = fold_copies(reports)
    groups: dict[str, list[Report]] = {}
    for report in folded:
        groups.setdefault(report.copy_of or report.article_id, []).append(report)
    speakers: dict[Key, _Speaker] = {}
    for group in groups.values():
        shared = _speaker_of_text(group, parties)
        for report in group:
            own = _speaker(report)
            speakers[order_of(report)] = shared if own.kind == "newsroom" else own
    by_speaker: dict[tuple[str, str], list[Report]] = {}
    for report in folded:
        speaker = speakers[order_of(report)]
        by_speaker.setdefault((speaker.kind, speaker.key), []).append(report)
    counted = _counted(folded, speakers, parties)
    voices: dict[tuple[str, str], Voice] = {}
    for key, spoken in by_speaker.items():
        speaker = speakers[order_of(spoken[0])]
        standing = _standing(speaker, parties)
        outlets = tuple(dict.fromkeys(report.publisher for report in spoken))
        voices[key] = Voice(
            name=speaker.name if standing is Standing.NEWSROOM else ", ".join(_own(spoken) or outlets),
            standing=standing,
            state=speaker.key if speaker.kind == _STATE else "",
            outlets=outlets,
            copies=sum(_only_repeats(report, speaker) for report in spoken),
            confirms=key in counted,
        )
    reports_with_voice = tuple(_with_voice(report, voices[_key(speakers[order_of(report)])]) for report in folded)
    return Weighed(reports_with_voice, tuple(sorted(voices.values(), key=lambda voice: not voice.confirms)))


def _with_voice(report: Report, voice: Voice) -> Report:
    """The report as it is where nothing changes: most of a large event stays what it was."""
    if (report.standing, report.voice) == (voice.standing, voice.name):
        return report
    return replace(report, standing=voice.standing, voice=voice.name)


def _key(speaker: _Speaker) -> tuple[str, str]:
    return speaker.kind, speaker.key


def _own(reports: Sequence[Report]) -> tuple[str, ...]:
    """The publishers among them that are media of a state or a party themselves."""
    return tuple(dict.fromkeys(report.publisher for report in reports if _speaker(report).kind != "newsroom"))


def _speaker(report: Report) -> _Speaker:
    """Whose words the report's would be if they were its own."""
    agency = find_agency(report.publisher)
    affiliation = report.affiliation.casefold()
    if affiliation == _PARTY:
        return _Speaker(_PARTY, report.publisher.casefold(), report.publisher)
    if affiliation == _STATE:
        return _Speaker(_STATE, report.state or (agency.state if agency else ""), report.publisher)
    if agency is not None and (not agency.state or affiliation in ("", "unknown")):
        return _agency_speaker(agency)
    return _Speaker("newsroom", report.publisher.casefold(), report.publisher)


def _agency_speaker(agency: Agency) -> _Speaker:
    if agency.state:
        return _Speaker(_STATE, agency.state, agency.name)
    return _Speaker("newsroom", agency.name.casefold(), agency.name)


def _speaker_of_text(group: Sequence[Report], parties: Collection[str]) -> _Speaker:
    """Whose words a text is that these reports share; they are by date."""
    own = [_speaker(report) for report in group]
    credited = [
        _agency_speaker(agency)
        for report, speaker in zip(group, own, strict=True)
        if speaker.kind == "newsroom" and report.origin and (agency := find_agency(report.origin)) is not None
    ]
    agencies = [one for one in own if one.kind == "newsroom" and find_agency(one.name) is not None]
    independent = sorted({one.name: one for one in (*agencies, *credited) if one.kind == "newsroom"}.items())
    if independent:
        return independent[0][1]
    official = [one for one in (*own, *credited) if one.kind != "newsroom"]
    if official:
        return min(official, key=lambda one: (one.kind != _PARTY, one.key not in parties, one.kind, one.key, one.name))
    return own[0]


def _standing(speaker: _Speaker, parties: Collection[str]) -> Standing:
    if speaker.kind == _PARTY:
        return Standing.PARTY
    if speaker.kind != _STATE:
        return Standing.NEWSROOM
    if not speaker.key:
        return Standing.UNCLEAR
    return Standing.PARTY if speaker.key in parties or not parties else Standing.STATE


def _counted(
    reports: Sequence[Report], speakers: Mapping[Key, _Speaker], parties: Collection[str]
) -> Collection[tuple[str, str]]:
    """The speakers that confirm; of an event of steps those of the step that the fewest report.

    Who reports one step confirms no other.
    """

    def confirming(chosen: Iterable[Report]) -> dict[tuple[str, str], None]:
        heard = (speakers[order_of(report)] for report in chosen)
        return {(one.kind, one.key): None for one in heard if _standing(one, parties) in _CONFIRMING}

    steps = dict.fromkeys(report.step for report in reports if report.copy_of is None)
    if len(steps) < 2 or None in steps:
        return confirming(reports)
    return min((confirming(one for one in reports if one.step == step) for step in steps), key=len)


_CONFIRMING = frozenset({Standing.NEWSROOM, Standing.STATE})


def _only_repeats(report: Report, speaker: _Speaker) -> bool:
    if report.copy_of is not None:
        return True
    own = _speaker(report)
    return (own.kind, own.key) != (speaker.kind, speaker.key)
