"""审批权限: as many approve a batch as the document asks for by its sum, each another person, each on the very list that is sent."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.utils import IntegrityError, InternalError
from openpyxl import load_workbook

from applications.models import Claim
from tests import banking
from tests.cast import SINCE
from tests.vouchers.test_payments import claims, the_ledger_holds_afterwards  # noqa: F401
from vouchers.access import Role
from vouchers.actions.payment_bands import band_for, confirm_band, enter_band
from vouchers.actions.payment_lists import exported_file, lines_of
from vouchers.actions.payments import approve_batch, propose_batch, reopen_batch
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow, Problems
from vouchers.models import Listing, Payment, PaymentBatch, RoleGrant, User


@pytest.fixture
def program(claims):  # noqa: F811
    return claims[0].voucher.program


@pytest.fixture
def third_finance(cast) -> User:
    user = User.objects.create(username="third-finance", display_name="京财务三")
    RoleGrant.objects.create(user=user, role=Role.FINANCE, region=cast.beijing, effective_from=SINCE)
    return user


def band(cast, program, amount_from: str, approvers: int, on: date = date(2025, 1, 1), *, confirmed=True):
    with acting(cast.policy_editor, "test"):
        made = enter_band(
            program,
            amount_from=Decimal(amount_from),
            approvers=approvers,
            document_no="京财〔2025〕1号",
            effective_from=on,
            by=cast.policy_editor,
        )
    if confirmed:
        with acting(cast.publisher, "test"):
            confirm_band(made, by=cast.publisher)
    return made


def test_a_sum_in_a_higher_band_needs_more_persons(cast, program, third_finance):
    band(cast, program, "0.00", 1)
    band(cast, program, "1000000.00", 2)
    batch = banking.proposed(cast)  # 1,200,000 yuan
    assert (batch.approvals_needed, batch.band_document_no) == (2, "京财〔2025〕1号")
    banking.approved(cast, batch)
    assert batch.state == "proposed"
    with acting(cast.second_finance, "test"), pytest.raises(NotNow) as refused:
        approve_batch(batch, by=cast.second_finance)
    assert refused.value.code == "payment_batch.approved_by_you"
    with acting(cast.finance, "test"), pytest.raises(NotNow):
        banking.export(batch, cast.finance)
    with acting(third_finance, "test"):
        approve_batch(batch, by=third_finance)
    assert batch.state == "approved"


def test_approvals_of_an_earlier_list_count_no_longer(cast, program, third_finance):
    band(cast, program, "0.00", 2)
    batch = banking.approved(cast, banking.proposed(cast))
    with acting(cast.finance, "test"):
        reopen_batch(batch, by=cast.finance, reason="改名称")
        propose_batch(batch, by=cast.finance)
    with acting(third_finance, "test"):
        approve_batch(batch, by=third_finance)
    assert batch.state == "proposed"
    banking.approved(cast, batch)
    assert batch.state == "approved"


def test_the_database_itself_counts_the_approvers(cast, program):
    band(cast, program, "0.00", 2)
    batch = banking.approved(cast, banking.proposed(cast))
    with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
        PaymentBatch.objects.filter(pk=batch.pk).update(state="approved")


def test_a_band_counts_once_another_person_confirmed_it(cast, program):
    made = band(cast, program, "0.00", 3, confirmed=False)
    assert band_for(program, Decimal("1.00"), date(2025, 8, 4)) is None
    with acting(cast.policy_editor, "test"), pytest.raises(Forbidden):
        confirm_band(made, by=cast.policy_editor)
    with acting(cast.publisher, "test"):
        confirm_band(made, by=cast.publisher)
        with pytest.raises(NotNow):
            confirm_band(made, by=cast.publisher)
    assert band_for(program, Decimal("1.00"), date(2025, 8, 4)) == made


def test_a_new_band_of_the_same_sum_ends_the_earlier_one(cast, program):
    old = band(cast, program, "0.00", 1)
    new = band(cast, program, "0.00", 2, date(2025, 7, 1))
    old.refresh_from_db()
    assert old.effective_to == date(2025, 7, 1)
    assert band_for(program, Decimal("1.00"), date(2025, 6, 30)) == old
    assert band_for(program, Decimal("1.00"), date(2025, 7, 1)) == new


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_from": Decimal("-0.01")}, "payment_band.amount"),
        ({"amount_from": Decimal("0.001")}, "payment_band.amount"),
        ({"approvers": 0}, "payment_band.approvers"),
        ({"approvers": 6}, "payment_band.approvers"),
        ({"document_no": " "}, "payment_band.document"),
    ],
)
def test_a_faulty_band_is_refused(cast, program, change, code):
    given = {
        "amount_from": Decimal("0.00"),
        "approvers": 1,
        "document_no": "x",
        "effective_from": date(2025, 1, 1),
    }
    with acting(cast.policy_editor, "test"), pytest.raises(Problems) as refused:
        enter_band(program, by=cast.policy_editor, **(given | change))
    assert [one.code for one in refused.value.problems] == [code]


# -- looked at again at this moment ----------------------------------------------------------------------------------


def listed(party) -> Listing:
    return Listing.objects.create(
        party=party, kind="serious_dishonesty", effective_from=date(2025, 8, 2), document_no="测〔2025〕9号"
    )


@pytest.mark.parametrize("who", ["alpha", "provider"])
def test_a_party_that_was_listed_in_the_meantime_is_not_paid(cast, program, who):
    batch = banking.approved(cast, banking.proposed(cast))
    entry = listed(getattr(cast, who))
    with acting(cast.finance, "test"), pytest.raises(NotNow) as refused:
        banking.export(batch, cast.finance)
    assert refused.value.code == "payment.listed"
    Listing.objects.filter(pk=entry.pk).update(effective_to=date(2025, 8, 4))  # repaired
    with acting(cast.finance, "test"):
        banking.export(batch, cast.finance)


def test_an_invoice_that_was_turned_red_after_the_approval_stops_the_export(cast, program):
    batch = banking.approved(cast, banking.proposed(cast))
    invoice = Claim.objects.first().items.get().invoice
    invoice.status = "red"
    invoice.save(update_fields=["status"])
    with acting(cast.finance, "test"), pytest.raises(NotNow) as refused:
        banking.export(batch, cast.finance)
    assert refused.value.code == "payment.invoice_status"


# -- what is sent and read -------------------------------------------------------------------------------------------


def test_the_same_batch_gives_the_same_bytes_and_the_sent_ones_are_kept(cast, program):
    batch = banking.exported(cast)
    for form in ("xlsx", "csv"):
        kept = exported_file(batch, form)
        assert bytes(kept.content) == banking.export_files(batch, lines_of(batch))[form]
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        batch.files.update(sha256="0")


def test_the_list_says_the_sum_in_financial_capitals(cast, program):
    batch = banking.exported(cast)
    sheet = load_workbook(io.BytesIO(bytes(exported_file(batch, "xlsx").content))).active
    said = [cell.value for row in sheet.iter_rows() for cell in row]
    assert "人民币壹佰贰拾万元整" in said
    assert said.count("人民币陆拾万元整") == 2


def test_a_name_that_looks_like_a_formula_is_none_in_the_csv(cast, program):
    cast.alpha.name = "=HYPERLINK(1)"
    cast.alpha.save(update_fields=["name"])
    batch = banking.exported(cast)
    assert b"'=HYPERLINK(1)" in bytes(exported_file(batch, "csv").content)


def test_amounts_of_payments_are_what_the_batch_says(cast, program):
    batch = banking.proposed(cast)
    assert batch.control_sum == sum(payment.amount for payment in Payment.objects.all())
