"""Breadth of the rule model (5): ways of issue, windows, vouchers, versions in time, and what the checks find contradictory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tests.vouchers.policy.tiny import (
    CITE,
    application,
    cap,
    claim,
    contract,
    floor,
    gate,
    rate,
    scheme,
    track,
)
from vouchers.policy import assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.canonical import canonical_bytes
from vouchers.policy.checks import check

D = Decimal
BEIJING = timezone(timedelta(hours=8))


def window(code: str, opens: datetime, closes: datetime, stage: t.Stage = t.Stage.APPLICATION) -> r.Window:
    return r.Window(cite=CITE, code=code, name=code, opens_at=opens, closes_at=closes, stage=stage)


def months(*starts: int) -> tuple[r.Window, ...]:
    return tuple(
        window(
            f"w{start}",
            datetime(2025, start, 1, 9, tzinfo=BEIJING),
            datetime(2025, start, 20, 17, tzinfo=BEIJING),
        )
        for start in starts
    )


def issued(way: t.IssueWay, **changes: Any) -> r.Scheme:
    values: dict[str, Any] = {
        "issue": r.WayOfIssue(cite=CITE, way=way),
        "voucher": r.VoucherKind(cite=CITE),
    }
    return scheme(**(values | changes))


def paths(checked: r.Scheme) -> list[str]:
    return [problem.path for problem in check(checked)]


STEP = r.ReviewStep(cite=CITE, code="review", name="评审", role="expert", sets_rate=True)
AGREEMENT = r.Paper(cite=CITE, code="agreement", name="目标责任书")
PAPER = r.Paper(cite=CITE, code="form", name="申报表")
REVIEWED = (rate("0.3", kind=t.RateKind.REVIEWER_SET),)
EXPERTS = gate(t.GateKind.EXPERT_REVIEW)

SOUND: list[tuple[str, dict[str, Any]]] = [
    ("apply", {}),
    ("instant", {}),
    ("review", {"review_steps": (STEP,)}),
    ("review", {"gates": (EXPERTS,)}),
    ("assessment", {"rates": REVIEWED, "review_steps": (STEP,)}),
    ("batch", {"windows": months(3, 9)}),
    ("yearly_window", {"windows": months(3)}),
    ("quarterly", {"windows": months(1, 4, 7, 10)}),
    ("without_application", {}),
    ("from_contract", {}),
    ("target_agreement", {"rates": (rate("0.3", completion_from=D("0.8")),), "papers": (AGREEMENT,)}),
]


def test_every_way_of_issue_is_tried():
    assert {way for way, _ in SOUND} == {way.value for way in t.IssueWay}


@pytest.mark.parametrize(("way", "changes"), SOUND)
def test_a_way_of_issue_with_what_it_needs_is_sound_and_assesses(way: str, changes: dict[str, Any]):
    sound = issued(t.IssueWay(way), **changes)
    assert check(sound) == []
    facts = application(
        contract(net_amount=D(1000)),
        filed_at=datetime(2025, 3, 3, 10, tzinfo=BEIJING),
        completion=D(1),
        review=f.ReviewFacts(rates={"a": D("0.3")}, passed=True),
    )
    if way == "quarterly":
        facts = replace(facts, filed_at=datetime(2025, 4, 1, 9, tzinfo=BEIJING))
    answer = assess(sound, facts)
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(300))


CONTRADICTIONS: list[tuple[str, r.Scheme, str]] = [
    (
        "instant, but reviewers set the rate",
        issued(t.IssueWay.INSTANT, rates=REVIEWED, review_steps=(STEP,)),
        "rates.flat.kind",
    ),
    ("instant, but experts decide", issued(t.IssueWay.INSTANT, gates=(EXPERTS,)), "gates.gate.kind"),
    (
        "instant, but after public notice",
        issued(
            t.IssueWay.INSTANT, issue=r.WayOfIssue(cite=CITE, way=t.IssueWay.INSTANT, notice_working_days=5)
        ),
        "issue.notice_working_days",
    ),
    (
        "instant, but pro rata in a batch",
        issued(
            t.IssueWay.INSTANT,
            issue=r.WayOfIssue(cite=CITE, way=t.IssueWay.INSTANT, shortage=t.Shortage.PRO_RATA),
        ),
        "issue.shortage",
    ),
    (
        "instant, but by score",
        issued(
            t.IssueWay.INSTANT,
            issue=r.WayOfIssue(cite=CITE, way=t.IssueWay.INSTANT, shortage=t.Shortage.BY_SCORE),
        ),
        "issue.shortage",
    ),
    (
        "instant, but with a cap of the batch",
        issued(
            t.IssueWay.INSTANT,
            caps=(
                r.Cap(
                    cite=CITE,
                    code="batch",
                    name="单批限额",
                    subject=t.CapSubject.BATCH,
                    amount=D(100),
                    period=t.CapPeriod.NONE,
                ),
            ),
        ),
        "caps.batch.subject",
    ),
    (
        "instant, but no voucher",
        issued(t.IssueWay.INSTANT, voucher=r.VoucherKind(cite=CITE, issues_voucher=False)),
        "issue.way",
    ),
    ("a yearly window without a window", issued(t.IssueWay.YEARLY_WINDOW), "windows"),
    ("quarterly with one window", issued(t.IssueWay.QUARTERLY, windows=months(1)), "windows"),
    (
        "without application, but papers",
        issued(t.IssueWay.WITHOUT_APPLICATION, papers=(PAPER,)),
        "papers.form.required",
    ),
    (
        "without application, but a window",
        issued(t.IssueWay.WITHOUT_APPLICATION, windows=months(3)),
        "windows.w3.stage",
    ),
    ("review by nobody", issued(t.IssueWay.REVIEW), "issue.way"),
    ("assessment of nothing", issued(t.IssueWay.ASSESSMENT), "issue.way"),
    (
        "from a contract, but no voucher",
        issued(t.IssueWay.FROM_CONTRACT, voucher=r.VoucherKind(cite=CITE, issues_voucher=False)),
        "issue.way",
    ),
    (
        "a target that nothing measures",
        issued(t.IssueWay.TARGET_AGREEMENT, papers=(AGREEMENT,)),
        "issue.way",
    ),
    (
        "a target agreement that nobody files",
        issued(t.IssueWay.TARGET_AGREEMENT, rates=(rate("0.3", completion_from=D("0.8")),)),
        "papers",
    ),
    (
        "by score, but nobody scores",
        scheme(issue=r.WayOfIssue(cite=CITE, shortage=t.Shortage.BY_SCORE)),
        "issue.shortage",
    ),
    (
        "pro rata of a pool that cannot run short",
        scheme(issue=r.WayOfIssue(cite=CITE, shortage=t.Shortage.PRO_RATA)),
        "issue.shortage",
    ),
    (
        "whole vouchers of many uses",
        issued(t.IssueWay.APPLY, voucher=r.VoucherKind(cite=CITE, divisible=False)),
        "voucher.many_uses",
    ),
    (
        "vouchers that expire before the scheme begins",
        issued(t.IssueWay.APPLY, voucher=r.VoucherKind(cite=CITE, valid_to=date(2024, 1, 1))),
        "voucher.valid_to",
    ),
    (
        "a direct subsidy with a voucher",
        issued(t.IssueWay.APPLY, tracks=(track(pay_to=t.PayTo.DIRECT_SUBSIDY),)),
        "voucher.issues_voucher",
    ),
    (
        "an offset without a voucher",
        scheme(tracks=(track(pay_to=t.PayTo.OFFSET_AT_PROVIDER),)),
        "tracks.a.pay_to",
    ),
    (
        "a yearly cap of a single use",
        scheme(caps=(cap("1", t.CapSubject.USE, period=t.CapPeriod.CALENDAR_YEAR),)),
        "caps.cap.period",
    ),
    ("a share of the contracts for a year", scheme(caps=(cap(None, share=D("0.5")),)), "caps.cap.share"),
    (
        "a year that begins on a leap day",
        scheme(caps=(cap("1", year_starts="02-29"),)),
        "caps.cap.year_starts",
    ),
    (
        "a cap by the name of the public share",
        scheme(caps=(cap("1", code="other_money"),)),
        "caps.other_money.code",
    ),
    (
        "a class held and waived at once",
        scheme(
            classes=(r.ApplicantClass(cite=CITE, code="c", name="某类"),),
            caps=(cap("1", classes=("c",), waived_for=("c",)),),
        ),
        "caps.cap.waived_for",
    ),
    (
        "two treasuries that take the rest",
        scheme(
            treasury_shares=tuple(
                r.TreasuryShare(cite=CITE, code=code, treasury=code, share=D("0.5"), takes_rest=True)
                for code in ("a", "b")
            )
        ),
        "treasury_shares.b.takes_rest",
    ),
    (
        "treasuries that bear more than all",
        scheme(treasury_shares=(r.TreasuryShare(cite=CITE, code="a", treasury="a", share=D("1.1")),)),
        "treasury_shares",
    ),
    (
        "a share that no mode uses",
        scheme(other_money=r.OtherPublicMoney(cite=CITE, share=D("0.5"))),
        "other_money.share",
    ),
    (
        "a level that is none",
        scheme(
            other_money=r.OtherPublicMoney(cite=CITE, mode=t.OtherMoneyMode.NONE_SAME_LEVEL, level="村级")
        ),
        "other_money.level",
    ),
    (
        "a completion above all",
        scheme(rates=(rate("0.3", completion_from=D(2)),)),
        "rates.flat.completion_from",
    ),
    ("bands without a border", scheme(tracks=(track(tier_mode=t.TierMode.WHOLE),)), "tracks.a.tier_mode"),
    (
        "a rate for all beside its bands",
        scheme(
            tracks=(track(tier_mode=t.TierMode.MARGINAL),),
            rates=(rate("0.1", "band", band_to=D(100)), rate("0.2", "all")),
        ),
        "rates.all.band_from",
    ),
    (
        "one base for the ladders of a track that has one",
        scheme(
            tracks=(
                track(
                    tier_mode=t.TierMode.MARGINAL,
                    tier_measure=t.TierMeasure.YEAR,
                    tier_base=t.TierBase.TRACK,
                ),
            ),
            rates=(rate("0.1", "one", band_to=D(1)), rate("0.2", "other", band_from=D(1))),
        ),
        "tracks.a.tier_base",
    ),
    (
        "a score table that no reviewer uses",
        scheme(score_rates=(r.ScoreRate(cite=CITE, code="s", track="a", score_from=D(60), rate=D("0.1")),)),
        "score_rates.s.track",
    ),
    ("a percentage of a scale", scheme(tracks=(track(scale_unit=t.ScaleUnit.PFLOPS),)), "rates.flat.rate"),
    ("yuan a unit of money", scheme(rates=(rate(None, unit_amount=D(1)),)), "rates.flat.unit_amount"),
    (
        "a precision of money",
        scheme(tracks=(track(scale_precision=t.Precision.FP16),)),
        "tracks.a.scale_unit",
    ),
    ("a least scale of money", scheme(floors=(floor("1", t.FloorMeasure.SCALE),)), "floors.floor.measure"),
    (
        "a least base of a scale",
        scheme(
            tracks=(track(scale_unit=t.ScaleUnit.PFLOPS),),
            rates=(rate(None, unit_amount=D(1)),),
            floors=(floor("1"),),
        ),
        "floors.floor.measure",
    ),
    (
        "a provider's scale without a number",
        scheme(gates=(gate(t.GateKind.PROVIDER_SCALE),)),
        "gates.gate.scale_from",
    ),
    (
        "batches of no admission",
        scheme(gates=(gate(t.GateKind.NON_AFFILIATED, batches=("一",)),)),
        "gates.gate.batches",
    ),
    ("a text that reaches forward", scheme(retroactive_from=date(2024, 1, 1)), "retroactive_from"),
]


@pytest.mark.parametrize(
    ("wrong", "path"), [one[1:] for one in CONTRADICTIONS], ids=[one[0] for one in CONTRADICTIONS]
)
def test_a_contradiction_is_found_at_its_place(wrong: r.Scheme, path: str):
    assert path in paths(wrong)


# ---- windows


@pytest.mark.parametrize(
    ("filed", "outcome"),
    [
        (datetime(2025, 3, 1, 8, 59, 59, tzinfo=BEIJING), t.Outcome.REFUSED),
        (datetime(2025, 3, 1, 9, 0, tzinfo=BEIJING), t.Outcome.ELIGIBLE),
        (datetime(2025, 3, 20, 16, 59, 59, tzinfo=BEIJING), t.Outcome.ELIGIBLE),
        (datetime(2025, 3, 20, 17, 0, tzinfo=BEIJING), t.Outcome.REFUSED),
        (datetime(2025, 3, 20, 9, 0, tzinfo=timezone(timedelta(0))), t.Outcome.REFUSED),  # 17:00 in Beijing
    ],
)
def test_a_window_opens_and_closes_to_the_hour_in_beijing_time(filed: datetime, outcome: t.Outcome):
    yearly = issued(t.IssueWay.YEARLY_WINDOW, windows=months(3))
    facts = application(contract(net_amount=D(1000)), filed_at=filed)
    assert assess(yearly, facts).outcome is outcome


# ---- vouchers


@pytest.mark.parametrize(
    ("kind", "voucher", "outcome"),
    [
        ({}, {}, "eligible"),
        ({}, {"uses": 5}, "eligible"),
        ({"many_uses": False}, {"uses": 0}, "eligible"),
        ({"many_uses": False}, {"uses": 1}, "refused"),
        ({}, {"expires_on": date(2025, 3, 4)}, "eligible"),  # its last day
        ({}, {"expires_on": date(2025, 3, 3)}, "refused"),
        ({}, {"balance": D(0)}, "refused"),
    ],
)
def test_a_voucher_is_for_many_uses_or_one_and_until_its_day(
    kind: dict[str, Any], voucher: dict[str, Any], outcome: str
):
    held = f.VoucherFacts(**({"voucher_no": "V", "face_value": D(1000), "balance": D(1000)} | voucher))
    answer = assess(scheme(voucher=r.VoucherKind(cite=CITE, **kind)), claim("1000", voucher=held))
    assert answer.outcome.value == outcome


@pytest.mark.parametrize(
    ("expires_on", "outcome"), [(date(2025, 3, 4), "eligible"), (date(2025, 3, 3), "refused")]
)
def test_what_was_granted_without_a_voucher_is_for_use_until_its_day(expires_on: date, outcome: str):
    held = f.VoucherFacts(voucher_no="E", face_value=D(1000), balance=D(1000), expires_on=expires_on)
    answer = assess(scheme(), claim("1000", voucher=held))
    assert answer.outcome.value == outcome
    assert [one.code for one in answer.findings if one.result is t.FindingResult.NOT_MET] == (
        ["voucher"] if outcome == "refused" else []
    )


# ---- versions in time


@pytest.mark.parametrize(
    ("by", "facts", "outcome"),
    [
        (t.InForceBy.APPLICATION, {"applied_on": date(2024, 12, 31)}, "refused"),
        (t.InForceBy.APPLICATION, {"applied_on": date(2025, 1, 1)}, "eligible"),
        (t.InForceBy.SIGNING, {"contracts": (contract(signed_on=date(2024, 12, 31)),)}, "refused"),
        (t.InForceBy.SIGNING, {"contracts": (contract(signed_on=date(2025, 12, 31)),)}, "eligible"),
        (t.InForceBy.SIGNING, {}, "review"),
        (t.InForceBy.RECOGNITION, {"recognised_on": date(2026, 1, 1)}, "refused"),
    ],
)
def test_the_day_that_picks_the_version_is_that_of_signing_application_or_recognition(
    by: t.InForceBy, facts: dict[str, Any], outcome: str
):
    of_2025 = scheme(in_force_by=by, effective_from=date(2025, 1, 1), effective_to=date(2026, 1, 1))
    assert assess(of_2025, claim("1000", **facts)).outcome.value == outcome


@pytest.mark.parametrize(
    ("applied", "outcome"), [(date(2024, 6, 30), "refused"), (date(2024, 7, 1), "eligible")]
)
def test_a_text_may_reach_back_to_a_day_that_it_names(applied: date, outcome: str):
    back = scheme(effective_from=date(2025, 1, 1), retroactive_from=date(2024, 7, 1))
    assert check(back) == []
    answer = assess(back, claim("1000", applied_on=applied))
    assert answer.outcome.value == outcome
    finding = answer.finding("in_force")
    assert finding is not None
    assert "含文件规定溯及的期间" in finding.sentence


def test_a_field_that_is_not_used_leaves_the_canonical_bytes_as_they_were():
    """Publications made before a field existed keep their hash."""
    plain = canonical_bytes(r.render(scheme())).decode()
    for name in ("unit_amount", "scale_unit", "scale_precision", "takes_rest", "retroactive_from", "batches"):
        assert name not in plain


def test_scores_for_a_list_are_answered_with_the_way_that_has_them():
    """Review steps alone would not help: a list passes none of them."""
    listed = r.WayOfIssue(cite=CITE, way=t.IssueWay.WITHOUT_APPLICATION, shortage=t.Shortage.BY_SCORE)
    (problem,) = check(issued(t.IssueWay.WITHOUT_APPLICATION, issue=listed))
    assert problem.path == "issue.shortage" and "评审认定" in problem.message
