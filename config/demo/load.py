"""What the demonstration starts from, step by step; each step may run again and finds its work done."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from applications import demo as demo_year
from applications.models import Claim, ImportedFile
from config.demo.people import connect_platforms, load_people
from vouchers import dates
from vouchers.actions.price_observations import SHIPPED_PRICES
from vouchers.actions.programs import appropriate_budget
from vouchers.context import acting
from vouchers.models import PriceIndexIssue, PriceObservation, Program, Publication, User
from vouchers.models.prices import IssueState, Market

YEAR = Path(demo_year.__file__).parent / "dataset"
BUDGETS = (
    ("BJ-AIQ", 2025, "50000000.00", "演示指标〔2025〕1号"),
    ("BDA-SLQ", 2024, "100000000.00", "演示指标〔2024〕7号"),
    ("BDA-SLQ", 2025, "100000000.00", "演示指标〔2025〕7号"),
    ("SZ-XLQ", 2025, "500000000.00", "演示指标〔2025〕3号"),
    ("GZ-SLQ-DEMO", 2025, "80000000.00", "演示指标〔2025〕5号"),
    ("SH-ZLBT", 2025, "50000000.00", "演示指标〔2025〕8号"),
    ("SH-BSJL-DEMO", 2025, "50000000.00", "演示指标〔2025〕9号"),
    ("CD-SLQ-DEMO", 2025, "10000000.00", "演示指标〔2025〕10号"),
    ("QH-DDPT-DEMO", 2025, "30000000.00", "演示指标〔2025〕11号"),
    ("NM-JS", 2025, "20000000.00", "演示指标〔2025〕12号"),
)
TOKENS = "demo-platform-tokens.json"


def people() -> str:
    """Regions, staff, companies; a platform's new token is kept in var/, readable by the owner alone."""
    tokens = load_people()
    if tokens:
        path = Path(settings.VAR_DIR) / TOKENS
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        known = json.loads(path.read_text(encoding="utf-8") or "{}")
        path.write_text(json.dumps({**known, **tokens}, ensure_ascii=False), encoding="utf-8")
    connected = connect_platforms()
    return f"{User.objects.count()} 个账号，{connected} 家接入平台"


def schemes() -> str:
    """The shipped schemes, each proposed and published by two people."""
    call_command("load_schemes", "--publish", stdout=io.StringIO())
    return f"{Publication.objects.count()} 个发布件"


def budgets() -> str:
    """The years' appropriations."""
    finance = User.objects.get(username="finance")
    for code, year, amount, document in BUDGETS:
        program = Program.objects.filter(code=code).first()
        if program is not None:
            with acting(finance, "demo.budgets"):
                appropriate_budget(program, year, Decimal(amount), document_no=document, by=finance)
    return f"{len(BUDGETS)} 份指标文件"


def real_prices() -> str:
    """The real list prices of clouds and marketplaces (reference cells, in USD); a file that was taken is not read again."""
    digest = hashlib.sha256(SHIPPED_PRICES.read_bytes()).hexdigest()
    if not ImportedFile.objects.filter(name=SHIPPED_PRICES.name, sha256=digest).exists():
        call_command("import_prices", stdout=io.StringIO())
        ImportedFile.objects.create(name=SHIPPED_PRICES.name, sha256=digest)
    return f"{PriceObservation.objects.count():,} 条价格"


def history() -> str:
    """The demonstration's own year, cut from a synthetic sample."""
    if not YEAR.exists():
        return "没有演示年度"
    call_command("import_dataset", str(YEAR), stdout=io.StringIO())
    return f"{Claim.objects.filter(origin='imported').count():,} 件历史兑付"


def index() -> str:
    """The months' fair prices, proposed and published by two people; published months are left alone."""
    months = [date(2025, month, 1) for month in range(1, 7)]
    published = set(
        PriceIndexIssue.objects.filter(
            market=Market.CHINA, state=IssueState.PUBLISHED, month__in=months
        ).values_list("month", flat=True)
    )
    for month in months:
        if month in published:
            continue
        with dates.fixed(dates.add_working_days(month, 2)):  # each in its own month: it answers from then on
            call_command(
                "publish_prices",
                "--month",
                f"{month:%Y-%m}",
                "--proposer",
                "price",
                "--publisher",
                "price2",
                "--jump-text",
                "演示数据，变动系样本结构所致，已由两人核对。",
                "--confirm-text",
                "演示数据，已逐项核对变动单元的进出供应方，变动属实。",
                stdout=io.StringIO(),
            )
    return "2025年1月至6月"


STEPS = (
    ("人员与单位", people),
    ("政策", schemes),
    ("预算", budgets),
    ("真实价格", real_prices),
    ("历史年度", history),
    ("公允价格", index),
)
