"""What stalls, and what goes on again."""

from __future__ import annotations

from datetime import timedelta

from watcher.progress import Progress


def test_what_is_not_made_in_time_stalls_until_it_is_made_again() -> None:
    now = 100.0
    progress = Progress(lambda: now)
    progress.expect("polls", timedelta(seconds=10))
    progress.expect("store", timedelta(seconds=60))
    now = 110
    assert progress.stalled() == ()
    now = 111
    assert progress.stalled() == ("polls",)
    progress.made("polls")
    assert progress.stalled() == ()
    now = 170
    assert progress.stalled() == ("polls", "store")


def test_what_nobody_expects_never_stalls() -> None:
    now = 0.0
    progress = Progress(lambda: now)
    progress.made("mail")
    now = 1e6
    assert progress.stalled() == ()
