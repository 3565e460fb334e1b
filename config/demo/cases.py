"""The cases of 2025: for each scheme who applies with what, what reviewers say of it, what it is claimed by and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from config.demo import contracts, figures
from config.demo.contracts import PARTY
from config.demo.enterprise import Contract, Item, Project
from vouchers.policy.terms import BasisKind

APPLIED_ON = date(2025, 6, 3)
ISSUED_ON = date(2025, 6, 12)
CLAIMED_ON = date(2025, 6, 20)
_USED = (date(2025, 6, 1), date(2025, 6, 18))
_BILLED_ON = date(2025, 6, 18)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case from the application to the payment. `granted` is the voucher or the recognised amount, `paid` what the claim
    comes to, both by hand; `opinion` what the experts fill in, None where the scheme has none. Without items the provider's
    platform settles it by the API."""

    name: str
    program: str
    account: str
    by: str
    contract: Contract | Project
    granted: Decimal
    paid: Decimal
    items: tuple[Item, ...] = ()
    opinion: dict[str, str] | None = field(default=None)


def _invoice(account: str, seller: str, net: Decimal, sequence: int) -> Item:
    return Item(
        kind=BasisKind.INVOICE_LINE,
        net=net,
        reference=f"FP{sequence:06d}",
        period=_USED,
        issued_on=_BILLED_ON,
        seller=PARTY[seller],
        buyer=PARTY[account],
    )


def _beijing(price: Decimal) -> Case:
    return Case(
        name="北京",
        program="BJ-AIQ",
        account="xinghe",
        by="按使用发生的租金（数电票）",
        contract=contracts.beijing("BJ-2025-001", price, figures.BEIJING_RENT),
        granted=figures.BEIJING_VOUCHER,
        paid=figures.BEIJING_VOUCHER,
        items=(_invoice("xinghe", "yunfan", figures.BEIJING_RENT, 901),),
    )


def _shenzhen() -> Case:
    contract = contracts.shenzhen()
    whole = Item(
        kind=BasisKind.CONTRACT_AMOUNT,
        net=figures.SHENZHEN_CONTRACT,
        reference=contract.contract_no,
        period=(contract.starts_on, contract.ends_on),
        issued_on=_BILLED_ON,
    )
    return Case(
        name="深圳",
        program="SZ-XLQ",
        account="shenlan",
        by="合同金额",
        contract=contract,
        granted=figures.SHENZHEN_VOUCHER,
        paid=figures.SHENZHEN_VOUCHER,
        items=(whole,),
    )


def _etown() -> Case:
    return Case(
        name="经开区 v2",
        program="BDA-SLQ",
        account="yizhuang",
        by="服务商平台结算（接口）",
        contract=contracts.etown_second(),
        granted=figures.ETOWN_V2_VOUCHER,
        paid=figures.ETOWN_V2,
        opinion={"passed": "yes"},
    )


def _shanghai() -> Case:
    return Case(
        name="上海租用",
        program="SH-ZLBT",
        account="huxin",
        by="租金（数电票），比例由专家评估",
        contract=contracts.shanghai(),
        granted=figures.SHANGHAI_VOUCHER,
        paid=figures.SHANGHAI_VOUCHER,
        items=(_invoice("huxin", "pujiang", figures.SHANGHAI_RENT, 902),),
        opinion={"rate-rent": figures.SHANGHAI_PERCENT, "reason": "集群规模大、成果水平良好，按 8% 确定"},
    )


def _guizhou() -> Case:
    return Case(
        name="贵州算力服务",
        program="GZ-SLQ-DEMO",
        account="qianshan",
        by="算力服务费（数电票）",
        contract=contracts.guizhou("GZ-2025-001", date(2025, 5, 12), figures.GUIZHOU_CONTRACT),
        granted=figures.GUIZHOU_VOUCHER,
        paid=figures.GUIZHOU_VOUCHER,
        items=(_invoice("qianshan", "zhihui", figures.GUIZHOU_CONTRACT, 903),),
    )


