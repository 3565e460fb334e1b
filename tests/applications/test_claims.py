"""兑付申请: what a claim may rest on, who may have a hand in it, and what happens when two act at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from django.db import connections

from applications.actions import cases
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import (
    approve_claim,
    return_claim,
    start_claim,
    submit_claim,
    verify_claim,
)
from applications.models import Check, Claim, Lease
from tests import casework
from tests.cast import SINCE
from vouchers import dates
from vouchers.access import Role
from vouchers.actions.ledger_check import check_ledger
from vouchers.actions.vouchers import balance_of, expire_due_vouchers
from vouchers.context import acting
from vouchers.errors import DomainError, Forbidden, NotNow
from vouchers.models import Payment, RoleGrant, Voucher

DAY = date(2025, 8, 1)


@pytest.fixture
def voucher(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    made = casework.issued(cast, application)
    with dates.fixed(DAY):
        yield made


@pytest.fixture
def lease(voucher) -> Lease:
    return Lease.objects.get()


@pytest.fixture
def claim(cast, voucher, lease) -> Claim:
    """A submitted claim on an invoice of 300 wan."""
    item = ItemFields(
        kind="invoice_line",
        net_amount=Decimal("3000000.00"),
        invoice=casework.invoice(lease, "3000000.00"),
    )
    return casework.claimed(cast, voucher, lease, [item])


def verified(cast, claim: Claim) -> Claim:
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
        return verify_claim(claim, by=cast.handler)


def regrant(user, role: Role, region) -> None:
    """Whoever filed for the company has left it and joined the office."""
    RoleGrant.objects.filter(user=user).update(effective_to=SINCE.replace(year=2021))
    RoleGrant.objects.create(user=user, role=role, region=region, effective_from=SINCE)
    user.__dict__.pop("_grants_now", None)


def test_a_claim_rests_on_the_holders_own_contract(cast, voucher, lease):
    Lease.objects.filter(pk=lease.pk).update(lessee=cast.beta)
    with acting(cast.filer, "test"), pytest.raises(Forbidden) as refused:
        start_claim(voucher, Lease.objects.get(), by=cast.filer)
    assert refused.value.code == "claim.lease_not_yours"


def test_a_draft_on_a_contract_that_was_voided_since_is_not_filed(cast, voucher, lease):
    from applications.actions.leases import void_lease

    with acting(cast.filer, "test"):
        draft = start_claim(voucher, lease, by=cast.filer)
        invoice = casework.invoice(lease, "100.00")
        set_items(
            draft,
            [ItemFields(kind="invoice_line", net_amount=Decimal("100.00"), invoice=invoice)],
            by=cast.filer,
        )
    with acting(cast.handler, "test"):
        void_lease(Lease.objects.get(), by=cast.handler, reason="重复备案")
    with acting(cast.filer, "test"), pytest.raises(NotNow) as refused:
        submit_claim(Claim.objects.get(), by=cast.filer)
    assert refused.value.code == "claim.lease_not_filed"


def test_imported_history_can_be_neither_claimed_on_nor_moved(cast, voucher, lease):
    voucher.origin = "imported"
    with acting(cast.filer, "test"), pytest.raises(NotNow) as refused:
        start_claim(voucher, lease, by=cast.filer)
    assert refused.value.code == "voucher.imported"
    old = Claim(
        claim_no="C-2024-000001",
        origin="imported",
        state="submitted",
        program_region_code="110000",
        voucher=voucher,
        enterprise=cast.alpha,
    )
    with acting(cast.handler, "test"), pytest.raises(NotNow) as refused:
        cases.move(old, "verify", by=cast.handler)
    assert refused.value.code == "claim.imported"


def test_a_draft_is_not_filed_on_the_day_that_its_voucher_runs_out(cast, voucher, lease):
    with acting(cast.filer, "test"):
        draft = start_claim(voucher, lease, by=cast.filer)
        invoice = casework.invoice(lease, "100.00")
        set_items(
            draft,
            [ItemFields(kind="invoice_line", net_amount=Decimal("100.00"), invoice=invoice)],
            by=cast.filer,
        )
    with (
        dates.fixed(voucher.expires_on),
        acting(cast.filer, "test"),
        pytest.raises(NotNow) as refused,
    ):
        submit_claim(draft, by=cast.filer)
    assert refused.value.code == "voucher.expired"


def test_what_was_filed_in_time_is_mended_and_granted_after_the_vouchers_expiry(cast, voucher, claim):
    with dates.fixed(date(2025, 12, 29)), acting(cast.handler, "test"):
        return_claim(claim, by=cast.handler, reason="请补充付款凭证。")
    with dates.fixed(voucher.expires_on):
        with acting(cast.handler, "test"):
            assert expire_due_vouchers() == 1
        with acting(cast.filer, "test"):
            mended = submit_claim(Claim.objects.get(), by=cast.filer)
        assert (mended.state, mended.claimed_amount) == ("submitted", Decimal("600000.00"))
        assert mended.submitted_at.astimezone(dates.SHANGHAI).date() == DAY
        assert balance_of(Voucher.objects.get()).reserved == Decimal("600000.00")
        verified(cast, mended)
        with acting(cast.approver, "test"):
            approve_claim(mended, by=cast.approver)
    assert Payment.objects.get().amount == Decimal("600000.00")
    assert check_ledger() == []


def test_whoever_filed_for_the_company_decides_nothing_of_it_later(cast, claim):
    regrant(cast.filer, Role.HANDLER, cast.beijing)
    with acting(cast.handler, "test"):
        casework.answer_all(cast, claim)
    with acting(cast.filer, "test"), pytest.raises(Forbidden) as refused:
        verify_claim(claim, by=cast.filer)
    assert refused.value.code == "access.same_person"
    verified(cast, claim)
    RoleGrant.objects.filter(user=cast.filer, region=cast.beijing).delete()
    regrant(cast.filer, Role.APPROVER, cast.beijing)
    with acting(cast.filer, "test"), pytest.raises(Forbidden) as refused:
        approve_claim(claim, by=cast.filer)
    assert refused.value.code == "access.same_person"


def test_whoever_filed_for_the_company_is_told_to_the_payment(cast, claim):
    verified(cast, claim)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    assert set(Payment.objects.get().participants) == {cast.filer.pk, cast.handler.pk, cast.approver.pk}


def waiting_check(claim: Claim, code: str) -> Check:
    return Check.objects.create(
        subject_kind="claim",
        subject_no=claim.claim_no,
        code=code,
        label=code,
        by_machine=False,
        result="waiting",
    )


def test_a_check_is_answered_by_the_regions_own_staff_while_the_case_is_open(cast, claim):
    check = waiting_check(claim, "original_seen")
    for person in (cast.other_handler, cast.approver, cast.filer):
        with acting(person, "test"), pytest.raises(Forbidden):
            cases.answer_check(check, claim, result="passed", sentence="已核对。", by=person)
    verified(cast, claim)
    with acting(cast.approver, "test"):
        approve_claim(claim, by=cast.approver)
    late = waiting_check(claim, "late")
    decided_on = Claim.objects.get().facts
    with acting(cast.handler, "test"), pytest.raises(NotNow) as refused:
        cases.answer_check(late, claim, result="failed", sentence="不符。", by=cast.handler)
    assert refused.value.code == "check.closed"
    assert Claim.objects.get().facts == decided_on


def test_two_answers_given_on_two_screens_are_both_kept(cast, claim):
    first, second = waiting_check(claim, "one"), waiting_check(claim, "two")
    screens = [Claim.objects.get(), Claim.objects.get()]
    with acting(cast.handler, "test"):
        cases.answer_check(first, screens[0], result="passed", sentence="已核对。", by=cast.handler)
    with acting(cast.second_handler, "test"):
        cases.answer_check(second, screens[1], result="passed", sentence="已核对。", by=cast.second_handler)
    assert Claim.objects.get().facts["attestations"] == {"one": True, "two": True}


def test_items_of_a_claim_are_not_changed_from_a_screen_that_is_older_than_its_submission(
    cast, voucher, lease
):
    with acting(cast.filer, "test"):
        start_claim(voucher, lease, by=cast.filer)
    stale = Claim.objects.get()
    item = ItemFields(
        kind="invoice_line", net_amount=Decimal("100.00"), invoice=casework.invoice(lease, "300.00")
    )
    with acting(cast.filer, "test"):
        current = Claim.objects.get()
        set_items(current, [item], by=cast.filer)
        for one in voucher.publication.scheme.papers:
            casework.paper(voucher.enterprise, one.code, "claim", current.claim_no, cast.filer)
        submit_claim(current, by=cast.filer)
        with pytest.raises(NotNow):
            set_items(stale, [], by=cast.filer)
    assert current.items.count() == 1


def test_of_many_approvals_at_once_one_pays(committed_db, cast, claim):
    verified(cast, claim)
    people = [cast.approver, cast.second_approver, cast.approver, cast.second_approver]
    RoleGrant.objects.get_or_create(
        user=cast.second_approver,
        role=Role.APPROVER,
        region=cast.beijing,
        defaults={"effective_from": SINCE},
    )
    barrier = threading.Barrier(len(people))

    def approve(person) -> str:
        try:
            with dates.fixed(DAY):
                case = Claim.objects.get()
                barrier.wait(timeout=30)
                with acting(person, "test"):
                    return approve_claim(case, by=person).state
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(approve, people))
    assert answers.count("approved") == 1
    assert set(answers) <= {"approved", "claim.not_now", "access.same_person"}
    assert Payment.objects.count() == 1
    assert check_ledger() == []


def test_of_many_submissions_at_once_one_reserves(committed_db, cast, voucher, lease):
    item = ItemFields(
        kind="invoice_line",
        net_amount=Decimal("3000000.00"),
        invoice=casework.invoice(lease, "3000000.00"),
    )
    with acting(cast.filer, "test"):
        draft = start_claim(voucher, lease, by=cast.filer)
        set_items(draft, [item], by=cast.filer)
        for one in voucher.publication.scheme.papers:
            casework.paper(voucher.enterprise, one.code, "claim", draft.claim_no, cast.filer)
    barrier = threading.Barrier(4)

    def submit(_number: int) -> str:
        try:
            with dates.fixed(DAY):
                case = Claim.objects.get()
                barrier.wait(timeout=30)
                with acting(cast.filer, "test"):
                    return submit_claim(case, by=cast.filer).state
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(submit, range(4)))
    assert answers == ["claim.not_now"] * 3 + ["submitted"]
    assert balance_of(Voucher.objects.get()).reserved == Decimal("600000.00")
    assert check_ledger() == []


def test_a_lessor_sees_the_deductions_it_made_and_is_paid_for_not_its_customers_claims(cast, api, claim):
    assert claim.provider == cast.provider
    assert not Claim.objects.visible_to(cast.platform).exists()
    assert api(cast.platform).get(f"/api/v1/claims/{claim.claim_no}").status_code == 404
    assert Claim.objects.visible_to(cast.filer).get() == claim
    Claim.objects.update(kind="settlement")
    assert Claim.objects.visible_to(cast.platform).get() == claim
    Claim.objects.update(kind="claim", payee=cast.provider)
    assert Claim.objects.visible_to(cast.platform).get() == claim


def test_a_draft_is_its_companys_own_until_it_is_filed(cast, api, voucher, lease):
    with acting(cast.filer, "test"):
        draft = start_claim(voucher, lease, by=cast.filer)
        fields = casework.lease_fields(cast.provider, "100.00", contract_no="HT-9")
    application = casework.drafted(cast, voucher.publication, fields)
    for address in (f"claims/{draft.claim_no}", f"applications/{application.application_no}"):
        assert api(cast.filer).get(f"/api/v1/{address}").status_code == 200
        assert api(cast.handler).get(f"/api/v1/{address}").status_code == 404
        assert api(cast.other_filer).get(f"/api/v1/{address}").status_code == 404


def test_the_enterprise_is_told_also_where_the_provider_is_paid(cast, claim):
    from applications.actions.messages import tell_about_claim

    claim.payee = cast.provider
    assert [one.party for one in tell_about_claim("claim_returned", claim)] == [cast.alpha]
    assert [one.party for one in tell_about_claim("claim_paid", claim)] == [cast.alpha, cast.provider]


def test_of_claims_past_their_time_one_that_was_mended_stays(cast, voucher, claim):
    from applications.actions.claim_lapses import claims_due_to_lapse, lapse_due
    from applications.tasks import lapse_claims

    with acting(cast.handler, "test"):
        return_claim(claim, by=cast.handler, reason="请补充付款凭证。")
    with dates.fixed(date(2025, 8, 25)):
        assert claims_due_to_lapse(dates.today()) == [claim.claim_no]
        with acting(cast.filer, "test"):
            submit_claim(Claim.objects.get(), by=cast.filer)
        assert lapse_due([claim.claim_no], dates.today()) == 0
        with acting(cast.handler, "test"):
            return_claim(Claim.objects.get(), by=cast.handler, reason="请再补充。")
    with dates.fixed(date(2025, 9, 30)):
        assert lapse_claims() == 1
    assert Claim.objects.get().state == "lapsed"
    assert balance_of(Voucher.objects.get()).reserved == 0
    assert check_ledger() == []


def test_what_a_person_found_at_the_claim_is_a_fact_of_its_assessment(cast, claim):
    from applications.actions.assessments import facts_of

    with acting(cast.handler, "test"):
        cases.answer_check(
            waiting_check(claim, "one"), claim, result="failed", sentence="不符。", by=cast.handler
        )
    assert facts_of(Claim.objects.get()).attestations["one"] is False


def test_an_enterprise_is_not_told_whose_case_used_its_invoice(cast, client, claim):
    from vouchers.actions.holds import place_hold

    place_hold(
        "claim",
        claim.claim_no,
        ground="F01",
        sentence="发票 1 已在 SZ-XLQ 专项使用 600000.00 元。",
        evidence=[],
        region_code="110000",
        party=cast.alpha,
        by=None,
    )
    client.force_login(cast.filer)
    page = client.get(f"/portal/claims/{claim.claim_no}/").content.decode()
    assert "已在其他兑付中使用" in page
    assert "SZ-XLQ" not in page
