"""Files and people hand in prices: what is sound is loaded, what is suspect waits, what is broken is told by row and column."""

from __future__ import annotations

import gzip
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.vouchers.prices.feeds import REFERENCE_HEADER, market_rows, row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.actions.price_reading import start_of
from vouchers.context import Actor, acting
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import ChipModel, PriceMethod, PriceObservation
from vouchers.models.prices import ObservationState
from vouchers.models.recorded import Origin

pytestmark = pytest.mark.django_db
ON = date(2025, 6, 20)


@pytest.fixture(autouse=True)
def in_a_context():
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        yield


def load(*rows):
    return prices.load_observations(list(rows))


def test_a_sound_row_is_kept_as_written_and_as_read(cast):
    report = load(row(cast.provider.uscc, "19716.00", ON, unit="card_month", tax_included="true"))
    (held,) = PriceObservation.objects.all()
    assert (report.read, report.admitted, held.state, held.origin) == (
        1,
        1,
        ObservationState.ADMITTED,
        Origin.IMPORTED,
    )
    assert held.unit_price == Decimal("19716.000000")
    assert held.normalised_price == Decimal("25.479452")  # 19716 ÷ 1.06 ÷ 730
    assert held.original["unit_price"] == "19716.00"
    assert held.party == cast.provider
    assert held.region == cast.beijing
    assert held.known_at.astimezone(dates.SHANGHAI).isoformat() == "2025-06-20T00:00:00+08:00"


def test_a_second_import_of_the_same_rows_changes_nothing():
    rows = market_rows(ON)
    assert load(*rows).admitted == 7
    again = load(*reversed(rows))
    assert (again.taken, again.known) == (0, 7)
    twice = load(row(uscc(50), "19", ON), row(uscc(50), "19", ON))
    assert (twice.taken, twice.known) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "code", "column"),
    [
        ({"unit_price": "0"}, "price.not_positive", "unit_price"),
        ({"unit_price": "-3"}, "price.not_positive", "unit_price"),
        ({"unit_price": "NaN"}, "price.invalid", "unit_price"),
        ({"unit_price": "1e12"}, "price.implausible", "unit_price"),
        ({"unit_price": ""}, "price.missing", "unit_price"),
        ({"observed_on": "2099-01-01"}, "date.future", "observed_on"),
        ({"observed_on": "20250620"}, "date.invalid", "observed_on"),
        ({"observed_on": "2025/06/20"}, "date.invalid", "observed_on"),
        ({"unit": "bushel"}, "unit.unknown", "unit"),
        ({"kind": "rumour"}, "kind.unknown", "kind"),
        ({"tier": "garage"}, "tier.unknown", "tier"),
        ({"term_months": "-1"}, "term.unknown", "term_months"),
        ({"source": " "}, "source.missing", "source"),
        ({"currency": "¥"}, "currency.unknown", "currency"),
        ({"vat_rate": "6"}, "tax.unknown", "vat_rate"),
        ({"bookable_since": "2025-06-21"}, "date.future", "bookable_since"),  # the day after it was seen
    ],
)
def test_a_row_that_breaks_the_format_is_refused_by_row_and_column_and_the_rest_is_loaded(
    changes, code, column
):
    good = market_rows(ON)
    report = load(*good[:3], {**row(uscc(99), "19", ON), **changes}, *good[3:])
    assert report.admitted == 7
    (refused,) = report.refused
    assert (refused.row_no, refused.field, refused.code) == (5, column, code)
    assert refused.message


