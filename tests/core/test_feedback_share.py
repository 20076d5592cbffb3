"""How sure a share of few verdicts is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.cli.feedback import Share, wilson_share


@pytest.mark.parametrize(
    ("yes", "number", "expected"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
        # 857-872, table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_as_published(yes: int, number: int, expected: tuple[float, float]) -> None:
    share = wilson_share(yes, number)
    assert share is not None
    assert (round(share.low, 4), round(share.high, 4)) == expected


def test_nothing_was_judged() -> None:
    assert wilson_share(0, 0) is None


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_always_a_share(yes: int, more: int) -> None:
    share = wilson_share(yes, yes + more)
    assert isinstance(share, Share)
    assert 0 <= share.low <= share.part <= share.high <= 1
    again = wilson_share(yes * 4, (yes + more) * 4)
    assert again is not None
    assert again.high - again.low < share.high - share.low  # more verdicts, surer
