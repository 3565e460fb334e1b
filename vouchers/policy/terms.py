"""The closed vocabularies of the rule model: every word a published scheme may be built from.

A scheme never holds executable text. Where a text needs a notion that is not here, it becomes a new named member with a
label, not an expression. Values are stored in publications for ever: members are added, never renamed or given a new meaning.
"""

from __future__ import annotations

from enum import StrEnum


class Term(StrEnum):
    """A member is its stored word; `label` is what people read.

    Reading a member off its class costs ten times a name until Python 3.12 (the metaclass has a `__getattr__`), so modules
    that compare with one for every case keep it under a name of their own.
    """

    label: str

    __hash__ = str.__hash__
    """A member equals its word, so it hashes as its word does; Enum's own hash is of the name, and slow."""

    def __new__(cls, value: str, label: str = "") -> Term:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value
        return member

    @classmethod
    def pairs(cls) -> list[tuple[str, str]]:
        """(stored word, label) in the order of definition: what a form's choices need."""
        return [(str(member.value), member.label) for member in cls]


class Confidence(Term):
    """How sure a value is: stated in the founding documents, read in the text, third-party hint, or this system's own."""

    SEED = "SEED", "公开文件载明"
    TEXT = "TEXT", "政策原文载明"
    HINT = "HINT", "第三方转述(未核实)"
    DEMO = "DEMO", "演示设定(文件未载明)"


class Stage(Term):
    """At which moment a case is assessed."""

    APPLICATION = "application", "申领"
    CLAIM = "claim", "兑付"
    SETTLEMENT = "settlement", "即时抵扣"


class Side(Term):
    DEMAND = "demand", "算力需求方"
    SUPPLY = "supply", "算力供给方"
    BUILDER = "builder", "算力建设方"
    PLATFORM = "platform", "调度平台建设方"
    INTERMEDIARY = "intermediary", "算力中介机构"


class PayTo(Term):
    """Who receives the money."""

    REIMBURSE_APPLICANT = "reimburse_applicant", "先用后补，拨付申领企业"
    OFFSET_AT_PROVIDER = "offset_at_provider", "结算时抵扣，拨付服务商"
    DIRECT_SUBSIDY = "direct_subsidy", "使用后直接补助(不发券)"


class BasisKind(Term):
    """What an amount may rest on, as the texts say it. CONTRACT_AMOUNT is the contract itself (the estimate at application,
    or the base where the text says so), CONTRACT_PART what of it has been incurred; DEPLOYED_CAPACITY counts by its money or,
    on a track with a `scale_unit`, by its verified scale."""

    CONTRACT_AMOUNT = "contract_amount", "合同金额"
    CONTRACT_PART = "contract_part", "合同已发生部分"
    INVOICE_LINE = "invoice_line", "发票明细"
    PAYMENT = "payment", "实付金额"
    METERED_USE = "metered_use", "按用量计费的租金"
    SETTLEMENT_LINE = "settlement_line", "平台结算明细"
    DATA_PRODUCT_LINE = "data_product_line", "数据产品合同明细"
    PROJECT_COST = "project_cost", "项目算力成本"
    INVESTMENT_DOCUMENT = "investment_document", "投资凭证"
    DEPLOYED_CAPACITY = "deployed_capacity", "已部署算力规模"


class ScaleUnit(Term):
    """What a scale or a quantity is counted in. Nothing is converted: a scale in another unit is not testable."""

    PFLOPS = "pflops", "PFLOPS"
    P_DAY = "p_day", "P·天"
    CARD = "card", "卡"
    CARD_HOUR = "card_hour", "卡时"
    SERVER = "server", "台"
    SERVER_MONTH = "server_month", "台·月"
    RACK = "rack", "机架"
    KWH = "kwh", "千瓦时"


class Precision(Term):
    """The number format in which a scale is stated. Scales of different precisions are never added or converted."""

    FP64 = "fp64", "FP64"
    FP32 = "fp32", "FP32"
    TF32 = "tf32", "TF32"
    FP16 = "fp16", "FP16/BF16"
    FP8 = "fp8", "FP8"
    INT8 = "int8", "INT8"


class ContractKind(Term):
    LEASE = "compute_lease", "算力租用合同"
    DATA_PRODUCT = "data_product", "数据产品合同"
    PURCHASE = "purchase", "算力采购合同"
    INVESTMENT = "investment", "投资建设合同"
    PLATFORM_SERVICE = "platform_service", "平台算力服务"


class TaxMode(Term):
    NET = "net", "不含税"
    GROSS = "gross", "含税"


class DayCount(Term):
    """How the days of a period are counted when only a part of it falls into the window."""

    INCLUSIVE = "inclusive", "首尾两日均计"
    END_MINUS_START = "end_minus_start", "止日减起日"


