"""From the application to the payment, for every scheme by its own kind of basis."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import date
from decimal import Decimal

from config.demo import contracts, figures
from config.demo.browser import Platform, StepFailed, words
from config.demo.cases import APPLIED_ON, CLAIMED_ON, ISSUED_ON, Case, cases
from config.demo.enterprise import apply, claim
from config.demo.story import Story, number_on, require_same, require_shown
from config.management.commands.demo_date import move_demo_date
from vouchers.money import thousands


def etown_first(story: Story) -> str:
    """Before there was a second version: the voucher at once, the deduction at each use, by the chip's origin."""
    move_demo_date(date(2024, 6, 3))
    filer, said = story.sign_in("yizhuang"), []
    for accelerator, expected in figures.ETOWN_V1.items():
        number, _page = apply(filer, contracts.etown_first(accelerator))
        state = filer.get(f"/portal/applications/{number}/")
        answer = _settle(
            story,
            number_on("V", state),
            number_on("L", state),
            f"JS-2024-{accelerator}",
            date(2024, 5, 20),
            date(2024, 6, 2),
        )
        require_same(answer["deducted_amount"], expected, f"经开区 v1 {accelerator} 抵扣额")
        said.append(f"{accelerator} 结算 {thousands(figures.ETOWN_USE)} → 抵扣 {thousands(expected)}")
    return "；".join(said)


def _settle(
    story: Story, voucher_no: str, lease_no: str, reference: str, start: date, end: date
) -> dict[str, object]:
    """A use that the provider's platform deducts; sent twice under one key, as after a broken line."""
    platform = Platform(story.base_url, story.tokens["yunfan"])
    body = {
        "voucher_no": voucher_no,
        "lease_no": lease_no,
        "reference": reference,
        "net_amount": str(figures.ETOWN_USE),
        "period_from": start.isoformat(),
        "period_to": end.isoformat(),
    }
    key = str(uuid.uuid4())
    first = platform.call("POST", "/api/v1/settlements", body, key=key)
    again = platform.call("POST", "/api/v1/settlements", body, key=key)
    if first != again:
        raise StepFailed("同一幂等键重发，结果不同")
    return first


def _fair_price(story: Story) -> tuple[Decimal, Decimal]:
    """Base and upper bound of the cell that Beijing's contract is held against, as published."""
    rows = story.api(
        "prices?accelerator=H800&form_factor=SXM&tier=specialist&region_group=west&term_bucket=1_6m&month=2025-06-01"
    )
    found = rows["results"]
    if not isinstance(found, list) or not found:
        raise StepFailed("没有公布 H800 在 2025年6月 的公允价格")
    return Decimal(found[0]["base"]), Decimal(found[0]["upper"])


def apply_for_all(story: Story) -> str:
    """Every scheme in force in 2025, each by an applicant of the kind that it is for."""
    move_demo_date(APPLIED_ON)
    base, upper = _fair_price(story)
    price = base.quantize(Decimal("0.01"))
    story.cases = cases(price)
    for case in story.cases:
        number, page = apply(story.sign_in(case.account), case.contract)
        story.applications[case.name] = number
        if number not in page:
            raise StepFailed(f"{case.name}：提交后的页面没有给出申领编号")
    listed = "；".join(f"{case.name} {story.applications[case.name]}" for case in story.cases)
    return f"{len(story.cases)} 件：{listed}；北京签约单价 {price} 元/卡时（区间上限 {upper:.2f}）"


def refuse_above_the_band(story: Story) -> str:
    """A contract above the band: filed for a formal decision, refused with the sentence that the page proposes."""
    _base, upper = _fair_price(story)
    price = (upper * Decimal("1.25")).quantize(Decimal("0.01"))
    contract = contracts.beijing("BJ-2025-002", price, Decimal("3000000.00"))
    number, _page = apply(story.sign_in("xinghe"), contract)
    sentence = story.office.reject(number)
    if "公允" not in sentence:
        raise StepFailed(f"不予支持的理由没有说明公允价格：{sentence}")
    return f"{number}：{sentence}"


