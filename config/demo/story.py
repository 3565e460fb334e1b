"""The main job, step by step, through pages and API; each step says its figures and fails by name."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
from django.conf import settings
from django.core.management import call_command
from openpyxl import load_workbook

from config.demo import contracts, figures
from config.demo.browser import Person, Platform, StepFailed, words
from config.demo.contracts import PARTY
from config.demo.enterprise import apply, claim
from config.demo.load import TOKENS
from config.demo.office import Office
from config.management.commands.demo_date import move_demo_date
from vouchers.money import thousands


class Story:
    """One walk through the main job. ``say`` gets each step's line; files go to ``out``."""

    def __init__(self, base_url: str, out: Path, say: Callable[[str], None]) -> None:
        self.base_url = base_url
        self.out = out
        self.say = say
        self.people: dict[str, Person] = {}
        self.office = Office(self.sign_in)
        self.vouchers: dict[str, str] = {}
        self.applications: dict[str, str] = {}
        self.claims: dict[str, str] = {}
        self.false_lease_no = ""
        self.tokens: dict[str, str] = json.loads(
            (Path(settings.VAR_DIR) / TOKENS).read_text(encoding="utf-8")
        )

    def sign_in(self, account: str) -> Person:
        """The person, signed in once."""
        if account not in self.people:
            self.people[account] = Person(self.base_url, account)
        return self.people[account]

    def api(self, address: str) -> dict[str, object]:
        """A public call."""
        answer = httpx.get(f"{self.base_url}/api/v1/{address}", timeout=60)
        if answer.status_code != 200:
            raise StepFailed(f"GET /api/v1/{address} → {answer.status_code}")
        result: dict[str, object] = answer.json()
        return result

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """The steps in their order."""
        return [
            ("政策：已由两人发布，目录公开可查", self.catalogue),
            ("经开区 v1（2024年）：申领即时发券，平台两次抵扣", self.etown_first),
            ("北京：申领、测算、提交", self.beijing_applies),
            ("北京：高于公允价格的合同，不予支持", self.beijing_refused),
            ("深圳、经开区 v2、贵州（演示版）：申领", self.others_apply),
            ("受理、初审、核准、公示（三人分别办理）", self.office_decides),
            ("公示期满，发券；凭证与公开查验", self.issue),
            ("北京、深圳、贵州：凭数电票兑付，核验与核准", self.redeem),
            ("经开区 v2：平台结算抵扣", self.etown_second),
            ("拨付：编制、批准、报送、银行回执", self.pay),
            ("虚假租约：同一设备租给两家，自动暂缓", self.false_lease),
            ("审计：可疑合同与工作簿", self.audit),
        ]

    # -- steps ---------------------------------------------------------------------------------------------------------

    def catalogue(self) -> str:
        """The published rules, as anybody reads them."""
        rules = self.api("programs/BJ-AIQ/rules?on=2025-06-01")
        document = json.dumps(rules["document"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if not str(rules["sha256"]):
            raise StepFailed("发布件没有校验值")
        programs = self.api("programs?limit=100")
        return (
            f"{programs['count']} 个专项；BJ-AIQ 发布件 {str(rules['sha256'])[:16]}…（{len(document)} 字节）"
        )

    def etown_first(self) -> str:
        """Before there was a second version: the voucher at once, the deduction at each use, by the chip's origin."""
        move_demo_date(date(2024, 6, 3))
        filer, said = self.sign_in("yizhuang"), []
        platform = Platform(self.base_url, self.tokens["yunfan"])
        for accelerator, expected in figures.ETOWN_V1.items():
            number, _page = apply(filer, contracts.etown_first(accelerator))
            state = filer.get(f"/portal/applications/{number}/")
            lease_no, voucher_no = _find("L", state), _find("V", state)
            answer = self._settle(
                platform, voucher_no, lease_no, f"JS-2024-{accelerator}", date(2024, 5, 20), date(2024, 6, 2)
            )
            _same(answer["deducted_amount"], expected, f"经开区 v1 {accelerator} 抵扣额")
            said.append(
                f"{accelerator} 结算 {thousands(figures.ETOWN_USE)} → 抵扣 {answer['deducted_amount']}"
            )
        return "；".join(said)

    def _settle(
        self, platform: Platform, voucher_no: str, lease_no: str, reference: str, start: date, end: date
    ) -> dict[str, object]:
        body = {
            "voucher_no": voucher_no,
            "lease_no": lease_no,
            "reference": reference,
            "net_amount": str(figures.ETOWN_USE),
            "period_from": start.isoformat(),
            "period_to": end.isoformat(),
        }
        first = platform.call("POST", "/api/v1/settlements", body, key=f"demo-{reference}")
        again = platform.call("POST", "/api/v1/settlements", body, key=f"demo-{reference}")
        if first != again:
            raise StepFailed("同一幂等键重发，结果不同")
        return first

    def _fair_price(self) -> tuple[Decimal, Decimal]:
        """Base and upper bound of the cell that Beijing's contract is held against, as published."""
        rows = self.api(
            "prices?accelerator=H800&form_factor=SXM&tier=specialist&region_group=west&term_bucket=1_6m&month=2025-06-01"
        )
        found = rows["results"]
        if not isinstance(found, list) or not found:
            raise StepFailed("没有公布 H800 在 2025年6月 的公允价格")
        return Decimal(found[0]["base"]), Decimal(found[0]["upper"])

    def beijing_applies(self) -> str:
        """Rent of 15 million at a fair price."""
        move_demo_date(date(2025, 6, 3))
        base, upper = self._fair_price()
        price = base.quantize(Decimal("0.01"))
        number, page = apply(
            self.sign_in("xinghe"), contracts.beijing("BJ-2025-001", price, figures.BEIJING_RENT)
        )
        self.applications["BJ-AIQ"] = number
        if number not in page:
            raise StepFailed("提交后的页面没有给出申领编号")
        return (
            f"{number}：租金 {thousands(figures.BEIJING_RENT)}，单价 {price} 元/卡时（区间上限 {upper:.2f}）"
        )

    def beijing_refused(self) -> str:
        """A contract above the band: filed for a formal decision, refused with the sentence that the page proposes."""
        _base, upper = self._fair_price()
        price = (upper * Decimal("1.25")).quantize(Decimal("0.01"))
        contract = contracts.beijing("BJ-2025-002", price, Decimal("3000000.00"))
        number, _page = apply(self.sign_in("xinghe"), contract)
        sentence = self.office.reject(number)
        if "公允" not in sentence:
            raise StepFailed(f"不予支持的理由没有说明公允价格：{sentence}")
        return f"{number}：{sentence}"

    def others_apply(self) -> str:
        """Shenzhen's contract of 30 million, E-Town's second version, Guizhou's demonstration version."""
        for program, (account, contract) in contracts.others().items():
            self.applications[program], _page = apply(self.sign_in(account), contract)
        return "、".join(self.applications[program] for program in contracts.others())

    def office_decides(self) -> str:
        """Three people on each case; the experts where the version asks for them."""
        for program, number in self.applications.items():
            self.office.approve_application(number, expert=program == "BDA-SLQ")
        case = f"/desk/applications/{self.applications['BJ-AIQ']}/"
        refusal = self.office.decide("approver", case, "issue", refused=True).refusal
        return f"{len(self.applications)} 件；公示期内发券被拒：{refusal}"

    def issue(self) -> str:
        """When the notice has run its days."""
        move_demo_date(date(2025, 6, 12))
        expected = {
            "BJ-AIQ": figures.BEIJING_VOUCHER,
            "SZ-XLQ": figures.SHENZHEN_VOUCHER,
            "GZ-SLQ-DEMO": figures.GUIZHOU_VOUCHER,
        }
        said = []
        owners = {"BJ-AIQ": "xinghe", "SZ-XLQ": "shenlan", "BDA-SLQ": "yizhuang", "GZ-SLQ-DEMO": "qianshan"}
        for program, number in self.applications.items():
            page = self.office.decide("approver", f"/desk/applications/{number}/", "issue").text
            voucher_no = self.vouchers[program] = _find("V", page)
            shown = words(self.sign_in(owners[program]).get(f"/portal/vouchers/{voucher_no}/"))
            amount = expected.get(program)
            if amount is not None and thousands(amount) not in shown:
                raise StepFailed(f"{program} 的券面额应为 {thousands(amount)} 元，页面为：{shown[:300]}")
            said.append(f"{program} {voucher_no}" + (f" {thousands(amount)} 元" if amount else ""))
        pdf = self.sign_in("xinghe").download(f"/portal/vouchers/{self.vouchers['BJ-AIQ']}/certificate.pdf")
        if not pdf.startswith(b"%PDF"):
            raise StepFailed("凭证不是 PDF")
        (self.out / "算力券凭证.pdf").write_bytes(pdf)
        return "；".join(said)

    def redeem(self) -> str:
        """Each by an e-invoice that was paid; verified by one person, approved by another."""
        move_demo_date(date(2025, 6, 20))
        said = []
        for sequence, (program, account, seller, net, expected) in enumerate(
            (
                ("BJ-AIQ", "xinghe", "yunfan", figures.BEIJING_RENT, figures.BEIJING_VOUCHER),
                ("SZ-XLQ", "shenlan", "yunfan", figures.SHENZHEN_CONTRACT, figures.SHENZHEN_VOUCHER),
                ("GZ-SLQ-DEMO", "qianshan", "zhihui", figures.GUIZHOU_CONTRACT, figures.GUIZHOU_VOUCHER),
            ),
            start=901,
        ):
            person = self.sign_in(account)
            number = claim(
                person,
                self.vouchers[program],
                seller=PARTY[seller],
                buyer=PARTY[account],
                net=net,
                sequence=sequence,
                period=(date(2025, 6, 1), date(2025, 6, 18)),
                issued_on=date(2025, 6, 18),
            )
            self.claims[program] = number
            shown = words(person.get(f"/portal/claims/{number}/"))
            if thousands(expected) not in shown:
                raise StepFailed(f"{program} 的兑付应为 {thousands(expected)} 元，页面为：{shown[:300]}")
            self.office.approve_claim(number)
            said.append(f"{number} {thousands(expected)} 元")
        return "；".join(said)

    def etown_second(self) -> str:
        """The same use under the second version: 30 % flat."""
        platform = Platform(self.base_url, self.tokens["yunfan"])
        shown = self.sign_in("yizhuang").get(f"/portal/applications/{self.applications['BDA-SLQ']}/")
        answer = self._settle(
            platform,
            self.vouchers["BDA-SLQ"],
            _find("L", shown),
            "JS-2025-001",
            date(2025, 6, 1),
            date(2025, 6, 18),
        )
        _same(answer["deducted_amount"], figures.ETOWN_V2, "经开区 v2 抵扣额")
        number = str(answer["settlement_no"])
        self.office.approve_claim(number)
        self.claims["BDA-SLQ"] = number
        return f"{number}：结算 {thousands(figures.ETOWN_USE)} → 抵扣 {answer['deducted_amount']}，经核验核准"

    def pay(self) -> str:
        """A batch a program; the worker then marks the claims as paid."""
        said = []
        for program in ("BJ-AIQ", "SZ-XLQ", "GZ-SLQ-DEMO", "BDA-SLQ"):
            batch, content = self.office.pay(program, [self.claims[program]], "2025-06-20")
            (self.out / f"拨付清单-{program}.xlsx").write_bytes(content)
            said.append(f"{program} {batch}（{hashlib.sha256(content).hexdigest()[:12]}…）")
        self._wait_paid("xinghe", self.claims["BJ-AIQ"])
        return "；".join(said) + "；兑付已标记为已拨付，企业收到消息"

    def _wait_paid(self, account: str, number: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if "已拨付" in words(self.sign_in(account).get(f"/portal/claims/{number}/")):
                return
            time.sleep(0.5)
        raise StepFailed(f"{number}：银行确认后 60 秒内没有变为“已拨付”，请查看任务进程的日志")

    def false_lease(self) -> str:
        """The same exclusive machine, let to a second company at the same time."""
        number, _page = apply(self.sign_in("jiangnan"), contracts.false_lease())
        case = f"/desk/applications/{number}/"
        self.office.decide("handler", case, "accept")
        self.office.answer_checks("handler", case)
        self.office.decide("handler2", case, "recommend")
        refusal = self.office.decide("approver", case, "approve", refused=True).refusal
        if "暂缓" not in refusal:
            raise StepFailed(f"有硬性预警的申领没有被拦下：{refusal}")
        seen = words(self.sign_in("jiangnan").get(f"/portal/applications/{number}/"))
        if "暂缓" not in seen:
            raise StepFailed("企业页面没有说明已暂缓")
        self.false_lease_no = _find("L", self.sign_in("jiangnan").get(f"/portal/applications/{number}/"))
        return refusal

    def audit(self) -> str:
        """The night's scan, the auditor's queue with the false lease near its top, and the workbook that shows it."""
        call_command(
            "scan_claims",
            "--out",
            str(self.out / "筛查结果.jsonl"),
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )
        auditor = self.sign_in("auditor")
        page = auditor.get(f"/audit/suspicions/?q={self.false_lease_no}")
        if f"/audit/suspicions/lease/{self.false_lease_no}/" not in page:
            raise StepFailed(f"可疑合同清单中没有 {self.false_lease_no}")
        evidence = words(auditor.get(f"/audit/suspicions/lease/{self.false_lease_no}/"))
        if contracts.THE_MACHINE not in evidence:
            raise StepFailed("证据页没有给出重复出租的设备")
        book = auditor.post_for_file("/audit/workbook/", page=auditor.get("/audit/suspicions/"))
        (self.out / "审计工作簿.xlsx").write_bytes(book)
        sheets = load_workbook(io.BytesIO(book), read_only=True)
        cells = [
            cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None
        ]
        formulas = sum(cell.data_type == "f" for cell in cells)
        if formulas:
            raise StepFailed(f"工作簿中有 {formulas} 个公式单元格")
        if not any(self.false_lease_no in str(cell.value) for cell in cells):
            raise StepFailed("工作簿中没有这份可疑合同")
        return (
            f"{self.false_lease_no} 在清单与工作簿中；工作簿 {len(sheets.sheetnames)} 张表、{len(cells):,} 格、无公式，"
            f"SHA-256 {hashlib.sha256(book).hexdigest()[:16]}…"
        )


def _find(prefix: str, text: str) -> str:
    found = re.search(rf"\b{prefix}-\d{{4}}-\d{{8}}\b", text)
    if found is None:
        raise StepFailed(f"页面没有给出 {prefix} 开头的编号：{words(text)[:300]}")
    return found.group(0)


def _same(got: object, expected: Decimal, what: str) -> None:
    if Decimal(str(got)) != expected:
        raise StepFailed(f"{what}应为 {thousands(expected)}，实际为 {got}")
