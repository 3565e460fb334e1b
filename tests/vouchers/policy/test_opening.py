"""Which versions can open for applications, and what a pool does that grants in full or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.vouchers.policy.re_add import re_add
from tests.vouchers.policy.tiny import CITE, application, cap, claim, contract, rate, scheme, track
from vouchers.policy import assess, closed_reasons
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.opening import cannot_be_granted

D = Decimal
POOL, BATCH, PROJECT = t.CapSubject.POOL, t.CapSubject.BATCH, t.CapSubject.PROJECT


def issued(way: t.IssueWay = t.IssueWay.APPLY, shortage: t.Shortage = t.Shortage.NOT_STATED) -> r.WayOfIssue:
    return r.WayOfIssue(cite=CITE, way=way, shortage=shortage)


def stopping(*caps: r.Cap) -> r.Scheme:
    """30 % of the contract's amount, in full or not at all."""
    by_contract = track(basis_kinds=(t.BasisKind.CONTRACT_AMOUNT, t.BasisKind.INVOICE_LINE))
    return scheme(tracks=(by_contract,), caps=caps, issue=issued(shortage=t.Shortage.STOP))


def asked(amount: str, **used: str) -> f.Facts:
    """An application for 30 % of so much, when so much of caps is used."""
    caps = {f"T:{code}:issue:*:total": D(value) for code, value in used.items()}
    return application(contract(net_amount=D(amount)), used=f.UsedAmounts(caps=caps))


# ---- open or closed


@pytest.mark.parametrize("way", [way for way in t.IssueWay if way is not t.IssueWay.WITHOUT_APPLICATION])
@pytest.mark.parametrize("shortage", list(t.Shortage))
@pytest.mark.parametrize("counts_at", list(t.CountsAt))
def test_what_the_text_says_of_issue_and_shortage_can_be_carried_out_but_for_sharing_out_what_claims_draw_on(
    way: t.IssueWay, shortage: t.Shortage, counts_at: t.CountsAt
):
    reasons = closed_reasons(
        scheme(issue=issued(way, shortage), caps=(cap("1000", POOL, counts_at=counts_at),))
    )
    if counts_at is t.CountsAt.CLAIM and shortage in (t.Shortage.PRO_RATA, t.Shortage.BY_SCORE):
        (reason,) = reasons
        assert "兑付时计入" in reason and "没有整批" in reason
    else:
        assert reasons == []


@pytest.mark.parametrize("shortage", list(t.Shortage))
def test_a_list_has_no_scores_and_is_not_put_in_order_by_them(shortage: t.Shortage):
    reasons = cannot_be_granted(scheme(issue=issued(t.IssueWay.WITHOUT_APPLICATION, shortage)))
    assert ["没有得分" in one for one in reasons] == ([True] if shortage is t.Shortage.BY_SCORE else [])


def test_a_pool_of_claims_that_is_switched_off_closes_nothing():
    off = (cap("1000", POOL, counts_at=t.CountsAt.CLAIM, switched_on=False),)
    assert closed_reasons(scheme(issue=issued(shortage=t.Shortage.PRO_RATA), caps=off)) == []


def test_a_cap_of_a_batch_opens_where_there_are_batches_and_stays_closed_where_each_is_granted_at_once():
    capped = (cap("1000", BATCH),)
    assert closed_reasons(scheme(caps=capped)) == []
    (reason,) = closed_reasons(scheme(issue=issued(t.IssueWay.INSTANT), caps=capped))
    assert "即领即享" in reason and "按批次计算" in reason


def test_where_the_office_makes_the_list_no_application_is_taken_and_yet_it_can_be_granted():
    listed = scheme(issue=issued(t.IssueWay.WITHOUT_APPLICATION))
    (reason,) = closed_reasons(listed)
    assert "免申即享" in reason and "不需提交申领" in reason
    assert cannot_be_granted(listed) == []


def test_a_rate_that_no_text_publishes_keeps_it_closed():
    (reason,) = closed_reasons(scheme(rates=(rate(None),)))
    assert "未公布" in reason


def test_a_batchs_cap_that_is_switched_off_closes_nothing():
    off = (cap("1000", BATCH, switched_on=False),)
    assert closed_reasons(scheme(issue=issued(t.IssueWay.INSTANT), caps=off)) == []


# ---- a cap whose number is not known


@pytest.mark.parametrize(("subject", "name"), [(BATCH, "batch_no"), (PROJECT, "project_no")])
def test_what_is_left_for_an_unknown_batch_or_project_a_person_has_to_settle(
    subject: t.CapSubject, name: str
):
    capped = scheme(caps=(cap("100", subject),))
    unknown = assess(capped, claim("1000"))
    assert unknown.outcome is t.Outcome.REVIEW
    (finding,) = [one for one in unknown.findings if one.code == "cap.cap"]
    assert finding.result is t.FindingResult.NOT_TESTABLE
    assert finding.asks_for_a_person and "编号" in finding.sentence
    assert unknown.cap_uses == ()
    known = assess(capped, claim("1000", **{name: "P-1"}))
    assert (known.outcome, known.amount) == (t.Outcome.ELIGIBLE, D(100))


# ---- in full or not at all


def test_where_the_text_stops_a_case_that_does_not_fit_is_refused_and_not_cut():
    pool = stopping(cap("1000", POOL, code="pool"))
    fits = assess(pool, asked("1000", pool="700"))
    assert (fits.outcome, fits.amount) == (t.Outcome.ELIGIBLE, D(300))
    short = assess(pool, asked("1000", pool="700.01"))
    assert (short.outcome, short.amount) == (t.Outcome.REFUSED, D(0))
    assert "不足以全额支持" in short.refusals[0].sentence
    assert "299.99" in short.refusals[0].fact
    re_add(short)
    cut = assess(scheme(tracks=pool.tracks, caps=pool.caps), asked("1000", pool="700.01"))
    assert cut.amount == D("299.99")


@pytest.mark.parametrize("turned", [False, True])
def test_the_pool_looks_at_what_the_other_caps_leave_in_whatever_order_they_stand(turned: bool):
    caps = (cap("1000", POOL, code="pool"), cap("200", code="own"))
    both = stopping(*(reversed(caps) if turned else caps))
    answer = assess(both, asked("1000", pool="800"))
    assert (answer.outcome, answer.amount) == (t.Outcome.ELIGIBLE, D(200))


def test_a_claim_on_what_was_granted_is_not_stopped():
    pool = stopping(cap("1000", POOL, code="pool"))
    used = f.UsedAmounts(caps={"T:pool:claim:*:total": D(800)})
    assert assess(pool, claim("1000", used=used)).amount == D(200)


def test_where_the_pool_counts_at_claims_alone_a_claim_that_does_not_fit_is_refused_and_not_cut():
    pool = stopping(cap("1000", POOL, code="pool", counts_at=t.CountsAt.CLAIM))
    assert assess(pool, asked("10000")).amount == D(3000)  # nothing is counted when it is issued
    used = f.UsedAmounts(caps={"T:pool:claim:*:total": D("700.01")})
    short = assess(pool, claim("1000", used=used))
    assert (short.outcome, short.amount) == (t.Outcome.REFUSED, D(0))
    assert "不足以全额支持" in short.refusals[0].sentence
    re_add(short)
    assert assess(pool, claim("999", used=used)).amount == D("299.70")
