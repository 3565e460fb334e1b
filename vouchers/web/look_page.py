"""The page of the look: every component in every state, with long names and with nothing. For development and demonstration."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from vouchers import dates
from vouchers.errors import Invalid
from vouchers.web.fields import DayField, MoneyField

LONG_NAME = "北京市海淀区人工智能产业协同创新与算力基础设施运营服务中心(有限合伙)第三分公司"


class SampleForm(forms.Form):
    """Fields of each kind."""

    name = forms.CharField(label="单位名称", help_text="与营业执照一致。")
    amount = MoneyField(label="合同金额", help_text="含税，精确到分。")
    kind = forms.ChoiceField(
        label="租用方式",
        choices=[("dedicated", "整机独占"), ("shared", "按卡共享"), ("platform", "平台按量")],
    )
    use = forms.ChoiceField(
        label="主要用途",
        widget=forms.RadioSelect,
        choices=[("train", "大模型训练"), ("infer", "推理与应用落地")],
    )
    note = forms.CharField(label="补充说明", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    started_on = DayField(label="起租日", required=False)
    promise = forms.BooleanField(
        label="本单位承诺所填内容真实、完整，并知悉骗取财政资金的法律责任。",
        error_messages={"required": "请阅读并勾选承诺。"},
    )


class SampleFilter(forms.Form):
    """The fields of a queue's filter bar."""

    q = forms.CharField(label="编号或单位", required=False)
    state = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), ("accepted", "已受理")])
    since = DayField(label="提交自", required=False)


STATES = [
    ("draft", "草稿"),
    ("submitted", "已提交"),
    ("accepted", "已受理"),
    ("returned", "待补正"),
    ("recommended", "已初审"),
    ("approved", "已核准"),
    ("rejected", "不予支持"),
    ("held", "暂缓拨付"),
    ("expired", "已过期"),
    ("paid", "已拨付"),
]


def _timeline() -> list[dict[str, Any]]:
    now, today = dates.now(), dates.today()
    return [
        {"title": "提交申请", "state": "done", "who": f"{LONG_NAME} · 王敏", "at": now - timedelta(days=9)},
        {
            "title": "受理",
            "state": "done",
            "who": "市经济和信息化局 · 李强",
            "at": now - timedelta(days=8),
            "note": "材料齐全，予以受理。",
        },
        {
            "title": "初审",
            "state": "current",
            "tone": "refused",
            "who": "市经济和信息化局 · 张晓",
            "at": now - timedelta(days=8),
            "until": today - timedelta(days=2),
            "rule": "《实施方案》第八条：受理后 5 个工作日内提出初审意见",
        },
        {"title": "核准", "state": "todo", "until": today + timedelta(days=9), "rule": "初审后 5 个工作日内"},
        {"title": "公示", "state": "todo", "note": "核准后公示 5 个工作日，无异议的发放算力券。"},
    ]


LINES = [
    {
        "step": "计入租金",
        "sentence": "按实际使用计入的不含税租金。",
        "article": "《实施方案》二（一）",
        "operands": [("发票不含税金额", "15,000,000.00", "元"), ("剔除存储、网络", "0.00", "元")],
        "result": Decimal("15000000.00"),
    },
    {
        "step": "补贴比例",
        "sentence": "按租金的 20% 计算。",
        "article": "《实施方案》二（二）",
        "operands": {"租金": "15,000,000.00 元", "比例": "20%"},
        "result": Decimal("3000000.00"),
    },
    {
        "step": "年度限额",
        "sentence": "单个企业每年不超过 200 万元，本年已用 0 元，取较小者。",
        "article": "《实施方案》二（二）",
        "operands": [("限额", "2,000,000.00", "元"), ("本年已用", "0.00", "元")],
        "result": Decimal("2000000.00"),
        "counts": True,
    },
]

FINDINGS = [
    {
        "outcome": "met",
        "title": "在北京市注册",
        "fact": "登记机关为北京市海淀区市场监督管理局。",
        "article": "《实施方案》三",
    },
    {
        "outcome": "not_met",
        "title": "签订价不高于公允价格区间",
        "fact": "合同签订价 31.20 元/卡时，签订日区间上限 25.31 元/卡时。",
        "article": "《实施方案》二（三）",
        "cure": "可提交价格构成说明（含随机配套服务的单独报价），或在 15 日内提出异议。",
    },
    {
        "outcome": "not_testable",
        "title": "与出租方无关联关系",
        "reason": "出租方的股权信息尚未更新，暂无法核验。",
        "article": "《实施方案》三",
        "cure": "请上传出租方最近一期的股东名册。",
    },
]


