"""Several tracks of one case: what each of them takes, and what is said of an item that only one of them is for."""

from __future__ import annotations

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import D, claim, item, rate, scheme, track
from vouchers.policy import assess
from vouchers.policy import rules as r
from vouchers.policy import terms as t

DOMESTIC, FOREIGN = t.ChipOrigin.DOMESTIC, t.ChipOrigin.FOREIGN


def by_chip(choice: t.TrackChoice = t.TrackChoice.SUM, **changes: object) -> r.Scheme:
    """A track for domestic chips at 40 %, one for the others at 30 %."""
    values: dict[str, object] = {
        "track_choice": choice,
        "tracks": (track(), track("b")),
        "rates": (
            rate("0.4", "domestic", chip_origins=(DOMESTIC,)),
            rate("0.3", "foreign", track="b", chip_origins=(FOREIGN,)),
        ),
    }
    return scheme(**(values | changes))


@pytest.mark.parametrize("choice", [t.TrackChoice.SUM, t.TrackChoice.HIGHER_OF])
@pytest.mark.parametrize(("origin", "amount"), [(DOMESTIC, "400"), (FOREIGN, "300")])
def test_a_case_of_one_chip_is_flawless_although_the_other_track_is_not_for_it(
    choice: t.TrackChoice, origin: t.ChipOrigin, amount: str
):
    answer = assess(by_chip(choice), claim(item("1000", chip_origin=origin)))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(amount))
    assert [finding.code for finding in answer.findings if finding.result is not t.FindingResult.MET] == []
    assert all("之内" not in line.sentence for line in answer.lines)
    assert re_add(answer) == D(amount)


def test_an_item_whose_chip_is_unknown_counts_once_where_it_gives_least_and_is_asked_about_once():
    answer = assess(by_chip(), claim(item("1000"), item("500", "2", chip_origin=DOMESTIC)))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(500))  # 300 and 200
    assert [(one.code, one.subject) for one in answer.findings if one.code == "rate"] == [("rate", "1")]


def test_an_item_that_one_track_surely_takes_does_not_count_in_another_on_the_strength_of_what_is_unknown():
    both = by_chip(rates=(rate("0.4", "domestic", chip_origins=(DOMESTIC,)), rate("0.3", "all", track="b")))
    answer = assess(both, claim("1000"))
    assert (answer.outcome, answer.amount) == (t.Outcome.REVIEW, D(300))
    assert assess(both, claim(item("1000", chip_origin=DOMESTIC))).amount == D(700)


def test_an_item_that_no_track_is_for_is_named_once():
    training = by_chip(
        rates=(
            rate("0.4", "training", purposes=(t.Purpose.TRAINING,)),
            rate("0.3", "tuning", track="b", purposes=(t.Purpose.FINETUNING,)),
        )
    )
    answer = assess(
        training,
        claim(
            item("1000", purpose=t.Purpose.INFERENCE),
            item("100", "2", purpose=t.Purpose.TRAINING),
        ),
    )
    assert [(one.code, one.subject) for one in answer.findings if one.code == "rate"] == [("rate", "1")]
    assert answer.amount == D(40)


def test_an_item_of_another_tracks_kind_is_not_called_left_out():
    two = by_chip(
        tracks=(track(), track("b", basis_kinds=(t.BasisKind.INVESTMENT_DOCUMENT,))),
        rates=(rate("0.3"), rate("0.5", "of_b", track="b")),
    )
    answer = assess(two, claim(item("1000"), item("1000", "2", kind=t.BasisKind.INVESTMENT_DOCUMENT)))
    assert answer.amount == D(800)
    assert [line.code for line in answer.lines if line.code == "basis.exclude"] == []
    assert re_add(answer) == D(800)
