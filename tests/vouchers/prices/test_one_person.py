"""What one person of the price office cannot do alone: move a price by typing quotes, by a file, out of nothing, or by taking out."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import price_files, price_tables, prices
from vouchers.actions.price_grounds import PriceGrounds
from vouchers.actions.price_tasks import price_tasks_of
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import ChipModel, FxRate, PriceObservation, RoleGrant, User
from vouchers.policy import fair_price as fp

pytestmark = pytest.mark.django_db
ON = date(2025, 7, 10)
CELL = fp.Cell.parse("china/H800/SXM/specialist/east/1_6m")


@pytest.fixture(autouse=True)
def market(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(market_rows(ON))  # seven quotes, the middle one 19
        yield


@pytest.fixture
def second(cast):
    """Another price publisher."""
    user = User.objects.create(username="price-publisher-2", display_name="京价格二")
    RoleGrant.objects.create(
        user=user, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return user


def base():
    grounds = PriceGrounds("china")
    _kept, method = grounds.method(dates.today())
    return grounds.priced(CELL, as_of=dates.today(), known_at=dates.now(), method=method, left_out=())[1].base


INVENTED = [
    row(uscc(800 + n), f"30.{n}", ON, bookable_since="2020-01-01", reference=f"X{n}") for n in range(9)
]


def test_quotes_that_one_person_types_do_not_vote_until_another_has_seen_them(cast, second):
    typed = [prices.record_observation(one, by=cast.price_publisher, feed="entry") for one in INVENTED]
    assert {(one.state, one.reason) for one in typed} == {("quarantined", "entry.unconfirmed")}
    assert base() == Decimal(19)
    with pytest.raises(Forbidden) as same:
        prices.admit_observation(typed[0], by=cast.price_publisher, corrections={}, note="网页存档")
    assert same.value.code == "access.same_person"
    seen = prices.admit_observation(typed[0], by=second, corrections={}, note="网页存档")
    assert seen.state == "admitted"


def test_a_file_of_quotes_is_let_in_by_another_person(cast, second):
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(INVENTED[0]))
    writer.writeheader()
    writer.writerows(INVENTED)
    file = price_files.preview_file(
        out.getvalue().encode(), "报价.csv", backfilled=False, by=cast.price_publisher
    )
    with pytest.raises(Forbidden) as same:
        price_files.load_file(file, by=cast.price_publisher)
    assert same.value.code == "access.same_person"
    assert base() == Decimal(19)
    assert price_files.load_file(file, by=second).admitted == 9


def test_a_price_out_of_nothing_takes_two_persons(cast, second):
    """Seven quotes wait, the cell has no price: four admitted alone make none, the fifth would, and is only proposed."""
    PriceObservation.objects.all().update(state="quarantined", reason="unit.missing")
    assert base() is None
    done = [
        prices.admit_observation(one, by=cast.price_publisher, corrections={"unit_price": "30"}, note="电话")
        for one in PriceObservation.objects.order_by("pk")[:5]
    ]
    assert [one.state for one in done] == ["admitted"] * 4 + ["quarantined"]
    proposal = done[-1].proposal
    assert (proposal["before"], Decimal(proposal["after"]), proposal["alone"]) == ("", Decimal(30), 4)
    assert base() is None
    prices.confirm_admission(done[-1], by=second)
    assert base() == Decimal(30)


def test_taking_out_what_moves_the_price_or_ends_it_takes_two_persons(cast, second):
    def take_out(number, by=cast.price_publisher, **more):
        held = PriceObservation.objects.get(source_key=uscc(number))
        return prices.set_aside_observations(
            **{"reason": "withdrawn", "by": by, "observation_no": held.observation_no, "note": "来源撤回"}
            | more
        )

    with pytest.raises(Invalid) as no_note:
        take_out(0, note=" ")
    assert no_note.value.code == "price.note_missing"
    assert [take_out(0), take_out(1), take_out(2)] == [1, 1, 0]  # five make a price, four do not
    assert base() is not None
    held = PriceObservation.objects.get(source_key=uscc(2))
    assert (held.state, held.set_aside_at, held.proposal["set_aside"]) == ("admitted", None, "withdrawn")
    assert (held.proposal["after"], held.proposal["alone"]) == ("", 2)
    assert ("confirm", 1) in {(task.kind, task.count) for task in price_tasks_of(second)}
    with pytest.raises(Forbidden):
        prices.confirm_removal(held, by=cast.price_publisher)
    with pytest.raises(NotNow):
        prices.confirm_admission(held, by=second)
    prices.decline_admission(held, by=second, note="来源仍在报价")
    held.refresh_from_db()
    assert (held.proposal, held.revision, held.judgements.count()) == (None, 1, 0)
    assert take_out(2) == 0
    prices.confirm_removal(PriceObservation.objects.get(pk=held.pk), by=second)
    assert base() is None
    judged = held.judgements.get()
    assert (judged.verb, judged.proposed_by, judged.judged_by) == ("set_aside", cast.price_publisher, second)


def test_many_small_removals_by_one_person_are_one_large_one(cast, second):
    """Each of the cheapest alone hardly moves the middle, together they do."""
    prices.load_observations([row(uscc(20 + n), f"{24 + 2 * n}", ON) for n in range(6)])
    before, taken = base(), []
    for number in range(7):
        held = PriceObservation.objects.get(source_key=uscc(number))
        taken.append(
            prices.set_aside_observations(
                reason="withdrawn", by=cast.price_publisher, observation_no=held.observation_no, note="撤回"
            )
        )
    assert taken[0] == 1 and taken[-1] == 0
    assert abs(base() / before - 1) < Decimal("0.17")  # ln 0.15


@pytest.mark.parametrize(
    ("unit", "price", "cards", "reason"),
    [
        ("card_month", 19 * 730 * 8, "", "unit.instance_total"),
        ("server_month", 19 * 730, "", "unit.server_as_card"),
        ("server_month", 19 * 730 * 64, "64", "unit.ambiguous"),
    ],
)
def test_totals_by_the_month_wait_as_those_by_the_hour_do(unit, price, cards, reason):
    prices.load_observations([row(uscc(50), str(price), ON, unit=unit, cards=cards)])
    held = PriceObservation.objects.get(source_key=uscc(50))
    assert (held.state, held.reason) == ("quarantined", reason)


def test_the_chip_table_that_a_method_computes_by_takes_no_more_rows(client, cast):
    """An alias added to it would make every contract of that chip ambiguous, of any past day too."""
    client.force_login(cast.price_publisher)
    address = reverse("admin:vouchers_chipmodel_add")
    given = {
        "accelerator": "ZZZ", "form_factor": "SXM", "vendor": "某厂", "origin": "foreign", "citation": "x", "confidence": "high",
        "aliases": '["H800"]', "cards_per_server": 8, "memory_gb": 80, "generation": "", "architecture": "",
    }  # fmt: skip
    closed = client.post(address, given | {"table_version": 1})
    assert "不能增补" in closed.content.decode()
    assert not ChipModel.objects.filter(accelerator="ZZZ").exists()
    assert base() == Decimal(19)
    fresh = client.post(address, given | {"table_version": 99})
    assert "不能增补" not in fresh.content.decode()


def test_the_action_and_the_database_keep_a_closed_chip_table_closed_too(cast):
    """Not only the form: no way of writing adds a row, changes one or takes one out."""
    chip = ChipModel(
        table_version=1, accelerator="ZZZ", form_factor="SXM", origin="foreign", aliases=["H800"],
        citation="x", confidence="given",
    )  # fmt: skip
    with pytest.raises(NotNow) as refusal:
        price_tables.add_chip(chip, by=cast.price_publisher)
    assert refusal.value.code == "chip.table_closed"
    h800 = ChipModel.objects.filter(table_version=1, accelerator="H800")
    for write in (chip.save, lambda: h800.update(cards_per_server=16), h800.delete):
        with pytest.raises(IntegrityError, match="已由价格方法使用"), transaction.atomic():
            write()
    assert price_tables.load_price_tables() == {"chips": 0, "rates": 0, "methods": 0}  # again is no addition
    chip.pk, chip.table_version = None, 99
    assert price_tables.add_chip(chip, by=cast.price_publisher).pk
    with pytest.raises(Forbidden):
        price_tables.add_chip(chip, by=cast.handler)


def test_no_single_person_adds_a_rate_for_days_that_are_over(client, cast):
    client.force_login(cast.price_publisher)
    given = {"currency": "USD", "cny_per_unit": "1.5", "source": "x", "effective_to": ""}
    page = client.post(reverse("admin:vouchers_fxrate_add"), given | {"effective_from": "2025-07-14"})
    assert "不得早于今日" in page.content.decode()
    rate = FxRate(currency="USD", effective_from=date(2025, 7, 14), cny_per_unit=Decimal("1.5"), source="x")
    with pytest.raises(Invalid) as refusal:
        price_tables.add_rate(rate, by=cast.price_publisher)
    assert refusal.value.code == "rate.past"
    client.post(reverse("admin:vouchers_fxrate_add"), given | {"effective_from": "2025-07-15"})
    assert FxRate.objects.filter(effective_from=date(2025, 7, 15)).exists()
    for write in (FxRate.objects.all().delete, lambda: FxRate.objects.update(cny_per_unit=1)):
        with pytest.raises(IntegrityError, match="不得改写"), transaction.atomic():
            write()
