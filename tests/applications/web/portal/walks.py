"""How each shipped scheme is applied for and claimed on the portal: what is typed, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One case from the choice of the scheme to what is payable. ``ground`` and ``item`` are what is typed; ``asked`` and
    ``never`` are words that the contract step shows, and must not show."""

    scheme: str
    ground: dict[str, Any]
    item: dict[str, Any]
    granted: str
    paid: str
    track: str = ""
    statements: dict[str, str] = field(default_factory=dict)
    region: str = "110108"
    expert: bool = False
    opinion: dict[str, str] = field(default_factory=dict)
    connected: str = ""
    admitted: str = ""
    direct: bool = False
    asked: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


LEASE = {"kind": "compute_lease"}
NO_RENT = ("承租", "出租", "租金", "租期")
WALKS = {
    "rent": Walk(
        scheme="BJ-AIQ",
        ground=LEASE,
        statements={"other_money": "no"},
        item={"invoice": "5000000.00"},
        granted="2000000.00",
        paid="1000000.00",
        asked=("出租方（服务商）统一社会信用代码", "计价单位"),
    ),
    "contract": Walk(
        scheme="SZ-XLQ",
        region="440305",
        admitted="智能算力租赁",
        ground={**LEASE, "region_code": "440300"},
        statements={"party_kind": "enterprise", "service_item": "智能算力租赁"},
        item={"kind": "contract_amount", "reference": "HT-2025-001", "net_amount": "15,000,000.00"},
        granted="7500000.00",
        paid="7500000.00",
        asked=("计价单位",),
    ),
    "purchase": Walk(
        scheme="BDA-SLQ-v2",
        track="cloud_purchase",
        connected="alpha",
        ground={"kind": "purchase", "accelerator": "Ascend 910B", "amount": "20,000,000.00"},
        statements={"project_name": "国产算力采购一期"},
        item={"invoice": "20000000.00"},
        granted="2000000.00",
        paid="2000000.00",
        expert=True,
        opinion={"passed": "yes"},
        direct=True,
        asked=("供应商统一社会信用代码", "采购金额（不含税）"),
        never=(*NO_RENT, "计价单位"),
    ),
    "data product": Walk(
        scheme="GZ-SLQ-DEMO",
        ground={"kind": "data_product", "product": "气象与负荷训练数据集", "amount": "600000"},
        statements={"is_platform_traded": "yes"},
        item={
            "kind": "data_product_line",
            "reference": "DD-2025-0007",
            "description": "气象与负荷训练数据集",
            "net_amount": "600000.00",
        },
        granted="180000.00",
        paid="180000.00",
        asked=("平台订单号", "数据产品名称", "提供方统一社会信用代码"),
        never=(*NO_RENT, "加速卡", "计价单位"),
    ),
    "deployed capacity": Walk(
        scheme="SH-BSJL-DEMO",
        region="310115",
        connected="alpha",
        ground={
            "kind": "deployment",
            "name": "临港智算中心一期",
            "region_code": "310000",
            "site": "临港数据中心 A 栋",
            "accelerator": "H800",
            "cards": "1024",
            "scale": "1,012.736",
            "precision": "fp16",
            "completed_on": "2024-11-30",
            "dispatchable_since": "2024-12-20",
        },
        item={
            "kind": "deployed_capacity",
            "reference": "HY-2025-001",
            "accelerator": "H800",
            "quantity": "1000",
            "precision": "fp16",
        },
        granted="12152832.00",
        paid="12000000.00",
        expert=True,
        opinion={"rate-deployment": "12000", "reason": "千卡集群，已接受调度。"},
        direct=True,
        asked=("机房名称及地址", "规模所按精度", "可调度起始日"),
        never=(*NO_RENT, "签订日"),
    ),
    "investment": Walk(
        scheme="QH-DDPT-DEMO",
        region="440305",
        ground={
            "kind": "investment",
            "name": "前海智能算力调度平台一期",
            "document_no": "深前海备〔2024〕18号",
            "region_code": "440305",
            "completed_on": "2025-03-31",
            "dispatchable_since": "2025-04-15",
            "amount": "12,000,000.00",
        },
        item={
            "kind": "investment_document",
            "reference": "ZJ-001",
            "description": "调度平台软件开发",
            "net_amount": "10,000,000.00",
        },
        granted="3600000.00",
        paid="3000000.00",
        direct=True,
        asked=("立项或备案文号", "实际投资额（不含税）"),
        never=(*NO_RENT, "加速卡"),
    ),
    "own settlements": Walk(
        scheme="NM-JS",
        region="150100",
        connected="alpha",
        ground={
            "kind": "settlement",
            "site": "和林格尔集群算力监测调度平台",
            "document_no": "JS-2025-H1",
            "period_from": "2025-01-01",
            "period_to": "2025-06-30",
            "counterparties": "甲客户有限公司\n乙客户有限公司",
            "amount": "8,000,000.00",
        },
        item={
            "kind": "settlement_line",
            "reference": "JS-2025-H1",
            "net_amount": "8,000,000.00",
            "period_from": "2025-01-01",
            "period_to": "2025-06-30",
        },
        granted="800000.00",
        paid="800000.00",
        direct=True,
        asked=("平台名称", "平台结算单号", "结算对方单位"),
        never=(*NO_RENT, "加速卡"),
    ),
    "intermediary": Walk(
        scheme="CD-SLQ-DEMO",
        region="510104",
        admitted="超算服务",
        ground={**LEASE, "region_code": "510000", "amount": "3,000,000.00", "quantity": "200000"},
        statements={"party_kind": "intermediary"},
        item={"invoice": "3000000.00"},
        granted="900000.00",
        paid="900000.00",
    ),
    "assessed rent": Walk(
        scheme="SH-ZLBT",
        region="310115",
        connected="provider",
        ground={**LEASE, "region_code": "310000", "amount": "5,000,000.00", "quantity": "333333.3333"},
        item={"invoice": "5000000.00"},
        granted="400000.00",
        paid="400000.00",
        expert=True,
        opinion={"rate-rent": "8", "reason": "集群规模二档，成果水平一档。"},
    ),
}
