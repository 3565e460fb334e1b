"""收款账户: a company looks after its own; the office only for one that nobody can, by paper, and then pays it by others' hands."""

# ruff: noqa: F811 - fixtures are asked for by their names
from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, transaction

from tests import banking
from tests.cast import SINCE
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401 - fixtures
from vouchers.access import Role
from vouchers.actions.accounts import PaperFile, confirm_account, enter_account, withdraw_account
from vouchers.actions.payments import approve_batch
from vouchers.context import acting
from vouchers.errors import Forbidden, Invalid
from vouchers.models import AccountPaper, PaymentApproval, PaymentBatch, RoleGrant, User
from vouchers.states import advance

LICENCE = PaperFile("开户许可证.pdf", "application/pdf", b"%PDF-1.7 ...")


@pytest.fixture
def deserted(cast, claims):
    """甲公司 has nobody left who could sign in."""
    people = RoleGrant.objects.filter(party=cast.alpha)
    User.objects.filter(pk__in=people.values("user")).update(is_active=False)
    return cast.alpha


@pytest.fixture
def third_finance(cast) -> User:
    user = User.objects.create(username="third-finance", display_name="京财务三", password="!")
    RoleGrant.objects.create(user=user, role=Role.FINANCE, region=cast.beijing, effective_from=SINCE)
    return user


def enter(party, by, **more):
    fields = {"reason": "该单位未开通企业端。", "paper": LICENCE} | more
    with acting(by, "test"):
        return enter_account(
            party,
            account_no="6222333344445555",
            account_name=party.name,
            bank_name="某某银行海淀支行",
            by=by,
            **fields,
        )


def confirm(account, by):
    with acting(by, "test"):
        return confirm_account(account, by=by)


def test_the_office_enters_no_account_for_a_company_that_has_people(cast, claims):
    with pytest.raises(Forbidden) as refused:
        enter(cast.alpha, cast.finance)
    assert refused.value.code == "account.party_has_people"


def test_the_office_enters_one_by_its_paper_and_with_its_reason_and_another_confirms(cast, deserted):
    for lacking, code in (
        ({"reason": " "}, "account.reason"),
        ({"paper": None}, "account.paper"),
        ({"paper": PaperFile("空.pdf", "application/pdf", b"")}, "account.paper"),
    ):
        with pytest.raises(Invalid) as refused:
            enter(deserted, cast.finance, **lacking)
        assert refused.value.code == code
    with pytest.raises(Forbidden):
        enter(deserted, cast.other_finance)
    account = enter(deserted, cast.finance)
    assert AccountPaper.objects.get(account=account).filename == "开户许可证.pdf"
    with pytest.raises(Forbidden):
        confirm(account, cast.finance)
    confirm(account, cast.second_finance)
    assert deserted.current_account == account


def test_once_the_company_has_people_again_they_confirm_it_not_the_office(cast, deserted):
    account = enter(deserted, cast.finance)
    User.objects.filter(pk=cast.enterprise_approver.pk).update(is_active=True)
    with pytest.raises(Forbidden) as refused:
        confirm(account, cast.second_finance)
    assert refused.value.code == "account.party_has_people"
    with acting(cast.second_finance, "test"):
        withdraw_account(account, by=cast.second_finance)


def test_who_wrote_the_account_down_or_confirmed_it_approves_no_payment_to_it(cast, deserted, third_finance):
    confirm(enter(deserted, cast.finance), cast.second_finance)
    with acting(third_finance, "test"):
        from vouchers.actions.payments import create_batch, propose_batch
        from vouchers.models import Payment

        payments = list(Payment.objects.filter(state="payable"))
        batch = propose_batch(create_batch(payments[0].program, payments, by=third_finance), by=third_finance)
    for person in (cast.finance, cast.second_finance):
        with acting(person, "test"), pytest.raises(Forbidden) as refused:
            approve_batch(batch, by=person)
        assert refused.value.code == "access.same_person"
    # Nor does the database count one that was written in around the application.
    with acting(cast.finance, "test"), pytest.raises(DatabaseError), transaction.atomic():
        PaymentApproval.objects.create(
            batch=batch,
            approved_by=cast.finance,
            approved_at=batch.recorded_at,
            control_hash=batch.control_hash,
        )
        advance(batch, "approve", by=cast.finance, region=batch.region)
    assert PaymentBatch.objects.get(pk=batch.pk).state == "proposed"


def test_a_fourth_pair_of_hands_may_approve(cast, deserted, third_finance):
    confirm(enter(deserted, cast.finance), third_finance)
    batch = banking.proposed(cast)
    banking.approved(cast, batch)
    assert batch.state == "approved"
    assert batch.created_on <= date.today()
