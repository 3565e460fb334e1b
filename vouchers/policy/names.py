"""What the rule model's parts and fields are called, and the words behind its stored values: tables only.

A new field of a part needs its name here, and nothing else, to appear in the prose and in the difference of two versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vouchers.policy import rules
from vouchers.policy.terms import ContractKind, PartyKind, Purpose

CITATION_FIELDS = ("cite", "cites")


@dataclass(frozen=True)
class Group:
    """One section of a version: a field of the Scheme that holds parts, and what such a part is called."""

    name: str
    """Name of the Scheme's field; empty for the scheme's own values."""
    title: str
    noun: str


GROUPS = (
    Group("", "依据与适用", "本政策"),
    Group("documents", "依据文件", "依据文件"),
    Group("tracks", "补贴方向与基数", "补贴方向"),
    Group("classes", "申领主体类别", "主体类别"),
    Group("rates", "补贴比例", "补贴比例"),
    Group("score_rates", "评分对应比例", "评分对应比例"),
    Group("floors", "起补线", "起补线"),
    Group("caps", "限额与资金总量", "限额"),
    Group("gates", "申领条件", "条件"),
    Group("price", "公允价格", "公允价格条款"),
    Group("other_money", "其他财政资金", "其他财政资金条款"),
    Group("windows", "申报期", "申报期"),
    Group("papers", "申报材料", "申报材料"),
    Group("review_steps", "审核环节", "审核环节"),
    Group("issue", "发放方式", "发放方式"),
    Group("voucher", "券与兑付", "算力券"),
    Group("treasury_shares", "财政分担", "财政分担"),
    Group("rounding", "金额的舍入", "舍入"),
)
"""In the ordinance's order."""

GROUP_BY_NAME = {group.name: group for group in GROUPS}

FIELDS: dict[type[Any], dict[str, str]] = {
    rules.Citation: {
        "document_no": "依据文件",
        "article": "条款",
        "confidence": "可信程度",
        "note": "出处说明",
    },
    rules.Document: {
        "document_no": "文号",
        "title": "标题",
        "issuer": "发文机关",
        "issued_on": "发文日期",
        "note": "说明",
    },
    rules.Scheme: {
        "program": "专项代码",
        "label": "版本名称",
        "title": "政策名称",
        "region": "行政区划代码",
        "side": "支持对象",
        "office": "主管部门",
        "effective_from": "施行日期",
        "effective_to": "失效日期",
        "in_force_by": "适用版本的确定",
        "track_choice": "多个补贴方向的关系",
        "demonstration": "演示版本",
        "note": "版本说明",
        "format": "规范文本的格式",
        "retroactive_from": "溯及适用的起始日",
    },
    rules.ApplicantClass: {
        "code": "代码",
        "name": "名称",
        "registered_within_months": "成立不超过",
        "sizes": "企业规模",
        "ownerships": "所有制",
        "border": "月数的本数",
    },
    rules.Track: {
        "code": "代码",
        "name": "名称",
        "side": "支持对象",
        "pay_to": "兑付方式",
        "basis_kinds": "补贴基数种类",
        "tax_mode": "计税口径",
        "excluded_components": "不计入的费用",
        "counted_from": "计入起始日",
        "counted_to": "计入截止日",
        "day_count": "天数算法",
        "tier_mode": "分档方式",
        "tier_measure": "分档依据",
        "scale_unit": "规模单位",
        "scale_precision": "规模精度",
        "tier_base": "分档的累计范围",
        "band_border": "档次起点的本数",
    },
    rules.Rate: {
        "code": "代码",
        "track": "补贴方向",
        "rate": "补贴比例",
        "kind": "比例性质",
        "chip_origins": "芯片来源",
        "purposes": "用途",
        "components": "费用种类",
        "classes": "主体类别",
        "band_from": "档次起点",
        "band_to": "档次终点",
        "completion_from": "目标完成度不低于",
        "unit_amount": "每单位规模的补贴金额",
    },
    rules.ScoreRate: {
        "code": "代码",
        "track": "补贴方向",
        "score_from": "评分不低于",
        "rate": "补贴比例",
    },
    rules.Floor: {
        "code": "代码",
        "name": "名称",
        "measure": "起补依据",
        "amount": "起补线",
        "tracks": "适用方向",
        "stages": "适用环节",
        "switched_on": "启用",
        "border": "起补线的本数",
    },
    rules.Cap: {
        "code": "代码",
        "name": "名称",
        "subject": "限额对象",
        "amount": "限额",
        "share": "限额占合同额的比例",
        "period": "期间",
        "counts_at": "计入环节",
        "tracks": "适用方向",
        "classes": "适用主体类别",
        "waived_for": "不受此限的主体类别",
        "year_starts": "年度起始",
        "switched_on": "启用",
        "year_by": "年度按哪一日",
    },
    rules.Gate: {
        "code": "代码",
        "kind": "条件种类",
        "text": "条件",
        "cure": "如何补正",
        "effect": "不符合时",
        "if_untestable": "无法判定时",
        "stages": "适用环节",
        "tracks": "适用方向",
        "regions": "行政区划代码（开头）",
        "industries": "行业代码（开头）",
        "values": "取值",
        "months": "月数",
        "years": "年数",
        "from_on": "起始日",
        "to_on": "截止日",
        "question": "人工核验的问题",
        "review_reference": "公平竞争审查",
        "batches": "入库批次",
        "scale_from": "规模不低于",
        "scale_unit": "规模单位",
        "scale_precision": "规模精度",
        "switched_on": "启用",
        "border": "月数的本数",
        "sides": "限于支持这些对象的方向",
        "for_kinds": "只适用的主体类型",
        "not_for_kinds": "不适用的主体类型",
        "classes": "只适用的主体类别",
        "waived_for": "不受此条限制的主体类别",
    },
    rules.Window: {
        "code": "代码",
        "name": "名称",
        "opens_at": "开始时间",
        "closes_at": "截止时间",
        "stage": "环节",
        "repeats": "重复",
        "repeats_until": "重复至",
    },
    rules.Paper: {
        "code": "代码",
        "name": "材料名称",
        "stage": "环节",
        "required": "必交",
        "hint": "填报说明",
    },
    rules.ReviewStep: {
        "code": "代码",
        "name": "环节名称",
        "role": "办理角色",
        "stage": "所属阶段",
        "working_days": "时限",
        "sets_rate": "在此确定比例",
        "amount_from": "达到此金额才需办理",
    },
    rules.PriceRule: {"above_band": "高于公允价格区间时", "if_untestable": "无法判定时"},
    rules.OtherPublicMoney: {
        "mode": "处理方式",
        "level": "财政层级",
        "share": "合计比例",
        "switched_on": "启用",
    },
    rules.VoucherKind: {
        "issues_voucher": "发放算力券",
        "divisible": "可拆分",
        "many_uses": "可多次使用",
        "validity_months": "有效期",
        "valid_to": "统一失效日",
        "reservation_days": "预占保留",
    },
    rules.WayOfIssue: {
        "way": "发放方式",
        "shortage": "资金不足时",
        "notice_working_days": "公示期限",
    },
    rules.Rounding: {"mode": "舍入方法", "unit": "保留到", "when": "何时舍入"},
    rules.TreasuryShare: {
        "code": "代码",
        "treasury": "财政",
        "share": "负担比例",
        "takes_rest": "承担尾数",
    },
}
"""What each field is called."""

