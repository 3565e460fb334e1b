"""A lease whose invoice, payment and metered use hold is a verified price; when one of them falls it is taken out, never edited."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from applications.actions.basis_items import ItemFields
from applications.actions.clawback_cases import mark_invoice
from applications.actions.contract_prices import (
    _paid,
    contracts_to_follow,
    follow_contract,
    leases_of_hold,
    standing_of,
)
from applications.models import BankTransfer, BasisItem, Claim, Invoice, Lease, MeteringDay
from applications.tasks import follow_contract_prices
from tests import casework
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.holds import lift_hold, place_hold, request_lift
from vouchers.actions.price_entries import take_own_observations
from vouchers.context import Actor, acting
from vouchers.models import OutboxMessage, PriceObservation
from vouchers.policy.prices.normalise import months_between

pytestmark = pytest.mark.django_db
DAY = date(2025, 8, 1)
NET = "3000000.00"  # 200,000 card-hours at 15 yuan


@pytest.fixture
def lease(cast):
    """A lease of 5 million, claimed on an invoice of 3 million that the lessee paid."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    casework.admitted(cast.provider, "BJ-AIQ", "算力")
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    application = casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00"))
    voucher = casework.issued(cast, application)
    with dates.fixed(DAY):
        made = Lease.objects.get()
        invoice = casework.invoice(made, NET, on=date(2025, 7, 1))
        transfer = BankTransfer.objects.create(
            bank_ref="B-1",
            payer=cast.alpha,
            payee=cast.provider,
            paid_on=date(2025, 7, 3),
            amount=invoice.gross_amount,
        )
        item = ItemFields(
            kind="invoice_line", net_amount=Decimal(NET), invoice=invoice, bank_transfer=transfer
        )
        casework.claimed(cast, voucher, made, [item])
        yield made


def used(lease, hours, source="platform"):
    """So many card-hours from March on, 20 days."""
    MeteringDay.objects.bulk_create(
        MeteringDay(
            lease=lease,
            day=date(2025, 3, 1) + timedelta(days=n),
            card_hours=Decimal(hours) / 20,
            source=source,
        )
        for n in range(20)
    )


def follow(lease):
    with acting(Actor.service("test"), "test"):
        return follow_contract(lease.lease_no)


def held(lease):
    return PriceObservation.objects.filter(reference=lease.lease_no).order_by("pk")


def test_what_holds_becomes_a_verified_price_of_its_signing_day_once(lease, cast):
    used(lease, 100_000)
    assert standing_of(lease).holds
    assert follow(lease) == "recorded"
    (one,) = held(lease)
    assert (one.kind, one.evidence, one.state, one.party) == (
        "transaction",
        "verified",
        "admitted",
        cast.provider,
    )
    assert (one.observed_on, one.normalised_price, one.tier) == (date(2025, 3, 1), Decimal(15), "specialist")
    assert one.known_at == dates.now()
    assert follow(lease) == ""
    assert held(lease).count() == 1


@pytest.mark.parametrize(
    ("hours", "source"), [(99_000, "platform"), (200_000, "self_reported"), (0, "platform")]
)
def test_less_than_half_of_what_is_billed_or_use_by_own_word_is_no_proof(lease, hours, source):
    used(lease, hours, source)
    assert not standing_of(lease).holds
    assert follow(lease) == ""
    assert not held(lease).exists()


def test_without_the_whole_payment_by_the_lessee_itself_it_is_no_proof(lease, cast):
    used(lease, 150_000)
    BankTransfer.objects.update(amount=Decimal("1000000.00"))
    assert "付清" in standing_of(lease).sentence
    BankTransfer.objects.update(amount=Decimal("9000000.00"), payer=cast.beta)
    assert not standing_of(lease).holds
    Claim.objects.filter(lease=lease)
    assert follow(lease) == ""


def test_whoever_posts_the_price_of_its_contract_first_takes_no_verified_prices_place(lease, cast):
    """The same words of the same contract, said by the provider before the casework proved them: two observations, one verified."""
    used(lease, 150_000)
    own = {
        "observed_on": lease.signed_on.isoformat(),
        "kind": "transaction",
        "region_code": lease.region_code,
        "accelerator": lease.accelerator,
        "form_factor": lease.form_factor,
        "term_months": str(months_between(lease.starts_on, lease.ends_before)),
        "unit": lease.unit,
        "unit_price": f"{lease.unit_price:f}",
        "currency": "CNY",
        "tax_included": "false",
        "reference": lease.lease_no,
    }
    with acting(Actor.service("test"), "test"):
        (posted,) = take_own_observations(cast.provider, [(1, own)], feed="api")
        assert posted.observation is not None and posted.observation.evidence == "declared"
        assert follow(lease) == "recorded"
        assert follow(lease) == ""
        assert [(one.evidence, one.state) for one in held(lease)] == [
            ("declared", "admitted"),
            ("verified", "admitted"),
        ]
        (again,) = take_own_observations(cast.provider, [(1, own)], feed="api")
    assert (again.outcome, again.observation) == ("known", posted.observation)


