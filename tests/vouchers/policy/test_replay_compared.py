"""Two replays beside each other: what a draft costs month by month, who gains and who loses, and by which condition."""

from __future__ import annotations

from datetime import date

from tests.vouchers.policy.replayed import CITE, D, application, cap, claim, party, scheme_with
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import dry_run


def test_a_dry_run_says_what_a_draft_costs_month_by_month_and_who_wins_and_loses():
    cases = [
        application("A1", date(2024, 1, 10), 1000, applicant=party("U1", size="small", region_code="110108")),
        application(
            "A2", date(2024, 3, 10), 10000, applicant=party("U2", size="large", region_code="440300")
        ),
        claim("C1", date(2024, 4, 1), 500, "A1"),
    ]
    draft = scheme_with(
        rates=(r.Rate(cite=CITE, code="flat", track="a", rate=D("0.4")),),
        caps=(cap(t.CapSubject.ENTERPRISE, 2500, t.CapPeriod.CALENDAR_YEAR),),
    )
    report = dry_run(draft, cases, before=scheme_with())
    total = report.commitments.total
    assert (total.before, total.after, total.difference) == (D(3300), D(2900), D(-400))
    assert (total.winners, total.won, total.losers, total.lost) == (1, D(100), 1, D(500))
    assert [(one.value, one.difference) for one in report.commitments.months] == [
        ("2024-01", D(100)),
        ("2024-02", D(0)),
        ("2024-03", D(-500)),
    ]
    sizes = next(one for one in report.commitments.breakdowns if one.by == "size")
    assert {one.value: one.difference for one in sizes.groups} == {"small": D(100), "large": D(-500)}
    provinces = next(one for one in report.commitments.breakdowns if one.by == "province")
    assert [one.value for one in provinces.groups] == ["110000", "440000"]
    (gain,), (loss,) = report.commitments.gains, report.commitments.losses
    assert (gain.case_no, gain.difference) == ("A1", D(100))
    assert (loss.case_no, loss.before, loss.after) == ("A2", D(3000), D(2500))
    assert any("核减为 2,500.00 元" in reason for reason in loss.reasons)
    assert (report.payments.total.before, report.payments.total.after) == (D(150), D(200))


def test_gaining_and_losing_eligibility_is_told_by_condition():
    def gate(*regions: str) -> r.Gate:
        return r.Gate(
            cite=CITE, code="place", kind=t.GateKind.REGISTERED_IN, text="在本市注册", regions=regions
        )

    cases = [
        application("A1", date(2024, 3, 1), 1000, applicant=party("U1", region_code="110108")),
        application("A2", date(2024, 3, 2), 1000, applicant=party("U2", region_code="440300")),
        application("A3", date(2024, 3, 3), 1000, applicant=party("U3")),
    ]
    report = dry_run(scheme_with(gates=(gate("44"),)), cases, before=scheme_with(gates=(gate("11"),)))
    flow = report.commitments
    assert (flow.gained_eligibility, flow.lost_eligibility) == (1, 1)
    (shift,) = flow.shifts
    assert (shift.code, shift.text) == ("place", "在本市注册")
    assert (shift.gained_examples, shift.lost_examples) == (("A2",), ("A1",))
    (open_,) = flow.untestable
    assert (open_.code, open_.before, open_.after) == ("place", 1, 1)


def test_without_a_version_before_the_comparison_is_with_what_was_granted_in_fact():
    cases = [
        application("A1", date(2024, 3, 1), 1000, granted=D(250)),
        application("A2", date(2024, 3, 2), 1000, "U2"),  # not decided yet
    ]
    report = dry_run(scheme_with(), cases)
    flow = report.commitments
    assert (flow.total.cases, flow.total.before, flow.total.after) == (1, D(250), D(300))
    assert (flow.undecided, flow.undecided_after) == (1, D(300))
    assert report.before_sha256 == ""


def test_the_report_has_a_plain_form_with_every_field():
    plain = dry_run(scheme_with(), [application("A1", date(2024, 3, 1), 1000, granted=D(0))]).as_json()
    assert plain["commitments"]["total"]["after"] == "300.00"
    assert plain["first_on"] == "2024-03-01"
