"""What counts twice does not count: statements and documents by their number, however spelled, in every program."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connections, transaction

from applications.actions.applications import (
    approve_application,
    recommend_application,
    withdraw_application,
)
from applications.actions.basis_items import ItemFields, set_items
from applications.actions.claims import start_claim, submit_claim, withdraw_claim
from applications.components import certain, suggested
from applications.evidence import likeness, number_as_meant
from applications.models import BasisItem, Claim
from tests.applications import kinds
from tests.applications.kinds import check_of
from tests.applications.test_components import billed, rent  # noqa: F401
from tests.applications.test_kinds_of_basis import SETTLED
from vouchers import dates
from vouchers.context import acting
from vouchers.errors import NotNow, Problems
from vouchers.policy.terms import Component

HALF = ItemFields(kind="settlement_line", reference="JS-2025-H1", net_amount=Decimal("4000000.00"))


@pytest.fixture(autouse=True)
def mid_year():
    with dates.fixed(date(2025, 7, 15)):
        yield


@pytest.fixture
def settled(cast):
    """The program of platform settlements, with both companies connected."""
    publication = kinds.opened(cast, "NM-JS")
    for party in (cast.alpha, cast.beta):
        kinds.connect(cast, party, publication, date(2024, 9, 1))
    return publication


@pytest.mark.parametrize(
    "spelling",
    [
        "js-2025-h1",
        "JS-2025-H1 ",
        "ＪＳ－２０２５－Ｈ１",
        "JS—2025—H1",
        "JS 2025 H1",
        "JS2025H1",
        "JS‐2025_H1",
    ],
)
def test_a_number_is_the_same_however_it_is_spelled(spelling):
    assert number_as_meant(spelling) == number_as_meant("JS-2025-H1")


def test_what_is_only_alike_is_not_the_same():
    assert number_as_meant("ST-12-3") != number_as_meant("ST-1-23")
    assert likeness("ST-12-3") == likeness("ST-1-23")
    assert number_as_meant("JS-2025-H1（上半年）") != number_as_meant("JS-2025-H1")
    assert likeness("JS-2025-H1（上半年）") == likeness("JS-2025-H1")
    assert number_as_meant(" — ") == likeness(" — ") == ""


def test_a_statement_stands_once_in_a_claim_and_once_among_claims(cast, settled):
    entitlement = kinds.granted(cast, kinds.project_application(cast, settled, SETTLED))
    with pytest.raises(Problems) as refusal:
        kinds.claimed(cast, entitlement, [HALF, replace(HALF, reference="ｊｓ 2025 Ｈ1")])
    assert [one.code for one in refusal.value.problems] == ["claim.item_twice"]

    first = kinds.claimed(cast, entitlement, [HALF])
    assert check_of(first, "item_unused").result == "passed"
    small = replace(HALF, net_amount=Decimal("1.00"))
    again = kinds.claimed(cast, entitlement, [replace(small, reference="js—2025-h1 ")])
    assert check_of(again, "item_unused").result == "failed"
    for reference, why in (("JS-2025-H1（上半年）", "相同或相近"), ("", "没有凭证号"), ("——", "没有凭证号")):
        doubtful = kinds.claimed(cast, entitlement, [replace(small, reference=reference)])
        check = check_of(doubtful, "item_unused")
        assert (check.result, check.by_machine) == ("waiting", False)
        assert why in check.sentence
        with acting(cast.filer, "test"):
            withdraw_claim(doubtful, by=cast.filer)

    # The database itself lets one live claim hold the number.
    item = again.items.get()
    assert (item.evidence_key, first.items.get().evidence_key) == ("", f"{cast.alpha.uscc}//JS2025H1")
    with pytest.raises(IntegrityError), transaction.atomic():
        BasisItem.objects.filter(pk=item.pk).update(evidence_key=first.items.get().evidence_key)
    with pytest.raises(NotNow) as stopped:
        kinds.redeemed(cast, again)
    assert stopped.value.code == "check.failed"
    # The first is not stopped by the second; taken back, it leaves the number to it.
    with acting(cast.filer, "test"):
        withdraw_claim(first, by=cast.filer)
    assert kinds.redeemed(cast, again).state == "approved"
    assert again.items.get().evidence_key == f"{cast.alpha.uscc}//JS2025H1"


def test_of_two_applications_on_one_statement_one_is_granted(cast, settled):
    first = kinds.project_application(cast, settled, SETTLED)
    second = kinds.project_application(cast, settled, replace(SETTLED, document_no="ＪＳ 2025 h1"))
    assert check_of(first, "project_unused").result == "passed"
    assert check_of(second, "project_unused").result == "failed"
    with pytest.raises(NotNow) as refusal:
        kinds.granted(cast, second)
    assert refusal.value.code == "check.failed"
    with acting(cast.filer, "test"):
        withdraw_application(first, by=cast.filer)
    second.refresh_from_db()
    with acting(cast.second_handler, "test"):
        recommend_application(second, by=cast.second_handler)
    with acting(cast.approver, "test"):
        assert approve_application(second, by=cast.approver).state == "approved"


def test_another_companys_statement_of_the_same_number_is_looked_at(cast, settled):
    entitlement = kinds.granted(cast, kinds.project_application(cast, settled, SETTLED))
    kinds.claimed(cast, entitlement, [HALF])
    beta = SimpleNamespace(**{**vars(cast), "alpha": cast.beta, "filer": cast.other_filer})
    application = kinds.project_application(beta, settled, SETTLED)
    check = check_of(application, "project_unused")
    assert check.result == "waiting"
    assert entitlement.application_no not in check.sentence  # of others' cases no more than the program
    claim = kinds.claimed(beta, kinds.granted(beta, application), [HALF])
    assert check_of(claim, "item_unused").result == "waiting"


def test_two_claims_at_once_on_one_statement_do_not_both_hold_it(committed_db, cast, settled):
    entitlement = kinds.granted(cast, kinds.project_application(cast, settled, SETTLED))
    barrier = threading.Barrier(2)
    small = replace(HALF, net_amount=Decimal("100000.00"))

    def claim(_number: int) -> None:
        try:
            with dates.fixed(date(2025, 7, 15)):
                barrier.wait(timeout=30)
                kinds.claimed(cast, entitlement, [small])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(claim, range(2)))
    assert Claim.objects.filter(state="submitted").count() == 2
    assert BasisItem.objects.exclude(evidence_key="").count() == 1


def test_nothing_is_claimed_on_what_is_used_up(cast, settled):
    entitlement = kinds.granted(cast, kinds.project_application(cast, settled, SETTLED))
    whole = replace(HALF, net_amount=Decimal("8000000.00"))
    with acting(cast.filer, "test"):
        early = start_claim(entitlement, None, by=cast.filer)
    kinds.claimed(cast, entitlement, [whole])
    with pytest.raises(NotNow) as refusal, acting(cast.filer, "test"):
        start_claim(entitlement, None, by=cast.filer)
    assert refusal.value.code == "voucher.used_up"
    assert f"核定额度 {entitlement.voucher_no}" in refusal.value.message
    with pytest.raises(NotNow) as late, acting(cast.filer, "test"):
        set_items(early, [replace(HALF, reference="JS-2025-H2")], by=cast.filer)
        submit_claim(early, by=cast.filer)
    assert late.value.code == "voucher.used_up"


# -- components ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "算力存储服务费",
        "智算中心机房带宽",
        "算力平台数据备份服务",
        "算力平台运维服务",
        "算力及存储",
        "GPU服务器采购",
        "",
    ],
)
def test_the_word_for_compute_alone_does_not_make_it_compute(words):
    assert certain(words) is not Component.COMPUTE


@pytest.mark.parametrize(
    "words", ["*信息技术服务*算力租赁费", "GPU裸金属租赁", "GPU云服务器租用", "智能算力服务费"]
)
def test_plain_words_for_compute_are_compute(words):
    assert certain(words) is suggested(words) is Component.COMPUTE


def test_an_invoice_in_parts_is_held_against_its_lines_as_a_whole(cast, rent):  # noqa: F811
    voucher, lease = rent
    invoice = billed(lease, {"*信息技术服务*GPU算力租用": "1000000.00", "*信息技术服务*云存储": "1000000.00"})
    half = ItemFields(
        kind="invoice_line", net_amount=Decimal("1000000.00"), invoice=invoice, component="compute"
    )
    split = kinds.claimed(cast, voucher, [half, half], lease=lease)
    check = check_of(split, "item_component")
    assert (check.result, check.by_machine) == ("waiting", False)
    assert "申报 2,000,000.00 元，明细中可确认为该类的为 1,000,000.00 元" in check.sentence
    with acting(cast.filer, "test"):
        withdraw_claim(split, by=cast.filer)
    one = kinds.claimed(cast, voucher, [half], lease=lease)
    assert check_of(one, "item_component").result == "passed"
    other = kinds.claimed(
        cast, voucher, [half], lease=lease
    )  # the storage, as compute, in a claim of its own
    assert check_of(other, "item_component").result == "waiting"


def test_a_line_of_mixed_words_waits_for_a_person(cast, rent):  # noqa: F811
    voucher, lease = rent
    invoice = billed(lease, {"算力存储服务费": "500000.00"})
    item = ItemFields(
        kind="invoice_line", net_amount=Decimal("500000.00"), invoice=invoice, component="compute"
    )
    check = check_of(kinds.claimed(cast, voucher, [item], lease=lease), "item_component")
    assert check.result == "waiting"
    assert "算力存储服务费" in check.sentence