def test_a_yuan_that_was_transferred_pays_one_invoice(lease, cast):
    """The transfer of the first invoice is named beside a second of a million too: that one is not paid, and bills nothing."""
    used(lease, 150_000)
    item = BasisItem.objects.get()
    second = casework.invoice(lease, "1000000.00", on=date(2025, 7, 2), number="25112000000000000002")
    BasisItem.objects.create(
        claim=item.claim,
        position=9,
        kind="invoice_line",
        invoice=second,
        net_amount=Decimal("1000000.00"),
        bank_transfer=item.bank_transfer,
    )
    assert _paid(lease, [item.invoice, second]) == [item.invoice]
    BankTransfer.objects.update(amount=item.invoice.gross_amount + second.gross_amount)
    assert _paid(lease, [item.invoice, second]) == [item.invoice, second]
    assert _paid(lease, [second]) == [second]
    BankTransfer.objects.update(amount=item.invoice.gross_amount)
    assert _paid(lease, [second]) == []  # it went to the first, though that is not asked for


def test_a_hold_on_its_invoice_takes_the_price_out(lease, cast):
    used(lease, 150_000)
    follow(lease)
    invoice = Invoice.objects.get()
    with acting(cast.investigator, "test"):
        place_hold(
            "invoice",
            invoice.invoice_no,
            ground="manual",
            sentence="发票正在核实。",
            evidence=[],
            region_code="110000",
            party=cast.alpha,
            by=cast.investigator,
        )
    told = OutboxMessage.objects.get(task="applications.hold_changed").payload
    assert leases_of_hold(told["subject_kind"], told["subject_no"]) == [lease.lease_no]
    assert standing_of(lease).reason == "case.opened"
    assert follow(lease) == "withdrawn"


def test_a_bundled_price_is_no_price_of_cards(lease):
    used(lease, 150_000)
    Lease.objects.filter(pk=lease.pk).update(bundled=True)
    lease.refresh_from_db()
    assert standing_of(lease).reason == "contract.unproven"


def test_a_red_letter_takes_the_price_out_from_then_on(lease, cast):
    used(lease, 150_000)
    follow(lease)
    invoice = Invoice.objects.get()
    with acting(cast.handler, "test"):
        mark_invoice(invoice, status="red", changed_on=DAY, document_no="红字1", by=cast.handler)
    assert follow(lease) == "withdrawn"
    (one,) = held(lease)
    assert (one.state, one.set_aside_reason, one.set_aside_at, one.revision) == (
        "admitted",
        "invoice.red",
        dates.now(),
        2,
    )
    assert [row.verb for row in one.judgements.all()] == ["set_aside"]
    assert follow(lease) == ""


def red(cast, invoice, on=DAY):
    with acting(cast.handler, "test"):
        mark_invoice(invoice, status="red", changed_on=on, document_no="红字1", by=cast.handler)


def reissued(cast, lease, net=NET, *, number="25112000000000000002", on=DAY, bank_ref="B-2"):
    """Another invoice beside the claim's first item, paid by a transfer of its own."""
    invoice = casework.invoice(lease, net, number=number, on=on)
    transfer = BankTransfer.objects.create(
        bank_ref=bank_ref, payer=cast.alpha, payee=cast.provider, paid_on=on, amount=invoice.gross_amount
    )
    (item, *_rest) = BasisItem.objects.order_by("pk")
    BasisItem.objects.create(
        claim=item.claim,
        position=BasisItem.objects.count() + 1,
        kind="invoice_line",
        invoice=invoice,
        number_key=invoice.number_key,
        net_amount=invoice.net_amount,
        bank_transfer=transfer,
    )
    return invoice


def test_a_red_letter_with_another_invoice_in_its_place_leaves_the_price(lease, cast):
    """The ordinary way to mend a wrong title or number: neither party erases a price by it."""
    used(lease, 150_000)
    follow(lease)
    first = Invoice.objects.get()
    red(cast, first)
    assert follow(lease) == "withdrawn"  # until the new one is here and paid
    second = reissued(cast, lease)
    assert standing_of(lease).holds
    assert follow(lease) == "recorded"
    assert [row.set_aside_reason for row in held(lease)] == ["invoice.red", ""]
    red(cast, second)  # wrong once more
    assert follow(lease) == "withdrawn"
    reissued(cast, lease, number="25112000000000000003", bank_ref="B-3")
    assert standing_of(lease).holds