def test_a_quote_may_be_bookable_from_the_day_it_was_seen():
    report = load(row(uscc(99), "19", ON, bookable_since=ON.isoformat()))
    assert (report.admitted, report.refused) == (1, [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unit": ""}, "unit.missing"),
        ({"cards": "8"}, "unit.ambiguous"),
        ({"accelerator": "H9000"}, "chip.unknown"),
        ({"accelerator": "A100-80GB", "form_factor": ""}, "form_factor.missing"),
        ({"tax_included": "true", "vat_rate": ""}, "tax.unknown"),
        ({"tax_included": "true", "vat_rate": "0.99"}, "tax.unknown"),  # would halve the price
        ({"currency": "USD"}, "currency.no_rate"),
        ({"unit": "pflops_day"}, "precision.missing"),
        ({"region_code": "000000"}, "region.unknown"),
        ({"unit_price": "152"}, "unit.instance_total"),  # eight times the usual 19
        ({"unit_price": "1"}, "price.placeholder"),
        ({"unit_price": "400"}, "price.implausible"),
    ],
)
def test_a_suspect_row_waits_for_a_person_and_is_never_averaged_in(changes, reason):
    report = load(*market_rows(ON), row(uscc(99), "19", ON, **changes))
    held = PriceObservation.objects.get(source_key=uscc(99))
    assert (held.state, held.reason) == (ObservationState.QUARANTINED, reason)
    assert report.held_rows == [(9, reason, held.note)]


def test_foreign_currency_is_set_aside_for_reference_when_there_is_a_rate():
    load(row(uscc(1), "3", date(2024, 5, 1), currency="USD"))
    held = PriceObservation.objects.get()
    assert (held.state, held.reason) == (ObservationState.SET_ASIDE, "currency.reference_only")
    assert held.normalised_price == Decimal("21.365100")  # 3 × 7.1217


def test_the_shipped_real_file_loads_and_a_second_time_changes_nothing():
    out = StringIO()
    call_command("import_prices", stdout=out)
    assert "读取 27913 行" in out.getvalue()
    assert "退回 0" in out.getvalue()
    counts = dict.fromkeys(ObservationState.values, 0)
    for state in PriceObservation.objects.values_list("state", flat=True):
        counts[state] += 1
    assert sum(counts.values()) == 27913
    assert 0 < counts["quarantined"] < 300
    assert not PriceObservation.objects.exclude(market="reference").exists()
    again = prices.import_prices()
    assert (again.taken, again.known) == (0, 27913)


def real(lines: list[str], tmp_path, name="prices.csv"):
    path = tmp_path / name
    path.write_text("\n".join([REFERENCE_HEADER, *lines]), encoding="utf-8")
    return path


GOOD = "2026-07-0{n},{source},unspecified,H100,{count},h100:on-demand,{total},{card},on_demand,SXM,,test"


def test_an_instances_total_recorded_as_a_cards_price_is_quarantined(tmp_path):
    lines = [GOOD.format(n=n, source="modal", count=1, total="3.9", card="3.9") for n in range(1, 6)]
    lines.append(GOOD.format(n=6, source="modal", count=8, total="31.2", card="31.2"))
    lines.append(GOOD.format(n=7, source="modal", count=8, total="249.6", card="31.2"))
    lines.append(GOOD.format(n=8, source="modal", count=8, total="31.2", card="5"))
    lines.append(GOOD.format(n=9, source="modal", count=1, total="0.5", card="0.5"))
    report = prices.import_prices(real(lines, tmp_path))
    assert report.admitted == 5
    assert [(no, reason) for no, reason, _note in report.held_rows] == [
        (7, "unit.instance_total"),
        (8, "unit.instance_total"),
        (9, "unit.ambiguous"),
        (10, "price.placeholder"),
    ]


def test_a_gzipped_file_and_a_byte_order_mark_are_read(tmp_path):
    path = real([GOOD.format(n=1, source="modal", count=1, total="3.9", card="3.9")], tmp_path)
    packed = tmp_path / "prices.csv.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + path.read_bytes()))
    assert prices.import_prices(packed).admitted == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe\x00", "price.file_encoding"),
        (b"a,b\n1,2\n", "price.file_columns"),
        (b"", "price.file_columns"),
    ],
)
def test_what_is_no_price_file_is_refused_whole(tmp_path, content, code):
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(Invalid) as refusal:
        prices.import_prices(path)
    assert refusal.value.code == code
    with pytest.raises(CommandError, match=code):
        call_command("import_prices", str(path))