def decide(story: Story) -> str:
    """Three people on each case; the experts, with their rate or points, where the version asks for them."""
    for case in story.cases:
        story.office.approve_application(story.applications[case.name], opinion=case.opinion)
    page = f"/desk/applications/{story.applications['北京']}/"
    refusal = story.office.decide("approver", page, "issue", refused=True).refusal
    experts = "、".join(case.name for case in story.cases if case.opinion is not None)
    return f"{len(story.cases)} 件，其中经专家评审的：{experts}；公示期内发券被拒：{refusal}"


def issue(story: Story) -> str:
    """When the notice has run its days: a voucher (V-), or where the scheme issues none, what was recognised (E-)."""
    move_demo_date(ISSUED_ON)
    said = []
    for case in story.cases:
        number = story.applications[case.name]
        page = story.office.decide("approver", f"/desk/applications/{number}/", "issue").text
        voucher_no = story.vouchers[case.name] = number_on("[VE]", page)
        shown = story.sign_in(case.account).get(f"/portal/vouchers/{voucher_no}/")
        require_shown(case.granted, shown, f"{case.name}的券面额")
        said.append(f"{case.name} {voucher_no} {thousands(case.granted)} 元")
    pdf = story.sign_in("xinghe").download(f"/portal/vouchers/{story.vouchers['北京']}/certificate.pdf")
    if not pdf.startswith(b"%PDF"):
        raise StepFailed("凭证不是 PDF")
    (story.out / "算力券凭证.pdf").write_bytes(pdf)
    return "；".join(said)


def redeem(story: Story) -> str:
    """Each by its own kind of basis; verified by one person, approved by another."""
    move_demo_date(CLAIMED_ON)
    said = []
    for case in story.cases:
        number = _settled(story, case) if not case.items else _claimed(story, case)
        story.claims[case.name] = number
        story.office.approve_claim(number)
        said.append(f"{case.name} {number} {thousands(case.paid)} 元（{case.by}）")
    return "；".join(said)


def _claimed(story: Story, case: Case) -> str:
    person = story.sign_in(case.account)
    number = claim(person, story.vouchers[case.name], case.items)
    require_shown(case.paid, person.get(f"/portal/claims/{number}/"), f"{case.name}的兑付")
    return number


def _settled(story: Story, case: Case) -> str:
    shown = story.sign_in(case.account).get(f"/portal/applications/{story.applications[case.name]}/")
    answer = _settle(
        story,
        story.vouchers[case.name],
        number_on("L", shown),
        f"JS-{case.contract.contract_no}",
        date(2025, 6, 1),
        date(2025, 6, 18),
    )
    require_same(answer["deducted_amount"], case.paid, f"{case.name}抵扣额")
    return str(answer["settlement_no"])


def pay(story: Story) -> str:
    """A batch a program; the worker then marks the claims as paid."""
    said = []
    for program in dict.fromkeys(case.program for case in story.cases):
        claims = {case.name: story.claims[case.name] for case in story.cases if case.program == program}
        batch, content = story.office.pay(program, list(claims.values()), CLAIMED_ON.isoformat())
        (story.out / f"拨付清单-{program}.xlsx").write_bytes(content)
        said.append(f"{program} {batch}（{hashlib.sha256(content).hexdigest()[:12]}…）")
    for case in story.cases:
        _wait_paid(story, case)
    return "；".join(said) + f"；{len(story.cases)} 件兑付均已标记为已拨付，申领单位收到消息"


def _wait_paid(story: Story, case: Case) -> None:
    number = story.claims[case.name]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if "已拨付" in words(story.sign_in(case.account).get(f"/portal/claims/{number}/")):
            return
        time.sleep(0.5)
    raise StepFailed(f"{number}：银行确认后 60 秒内没有变为“已拨付”，请查看任务进程的日志")
