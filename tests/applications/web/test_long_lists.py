"""Pages of money with a thousand rows, and with none: pages of them, sums over all of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from tests import casework
from vouchers.models import (
    Clawback,
    Party,
    Payment,
    PaymentBatch,
    PaymentLine,
    Refund,
)

pytestmark = pytest.mark.django_db
MANY = 1_000


@pytest.fixture
def crowd(cast, request):
    """A program in 北京, and a thousand payables (or as many as are asked for) of as many companies."""
    many = getattr(request, "param", MANY)
    publication = casework.published(cast, "BJ-AIQ")
    parties = Party.objects.bulk_create(
        [
            Party(uscc=f"CROWD{n:013d}", name=f"第{n}号人工智能大模型训练推理算力调度技术研究院有限责任公司", region_code="110000")
            for n in range(many)
        ]
    )  # fmt: skip
    payments = Payment.objects.bulk_create(
        [
            Payment(
                payment_no=f"P-2025-9{n:07d}",
                claim_no=f"C-2025-9{n:07d}",
                voucher_no=f"V-2025-9{n:07d}",
                region=cast.beijing,
                program=publication.program,
                payee=party,
                amount=Decimal("1000.01"),
                payable_on=date(2025, 7, 1),
            )
            for n, party in enumerate(parties)
        ]
    )
    return publication.program, payments


def opened(client, person, name, *args, **asked):
    client.force_login(person)
    response = client.get(reverse(name, args=args), asked)
    assert response.status_code == 200
    return response


def test_a_thousand_payables_stand_on_pages_with_their_sum(
    client, cast, crowd, django_assert_max_num_queries
):
    client.force_login(cast.finance)
    with django_assert_max_num_queries(40):
        response = client.get(reverse("desk:payables"))
    assert len(response.context["payments"]) == 200
    assert response.context["total"] == Decimal("1000010.00")
    assert "将全部 1000 笔中可列入的编成一个批次" in response.content.decode()
    last = opened(client, cast.finance, "desk:payables", page=5)
    assert last.context["payments"][-1].payment_no == "P-2025-90000999"


def test_a_batch_of_a_thousand_lines_is_read_by_pages_and_searched(
    client, cast, crowd, django_assert_max_num_queries
):
    program, payments = crowd
    batch = PaymentBatch.objects.create(
        batch_no="PB-2025-9000001", region=cast.beijing, program=program, title="一千笔", created_by=cast.finance,
        created_on=date(2025, 7, 2),
    )  # fmt: skip
    PaymentLine.objects.bulk_create(
        [
            PaymentLine(
                batch=batch,
                payment=payment,
                line_no=n,
                instruction_no=f"{batch.batch_no}-{n:04d}",
                payee_name=payment.payee.name,
                payee_uscc=payment.payee.uscc,
                amount=payment.amount,
            )
            for n, payment in enumerate(payments, start=1)
        ]
    )
    client.force_login(cast.finance)
    with django_assert_max_num_queries(40):
        response = client.get(reverse("desk:batch", args=[batch.batch_no]))
    assert len(response.context["lines"]) == 100
    assert response.context["totals"].count == MANY
    assert response.context["totals"].total == Decimal("1000010.00")
    found = opened(client, cast.finance, "desk:batch", batch.batch_no, q="C-2025-90000077")
    assert [line.payment.payment_no for line in found.context["lines"]] == ["P-2025-90000077"]
    named = opened(client, cast.finance, "desk:batch", batch.batch_no, q="第999号")
    assert named.context["lines"].paginator.count == 1
    none = opened(client, cast.finance, "desk:batch", batch.batch_no, q="没有的单位")
    assert "没有这样的行" in none.content.decode()
    # what is summed up above stays the whole batch's
    assert none.context["totals"].total == Decimal("1000010.00")


@pytest.fixture
def refunds(cast, crowd):
    """A clawback of one of them, and a thousand refunds."""
    program, payments = crowd
    clawback = Clawback.objects.create(
        clawback_no="CB-2025-9000001",
        region=cast.beijing,
        program=program,
        payment=payments[0],
        claim_no=payments[0].claim_no,
        party=payments[0].payee,
        ground="finding",
        ground_no="K-1",
        paid_amount=Decimal("1000.01"),
        founded_amount=Decimal("0.00"),
        principal_amount=Decimal("1000.01"),
        drafted_by=cast.handler,
        drafted_on=date(2025, 7, 3),
    )
    return Refund.objects.bulk_create(
        [
            Refund(
                refund_no=f"RF-2025-9{n:07d}",
                clawback=clawback,
                kind="excess",
                amount=Decimal("10.01"),
                opened_on=date(2025, 7, 4),
                opened_by=cast.finance,
            )
            for n in range(MANY)
        ]
    )


def test_all_refunds_stand_on_one_list_with_their_sums(client, cast, refunds, django_assert_max_num_queries):
    client.force_login(cast.second_finance)
    with django_assert_max_num_queries(30):
        response = client.get(reverse("desk:refunds"))
    assert len(response.context["page"]) == 50
    assert response.context["total"] == Decimal("10010.00")
    assert {one["label"]: one["amount"] for one in response.context["amounts"]}["应退还"] == Decimal(
        "10010.00"
    )
    one = opened(client, cast.second_finance, "desk:refunds", q="RF-2025-90000500")
    assert one.context["page"].paginator.count == 1
    assert one.context["total"] == Decimal("10.01")
    paid = opened(client, cast.second_finance, "desk:refunds", view="paid")
    assert "没有退还事项" in paid.content.decode()


def test_another_region_sees_no_refund_and_a_stranger_no_page(client, cast, refunds):
    assert opened(client, cast.other_finance, "desk:refunds").context["page"].paginator.count == 0
    client.force_login(cast.filer)
    assert client.get(reverse("desk:refunds")).status_code == 403


@pytest.mark.parametrize("name", ["payables", "refunds", "clawbacks", "receiving_accounts"])
def test_each_list_says_what_it_is_when_there_is_nothing(client, cast, name):
    assert opened(client, cast.other_finance, f"desk:{name}").content


def test_the_menu_counts_the_refunds_that_one_may_move(client, cast, refunds):
    from applications.web.desk.refunds import waiting_refunds

    assert waiting_refunds(cast.second_finance).count() == MANY
    assert waiting_refunds(cast.finance).count() == 0  # opened by that person


@pytest.mark.parametrize("crowd", [5], indirect=True)
def test_all_payables_of_all_pages_make_one_batch(client, cast, crowd, monkeypatch):
    from applications.web.desk import payments as page

    monkeypatch.setattr(page, "PAYABLES", 2)
    client.force_login(cast.finance)
    shown = client.get(reverse("desk:payables"))
    assert len(shown.context["payments"]) == 2
    client.post(reverse("desk:create_batch"), {"program": "BJ-AIQ", "every": "yes"})
    batch = PaymentBatch.objects.get()
    assert batch.lines.count() == 5
    assert set(Payment.objects.values_list("state", flat=True)) == {"batched"}
