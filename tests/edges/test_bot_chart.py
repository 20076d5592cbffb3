"""The picture of an event's reports: any voices, any names, any dates; and its form in text."""

from __future__ import annotations

import struct
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, event, report
from watcher.bot.chart import Lane, can_draw, draw_chart, lanes_of, text_chart
from watcher.model import Standing, Voice


def voice(name: str, *, confirms: bool) -> Voice:
    return Voice(name, Standing.NEWSROOM, "", (name,), 0, confirms)


def test_a_row_for_each_voice_in_order_of_time() -> None:
    happening = event(
        reports=(
            report(article_id="1", voice="Wire", published_at=NOW),
            report(article_id="2", voice="Courier", published_at=NOW - timedelta(hours=1)),
            report(article_id="3", voice="Wire", published_at=NOW + timedelta(hours=1), copy_of="1"),
        ),
        voices=(voice("Wire", confirms=True), voice("Courier", confirms=False)),
    )
    lanes = lanes_of(happening)
    assert lanes == (
        Lane("Courier", False, (NOW - timedelta(hours=1),), ()),
        Lane("Wire", True, (NOW,), (NOW + timedelta(hours=1),)),
    )
    assert text_chart(lanes) == ("09-14 14:00 ◆ Courier", "09-14 15:00 ●○ Wire")


def test_more_voices_than_can_be_read_are_one_row() -> None:
    reports = tuple(report(article_id=str(n), voice=f"V{n:02}", published_at=NOW + timedelta(n)) for n in range(30))
    lanes = lanes_of(event(reports=reports, voices=()))
    assert [lane.name for lane in lanes] == [*(f"V{n:02}" for n in range(8)), "+22"]
    assert sum(len(lane.own_at) for lane in lanes) == 30
    assert text_chart([Lane("A", True, (NOW,) * 40, ())]) == ("09-14 15:00 ●●●●●●●●●●●… A",)


@pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")
@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=60), st.booleans(), st.lists(st.timedeltas(timedelta(0), timedelta(60)), min_size=1)
        ),
        min_size=1,
        max_size=9,
    )
)
def test_any_event_is_drawn_for_a_telephone(voices: list[tuple[str, bool, list[timedelta]]]) -> None:
    lanes = [Lane(name, confirms, tuple(NOW + one for one in dates), ()) for name, confirms, dates in voices]
    picture, _ = draw_chart(lanes)
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1080, 810)
    assert len(picture) < 500_000
    assert draw_chart(lanes)[0] == picture


@pytest.mark.skipif(not can_draw(), reason="matplotlib is not installed")
def test_names_that_cannot_be_drawn_are_numbered() -> None:
    names = ["OC Media", "رادیو فردا", "Азатутюн", "新华社", "Հետք", "$x^2$ \\frac{"]
    lanes = [Lane(name, True, (NOW,), ()) for name in names]
    assert draw_chart(lanes)[1] == ("رادیو فردا", "新华社")
