"""What a line of an invoice bills, by its words: compute, or storage, network, security and the like. A suggestion, never more:
the filer may say otherwise, and a person holds the two against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from vouchers.policy.terms import Component

# The first that occurs wins: 云存储服务 is storage, though it is a cloud's; 算力网络调度服务费 is compute, as 算力 says.
WORDS: tuple[tuple[Component, tuple[str, ...]], ...] = (
    (Component.DATA, ("数据产品", "数据集", "数据服务", "数据接口", "语料")),
    (
        Component.COMPUTE,
        ("算力", "GPU", "智算", "超算", "加速卡", "裸金属", "计算服务", "计算资源", "计算租"),
    ),
    (Component.STORAGE, ("存储", "云盘", "网盘", "备份", "磁盘", "对象存")),
    (Component.SECURITY, ("安全", "防火墙", "等保", "WAF", "杀毒", "加密服务")),
    (Component.NETWORK, ("网络", "带宽", "专线", "流量", "公网", "IP地址", "CDN")),
    (Component.SOFTWARE, ("软件", "授权", "许可", "SaaS", "镜像")),
    (Component.EQUIPMENT, ("服务器", "设备", "机柜", "交换机", "整机", "硬件")),
)


class BilledLine(Protocol):
    """A line as an invoice has it."""

    @property
    def description(self) -> str: ...

    @property
    def net_amount(self) -> Decimal: ...


def _words(description: str) -> str:
    if description.startswith("*") and description.count("*") >= 2:
        return description.split("*", 2)[2] or description
    return description


def suggested(description: str) -> Component:
    """What the words of a line say it bills; OTHER where they say nothing known. The tax bureau's class between asterisks
    (*信息技术服务*) is too wide to tell."""
    folded = _words(description).upper()
    for component, signs in WORDS:
        if any(sign.upper() in folded for sign in signs):
            return component
    return Component.OTHER


# Beside 算力 and the like these make of a line something else than compute, or something that a person has to tell.
_NOT_COMPUTE_ALONE = re.compile(
    "机房|托管|运维|维护|维保|咨询|培训|设计|建设|施工|监理|开发|集成|部署|迁移|电费|场地|备案|评审|会议|保险|管理|数据"
    "|[及和与等含、＋+]"
)
_MACHINES, _NOT_RENTED = ("服务器", "整机", "设备", "硬件"), ("机柜", "交换机")


def certain(description: str) -> Component | None:
    """What the words of a line say beyond doubt; None where they say nothing known, or several things at once: 算力存储服务费 may
    be either. Renting servers with accelerators is renting compute."""
    words = _words(description).upper()
    found = {component for component, signs in WORDS if any(sign.upper() in words for sign in signs)}
    if Component.COMPUTE in found:
        rented = "租" in words and any(sign in words for sign in _MACHINES)
        if rented and not any(sign in words for sign in _NOT_RENTED):
            found.discard(Component.EQUIPMENT)
        if _NOT_COMPUTE_ALONE.search(words):
            return None
    return found.pop() if len(found) == 1 else None


def by_component(lines: Iterable[BilledLine]) -> dict[Component, Decimal]:
    """The net amount of each component of an invoice, the largest first."""
    totals: dict[Component, Decimal] = {}
    for line in lines:
        component = suggested(line.description)
        totals[component] = totals.get(component, Decimal(0)) + line.net_amount
    return dict(sorted(totals.items(), key=lambda pair: (-pair[1], pair[0].value)))