def test_one_invoice_takes_the_place_of_one(lease, cast):
    used(lease, 300_000)
    other = reissued(cast, lease, on=date(2025, 7, 1))
    assert standing_of(lease).holds
    for fallen in Invoice.objects.all():
        red(cast, fallen)
    reissued(cast, lease, number="25112000000000000003", bank_ref="B-3")
    assert standing_of(lease).sentence.startswith(f"发票 {other.invoice_no} 已红冲")
    reissued(cast, lease, number="25112000000000000004", bank_ref="B-4")
    assert standing_of(lease).holds


def test_an_invoice_of_another_amount_day_or_period_is_in_no_ones_place(lease, cast):
    used(lease, 200_000)
    first = Invoice.objects.get()
    red(cast, first)
    reissued(cast, lease, "2900000.00")
    assert standing_of(lease).sentence == f"发票 {first.invoice_no} 已红冲，未见按原金额重开并付清的发票"
    earlier = reissued(
        cast, lease, number="25112000000000000005", bank_ref="B-5", on=date(2025, 7, 31)
    )  # another month's, from before the first fell
    assert standing_of(lease).reason == "invoice.red"
    Invoice.objects.filter(pk=earlier.pk).update(
        issued_on=DAY, period_from=date(2025, 7, 1), period_to=date(2025, 8, 1)
    )
    Invoice.objects.filter(pk=first.pk).update(period_from=date(2025, 3, 1), period_to=date(2025, 7, 1))
    assert standing_of(lease).reason == "invoice.red"
    Invoice.objects.filter(pk=earlier.pk).update(period_from=date(2025, 3, 1), period_to=date(2025, 7, 1))
    assert standing_of(lease).holds


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({"quantity": None}, "合同未填写数量"),
        ({"cards": 1}, "多于 1 卡在租期 365 日内最多可提供的 8,760 卡时"),
        ({"quantity": Decimal(100_000)}, "与合同金额 5,000,000.00 元不一致"),
    ],
)
def test_a_price_that_its_own_contract_does_not_bear_out_is_no_proof(lease, figures, told):
    """A told price below the paid one would pull the range down, one above it up."""
    used(lease, 150_000)
    assert standing_of(lease).holds
    Lease.objects.filter(pk=lease.pk).update(**figures)
    lease.refresh_from_db()
    found = standing_of(lease)
    assert (found.holds, found.reason) == (False, "contract.unproven")
    assert told in found.sentence


def test_a_stopped_case_takes_it_out_and_when_it_is_let_go_a_new_observation_takes_its_place(lease, cast):
    used(lease, 150_000)
    follow(lease)
    with acting(cast.investigator, "test"):
        hold = place_hold(
            "lease",
            lease.lease_no,
            ground="manual",
            sentence="设备不在现场。",
            evidence=[],
            region_code="110000",
            party=cast.alpha,
            by=cast.investigator,
        )
    assert OutboxMessage.objects.filter(task="applications.hold_changed").count() == 1
    assert follow(lease) == "withdrawn"
    assert held(lease).get().set_aside_reason == "case.opened"
    with acting(cast.investigator, "test"):
        request_lift(hold, by=cast.investigator, reason="现场复核无误。")
    assert follow(lease) == ""  # asked for is not lifted
    with acting(cast.second_investigator, "test"):
        lift_hold(hold, by=cast.second_investigator)
    assert follow(lease) == "recorded"
    first, second = held(lease)
    assert (second.replaces, second.set_aside_at, second.state) == (first, None, "admitted")
    assert first.set_aside_at is not None
    assert follow(lease) == ""


def test_what_a_person_took_out_the_casework_does_not_bring_back(lease, cast):
    used(lease, 150_000)
    follow(lease)
    with acting(cast.price_publisher, "test"):
        prices.set_aside_observations(
            reason="withdrawn",
            by=cast.price_publisher,
            observation_no=held(lease).get().observation_no,
            note="x",
        )
    assert follow(lease) == ""
    assert held(lease).count() == 1


def test_the_clock_follows_every_contract_that_may_have_come_to_hold(lease):
    used(lease, 150_000)
    assert contracts_to_follow(DAY) == [lease.lease_no]
    assert follow_contract_prices() == 1
    assert held(lease).get().state == "admitted"
    assert follow_contract_prices() == 0