def test_refused_rows_are_written_out_to_be_mended(tmp_path):
    path = real([GOOD.format(n=1, source="modal", count=1, total="3.9", card="0")], tmp_path)
    refused = tmp_path / "refused.csv"
    call_command("import_prices", str(path), refused=refused, stdout=StringIO())
    text = refused.read_text(encoding="utf-8-sig")
    assert text.splitlines()[1].startswith("2,price_usd_per_card_hour,price.not_positive,")


def test_the_tables_carry_versions_and_a_second_load_adds_nothing():
    assert prices.load_price_tables() == {"chips": 0, "rates": 0, "methods": 0}
    assert {method.market for method in PriceMethod.objects.all()} == {"china", "reference"}
    assert ChipModel.objects.get(accelerator="H20", form_factor="SXM").confidence == "hint"
    assert prices.chip_origin("昇腾910B") == "domestic"


def test_a_provider_hands_in_its_own_quote_and_no_other(cast):
    mine = row(cast.provider.uscc, "19", date(2025, 7, 10))
    held = prices.record_observation(mine, by=cast.platform)
    assert (held.origin, held.state, held.known_at) == (Origin.LIVE, ObservationState.ADMITTED, dates.now())
    assert prices.record_observation(mine, by=cast.platform).pk == held.pk
    with pytest.raises(Forbidden):
        prices.record_observation(row(uscc(1), "19", date(2025, 7, 10)), by=cast.platform)
    with pytest.raises(Forbidden):
        prices.record_observation(mine, by=cast.stranger)
    with pytest.raises(Invalid) as refusal:
        prices.record_observation(row(cast.provider.uscc, "19", date(2025, 7, 16)), by=cast.platform)
    assert (refusal.value.code, refusal.value.field) == ("price.date.future", "observed_on")


def test_a_quarantined_price_is_settled_by_a_price_publisher_with_a_reason(cast):
    load(*market_rows(ON), row(uscc(99), "19", ON, unit=""))
    held = PriceObservation.objects.get(source_key=uscc(99))
    with pytest.raises(Forbidden):
        prices.admit_observation(held, by=cast.handler, corrections={"unit": "card_hour"}, note="电话核实")
    with pytest.raises(Invalid):
        prices.admit_observation(held, by=cast.price_publisher, corrections={"unit": "card_hour"}, note=" ")
    with pytest.raises(Invalid):
        prices.admit_observation(held, by=cast.price_publisher, corrections={}, note="电话核实")
    settled = prices.admit_observation(
        held, by=cast.price_publisher, corrections={"unit": "card_hour"}, note="电话核实"
    )
    settled.refresh_from_db()
    assert (settled.state, settled.normalised_price, settled.revision) == (
        "admitted",
        Decimal("19.000000"),
        2,
    )
    assert "unit" not in settled.original
    assert settled.known_at == start_of(ON)  # when it came in stays a fact of its own
    (judged,) = settled.judgements.all()
    assert judged.judged_at == dates.now()  # it informs no decision of the past
    with pytest.raises(NotNow):
        prices.admit_observation(settled, by=cast.price_publisher, corrections={}, note="再次")


def test_prices_of_a_false_lease_are_taken_out_from_then_on(cast):
    load(row(uscc(1), "19", ON, kind="transaction", reference="L-1", bookable_since=""), *market_rows(ON))
    assert prices.set_aside_observations(reason="lease.false", by=None, reference="L-1") == 1
    held = PriceObservation.objects.get(reference="L-1")
    assert (held.state, held.set_aside_reason, held.set_aside_at) == ("admitted", "lease.false", dates.now())
    for wrong in ({"reason": "because", "reference": "L-1"}, {"reason": "lease.false"}):
        with pytest.raises(DomainError):
            prices.set_aside_observations(by=cast.price_publisher, **wrong)
    with pytest.raises(Forbidden):
        prices.set_aside_observations(reason="lease.false", by=cast.filer, reference="L-1")
