"""The contracts of the demonstration, as the enterprises type them in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from config.demo import figures
from config.demo.enterprise import Contract, Project
from config.demo.people import COMPANIES

PARTY = {company.account: (company.uscc, company.name) for company in COMPANIES}
THE_MACHINE = "ZH-H800-0001"  # let twice, in the end

_SHENZHEN = Contract(
    program="SZ-XLQ",
    lessor_uscc=PARTY["yunfan"][0],
    contract_no="SZ-2025-001",
    region_code="440300",
    signed_on=date(2025, 5, 12),
    starts_on=date(2025, 5, 12),
    ends_on=date(2026, 5, 11),
    amount=figures.SHENZHEN_CONTRACT,
    unit_price=Decimal("16.00"),
    statements={"service_item": "智能算力租用", "party_kind": "enterprise"},
)


def etown_first(accelerator: str) -> Contract:
    """Before E-Town had a second version."""
    return Contract(
        program="BDA-SLQ",
        lessor_uscc=PARTY["yunfan"][0],
        contract_no=f"JK-2024-{accelerator}",
        region_code="110115",
        signed_on=date(2024, 5, 20),
        starts_on=date(2024, 5, 20),
        ends_on=date(2025, 5, 19),
        amount=Decimal("2000000.00"),
        unit_price=Decimal("16.00"),
        accelerator=accelerator,
        form_factor="SXM" if accelerator == "H800" else "OAM",
        statements={"is_platform_traded": "yes"},
    )


def etown_second() -> Contract:
    """Domestic cards, under the version that no longer asks where a chip comes from."""
    return replace(
        _SHENZHEN,
        program="BDA-SLQ",
        contract_no="JK-2025-001",
        region_code="110115",
        amount=figures.ETOWN_V2_CONTRACT,
        unit_price=Decimal("9.00"),
        accelerator="Ascend 910B",
        form_factor="OAM",
        track="settlement",
        statements={"is_platform_traded": "yes"},
    )


def beijing(contract_no: str, price: Decimal, amount: Decimal) -> Contract:
    """Three months of H800 in a western hub."""
    return Contract(
        program="BJ-AIQ",
        lessor_uscc=PARTY["yunfan"][0],
        contract_no=contract_no,
        region_code="520000",
        signed_on=date(2025, 6, 1),
        starts_on=date(2025, 6, 1),
        ends_on=date(2025, 8, 31),
        amount=amount,
        unit_price=price,
        cards=400,
        serials=("YF-H800-0001", "YF-H800-0002"),
        statements={"other_money": "no"},
    )


def shenzhen() -> Contract:
    """A year, under a contract that is itself the base."""
    return _SHENZHEN


def shanghai() -> Contract:
    """A year of compute under the city's dispatch, for training."""
    return replace(
        _SHENZHEN,
        program="SH-ZLBT",
        lessor_uscc=PARTY["pujiang"][0],
        contract_no="SH-2025-001",
        region_code="310000",
        amount=figures.SHANGHAI_RENT,
        statements={},
    )


def chengdu() -> Contract:
    """What an intermediary rents at the city's own centre, to pass on."""
    return replace(
        _SHENZHEN,
        program="CD-SLQ-DEMO",
        lessor_uscc=PARTY["tianfu"][0],
        contract_no="CD-2025-001",
        region_code="510100",
        amount=figures.CHENGDU_COST,
        statements={"party_kind": "intermediary"},
    )


def guizhou(contract_no: str, signed_on: date, amount: Decimal) -> Contract:
    """A year of the one machine, exclusively."""
    return Contract(
        program="GZ-SLQ-DEMO",
        lessor_uscc=PARTY["zhihui"][0],
        contract_no=contract_no,
        region_code="520000",
        signed_on=signed_on,
        starts_on=signed_on,
        ends_on=signed_on.replace(year=signed_on.year + 1, day=signed_on.day - 1),
        amount=amount,
        unit_price=Decimal("16.00"),
        serials=(THE_MACHINE,),
        exclusive=True,
        statements={"is_platform_traded": "yes", "track": "compute"},
    )


def guizhou_data() -> Contract:
    """A data product, bought on the data exchange from outside the province."""
    return Contract(
        program="GZ-SLQ-DEMO",
        kind="data_product",
        product="气象与电力负荷训练数据集",
        lessor_uscc=PARTY["zhihui"][0],
        contract_no="GZ-DATA-2025-001",
        signed_on=date(2025, 5, 20),
        starts_on=date(2025, 5, 20),
        ends_on=date(2026, 5, 19),
        amount=figures.GUIZHOU_DATA,
        statements={"is_platform_traded": "yes"},
    )


def shanghai_deployment() -> Project:
    """375 domestic cards of 320 TFLOPS each, deployed before the text's last day and under the city's dispatch: 120 PFLOPS."""
    return Project(
        program="SH-BSJL-DEMO",
        kind="deployment",
        about={
            "name": "临港智算中心一期",
            "region_code": "310000",
            "site": "临港智算中心 A 座",
            "accelerator": "Ascend 910B",
            "cards": "375",
            "scale": figures.SHANGHAI_PFLOPS,
            "precision": "fp16",
            "completed_on": "2024-11-20",
            "dispatchable_since": "2024-11-25",
        },
    )


def qianhai() -> Project:
    """A dispatch platform that was built with the applicant's own money."""
    return Project(
        program="QH-DDPT-DEMO",
        kind="investment",
        about={
            "name": "前湾智能算力调度平台",
            "document_no": "QH-BA-2024-0118",
            "region_code": "440300",
            "completed_on": "2025-03-31",
            "dispatchable_since": "2025-04-01",
            "amount": str(sum(figures.QIANHAI_INVESTED)),
        },
    )


def inner_mongolia() -> Project:
    """What a supplier settled on the platform from January to May."""
    return Project(
        program="NM-JS",
        kind="settlement",
        about={
            "site": "内蒙古算力资源监测调度平台",
            "document_no": "NMJS-2025-0001",
            "period_from": "2025-01-01",
            "period_to": "2025-05-31",
            "counterparties": "北方大模型研究院\n草原数据服务有限公司",
            "amount": str(sum(figures.INNER_MONGOLIA_SETTLED)),
        },
    )


def false_lease() -> Contract:
    """The same machine, let to a second company at the same time."""
    return guizhou("GZ-2025-009", date(2025, 5, 26), Decimal("2000000.00"))
