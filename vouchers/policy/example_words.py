"""What the facts of a worked example are called in the office's own words, and which of them a scheme asks for.

A field of the facts without a word here still has a column, under its stored name, wherever an example uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vouchers.policy import facts
from vouchers.policy.conditions import needs_year_basis
from vouchers.policy.examples import Example, Expected
from vouchers.policy.gate_scope import asks_for_party_kind
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    AboveBand,
    CapSubject,
    ChipOrigin,
    InForceBy,
    OtherMoneyMode,
    Outcome,
    Purpose,
    RateKind,
    Stage,
    TaxMode,
)

ALWAYS = "always"


@dataclass(frozen=True)
class Word:
    """A column: its heading, how its cell is read (`kind`; empty: by the field's type), what to write in it.

    `shown` are the tags (see `tags_of`) of which one puts the column into the template; the others may be added by hand.
    `default` is what an empty cell means where the field may not be empty. `vocabulary` names the words allowed.
    """

    heading: str
    hint: str = ""
    kind: str = ""
    shown: tuple[str, ...] = ()
    default: str | None = None
    vocabulary: str = ""


@dataclass(frozen=True, kw_only=True)
class UsedCap:
    """What was used of a cap by somebody else or at another time than the example's own: a row of a sheet of its own."""

    cap: str
    amount: Decimal
    event: str = ""
    subject: str = ""
    period: str = ""


GROUPS: dict[type[Any], str] = {
    Example: "算例",
    facts.Facts: "申领与办理",
    facts.PartyFacts: "申领主体",
    facts.ListingFacts: "失信记录",
    facts.ContractFacts: "合同",
    facts.ProviderFacts: "服务商",
    facts.AdmissionFacts: "服务商入库",
    facts.PriceVerdict: "公允价格",
    facts.OtherMoneyFacts: "其他财政资金",
    facts.BasisItemFacts: "补贴基数明细",
    facts.VoucherFacts: "算力券",
    facts.UsedAmounts: "此前已用",
    facts.ReviewFacts: "评审",
    UsedCap: "已用额度",
    Expected: "应得结果",
}
"""The band above the headings, in the order of the sheet."""

_INCLUSIVE = "含当日"
_FIRST_DAY_OUT = "该日起不再有效"
_MONEY = "元，精确到分；可写 1,234.56 或 120万"

WORDS: dict[type[Any], dict[str, Word]] = {
    Example: {
        "code": Word("算例编号", "本表内不重复，例如 1、例2；不填则按次序编号", shown=(ALWAYS,)),
        "title": Word("算例名称", "一句话说明这是什么情形", shown=(ALWAYS,), default=""),
        "note": Word("计算依据", "应得金额是怎样手工算出来的，例如 1,000万×20%＝200万", shown=(ALWAYS,)),
    },
    Expected: {
        "amount": Word("应得金额", f"手工核算应得的金额，{_MONEY}", shown=(ALWAYS,)),
        "outcome": Word("应得结论", "不填则不核对", shown=(ALWAYS,)),
        "basis_amount": Word(
            "应计基数", f"计入补贴的基数，{_MONEY}；不填则不核对", kind="measure", shown=(ALWAYS,)
        ),
        "findings": Word("条件", "多个用分号隔开；不填则不核对", shown=(ALWAYS,), vocabulary="findings"),
    },
    facts.Facts: {
        "stage": Word("环节", "在哪个环节核算", shown=(ALWAYS,)),
        "on": Word("核算日期", "在哪一天核算；限额的年度按这一天确定", shown=(ALWAYS,)),
        "applied_on": Word("申领日期", "不填则同核算日期", shown=(ALWAYS,)),
        "recognised_on": Word("认定日期", shown=("recognition",)),
        "filed_at": Word("提交时间", "精确到分，例如 2025-05-12 10:00（北京时间）", shown=("window",)),
        "track": Word("补贴方向", "不填则按基数种类确定", shown=("tracks",), vocabulary="tracks"),
        "requested_amount": Word("申请金额", f"{_MONEY}；不填则不限"),
        "completion": Word("目标完成度", "例如 85%", kind="degree", shown=("completion",)),
        "project_no": Word("项目编号", shown=("project",)),
        "batch_no": Word("批次编号", shown=("batch",)),
        "papers": Word("已交材料", "多个用分号隔开；一份未交写“无”；不核对则不填", vocabulary="papers"),
        "attestations": Word("核验", "人工核验的回答：是、否；尚未核验则不填", shown=(ALWAYS,)),
    },
    facts.PartyFacts: {
        "uscc": Word("统一社会信用代码", "可不填", default="示例单位"),
        "name": Word("单位名称", shown=(ALWAYS,), default="示例单位"),
        "kind": Word("主体类型", shown=("party_kind",)),
        "region_code": Word("注册地代码", "六位行政区划代码", shown=("gate:registered_in",)),
        "registered_on": Word(
            "成立日期", shown=("gate:age_at_least", "gate:age_at_most", "class:registered_within_months")
        ),
        "ownership": Word("所有制", shown=("gate:ownership", "class:ownerships"), vocabulary="ownerships"),
        "size": Word("企业规模", shown=("gate:size", "class:sizes"), vocabulary="sizes"),
        "industry_code": Word("行业代码", "GB/T 4754，例如 I65", shown=("gate:sector",)),
        "group_no": Word("集团编号", shown=("group",)),
        "classes": Word("经核验的主体类别", "多个用分号隔开", shown=("classes",), vocabulary="classes"),
        "is_registered_provider": Word("本身是入库服务商", shown=("gate:not_a_provider",)),
        "is_platform_connected": Word("已接入调度平台", shown=("gate:applicant_connected",)),
        "listings": Word("失信记录", "查无记录写“无”；未查询则不填", shown=("gate:no_dishonesty",)),
        "years_supported": Word("此前连续享受年数", shown=("gate:consecutive_years",)),
    },
    facts.ListingFacts: {
        "from_on": Word("失信起始日", shown=("gate:no_dishonesty",)),
        "to_on": Word("失信截止日", _FIRST_DAY_OUT, shown=("gate:no_dishonesty",)),
        "document_no": Word("失信文号"),
    },
    facts.ContractFacts: {
        "contract_no": Word("合同编号", "不填则按次序编号", default="合同"),
        "kind": Word("合同类型", "不填则为算力租用合同", shown=("gate:contract_kind",)),
        "net_amount": Word("合同金额（不含税）", _MONEY, shown=(ALWAYS,)),
        "tax_amount": Word("合同税额", _MONEY, shown=("gross",)),
        "signed_on": Word("合同签订日", shown=("gate:signed_between", "gate:provider_admitted", "signing")),
        "period_from": Word("租期起", _INCLUSIVE, shown=("counted",)),
        "period_to": Word("租期止", _INCLUSIVE, kind="last_day", shown=("counted",)),
        "purpose": Word("用途", shown=("gate:purpose", "purpose")),
        "chip_origin": Word("芯片来源", shown=("chip",)),
        "component": Word("费用种类", "不填则为算力", shown=("component",)),
        "service_item": Word("所购服务项目", shown=("service_item",)),
        "is_platform_traded": Word("经平台成交", shown=("gate:platform_traded",)),
        "is_own_built": Word("自建自用", shown=("gate:not_own_built",)),
        "is_model_filed": Word("模型已备案", shown=("gate:model_filed",)),
        "deployed_on": Word("部署日期", shown=("gate:deployed_by",)),
        "is_platform_metered": Word("用量经平台计量", shown=("gate:platform_metered",)),
        "quantity": Word("合同规模", "数字，单位另填", kind="measure", shown=("scale",)),
        "unit": Word("合同规模单位", shown=("scale",)),
        "precision": Word("合同规模精度", shown=("precision",)),
        "other_money": Word("其他财政资金", "没有写“无”；未申明则不填", shown=("other_money",)),
    },
    facts.ProviderFacts: {
        "uscc": Word("服务商统一社会信用代码", "可不填", default="示例服务商"),
        "name": Word("服务商名称", default="示例服务商"),
        "region_code": Word("服务商注册地代码", "六位行政区划代码", shown=("gate:provider_registered_in",)),
        "admissions": Word("服务商入库记录", "未入库写“无”；未查询则不填", shown=("gate:provider_admitted",)),
        "affiliated": Word("与服务商有关联关系", shown=("gate:non_affiliated",)),
        "affiliation_sentence": Word("关联关系说明"),
        "is_platform_connected": Word("服务商已接入调度平台", shown=("gate:provider_connected",)),
        "scale": Word("服务商算力规模", kind="measure", shown=("gate:provider_scale",)),
        "scale_unit": Word("服务商规模单位", shown=("gate:provider_scale",)),
        "scale_precision": Word("服务商规模精度", shown=("gate:provider_scale",)),
    },
    facts.AdmissionFacts: {
        "batch": Word("入库批次"),
        "service_item": Word("入库服务项目", shown=("service_item",)),
        "from_on": Word("入库日期", shown=("gate:provider_admitted",)),
        "to_on": Word("出库日期", _FIRST_DAY_OUT),
    },
    facts.PriceVerdict: {
        "verdict": Word("价格判定", shown=("price",)),
        "unit_price": Word("合同单价", kind="price", shown=("price",)),
        "lower": Word("公允区间下限", kind="price"),
        "base": Word("公允基准价", kind="price"),
        "upper": Word("公允区间上限", kind="price", shown=("price",)),
        "unit": Word("计价单位", "不填则为元/卡时"),
        "grade": Word("价格数据等级"),
        "index_no": Word("价格指数编号"),
        "sentence": Word("价格判定说明"),
        "decisive": Word("价格判定可作依据", "不填则为是"),
    },
    facts.OtherMoneyFacts: {
        "source": Word("其他资金来源", default="其他财政资金"),
        "amount": Word("其他资金金额", _MONEY, shown=("other_money",)),
        "level": Word("其他资金财政层级", shown=("level",), vocabulary="levels"),
    },
    facts.BasisItemFacts: {
        "item_no": Word("明细编号", "不填则按次序编号", default="明细"),
        "kind": Word("基数种类", "兑付、抵扣时填写所凭的票据种类", shown=(ALWAYS,)),
        "net_amount": Word("本次金额（不含税）", f"{_MONEY}；冲红为负数", shown=(ALWAYS,)),
        "tax_amount": Word("本次税额", _MONEY, shown=("gross",)),
        "contract_no": Word("所属合同编号", "只有一份合同时可不填；不属于任何合同写“无”"),
        "period_from": Word("费用期间起", _INCLUSIVE, shown=("counted",)),
        "period_to": Word("费用期间止", _INCLUSIVE, kind="last_day", shown=("counted",)),
        "component": Word("本次费用种类", "不填则同合同", shown=("component",)),
        "chip_origin": Word("本次芯片来源", "不填则同合同"),
        "purpose": Word("本次用途", "不填则同合同"),
        "evidence_no": Word("票据号码"),
        "quantity": Word("本次核定规模", "数字，单位另填", kind="measure", shown=("scale",)),
        "unit": Word("本次规模单位", shown=("scale",)),
        "precision": Word("本次规模精度", shown=("precision",)),
    },
    facts.VoucherFacts: {
        "voucher_no": Word("券号", "可不填", default="示例券"),
        "face_value": Word("券面额", f"{_MONEY}；不填则同余额"),
        "balance": Word("券余额", f"{_MONEY}；申领环节不填", shown=("voucher",)),
        "expires_on": Word("券失效日", _FIRST_DAY_OUT, shown=("voucher",)),
        "uses": Word("券已用次数", shown=("single_use",)),
    },
    facts.UsedAmounts: {
        "caps": Word("已用", f"本算例之前已占用该限额的金额，{_MONEY}", shown=(ALWAYS,)),
        "year_basis": Word("此前年度累计基数", _MONEY, shown=("year_basis",)),
    },
    facts.ReviewFacts: {
        "rates": Word("评审确定比例", "例如 8%；尚未评审则不填", kind="rate", shown=("reviewed",)),
        "score": Word("评审得分", kind="number", shown=("scored",)),
        "passed": Word("评审通过", shown=("gate:expert_review",)),
        "opinion_no": Word("评审意见编号"),
    },
    UsedCap: {
        "cap": Word("限额", "哪一项限额", shown=(ALWAYS,), vocabulary="caps"),
        "event": Word("计入环节", "不填则按算例的环节", shown=(ALWAYS,), vocabulary="events"),
        "subject": Word("占用对象", "谁用的：信用代码、合同编号等；不填则为算例的申领主体", shown=(ALWAYS,)),
        "period": Word("占用期间", "例如 2024；不填则为核算日期所在期间", shown=(ALWAYS,)),
        "amount": Word("已用金额", _MONEY, shown=(ALWAYS,)),
    },
}

EVENTS = {"issue": "发券", "claim": "兑付"}
FINDINGS: dict[str, str] = {
    "in_force": "施行期间",
    "window": "申报期",
    "basis": "补贴基数",
    "basis_kind": "基数种类",
    "basis_period": "费用期间",
    "rate": "适用的比例",
    "rate_published": "补贴比例已公布",
    "rate_reviewed": "评审确定比例",
    "fair_price": "公允价格",
    "other_money": "其他财政资金",
    "papers": "申报材料",
    "voucher": "算力券",
}
"""The engine's own findings beside a scheme's gates, as an office calls them."""

SYNONYMS: dict[Any, tuple[str, ...]] = {
    ChipOrigin.DOMESTIC: ("国产芯片", "国产算力", "国内"),
    ChipOrigin.FOREIGN: ("非国产芯片", "非国产算力", "进口", "国外", "进口芯片"),
    Purpose.TRAINING: ("模型训练", "大模型训练"),
    Purpose.FINETUNING: ("模型微调",),
    Purpose.INFERENCE: ("模型推理",),
    Stage.APPLICATION: ("申请", "申报", "发券"),
    Stage.CLAIM: ("核销", "兑现", "申请兑付"),
    Stage.SETTLEMENT: ("抵扣", "结算", "即领即享"),
    Outcome.ELIGIBLE: ("支持", "予以支持", "通过", "符合"),
    Outcome.REFUSED: ("不支持", "不通过", "不符合", "拒绝"),
    Outcome.REVIEW: ("人工审核", "转人工", "转人工审核", "待审"),
}
"""Other words that people write for a term; its label and its stored word are always read."""


def tags_of(scheme: Scheme) -> frozenset[str]:
    """What a scheme asks about, as tags that put columns into its template."""
    gates = [gate for gate in scheme.gates if gate.switched_on]
    tags = {ALWAYS, *(f"gate:{gate.kind.value}" for gate in gates)}
    asks: dict[str, bool] = {
        "tracks": len(scheme.tracks) > 1,
        "party_kind": asks_for_party_kind(scheme),
        "recognition": scheme.in_force_by is InForceBy.RECOGNITION,
        "signing": scheme.in_force_by is InForceBy.SIGNING,
        "window": bool(scheme.windows),
        "completion": any(rate.completion_from is not None for rate in scheme.rates),
        "chip": any(rate.chip_origins for rate in scheme.rates),
        "purpose": any(rate.purposes for rate in scheme.rates),
        "component": any(rate.components for rate in scheme.rates)
        or any(track.excluded_components for track in scheme.tracks),
        "gross": any(track.tax_mode is TaxMode.GROSS for track in scheme.tracks),
        "counted": any(track.counted_from or track.counted_to for track in scheme.tracks),
        "classes": bool(scheme.classes),
        "class:registered_within_months": any(one.registered_within_months for one in scheme.classes),
        "class:sizes": any(one.sizes for one in scheme.classes),
        "class:ownerships": any(one.ownerships for one in scheme.classes),
        "service_item": any("service_item" in gate.values for gate in gates),
        "scale": any(track.scale_unit for track in scheme.tracks),
        "precision": any(track.scale_precision for track in scheme.tracks),
        "price": scheme.price.above_band is not AboveBand.NONE,
        "other_money": scheme.other_money.switched_on
        and scheme.other_money.mode is not OtherMoneyMode.NOT_STATED,
        "level": scheme.other_money.mode is OtherMoneyMode.NONE_SAME_LEVEL,
        "voucher": scheme.voucher.issues_voucher,
        "single_use": scheme.voucher.issues_voucher and not scheme.voucher.many_uses,
        "reviewed": any(rate.kind is RateKind.REVIEWER_SET for rate in scheme.rates),
        "scored": bool(scheme.score_rates),
        "year_basis": needs_year_basis(scheme),
        "project": any(cap.subject is CapSubject.PROJECT for cap in scheme.caps),
        "batch": any(cap.subject is CapSubject.BATCH for cap in scheme.caps),
        "group": any(cap.subject is CapSubject.GROUP for cap in scheme.caps),
    }
    return frozenset(tags | {tag for tag, asked in asks.items() if asked})
