"""What the tests of replays are made of: a small scheme, its limits, and cases of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.replay import CaseOutcome, Replay, ReplayCase

D = Decimal
CITE = r.Citation("测试文件", "第一条")


def scheme_with(**changes: object) -> r.Scheme:
    """30 % of contracts or invoices; no caps, no gates, vouchers of one year."""
    base: dict[str, object] = {
        "cite": CITE,
        "program": "T",
        "label": "一",
        "title": "测试",
        "region": "110000",
        "side": t.Side.DEMAND,
        "tracks": (
            r.Track(
                cite=CITE,
                code="a",
                name="甲",
                side=t.Side.DEMAND,
                pay_to=t.PayTo.REIMBURSE_APPLICANT,
                basis_kinds=(t.BasisKind.INVOICE_LINE,),
            ),
        ),
        "rates": (r.Rate(cite=CITE, code="flat", track="a", rate=D("0.3")),),
        "price": r.PriceRule(cite=CITE),
        "other_money": r.OtherPublicMoney(cite=CITE),
        "voucher": r.VoucherKind(cite=CITE, validity_months=12),
        "issue": r.WayOfIssue(cite=CITE, shortage=t.Shortage.FIRST_COME),
        "rounding": r.Rounding(cite=CITE),
        "effective_from": date(2024, 1, 1),
    }
    return r.Scheme(**(base | changes))  # type: ignore[arg-type]


def cap(subject: t.CapSubject, amount: object, period: t.CapPeriod, **changes: object) -> r.Cap:
    return r.Cap(
        cite=CITE,
        code=subject.value,
        name=f"{subject.label}限额",
        subject=subject,
        amount=D(str(amount)),
        period=period,
        **changes,  # type: ignore[arg-type]
    )


def party(who: str = "U1", **changes: object) -> f.PartyFacts:
    return f.PartyFacts(uscc=who, name=f"企业{who}", **changes)  # type: ignore[arg-type]


def application(case_no: str, on: date, amount: object, who: str = "U1", **changes: object) -> ReplayCase:
    """An application on one contract; 30 % of it is asked for."""
    applicant = changes.pop("applicant", party(who))
    batch = str(changes.pop("batch_no", ""))
    contract = f.ContractFacts(contract_no=f"L-{case_no}", net_amount=D(str(amount)))
    facts = f.Facts(
        stage=t.Stage.APPLICATION,
        on=on,
        applicant=applicant,  # type: ignore[arg-type]
        contracts=(contract,),
        batch_no=batch,
    )
    return ReplayCase(case_no=case_no, on=on, facts=facts, **changes)  # type: ignore[arg-type]


def claim(
    case_no: str, on: date, amount: object, application_no: str, who: str = "U1", **changes: object
) -> ReplayCase:
    """A claim by one invoice."""
    item = f.BasisItemFacts(item_no="1", kind=t.BasisKind.INVOICE_LINE, net_amount=D(str(amount)))
    voucher = changes.pop("voucher", None)
    facts = f.Facts(stage=t.Stage.CLAIM, on=on, applicant=party(who), items=(item,), voucher=voucher)  # type: ignore[arg-type]
    return ReplayCase(case_no=case_no, on=on, facts=facts, application_no=application_no, **changes)  # type: ignore[arg-type]


def amounts(done: Replay) -> dict[str, Decimal]:
    return {one.case_no: one.amount for one in done.outcomes}


def of(done: Replay, case_no: str) -> CaseOutcome:
    return next(one for one in done.outcomes if one.case_no == case_no)
