"""Two claims of one voucher, filed on the portal at the same instant by two processes: together they never take more than it has."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import start_claim
from applications.models import Application, Claim
from tests import casework
from tests.at_once import at_once
from tests.cast import Cast
from vouchers.actions.vouchers import balance_of
from vouchers.context import acting
from vouchers.models import User, Voucher
from vouchers.policy.terms import Stage


def filed(claim_no: str) -> str:
    """The filer presses the button: the page's status, or where it led."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username="filer"))
    answer = client.post(reverse("portal:claim_check", args=[claim_no]))
    return f"{answer.status_code} {answer.get('Location', '')}"


@pytest.fixture
def voucher(committed_db, cast: Cast) -> Voucher:
    """1,000,000 yuan."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    casework.with_account(cast, cast.alpha)
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    return casework.issued(cast, application)


def drafted(cast: Cast, voucher: Voucher, number: str, net: str) -> Claim:
    """A claim that lacks nothing but its submission."""
    lease = Application.objects.get(application_no=voucher.application_no).lease
    bill = casework.invoice(lease, net, number=number)
    assert voucher.publication is not None
    with acting(cast.filer, "test"):
        claim = start_claim(voucher, lease, by=cast.filer)
        set_items(
            claim,
            [ItemFields(kind="invoice_line", net_amount=bill.net_amount, invoice=bill)],
            by=cast.filer,
        )
        for one in voucher.publication.scheme.papers:
            if one.stage is Stage.CLAIM and one.required:
                casework.paper(voucher.enterprise, one.code, "claim", claim.claim_no, cast.filer)
    return claim


def test_two_claims_at_once_reserve_no_more_than_the_voucher_has(cast: Cast, voucher: Voucher):
    """Each alone would be granted 800,000 of the voucher's 1,000,000."""
    claims = [drafted(cast, voucher, f"2511200000000000000{number}", "4000000.00") for number in (1, 2)]
    answers = at_once(*((filed, claim.claim_no) for claim in claims))
    assert any(answer.startswith("302") for answer in answers), answers
    assert all(answer[:3] in ("302", "409", "422") for answer in answers), answers
    balance = balance_of(Voucher.objects.get(pk=voucher.pk))
    taken = [
        claim.claimed_amount
        for claim in Claim.objects.filter(voucher=voucher, state="submitted")
        if claim.claimed_amount is not None
    ]
    assert sum(taken, Decimal(0)) == balance.reserved <= voucher.face_value
    assert balance.available == voucher.face_value - balance.reserved >= 0
    assert max(taken) == Decimal("800000.00")
    for claim, answer in zip(claims, answers, strict=True):
        claim.refresh_from_db()
        assert (claim.state == "submitted") == answer.startswith("302"), (claim.state, answer)


def test_one_claim_pressed_twice_at_once_reserves_once(cast: Cast, voucher: Voucher):
    claim = drafted(cast, voucher, "25112000000000000003", "2000000.00")
    answers = at_once((filed, claim.claim_no), (filed, claim.claim_no))
    assert any(answer.startswith("302") for answer in answers), answers
    assert all(answer[:3] in ("302", "409", "422") for answer in answers), answers
    claim.refresh_from_db()
    assert (claim.state, claim.claimed_amount) == ("submitted", Decimal("400000.00"))
    assert balance_of(Voucher.objects.get(pk=voucher.pk)).reserved == Decimal("400000.00")