class Component(Term):
    COMPUTE = "compute", "算力"
    STORAGE = "storage", "存储"
    NETWORK = "network", "网络"
    SECURITY = "security", "安全服务"
    SOFTWARE = "software", "软件"
    DATA = "data", "数据产品"
    EQUIPMENT = "equipment", "设备"
    OTHER = "other", "其他"


class ChipOrigin(Term):
    DOMESTIC = "domestic", "国产"
    FOREIGN = "foreign", "非国产"


class Purpose(Term):
    TRAINING = "training", "训练"
    FINETUNING = "finetuning", "微调"
    INFERENCE = "inference", "推理"
    OTHER = "other", "其他"


class PartyKind(Term):
    ENTERPRISE = "enterprise", "企业"
    UNIVERSITY = "university", "高等学校"
    INSTITUTE = "institute", "科研机构"
    INTERMEDIARY = "intermediary", "算力中介机构"
    OTHER = "other", "其他组织"


class RateKind(Term):
    """FIXED: the text's own rate. CEILING: 不超过 with no reviewer's step, so the ceiling is the rate and the working says so.
    REVIEWER_SET: the reviewer sets it, up to the ceiling."""

    FIXED = "fixed", "固定比例"
    CEILING = "ceiling", "不超过(无评审环节，按上限执行)"
    REVIEWER_SET = "reviewer_set", "评审确定，不超过上限"


class TierMode(Term):
    """Whether a band's rate holds for the whole base or only for the part inside the band."""

    NONE = "none", "不分档"
    WHOLE = "whole", "全额适用所在档"
    MARGINAL = "marginal", "超额累进"


class TierMeasure(Term):
    """Which sum decides the band."""

    CASE = "case", "本次基数"
    YEAR = "year", "年度累计基数"


class TierBase(Term):
    """Of which items the base decides the band, where the rates of a track differ by chip, use, component or class too:
    those of one condition, or all of the track. Under TRACK what falls into a band is shared by the conditions' bases."""

    LADDER = "ladder", "条件不同的各自累计"
    TRACK = "track", "本方向合并累计"


class Border(Term):
    """Whether a limit's own number is still inside: 以上、以下、不超过、满 include it, 超过、不满 do not (民法典第一千二百五十九条)."""

    INCLUDED = "included", "含本数"
    EXCLUDED = "excluded", "不含本数"


class TrackChoice(Term):
    """How several tracks of one scheme make one amount."""

    CHOICE = "choice", "择一申报"
    HIGHER_OF = "higher_of", "就高"
    SUM = "sum", "相加"


class CapSubject(Term):
    USE = "use", "单次"
    CONTRACT = "contract", "单个合同"
    PROJECT = "project", "单个项目"
    ENTERPRISE = "enterprise", "单个企业"
    GROUP = "group", "同一集团"
    BATCH = "batch", "单个批次"
    POOL = "pool", "资金总量"


class CapPeriod(Term):
    NONE = "none", "不按期间"
    CALENDAR_YEAR = "calendar_year", "自然年度"
    PROGRAMME_YEAR = "programme_year", "政策年度"
    ROLLING_YEAR = "rolling_year", "连续十二个月"
    TOTAL = "total", "政策期内累计"


class CountsAt(Term):
    """At which event the cap is used up: when vouchers are issued, when claims are made, each of both on its own account, or
    when money is sent to the bank. At PAYMENT it cuts no case: what is granted is owed, and what is over the cap waits."""

    ISSUE = "issue", "发券时计入"
    CLAIM = "claim", "兑付时计入"
    BOTH = "both", "发券、兑付分别计入"
    PAYMENT = "payment", "拨付时计入"


class YearBy(Term):
    """Which date decides the year of a cap: that of its own event, or the day on which the claim that is paid was filed."""

    EVENT = "event", "按计入环节之日"
    FILING = "filing", "按申请兑付之日"


class FloorMeasure(Term):
    """What a minimum is held against. SCALE is the verified scale, in the track's unit instead of yuan."""

    BASIS = "basis", "本次基数"
    YEAR_BASIS = "year_basis", "年度累计基数"
    AMOUNT = "amount", "补贴金额"
    SCALE = "scale", "核定规模"


