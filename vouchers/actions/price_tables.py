"""The versioned tables that prices are read with: chips, exchange rates, methods. The shipped ones are loaded; staff add."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import ChipModel, FxRate, PriceMethod, User
from vouchers.policy.fair_price import METHODS, Method
from vouchers.policy.prices.chips import Chip, ChipTable, shipped_chips
from vouchers.policy.prices.normalise import Rate, RateTable
from vouchers.policy.prices.prose import prose_of
from vouchers.policy.prices.regions import table

METHODS_FROM = date(2010, 1, 1)  # the first versions hold for all of the history that is brought along


def load_price_tables() -> dict[str, int]:
    """Put the shipped chip table, rates and methods in place; what is there already stays. Returns the numbers added."""
    announce("price.load_tables")
    before = ChipModel.objects.count(), FxRate.objects.count(), PriceMethod.objects.count()
    ChipModel.objects.bulk_create(
        [
            ChipModel(
                table_version=int(row["table_version"]),
                accelerator=row["accelerator"],
                form_factor=row["form_factor"],
                vendor=row["vendor"],
                architecture=row["architecture"],
                memory_gb=row["memory_gb"] or None,
                cards_per_server=row["cards_per_server"],
                fp16_tflops=row["fp16_tflops"] or None,
                fp8_tflops=row["fp8_tflops"] or None,
                int8_tops=row["int8_tops"] or None,
                origin=row["origin"],
                aliases=[name for name in row["aliases"].split(";") if name],
                citation=row["citation"],
                confidence=row["confidence"],
            )
            for row in table("chips.csv")
        ],
        ignore_conflicts=True,
    )
    FxRate.objects.bulk_create(
        [
            FxRate(
                currency=row["currency"],
                effective_from=row["effective_from"],
                effective_to=row["effective_to"] or None,
                cny_per_unit=Decimal(row["cny_per_unit"]),
                source=row["source"],
            )
            for row in table("fx_rates.csv")
        ],
        ignore_conflicts=True,
    )
    PriceMethod.objects.bulk_create(
        [
            PriceMethod(
                market=method.market,
                version=method.version,
                params=method.params(),
                params_hash=method.params_hash,
                prose=prose_of(method),
                effective_from=METHODS_FROM,
            )
            for method in METHODS.values()
        ],
        ignore_conflicts=True,
    )
    after = ChipModel.objects.count(), FxRate.objects.count(), PriceMethod.objects.count()
    return dict(
        zip(("chips", "rates", "methods"), (b - a for a, b in zip(before, after, strict=True)), strict=True)
    )


def require_open_chip_table(version: int) -> None:
    """Raise ``NotNow`` (``chip.table_closed``) when a method computes by that version of the chip table: a row added to it would
    change what was published and decided. The database refuses it too."""
    rows = PriceMethod.objects.order_by("market", "version")
    used = next((row for row in rows if Method.from_params(row.params).chip_table == version), None)
    if used is not None:
        raise NotNow(
            "chip.table_closed",
            f"芯片表第 {version} 版已由方法“{used}”使用，不能增补；请以新的版次录入，由新版方法引用。",
        )


def require_rate_ahead(effective_from: date) -> None:
    """Raise ``Invalid`` (``rate.past``) for a rate with effect before today: it would convert otherwise what was read already."""
    if effective_from < dates.today():
        raise Invalid(
            "rate.past",
            f"汇率的起始日 {effective_from} 早于今日，会改变已折算的价格；起始日不得早于今日。",
            field="effective_from",
            hint="历史汇率随系统发布的汇率表一并载入，不由个人补录。",
        )


def add_chip(chip: ChipModel, *, by: User) -> ChipModel:
    """Keep a row of a chip table that no method names yet. Raises ``NotNow`` (``chip.table_closed``)."""
    announce("chip_model.add")
    require_role(by, Role.PRICE_PUBLISHER)
    require_open_chip_table(chip.table_version)
    chip.save(force_insert=True)
    return chip


def add_rate(rate: FxRate, *, by: User) -> FxRate:
    """Keep an exchange rate with effect from today on or later. Raises ``Invalid`` (``rate.past``)."""
    announce("fx_rate.add")
    require_role(by, Role.PRICE_PUBLISHER)
    require_rate_ahead(rate.effective_from)
    rate.save(force_insert=True)
    return rate


def chip_table(version: int) -> ChipTable:
    """The chip table of that version as it stands in the database; the shipped one when the database has none."""
    chips = [
        Chip(
            accelerator=row.accelerator,
            form_factor=row.form_factor,
            memory_gb=row.memory_gb,
            cards_per_server=row.cards_per_server,
            fp16_tflops=row.fp16_tflops,
            fp8_tflops=row.fp8_tflops,
            int8_tops=row.int8_tops,
            origin=row.origin,
            architecture=row.architecture,
            aliases=tuple(row.aliases),
        )
        for row in ChipModel.objects.filter(table_version=version)
    ]
    return ChipTable(chips, version) if chips else shipped_chips(version)


def chip_origin(accelerator: str) -> str | None:
    """``domestic`` or ``foreign`` by the latest chip table; None when it does not know the accelerator."""
    latest = ChipModel.objects.order_by("-table_version").values_list("table_version", flat=True).first()
    return chip_table(latest or 1).origin(accelerator)


def rate_table() -> RateTable:
    """All exchange rates."""
    return RateTable(
        Rate(row.currency, row.effective_from, row.effective_to, row.cny_per_unit)
        for row in FxRate.objects.all()
    )


def method_on(market: str, day: date) -> tuple[PriceMethod, Method]:
    """The method in force on the day, as kept and as computed with. Raises ``Invalid`` when there is none."""
    for row in PriceMethod.objects.filter(market=market, effective_from__lte=day).order_by("-version"):
        if row.effective_to is None or day < row.effective_to:
            return row, Method.from_params(row.params)
    raise Invalid(
        "price.no_method",
        f"{day} 没有生效的公允价格方法。",
        hint="请先运行 import_prices 载入方法与芯片表，或由价格管理人员设定方法版本。",
    )
