"""Breadth of the rule model (8): filing windows that come again each year, quarter or month."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from tests.vouchers.policy.tiny import CITE, claim, scheme
from vouchers.policy import assess
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.batching import filing_window
from vouchers.policy.checks import check
from vouchers.policy.prose import describe
from vouchers.policy.rules import parse, render
from vouchers.policy.windows import last_before, nth_time, window_at

BEIJING = timezone(timedelta(hours=8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def window(opens: str, closes: str, repeats: t.Repeats, **changes: object) -> r.Window:
    values: dict[str, object] = {"cite": CITE, "code": "w", "name": "申报期", "stage": t.Stage.CLAIM}
    return r.Window(
        opens_at=at(opens),
        closes_at=at(closes),
        repeats=repeats,
        **(values | changes),  # type: ignore[arg-type]
    )


YEARLY = window("2024-03-01T09:00", "2024-04-30T18:00", t.Repeats.YEARLY)
QUARTERLY = window("2024-01-01T00:00", "2024-01-11T00:00", t.Repeats.QUARTERLY)
MONTHLY = window("2024-01-31T08:00", "2024-02-02T12:00", t.Repeats.MONTHLY)
OVER_THE_TURN = window("2023-12-20T00:00", "2024-01-11T00:00", t.Repeats.YEARLY)
ENDING = window("2024-03-01T09:00", "2024-04-30T18:00", t.Repeats.YEARLY, repeats_until=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("one", "filed", "open_"),
    [
        (YEARLY, "2024-03-01T09:00", True),
        (YEARLY, "2027-03-01T08:59", False),
        (YEARLY, "2027-03-01T09:00", True),
        (YEARLY, "2027-04-30T17:59", True),
        (YEARLY, "2027-04-30T18:00", False),
        (YEARLY, "2023-03-05T09:00", False),  # before the first one
        (QUARTERLY, "2025-07-10T23:59", True),
        (QUARTERLY, "2025-07-11T00:00", False),
        (QUARTERLY, "2025-08-05T00:00", False),
        (MONTHLY, "2025-02-28T08:00", True),  # February has no 31st
        (MONTHLY, "2025-02-28T07:59", False),
        (MONTHLY, "2025-03-02T11:59", True),
        (OVER_THE_TURN, "2026-01-05T00:00", True),
        (OVER_THE_TURN, "2025-12-19T23:59", False),
        (ENDING, "2025-04-01T00:00", True),
        (ENDING, "2026-04-01T00:00", False),
    ],
)
def test_a_window_that_repeats_is_open_at_the_same_days_and_hours_again(
    one: r.Window, filed: str, open_: bool
):
    answer = assess(scheme(windows=(one,)), claim("1000", filed_at=at(filed)))
    assert (answer.outcome is t.Outcome.ELIGIBLE) is open_


@pytest.mark.parametrize(
    ("one", "filed", "cure"),
    [
        (YEARLY, "2026-05-01T00:00", "下一申报期自 2027-03-01 09:00 开始。"),
        (YEARLY, "2020-01-01T00:00", "下一申报期自 2024-03-01 09:00 开始。"),
        (QUARTERLY, "2025-11-20T00:00", "下一申报期自 2026-01-01 00:00 开始。"),
        (ENDING, "2025-05-01T00:00", "本版本没有以后的申报期。"),
        (ENDING, "2030-05-01T00:00", "本版本没有以后的申报期。"),
    ],
)
def test_who_comes_outside_of_it_is_told_the_next_time(one: r.Window, filed: str, cure: str):
    finding = assess(scheme(windows=(one,)), claim("1000", filed_at=at(filed))).finding("window")
    assert finding is not None
    assert finding.cure == cure


def test_no_time_is_promised_after_the_version_ends():
    ending = scheme(windows=(YEARLY,), effective_to=date(2027, 1, 1))
    finding = assess(ending, claim("1000", filed_at=at("2026-05-01T00:00"))).finding("window")
    assert finding is not None
    assert finding.cure == "本版本没有以后的申报期。"


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-02-01T00:00", "2026-03-01T09:00"),
        ("2026-04-01T00:00", "2026-03-01T09:00"),
        ("2026-05-01T00:00", "2027-03-01T09:00"),
    ],
)
def test_the_portal_speaks_of_the_time_that_runs_or_comes(moment: str, opens: str):
    of = scheme(
        windows=(window("2024-03-01T09:00", "2024-04-30T18:00", t.Repeats.YEARLY, stage=t.Stage.APPLICATION),)
    )
    found = window_at(of, at(moment))
    assert found is not None
    assert found.opens_at == at(opens)


def test_after_the_last_time_the_portal_speaks_of_that():
    last = window(
        "2024-03-01T09:00",
        "2024-04-30T18:00",
        t.Repeats.YEARLY,
        stage=t.Stage.APPLICATION,
        repeats_until=date(2026, 12, 31),
    )
    found = window_at(scheme(windows=(last,)), at("2031-07-01T00:00"))
    assert found is not None
    assert (found.opens_at, found.closes_at) == (at("2026-03-01T09:00"), at("2026-04-30T18:00"))


def test_the_policy_in_prose_says_that_it_repeats():
    said = "".join(one.text for section in describe(scheme(windows=(ENDING,))) for one in section.sentences)
    assert "此后每年同期重复，最后一次在2026年3月1日以前开始" in said


def test_a_window_that_repeats_travels_as_a_plain_document_and_one_that_does_not_says_nothing_of_it():
    document = render(scheme(windows=(ENDING,)))
    assert document["windows"][0]["repeats"] == "yearly"
    assert parse(document) == scheme(windows=(ENDING,))
    once = window("2024-03-01T09:00", "2024-04-30T18:00", t.Repeats.NONE)
    assert "repeats" not in render(scheme(windows=(once,)))["windows"][0]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (window("2024-01-01T00:00", "2024-04-02T00:00", t.Repeats.QUARTERLY), "windows.w.repeats"),
        (window("2024-02-01T00:00", "2024-03-02T00:00", t.Repeats.MONTHLY), "windows.w.repeats"),
        (
            window("2024-01-01T00:00", "2024-01-02T00:00", t.Repeats.NONE, repeats_until=date(2025, 1, 1)),
            "windows.w.repeats_until",
        ),
        (
            window("2024-01-01T00:00", "2024-01-02T00:00", t.Repeats.YEARLY, repeats_until=date(2024, 1, 1)),
            "windows.w.repeats_until",
        ),
    ],
)
def test_what_cannot_repeat_so_is_a_contradiction(wrong: r.Window, path: str):
    assert path in {problem.path for problem in check(scheme(windows=(wrong,)))}


def test_one_window_of_every_quarter_is_enough_for_a_quarterly_scheme():
    quarterly = r.WayOfIssue(cite=CITE, way=t.IssueWay.QUARTERLY)
    of_applications = window(
        "2024-01-01T00:00", "2024-01-11T00:00", t.Repeats.QUARTERLY, stage=t.Stage.APPLICATION
    )
    assert check(scheme(windows=(of_applications,), issue=quarterly)) == []


def test_a_batch_gathers_what_was_filed_in_a_time_of_a_window_that_repeats():
    of_applications = window(
        "2024-01-01T00:00", "2024-01-11T00:00", t.Repeats.QUARTERLY, stage=t.Stage.APPLICATION
    )
    found = filing_window(scheme(windows=(of_applications,)), at("2025-10-05T12:00"))
    assert found is not None
    assert (found.opens_at, found.closes_at) == (at("2025-10-01T00:00"), at("2025-10-11T00:00"))
    assert filing_window(scheme(windows=(of_applications,)), at("2025-10-11T00:00")) is None
    last = last_before([of_applications], at("2025-12-31T00:00"))
    assert last is not None
    assert last.closes_at == at("2025-10-11T00:00")


OVER_A_QUARTER = window("2025-01-20T00:00", "2025-04-10T00:00", t.Repeats.QUARTERLY)
OVER_A_MONTH = window("2025-01-20T00:00", "2025-02-10T00:00", t.Repeats.MONTHLY)
OVER_A_YEAR = window("2023-11-15T00:00", "2024-02-10T00:00", t.Repeats.YEARLY)


@pytest.mark.parametrize(
    ("one", "moment", "closed"),
    [
        (OVER_A_QUARTER, "2025-07-05T00:00", "2025-04-10T00:00"),  # the second runs until 10 July
        (OVER_A_QUARTER, "2025-07-10T00:00", "2025-07-10T00:00"),
        (OVER_A_QUARTER, "2025-10-05T00:00", "2025-07-10T00:00"),
        (OVER_A_QUARTER, "2025-10-19T00:00", "2025-10-10T00:00"),
        (OVER_A_MONTH, "2025-03-05T00:00", "2025-02-10T00:00"),  # the second runs until 10 March
        (OVER_A_MONTH, "2025-03-19T23:59", "2025-03-10T00:00"),  # the day before the next opens
        (OVER_A_MONTH, "2025-04-09T23:59", "2025-03-10T00:00"),
        (OVER_A_YEAR, "2025-01-05T00:00", "2024-02-10T00:00"),
        (OVER_A_YEAR, "2025-11-14T00:00", "2025-02-10T00:00"),
    ],
)
def test_of_a_window_that_spans_the_turn_of_its_period_the_time_that_closed_last_is_found(
    one: r.Window, moment: str, closed: str
):
    last = last_before([one], at(moment))
    assert last is not None
    assert last.closes_at == at(closed)


@pytest.mark.parametrize(
    "one", [OVER_A_QUARTER, OVER_A_MONTH, OVER_A_YEAR, QUARTERLY, MONTHLY, YEARLY, ENDING]
)
def test_on_each_day_of_three_years_what_closed_last_is_the_last_of_all_times_that_are_over(one: r.Window):
    times = [
        each
        for step in range(48 if one.repeats is not t.Repeats.YEARLY else 4)
        if (each := nth_time(one, step))
    ]
    for days in range(3 * 366):
        moment = at("2024-01-01T12:00") + timedelta(days=days)
        over = [each for each in times if each.closes_at <= moment]
        assert last_before([one], moment) == (over[-1] if over else None), moment