def look(request: HttpRequest) -> HttpResponse:
    """Draw the page; ``?surface=desk`` draws it as on the desk."""
    today, now = dates.today(), dates.now()
    wrong = SampleForm({"name": "", "amount": "一千万", "kind": "shared", "use": ""})
    context = {
        "frame": "base_desk.html" if request.GET.get("surface") == "desk" else "base_portal.html",
        "long_name": LONG_NAME,
        "states": STATES,
        "crumbs": [("申领", "#"), ("北京市人工智能算力券", "#")],
        "steps": [
            {"label": "企业信息", "state": "done", "url": "#", "saved_at": now},
            {"label": "算力租用合同", "state": "done", "url": "#", "saved_at": now},
            {"label": "材料", "state": "wrong", "url": "#"},
            {"label": "测算与审查意见", "state": "current"},
            {"label": "核对并提交", "state": "todo"},
        ],
        "timeline": _timeline(),
        "facts": [
            {
                "label": "单位名称",
                "value": LONG_NAME,
                "source": "市场主体登记",
                "changed": True,
                "before": "北京示例智算科技有限公司",
            },
            {"label": "统一社会信用代码", "value": "91110108MA01EXAMPLE", "source": "市场主体登记"},
            {
                "label": "合同金额（含税）",
                "amount": Decimal("15900000.00"),
                "url": "#",
                "source": "合同第 3 页",
                "source_url": "#",
            },
            {"label": "芯片型号", "value": "", "source": "合同附件一"},
            {"label": "租期", "value": "2025年3月1日至2026年2月28日", "source": "合同第 2 页"},
        ],
        "amounts": [
            {"label": "券面额", "amount": Decimal("2000000.00"), "url": "#"},
            {"label": "已兑付", "amount": Decimal("764321.55"), "note": "2 笔"},
            {"label": "预占", "amount": Decimal("120000.00")},
            {"label": "余额", "exact": Decimal("1115678.45"), "note": "有效期至2026年3月31日"},
        ],
        "lines": LINES,
        "findings": FINDINGS,
        "prices": [
            {
                "verdict": "within",
                "price": Decimal("21.4"),
                "sentence": "合同签订价 21.40 元/卡时，在签订日公允价格区间之内，可以支持。",
            },
            {
                "verdict": "above",
                "price": Decimal("31.2"),
                "sentence": "合同签订价 31.20 元/卡时，高于签订日公允价格区间上限 25.31 元/卡时（《实施方案》二（三）），本次不予支持。",
            },
            {
                "verdict": "below",
                "price": Decimal("9.8"),
                "sentence": "合同签订价 9.80 元/卡时，明显低于区间下限，请说明价格构成。",
            },
        ],
        "form": SampleForm(initial={"name": LONG_NAME}),
        "wrong": wrong,
        "problems": [
            Invalid(
                "invoice.number",
                "发票号码应为 20 位数字，您填写了 19 位。请对照发票右上角核对。",
                field="invoice_no",
                hint="数电票号码为 20 位，纸质发票请填写代码和号码。",
            )
        ],
        "files": [
            {
                "name": "digital_25112000000012345678.xml",
                "size": "18 KB",
                "url": "#",
                "state": "verified",
                "label": "查验一致",
            },
            {
                "name": f"{LONG_NAME}算力租用合同及附件扫描件.pdf",
                "size": "6.2 MB",
                "state": "pending",
                "label": "查验中",
            },
        ],
        "read": [
            ("发票号码", "25112000000012345678"),
            {"label": "价税合计", "amount": Decimal("1060000.00")},
            ("开票日期", "2025年4月2日"),
            ("备注", ""),
        ],
        "groups": [
            {
                "title": "企业信息",
                "change_url": "#",
                "rows": [("单位名称", LONG_NAME), ("联系人", "王敏"), ("传真", "")],
            },
            {
                "title": "金额",
                "change_url": "#",
                "rows": [
                    {
                        "label": "申请金额",
                        "amount": Decimal("2000000.00"),
                        "note": "按测算结果填写，可以调低。",
                    }
                ],
            },
        ],
        "next": [
            "本机关在 5 个工作日内核对材料；需要补正的，一次性告知。",
            "受理后进行审查，结果在此页和消息中告知。",
            "核准后公示 5 个工作日，无异议的发放算力券。",
        ],
        "by": today + timedelta(days=7),
        "views": [
            {"label": "待我办理", "url": "#", "current": True, "count": 12},
            {"label": "即将到期", "url": "#", "count": 3},
            {"label": "已超期", "url": "#", "count": 0},
            {"label": "全部", "url": "#"},
        ],
        "filter": SampleFilter(request.GET or None),
        "page": Paginator(range(1, 236), 20).get_page(request.GET.get("page", 4)),
        "rows": [
            (
                "A-2025-000123",
                "accepted",
                "已受理",
                LONG_NAME,
                "北京市人工智能算力券",
                today + timedelta(days=1),
                "2000000.00",
            ),
            (
                "A-2025-000124",
                "returned",
                "待补正",
                "北京示例智算科技有限公司",
                "北京市人工智能算力券",
                today - timedelta(days=3),
                "318400.55",
            ),
            (
                "A-2025-000131",
                "held",
                "暂缓拨付",
                "上海远景数据有限公司",
                "深圳市训力券",
                today + timedelta(days=6),
                "10000000.00",
            ),
        ],
        "today": today,
        "job": {
            "state": "running",
            "label": "进行中",
            "progress": 1840,
            "total": 5200,
            "started_at": timezone.now() - timedelta(minutes=2),
        },
    }
    return render(request, "look.html", context)
