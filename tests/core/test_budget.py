"""What is sent, waits or is told together, minute by minute against a plain model."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from watcher.budget import Spending, Waiting, spend
from watcher.model import Budget

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
THREE = Budget(3, HOUR)
NEW, HELD = Waiting("new", False), Waiting("held", True)


@pytest.mark.parametrize(
    ("minutes_ago", "due", "expected"),
    [
        ([], [NEW], Spending()),
        ([1, 2], [NEW], Spending()),
        ([1, 2, 50], [NEW], Spending(("new",), NOW + 10 * MINUTE)),
        ([1, 2, 60], [NEW], Spending()),
        ([1, 2, 30, 40, 50], [NEW], Spending(("new",), NOW + 30 * MINUTE)),  # critical ones went over it
        ([1, 2], [HELD], Spending()),  # one alone needs no summary
        ([1, 2], [HELD, NEW], Spending(folded=("held", "new"))),
        ([], [NEW, NEW], Spending()),
        ([1, 2, 3], [], Spending((), NOW + 57 * MINUTE)),
    ],
)
def test_what_comes_of_what_is_due(minutes_ago: list[int], due: list[Waiting], expected: Spending) -> None:
    assert spend(THREE, [NOW - minutes * MINUTE for minutes in minutes_ago], due, NOW) == expected


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=60),
)
def test_never_more_than_the_budget_in_any_hour_and_everything_is_told(
    count: int, alerts: list[tuple[int, bool]]
) -> None:
    """``alerts``: the minute in which each is decided, and whether it is critical."""
    budget = Budget(count, HOUR)
    sent: list[tuple[datetime, bool]] = []
    told: list[int] = []
    waiting: dict[int, tuple[datetime, bool]] = {}  # due when, held before
    for minute in range(200 + 300):
        now = NOW + minute * MINUTE
        for number, (at, is_critical) in enumerate(alerts):
            if at == minute and is_critical:
                sent.append((now, True))
                told.append(number)
            elif at == minute:
                waiting[number] = (now, False)
        while due := sorted(number for number, (at, _) in waiting.items() if at <= now):
            spending = spend(budget, [at for at, _ in sent], [Waiting(str(one), waiting[one][1]) for one in due], now)
            if spending.until_at is not None:
                assert spending.until_at > now
                waiting |= {int(one): (spending.until_at, True) for one in spending.held}
                continue
            told_now = [int(one) for one in spending.folded] or due[:1]
            for one in told_now:
                del waiting[one]
            told += told_now
            sent.append((now, False))
    assert sorted(told) == list(range(len(alerts)))
    for index, (at, is_critical) in enumerate(sent):
        assert is_critical or sum(other > at - HOUR for other, _ in sent[: index + 1]) <= count
