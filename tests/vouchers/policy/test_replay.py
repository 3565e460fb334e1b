"""The replay and the dry run, on cases small enough to be worked out by hand."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import dry_run, replay
from vouchers.policy.replay import Cancelled, CaseOutcome, OutOfOrder, Replay, ReplayCase

D = Decimal
CITE = r.Citation("测试文件", "第一条")


def scheme_with(**changes: object) -> r.Scheme:
    """30 % of contracts or invoices; no caps, no gates, vouchers of one year."""
    base: dict[str, object] = {
        "cite": CITE,
        "program": "T",
        "label": "一",
        "title": "测试",
        "region": "110000",
        "side": t.Side.DEMAND,
        "tracks": (
            r.Track(
                cite=CITE,
                code="a",
                name="甲",
                side=t.Side.DEMAND,
                pay_to=t.PayTo.REIMBURSE_APPLICANT,
                basis_kinds=(t.BasisKind.INVOICE_LINE,),
            ),
        ),
        "rates": (r.Rate(cite=CITE, code="flat", track="a", rate=D("0.3")),),
        "price": r.PriceRule(cite=CITE),
        "other_money": r.OtherPublicMoney(cite=CITE),
        "voucher": r.VoucherKind(cite=CITE, validity_months=12),
        "issue": r.WayOfIssue(cite=CITE, shortage=t.Shortage.FIRST_COME),
        "rounding": r.Rounding(cite=CITE),
        "effective_from": date(2024, 1, 1),
    }
    return r.Scheme(**(base | changes))  # type: ignore[arg-type]


def cap(subject: t.CapSubject, amount: object, period: t.CapPeriod, **changes: object) -> r.Cap:
    return r.Cap(
        cite=CITE,
        code=subject.value,
        name=f"{subject.label}限额",
        subject=subject,
        amount=D(str(amount)),
        period=period,
        **changes,  # type: ignore[arg-type]
    )


def party(who: str = "U1", **changes: object) -> f.PartyFacts:
    return f.PartyFacts(uscc=who, name=f"企业{who}", **changes)  # type: ignore[arg-type]


def application(case_no: str, on: date, amount: object, who: str = "U1", **changes: object) -> ReplayCase:
    """An application on one contract; 30 % of it is asked for."""
    applicant = changes.pop("applicant", party(who))
    batch = str(changes.pop("batch_no", ""))
    contract = f.ContractFacts(contract_no=f"L-{case_no}", net_amount=D(str(amount)))
    facts = f.Facts(
        stage=t.Stage.APPLICATION,
        on=on,
        applicant=applicant,  # type: ignore[arg-type]
        contracts=(contract,),
        batch_no=batch,
    )
    return ReplayCase(case_no=case_no, on=on, facts=facts, **changes)  # type: ignore[arg-type]


def claim(
    case_no: str, on: date, amount: object, application_no: str, who: str = "U1", **changes: object
) -> ReplayCase:
    """A claim by one invoice."""
    item = f.BasisItemFacts(item_no="1", kind=t.BasisKind.INVOICE_LINE, net_amount=D(str(amount)))
    voucher = changes.pop("voucher", None)
    facts = f.Facts(stage=t.Stage.CLAIM, on=on, applicant=party(who), items=(item,), voucher=voucher)  # type: ignore[arg-type]
    return ReplayCase(case_no=case_no, on=on, facts=facts, application_no=application_no, **changes)  # type: ignore[arg-type]


def amounts(done: Replay) -> dict[str, Decimal]:
    return {one.case_no: one.amount for one in done.outcomes}


def of(done: Replay, case_no: str) -> CaseOutcome:
    return next(one for one in done.outcomes if one.case_no == case_no)


# ---- running sums


def test_a_cap_of_the_calendar_year_begins_again_at_the_years_turn():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 500, t.CapPeriod.CALENDAR_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 12, 30), 1000),  # 300
            application("A2", date(2024, 12, 31), 1000),  # 300, of which 200 are left
            application("A3", date(2025, 1, 1), 1000),  # a new year
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(200), "A3": D(300)}
    assert of(done, "A2").capped_by == ("enterprise",)


def test_a_rolling_year_frees_what_was_used_a_year_and_a_day_ago():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 300, t.CapPeriod.ROLLING_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 3, 1), 500),  # 150
            application("A2", date(2024, 9, 1), 500),  # 150: full
            application("A3", date(2025, 2, 28), 1000),  # A1 still counts: nothing left
            application("A4", date(2025, 3, 1), 1000),  # A1 was twelve months ago: 150 free
        ],
    )
    assert amounts(done) == {"A1": D(150), "A2": D(150), "A3": D(0), "A4": D(150)}
    assert of(done, "A3").failed == ("cap.enterprise",)


def test_a_rolling_year_counts_by_the_days_of_the_cases_though_they_are_decided_in_another_order():
    """What a later day's case looked past still counts for one of an earlier day that is decided after it."""
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 300, t.CapPeriod.ROLLING_YEAR),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 12, 10), 900),  # 270
            dataclasses.replace(application("A2", date(2025, 12, 20), 10), on=date(2026, 1, 1)),  # 3, A1 left
            dataclasses.replace(application("A3", date(2025, 12, 1), 900), on=date(2026, 1, 5)),  # A1 counts
        ],
    )
    assert amounts(done) == {"A1": D(270), "A2": D(3), "A3": D(30)}