class GateKind(Term):
    """The kinds of condition that a machine tests, and ATTESTED: one that a person answers, by a named question."""

    REGISTERED_IN = "registered_in", "注册地"
    SECTOR = "sector", "行业"
    PARTY_KIND = "party_kind", "主体类型"
    OWNERSHIP = "ownership", "所有制"
    SIZE = "size", "企业规模"
    AGE_AT_LEAST = "age_at_least", "成立满若干月"
    AGE_AT_MOST = "age_at_most", "成立不超过若干月"
    NO_DISHONESTY = "no_dishonesty", "无失信记录"
    NON_AFFILIATED = "non_affiliated", "与服务商无关联关系"
    NOT_A_PROVIDER = "not_a_provider", "本身不是入库服务商"
    NOT_OWN_BUILT = "not_own_built", "非自建自用"
    PROVIDER_ADMITTED = "provider_admitted", "服务商已入库"
    PROVIDER_REGISTERED_IN = "provider_registered_in", "服务商所在地"
    PROVIDER_SCALE = "provider_scale", "服务商算力规模"
    PLATFORM_TRADED = "platform_traded", "经平台交易并全程留痕"
    PLATFORM_METERED = "platform_metered", "用量经平台计量"
    PROVIDER_CONNECTED = "provider_connected", "服务商已接入调度平台"
    APPLICANT_CONNECTED = "applicant_connected", "申领主体已接入监测调度平台"
    PURPOSE = "purpose", "用途"
    CONTRACT_KIND = "contract_kind", "合同类型"
    SIGNED_BETWEEN = "signed_between", "合同签订时间"
    DEPLOYED_BY = "deployed_by", "在期限前部署"
    MODEL_FILED = "model_filed", "模型已备案"
    CONSECUTIVE_YEARS = "consecutive_years", "连续享受年数"
    EXPERT_REVIEW = "expert_review", "经评审认定"
    ATTESTED = "attested", "人工核验事项"


class GateEffect(Term):
    """What a condition that is not met does: refuse the case, send it to a person, or leave that contract out of the base."""

    REFUSE = "refuse", "不予支持"
    REVIEW = "review", "转人工审核"
    EXCLUDE = "exclude", "该合同不计入基数"


class Untestable(Term):
    """What a condition that cannot be tested does. It never counts as met."""

    REVIEW = "review", "转人工审核"
    REFUSE = "refuse", "不予支持"


class AboveBand(Term):
    REFUSE = "refuse", "超出区间不予支持"
    CUT = "cut", "按区间上限核减"
    REVIEW = "review", "转人工审核"
    NONE = "none", "不与公允价格挂钩"


class Verdict(Term):
    """What the fair-price method says of a unit price."""

    WITHIN = "within", "区间内"
    ABOVE = "above", "高于区间"
    BELOW = "below", "低于区间"
    UNTESTABLE = "untestable", "无法判定"


class OtherMoneyMode(Term):
    """How other public money on the same matter is treated."""

    NOT_STATED = "not_stated", "文件未规定"
    NONE_SAME_COMPUTE = "none_same_compute", "同一算力不得重复享受"
    NONE_SAME_LEVEL = "none_same_level", "不得与同级财政资金重复"
    NONE_SAME_CONTRACT = "none_same_contract", "同一合同不得重复享受"
    HIGHER_OF = "higher_of", "就高不重复(补差)"
    SHARE_LIMIT = "share_limit", "财政资金合计不超过合同额的比例"
    COMBINED_RATE = "combined_rate", "与国家级券叠加至合计比例"


class IssueWay(Term):
    APPLY = "apply", "企业申报、审核发放"
    INSTANT = "instant", "即领即享"
    REVIEW = "review", "评审认定"
    ASSESSMENT = "assessment", "评估确定"
    BATCH = "batch", "分批发放"
    YEARLY_WINDOW = "yearly_window", "年度集中申报"
    QUARTERLY = "quarterly", "按季申报"
    WITHOUT_APPLICATION = "without_application", "免申即享"
    FROM_CONTRACT = "from_contract", "按备案合同生成"
    TARGET_AGREEMENT = "target_agreement", "签订目标责任书"


class Repeats(Term):
    """How often a filing window comes again."""

    NONE = "none", "只此一次"
    YEARLY = "yearly", "每年"
    QUARTERLY = "quarterly", "每季度"
    MONTHLY = "monthly", "每月"


class Shortage(Term):
    """When the pool runs short."""

    NOT_STATED = "not_stated", "文件未规定"
    FIRST_COME = "first_come", "先到先得，额满即止"
    PRO_RATA = "pro_rata", "同批按比例"
    BY_SCORE = "by_score", "按评分排序"
    STOP = "stop", "停止受理"


class InForceBy(Term):
    """Which of a case's dates picks the version."""

    SIGNING = "signing", "按合同签订日"
    APPLICATION = "application", "按申领日"
    RECOGNITION = "recognition", "按认定日"


class RoundMode(Term):
    DOWN = "down", "舍去"
    HALF_UP = "half_up", "四舍五入"
    HALF_EVEN = "half_even", "四舍六入五成双"


class RoundUnit(Term):
    FEN = "fen", "分"
    YUAN = "yuan", "元"


class RoundWhen(Term):
    """EACH rounds what every rate gives before it is added up or capped, and the end result again."""

    EACH = "each", "每步舍入"
    END = "end", "最后舍入"


class FindingResult(Term):
    MET = "met", "符合"
    NOT_MET = "not_met", "不符合"
    NOT_TESTABLE = "not_testable", "无法判定"


class Outcome(Term):
    ELIGIBLE = "eligible", "可予支持"
    REFUSED = "refused", "不予支持"
    REVIEW = "review", "需人工审核"
