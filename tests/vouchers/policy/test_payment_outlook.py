"""What caps at payment would hold back: the replay says it in figures, and takes nothing from what is granted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tests.vouchers.policy.replayed import application, cap, claim, scheme_with
from vouchers.policy import terms as t
from vouchers.policy.dry_run import dry_run
from vouchers.policy.payment_outlook import PaymentOutlook
from vouchers.policy.replay import ReplayCase
from vouchers.policy.rules import Scheme
from vouchers.policy.year_trial import try_year

D = Decimal
YEAR = t.CapPeriod.CALENDAR_YEAR


def capped(limit: int, subject: t.CapSubject = t.CapSubject.ENTERPRISE, **how: object) -> Scheme:
    values: dict[str, object] = {"counts_at": t.CountsAt.PAYMENT} | how
    period = values.pop("period", YEAR)
    return scheme_with(caps=(cap(subject, limit, period, **values),))  # type: ignore[arg-type]


def year_of(*claims: tuple[str, int, int]) -> list[ReplayCase]:
    """Claims (who, month, net amount of the invoice) on vouchers with plenty; 30 % are granted."""
    cases = []
    for n, (who, month, net) in enumerate(claims):
        cases.append(application(f"A-{n}", date(2025, 1, 5), 10_000_000, who=who))
        cases.append(claim(f"C-{n}", date(2025, month, 10), net, f"A-{n}", who=who))
    return cases


def outlook(scheme: Scheme, cases: list[ReplayCase], **more: object) -> PaymentOutlook:
    found = dry_run(scheme, cases, **more).payment_after  # type: ignore[arg-type]
    assert found is not None
    return found


CASES = year_of(("U1", 3, 1_000_000), ("U1", 5, 1_000_000), ("U1", 7, 500_000), ("U2", 8, 1_000_000))


def test_what_finds_no_room_in_its_year_is_counted_whole_and_what_comes_later_and_fits_is_paid():
    found = outlook(capped(450_000), CASES)
    # U1: 300,000 fit, 300,000 do not, 150,000 do; U2 has a year of its own.
    assert (found.cases, found.asked, found.paid) == (4, D(1_050_000), D(750_000))
    assert (found.waiting_cases, found.waiting, found.never_cases) == (1, D(300_000), 0)
    (use,) = found.caps
    assert (use.period, use.subjects, use.limit, use.asked) == ("2025", 2, D(450_000), D(1_050_000))
    assert (use.paid, use.waiting_cases, use.waiting) == (D(750_000), 1, D(300_000))


def test_nothing_is_taken_from_what_is_granted_for_it():
    with_it, without = dry_run(capped(1), CASES), dry_run(scheme_with(), CASES)
    assert with_it.payments.total == without.payments.total
    assert without.payment_after is None


def test_a_claim_above_the_cap_by_itself_is_told_apart_it_can_be_paid_in_no_year():
    found = outlook(capped(200_000), CASES)
    assert (found.never_cases, found.never) == (3, D(900_000))
    assert (found.paid, found.waiting_cases) == (D(150_000), 0)


def test_each_year_has_its_own_room_and_a_term_counts_all_of_them():
    cases = [
        *year_of(("U1", 12, 1_000_000)),
        claim("C-next", date(2026, 1, 10), 1_000_000, "A-0"),
    ]
    cases[0] = application("A-0", date(2025, 6, 5), 10_000_000)
    assert outlook(capped(300_000), cases).paid == D(600_000)
    assert [use.period for use in outlook(capped(300_000), cases).caps] == ["2025", "2026"]
    assert outlook(capped(300_000, period=t.CapPeriod.TOTAL), cases).paid == D(300_000)
    # December and January lie within twelve months.
    assert outlook(capped(300_000, period=t.CapPeriod.ROLLING_YEAR), cases).paid == D(300_000)


def test_a_pool_counts_all_of_them():
    found = outlook(capped(700_000, t.CapSubject.POOL), CASES)
    # 300,000 and 300,000 fit; then neither 150,000 nor 300,000 does.
    assert (found.paid, found.waiting_cases, found.caps[0].subjects) == (D(600_000), 2, 1)


def test_both_versions_are_told_and_the_answer_is_the_same_by_two_workers():
    report = dry_run(capped(450_000), CASES, before=capped(900_000))
    assert report.payment_before is not None and report.payment_before.paid == D(1_050_000)
    assert report.payment_after is not None and report.payment_after.paid == D(750_000)
    assert report.as_json()["payment_after"]["caps"][0]["waiting"] == "300000.00"
    assert dry_run(capped(450_000), CASES, before=capped(900_000), processes=2) == report


def test_a_tried_year_says_it_too():
    year = try_year(capped(450_000), CASES)
    assert year.payment == outlook(capped(450_000), CASES)
    assert try_year(scheme_with(), CASES).payment is None


def test_a_cap_that_is_switched_off_says_nothing():
    scheme = capped(1)
    assert (
        dry_run(replace(scheme, caps=(replace(scheme.caps[0], switched_on=False),)), CASES).payment_after
        is None
    )


def in_group(cases: list[ReplayCase], group_no: str, *members: str) -> list[ReplayCase]:
    """The same cases, these companies of one group."""
    return [
        replace(one, facts=replace(one.facts, applicant=replace(one.facts.applicant, group_no=group_no)))
        if one.facts.applicant.uscc in members
        else one
        for one in cases
    ]


def test_a_group_is_counted_together_and_a_company_without_one_by_itself():
    cases = year_of(("U1", 3, 1_000_000), ("U2", 5, 1_000_000), ("U3", 7, 1_000_000))
    found = outlook(capped(450_000, t.CapSubject.GROUP), in_group(cases, "U1", "U1", "U2"))
    # U1 has 300,000 of the 450,000; the 300,000 of U2 do not fit beside them, those of U3 do.
    assert (found.paid, found.waiting_cases, found.waiting) == (D(600_000), 1, D(300_000))
    assert found.caps[0].subjects == 2
    apart = outlook(capped(450_000, t.CapSubject.GROUP), cases)
    assert (apart.paid, apart.waiting_cases, apart.caps[0].subjects) == (D(900_000), 0, 3)


def test_a_cap_of_an_enterprise_does_not_count_its_group():
    cases = in_group(year_of(("U1", 3, 1_000_000), ("U2", 5, 1_000_000)), "U1", "U1", "U2")
    assert outlook(capped(450_000), cases).paid == D(600_000)


def test_a_project_is_counted_by_its_number():
    assert outlook(capped(450_000, t.CapSubject.PROJECT), CASES).cases == 4