def test_the_group_shares_its_cap_and_another_enterprise_does_not():
    scheme = scheme_with(caps=(cap(t.CapSubject.GROUP, 400, t.CapPeriod.TOTAL),))
    done = replay(
        scheme,
        [
            application("A1", date(2024, 3, 1), 1000, applicant=party("U1", group_no="G")),
            application("A2", date(2024, 3, 2), 1000, applicant=party("U2", group_no="G")),
            application("A3", date(2024, 3, 3), 1000, applicant=party("U3")),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(100), "A3": D(300)}


def test_issue_and_claim_are_counted_apart():
    pool = cap(t.CapSubject.POOL, 300, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    done = replay(
        scheme_with(caps=(pool,)),
        [application("A1", date(2024, 3, 1), 1000), claim("C1", date(2024, 4, 1), 1000, "A1")],
    )
    assert amounts(done) == {"A1": D(300), "C1": D(300)}


def test_a_pool_goes_first_come_first_served_and_the_day_it_is_spent_is_told():
    pool = cap(t.CapSubject.POOL, 700, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    done = replay(
        scheme_with(caps=(pool,)),
        [
            application("A4", date(2024, 5, 1), 1000, "U4"),
            application("A3", date(2024, 4, 2), 1000, "U3"),
            application("A2", date(2024, 4, 1), 1000, "U2"),
            application("A1", date(2024, 4, 1), 1000, "U1"),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(300), "A3": D(100), "A4": D(0)}
    (spent,) = done.pools
    assert (spent.used, spent.spent_on, spent.refused, spent.cut) == (D(700), date(2024, 4, 2), 1, 1)


def test_the_years_budget_limits_beside_the_schemes_own_pools():
    cases = [application("A1", date(2024, 4, 1), 1000), application("A2", date(2025, 4, 1), 1000)]
    done = replay(scheme_with(), cases, budgets={2024: D(250)})
    assert amounts(done) == {"A1": D(250), "A2": D(300)}
    assert [(pool.code, pool.spent_on) for pool in done.pools] == [("budget", date(2024, 4, 1))]


def test_what_was_used_before_the_first_case_counts():
    scheme = scheme_with(caps=(cap(t.CapSubject.ENTERPRISE, 500, t.CapPeriod.CALENDAR_YEAR),))
    done = replay(
        scheme, [application("A1", date(2024, 4, 1), 1000)], opening={"T:enterprise:issue:U1:2024": D(400)}
    )
    assert amounts(done) == {"A1": D(100)}


def test_claims_draw_on_what_the_replay_granted_until_it_is_used_up():
    done = replay(
        scheme_with(),
        [
            application("A1", date(2024, 3, 1), 1000),  # a voucher of 300
            claim("C1", date(2024, 4, 1), 800, "A1"),  # 240
            claim("C2", date(2024, 5, 1), 800, "A1"),  # 60 are left
            claim("C3", date(2024, 6, 1), 800, "A1"),  # nothing
        ],
    )
    assert amounts(done) == {"A1": D(300), "C1": D(240), "C2": D(60), "C3": D(0)}
    assert of(done, "C3").failed == ("voucher",)


def test_without_a_voucher_claims_draw_on_what_was_granted_and_the_budget_is_bound_by_the_grant():
    """A subsidy that is paid without a voucher is an entitlement: set apart when granted, drawn on like a voucher."""
    direct = scheme_with(voucher=r.VoucherKind(cite=CITE, issues_voucher=False))
    before = f.VoucherFacts(voucher_no="E-2023-1", face_value=D(90), balance=D(40))
    done = replay(
        direct,
        [
            application("A1", date(2024, 3, 1), 1000),  # 300
            application("A2", date(2024, 3, 2), 1000, "U2"),  # 250 are left of the budget
            claim("C1", date(2024, 4, 1), 800, "A1"),  # 240
            claim("C2", date(2024, 5, 1), 800, "A1"),  # 60 are left
            claim("C3", date(2024, 6, 1), 1000, "A2", "U2"),
            claim("C4", date(2024, 7, 1), 1000, "A-2023-1", voucher=before),  # granted before the period
        ],
        budgets={2024: D(550)},
    )
    assert amounts(done) == {"A1": D(300), "A2": D(250), "C1": D(240), "C2": D(60), "C3": D(250), "C4": D(40)}
    assert [(pool.code, pool.used) for pool in done.pools] == [("budget", D(550))]


def test_a_voucher_expires_as_the_replayed_scheme_says():
    cases = [application("A1", date(2024, 3, 1), 1000), claim("C1", date(2024, 9, 1), 100, "A1")]
    short = scheme_with(voucher=r.VoucherKind(cite=CITE, validity_months=6))
    assert amounts(replay(scheme_with(), cases))["C1"] == D(30)
    assert amounts(replay(short, cases))["C1"] == D(0)


def test_a_claim_on_a_voucher_from_before_has_what_it_was_worth_then():
    voucher = f.VoucherFacts(voucher_no="V1", face_value=D(500), balance=D(40), expires_on=date(2025, 1, 1))
    done = replay(
        scheme_with(),
        [claim(f"C{n}", date(2024, 4, n), 100, "A-2023-000001", voucher=voucher) for n in (1, 2)],
    )
    assert amounts(done) == {"C1": D(30), "C2": D(10)}


def test_bands_of_the_year_go_on_from_the_base_so_far():
    track = dataclasses.replace(
        scheme_with().tracks[0], tier_mode=t.TierMode.MARGINAL, tier_measure=t.TierMeasure.YEAR
    )
    rates = (
        r.Rate(cite=CITE, code="low", track="a", rate=D("0.1"), band_to=D(1000)),
        r.Rate(cite=CITE, code="high", track="a", rate=D("0.2"), band_from=D(1000)),
    )
    done = replay(
        scheme_with(tracks=(track,), rates=rates),
        [application("A1", date(2024, 3, 1), 800), application("A2", date(2024, 4, 1), 400)],
    )
    assert amounts(done) == {"A1": D(80), "A2": D(60)}  # 200 at 10 %, 200 at 20 %


def test_a_stream_must_come_in_order_and_can_be_cancelled():
    cases = [application("A2", date(2024, 3, 2), 1), application("A1", date(2024, 3, 1), 1)]
    with pytest.raises(OutOfOrder):
        replay(scheme_with(), iter(cases))
    with pytest.raises(Cancelled):
        replay(scheme_with(), cases, cancelled=lambda: True)


# ---- when the pool runs short


def short_of(rule: t.Shortage, pool: int) -> r.Scheme:
    one = cap(t.CapSubject.POOL, pool, t.CapPeriod.CALENDAR_YEAR, counts_at=t.CountsAt.ISSUE)
    return scheme_with(caps=(one,), issue=r.WayOfIssue(cite=CITE, shortage=rule))


def test_a_batch_shares_a_short_pool_in_proportion_when_it_closes():
    """300 and 900 are asked, 600 are left: half of each, also where the first came a month before the last."""
    done = replay(
        short_of(t.Shortage.PRO_RATA, 600),
        [
            application("A1", date(2024, 3, 1), 1000, batch_no="一"),
            claim("C1", date(2024, 3, 15), 1000, "A1"),  # waits for its voucher
            application("A2", date(2024, 4, 1), 3000, "U2", batch_no="一"),
        ],
    )
    assert amounts(done) == {"A1": D(150), "C1": D(150), "A2": D(450)}
    assert (of(done, "A1").cut_by_shortage, of(done, "A2").cut_by_shortage) == (D(150), D(450))
    (pool,) = done.pools
    assert (pool.used, pool.cut) == (D(600), 2)


def test_what_one_batch_leaves_is_there_for_the_next():
    done = replay(
        short_of(t.Shortage.PRO_RATA, 600),
        [
            application("A1", date(2024, 3, 1), 1000, batch_no="一"),
            application("A2", date(2024, 4, 1), 1000, "U2", batch_no="二"),
            application("A3", date(2024, 4, 2), 2000, "U3", batch_no="二"),
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(100), "A3": D(200)}


def test_the_highest_scores_are_served_first():
    def scored(case_no: str, score: int, who: str) -> ReplayCase:
        case = application(case_no, date(2024, 3, 1), 1000, who)
        return dataclasses.replace(
            case, facts=dataclasses.replace(case.facts, review=f.ReviewFacts(score=D(score)))
        )

    cases = [scored("A1", 70, "U1"), scored("A2", 90, "U2"), scored("A3", 80, "U3")]
    done = replay(short_of(t.Shortage.BY_SCORE, 500), cases)
    assert amounts(done) == {"A1": D(0), "A2": D(300), "A3": D(200)}
    assert of(done, "A1").failed == ("cap.pool",)


def test_where_the_text_says_stop_nobody_gets_anything_from_the_first_on_that_does_not_fit():
    done = replay(
        short_of(t.Shortage.STOP, 500),
        [
            application("A1", date(2024, 3, 1), 1000),
            application("A2", date(2024, 3, 2), 1000, "U2"),
            application("A3", date(2024, 3, 3), 100, "U3"),  # 30 would fit
        ],
    )
    assert amounts(done) == {"A1": D(300), "A2": D(0), "A3": D(0)}


def test_a_dry_run_holds_sharing_out_against_first_come():
    cases = [
        application("A1", date(2024, 3, 1), 2000),
        application("A2", date(2024, 3, 2), 2000, "U2"),
    ]
    report = dry_run(short_of(t.Shortage.PRO_RATA, 600), cases, before=short_of(t.Shortage.FIRST_COME, 600))
    (gain,), (loss,) = report.commitments.gains, report.commitments.losses
    assert (gain.case_no, gain.before, gain.after) == ("A2", D(0), D(300))
    assert (loss.case_no, loss.before, loss.after) == ("A1", D(600), D(300))
    assert any("尚余 300.00 元" in reason for reason in loss.reasons)
    (shift,) = report.commitments.shifts
    assert (shift.code, shift.gained_examples) == ("cap.pool", ("A2",))


# ---- before and after


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