ABSENT = "未规定"
UNPUBLISHED = "未公布"
UNLIMITED = "不限"

ABSENT_WORDS: dict[tuple[type[Any], str], str] = {
    (rules.Rate, "rate"): UNPUBLISHED,
    (rules.Scheme, "effective_from"): "待定",
    (rules.Scheme, "effective_to"): "无期限",
    (rules.Scheme, "retroactive_from"): "不溯及既往",
    (rules.Track, "excluded_components"): "无",
    (rules.Cap, "waived_for"): "无",
    (rules.Gate, "waived_for"): "无",
    (rules.Gate, "not_for_kinds"): "无",
    (rules.Window, "repeats_until"): "不限",
}
FRACTIONS = {"rate", "share", "completion_from"}
BARE_NUMBERS = {"scale_from"}
UNITS = {
    "months": " 个月",
    "years": " 年",
    "registered_within_months": " 个月",
    "validity_months": " 个月",
    "working_days": " 个工作日",
    "notice_working_days": " 个工作日",
    "score_from": " 分",
}
UNTIL = {"effective_to", "counted_to", "to_on", "valid_to", "repeats_until"}
"""Dates that are themselves outside: half-open periods end before them."""
TRACK_CODES = {"track", "tracks"}
CLASS_CODES = {"classes", "waived_for"}

SIZES = {"micro": "微型", "small": "小型", "medium": "中型", "large": "大型"}
OWNERSHIPS = {
    "private": "民营",
    "state": "国有",
    "foreign": "外资",
    "mixed": "混合所有制",
    "public_institution": "事业单位",
}
LEVELS = {"national": "国家级", "provincial": "省级", "municipal": "市级", "district": "区县级"}
ROLES = {
    "handler": "受理审查",
    "expert": "专家评审",
    "approver": "核准",
    "finance": "财务拨付",
    "investigator": "核查",
    "auditor": "审计",
    "policy_editor": "政策编辑",
    "publisher": "政策发布",
    "price_publisher": "价格发布",
    "system_admin": "系统管理",
    "security_admin": "安全管理",
    "audit_admin": "审计管理",
}
GATE_VALUES: dict[str, dict[str, str]] = {
    "party_kind": dict(PartyKind.pairs()),
    "purpose": dict(Purpose.pairs()),
    "contract_kind": dict(ContractKind.pairs()),
    "size": SIZES,
    "ownership": OWNERSHIPS,
    "provider_admitted": {"service_item": "所购服务项目亦须在列"},
}
"""The words that the values of a condition come from, by its kind."""
STORED: dict[tuple[type[Any], str], dict[str, str]] = {
    (rules.ApplicantClass, "sizes"): SIZES,
    (rules.ApplicantClass, "ownerships"): OWNERSHIPS,
    (rules.OtherPublicMoney, "level"): LEVELS,
    (rules.ReviewStep, "role"): ROLES,
}

OWN_SETTING = "本系统演示设定"
"""The document named as the source of what no text states."""