def _guizhou_data() -> Case:
    product = Item(
        kind=BasisKind.DATA_PRODUCT_LINE,
        net=figures.GUIZHOU_DATA,
        reference="SJ-2025-000904",
        issued_on=_BILLED_ON,
        typed={"description": "气象与电力负荷训练数据集"},
    )
    return Case(
        name="贵州数据产品",
        program="GZ-SLQ-DEMO",
        account="huxin",
        by="数据产品合同明细（省外企业）",
        contract=contracts.guizhou_data(),
        granted=figures.GUIZHOU_DATA_VOUCHER,
        paid=figures.GUIZHOU_DATA_VOUCHER,
        items=(product,),
    )


def _chengdu() -> Case:
    return Case(
        name="成都",
        program="CD-SLQ-DEMO",
        account="rongcheng",
        by="算力中介的算力成本（数电票）",
        contract=contracts.chengdu(),
        granted=figures.CHENGDU_VOUCHER,
        paid=figures.CHENGDU_VOUCHER,
        items=(_invoice("rongcheng", "tianfu", figures.CHENGDU_COST, 905),),
    )


def _deployment() -> Case:
    verified = Item(
        kind=BasisKind.DEPLOYED_CAPACITY,
        reference="HY-2025-000906",
        issued_on=_BILLED_ON,
        typed={"accelerator": "Ascend 910B", "quantity": figures.SHANGHAI_PFLOPS, "precision": "fp16"},
    )
    return Case(
        name="上海部署奖励",
        program="SH-BSJL-DEMO",
        account="pujiang",
        by="已部署算力规模，标准由专家评估",
        contract=contracts.shanghai_deployment(),
        granted=figures.SHANGHAI_REWARD,
        paid=figures.SHANGHAI_REWARD,
        items=(verified,),
        opinion={
            "rate-deployment": figures.SHANGHAI_PER_PFLOPS,
            "reason": "规模核实、调度响应良好，每 P 按 2.5 万元确定",
        },
    )


def _qianhai() -> Case:
    built = zip(figures.QIANHAI_INVESTED, ("服务器与网络设备", "调度软件开发"), strict=True)
    items = tuple(
        Item(
            kind=BasisKind.INVESTMENT_DOCUMENT,
            net=net,
            reference=f"TZ-2025-{sequence:06d}",
            issued_on=date(2025, 3, 28),
            typed={"description": what},
        )
        for sequence, (net, what) in enumerate(built, start=907)
    )
    return Case(
        name="前海",
        program="QH-DDPT-DEMO",
        account="qianwan",
        by="投资凭证",
        contract=contracts.qianhai(),
        granted=figures.QIANHAI_SUBSIDY,
        paid=figures.QIANHAI_SUBSIDY,
        items=items,
    )


def _inner_mongolia() -> Case:
    quarters = ((date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 5, 31)))
    items = tuple(
        Item(
            kind=BasisKind.SETTLEMENT_LINE,
            net=net,
            reference=f"NMJS-2025-{sequence:06d}",
            issued_on=period[1],
            period=period,
            typed={"description": "北方大模型研究院等"},
        )
        for sequence, (net, period) in enumerate(
            zip(figures.INNER_MONGOLIA_SETTLED, quarters, strict=True), start=909
        )
    )
    return Case(
        name="内蒙古",
        program="NM-JS",
        account="qingcheng",
        by="供给方的平台结算额",
        contract=contracts.inner_mongolia(),
        granted=figures.INNER_MONGOLIA_REWARD,
        paid=figures.INNER_MONGOLIA_REWARD,
        items=items,
    )


def cases(beijing_price: Decimal) -> list[Case]:
    """All of them; Beijing's contract is signed at the base of its fair price."""
    made: list[Callable[[], Case]] = [
        _shenzhen,
        _etown,
        _shanghai,
        _deployment,
        _guizhou,
        _guizhou_data,
        _chengdu,
        _qianhai,
        _inner_mongolia,
    ]
    return [_beijing(beijing_price), *(make() for make in made)]
