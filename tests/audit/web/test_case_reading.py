"""The facts of a case from the database: whose, in how many statements, and nothing of another region but program and dates."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from applications.models import BankTransfer, Device, LeaseDevice, MeteringDay
from audit.case_reading import read_case
from audit.web.case_drawings import case_drawings
from tests.audit import scenes
from vouchers.models import BankAccount, DeclaredAffiliation, PriceCheck, Shareholding

pytestmark = pytest.mark.django_db
HERE = frozenset({"110000"})


@pytest.fixture
def scene(cast):
    return scenes.build(cast)


def check(lease, **more) -> PriceCheck:
    """A price check of the contract."""
    fields = {
        "check_no": f"PC-{lease.pk}-{more.get('grade', 'B')}",
        "subject_kind": "lease",
        "subject_no": lease.lease_no,
        "as_of": lease.signed_on,
        "known_at": lease.created_at,
        "unit_price": Decimal("31.20"),
        "above_band": "cut",
        "position": "above",
        "consequence": "cut",
        "grade": "B",
        "lower": Decimal("18"),
        "base": Decimal("20"),
        "upper": Decimal("22"),
        "recognised_price": Decimal("22"),
        "sentence": "高于上限。",
        "row": {"n_groups": 7},
    }
    return PriceCheck.objects.create(**{**fields, **more})


def test_what_is_known_of_a_case_is_read(scene, cast):
    first = scene.lease(serials=("NVA1", "NVA2"))
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1))
    scene.invoice(first, "25112000000000000001", period_from=date(2025, 3, 1), period_to=date(2025, 4, 1))
    scene.invoice(first, "25112000000000000002", status="voided")
    BankAccount.objects.create(party=cast.alpha, account_no="6222000000001234", entered_by=cast.filer)
    BankAccount.objects.create(party=cast.beta, account_no="6222000000001234", entered_by=cast.other_filer)
    Shareholding.objects.create(
        company=cast.alpha, holder_kind="company", holder_id=cast.provider.uscc, percent=Decimal(60),
        effective_from=date(2024, 1, 1),
    )  # fmt: skip
    DeclaredAffiliation.objects.create(
        party=cast.beta, other=cast.provider, relation="sister", declared_on=date(2025, 2, 1)
    )
    BankTransfer.objects.create(
        bank_ref="R1", payer=cast.alpha, payee=cast.provider, paid_on=date(2025, 5, 2), amount=Decimal("5.00")
    )
    for day in (1, 2):
        MeteringDay.objects.create(
            lease=first, day=date(2025, 3, day), card_hours=Decimal("7.5"), source="platform"
        )
    check(first, grade="C")
    check(first)
    facts = read_case([cast.alpha.uscc], [first.lease_no, second.lease_no], regions=HERE)
    assert set(facts.parties) == {cast.alpha.uscc, cast.beta.uscc, cast.provider.uscc}
    assert [lease.lease_no for lease in facts.own_leases] == [first.lease_no, second.lease_no]
    assert facts.spread["account", "6222000000001234"] == 2
    assert [(one.percent, one.holder_id) for one in facts.holdings] == [(Decimal(60), cast.provider.uscc)]
    assert [one.relation for one in facts.declared] == ["同受控制"]
    assert [one.bank_ref for one in facts.transfers] == ["R1"]
    assert [(one.month, one.hours, one.days) for one in facts.metered] == [
        (date(2025, 3, 1), Decimal("15.0000"), 2)
    ]
    assert [one.invoice_no for one in facts.billed] == ["25112000000000000001"]
    assert facts.prices[first.lease_no].grade == "B"  # the last check
    assert facts.prices[first.lease_no].groups == 7
    drawings = case_drawings([], [first.lease_no, second.lease_no], regions=HERE)
    assert [row.counts for row in drawings.overlaps.rows] == [True]
    html = render_to_string("audit/includes/case_drawings.html", {"drawings": drawings})
    assert html.count("<svg") >= 4 and "style=" not in html and "<script" not in html


def test_of_another_region_only_program_and_dates_are_read(scene, cast):
    first = scene.lease(serials=("NVA1",))
    hidden = scene.lease(lessee=cast.beta, serials=("NVA1",), region="440300")
    facts = read_case([], [first.lease_no, hidden.lease_no], regions=HERE)
    assert set(facts.leases) == {first.lease_no} and cast.beta.uscc not in facts.parties
    html = render_to_string(
        "audit/includes/case_drawings.html",
        {"drawings": case_drawings([], [first.lease_no, hidden.lease_no], regions=HERE)},
    )
    assert hidden.lease_no not in html and cast.beta.name not in html and "另一地区" in html
    both = read_case([], [first.lease_no, hidden.lease_no], regions=HERE | {"440300"})
    assert set(both.leases) == {first.lease_no, hidden.lease_no}


def test_drafts_and_voided_contracts_of_others_do_not_overlap(scene, cast):
    first = scene.lease(serials=("NVA1",))
    scene.lease(lessee=cast.beta, serials=("NVA1",), filed=False)
    assert case_drawings([], [first.lease_no], regions=HERE).overlaps.rows == []


def test_a_replaced_device_ends_where_the_new_one_took_over(scene, cast):
    first = scene.lease(serials=("NVA1",))
    Device.objects.create(serial="NVA9", provider=cast.provider, accelerator="H800", replaces_serial="NVA1")
    LeaseDevice.objects.create(
        lease=first, serial="NVA9", effective_from=date(2025, 4, 1), effective_to=first.ends_before
    )
    second = scene.lease(lessee=cast.beta, serials=("NVA1",), starts=date(2025, 4, 1))
    (row,) = case_drawings([], [first.lease_no, second.lease_no], regions=HERE).overlaps.rows
    assert (row.hours, row.counts) == (24, False)


def test_a_large_case_is_read_in_as_many_statements_as_a_small_one_and_within_a_second(scene, cast):
    parties = [scene.party(f"91110108MA0{n:06}X", f"第{n}号智能科技有限公司") for n in range(16)]
    leases = [
        scene.lease(
            lessee=parties[n % 16], serials=(f"NVH{n // 2 if n < 24 else n:04}",), filed=False, signed=date(2025, 1, 5)
        )
        for n in range(60)
    ]  # fmt: skip
    for lease in leases:
        check(lease)
        MeteringDay.objects.bulk_create(
            MeteringDay(lease=lease, day=date(2025, 3, day), card_hours=Decimal(100), source="platform")
            for day in range(1, 31)
        )
    case_drawings([], [leases[0].lease_no], regions=HERE)
    with CaptureQueriesContext(
        connection,
    ) as few:
        case_drawings([], [leases[0].lease_no], regions=HERE)
    began = time.process_time()
    with CaptureQueriesContext(connection) as all_:
        drawings = case_drawings([], [lease.lease_no for lease in leases], regions=HERE)
        render_to_string("audit/includes/case_drawings.html", {"drawings": drawings})
    assert time.process_time() - began < 1
    assert len(all_) <= len(few) + 1 <= 20, [query["sql"][:80] for query in all_]
    assert drawings.graph.wide is not None and len(drawings.prices.rows) == 60
