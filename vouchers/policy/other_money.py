"""Other public money on the same matter: excluded, deducted, or held with ours to a share of the contract."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from vouchers.policy.assessment import Counterfactual, Finding, Operand
from vouchers.policy.caps import lower, per_contract, shared_limit
from vouchers.policy.facts import Facts
from vouchers.policy.rates import TrackAmount
from vouchers.policy.rules import OtherPublicMoney, Scheme
from vouchers.policy.terms import FindingResult, OtherMoneyMode
from vouchers.policy.working import ZERO, Working, money, percent

_REFUSING = {
    OtherMoneyMode.NONE_SAME_COMPUTE,
    OtherMoneyMode.NONE_SAME_LEVEL,
    OtherMoneyMode.NONE_SAME_CONTRACT,
}


def check_other_money(scheme: Scheme, facts: Facts) -> list[Finding]:
    """Other public money, where the scheme excludes it or has to know of it."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode is OtherMoneyMode.NOT_STATED:
        return []
    cite = rule.source("mode")
    findings = []
    for contract in sorted(facts.contracts, key=lambda one: one.contract_no):
        held = [row for row in contract.other_money or () if row.amount > 0 and _same_level(rule, row.level)]
        total = sum((row.amount for row in held), ZERO)
        if contract.other_money is None:
            result, fact = FindingResult.NOT_TESTABLE, "未申明是否已享受其他财政资金"
        elif held and rule.mode in _REFUSING:
            result, fact = (
                FindingResult.NOT_MET,
                f"已享受{'、'.join(row.source for row in held)} {money(total)}",
            )
        else:
            result = FindingResult.MET
            fact = f"已享受其他财政资金 {money(total)}，按规定扣减" if held else "未享受其他财政资金"
        findings.append(
            Finding(
                code="other_money",
                result=result,
                subject=contract.contract_no,
                fact=fact,
                sentence=f"合同 {contract.contract_no}：{rule.mode.label}。{fact}。",
                article=cite.words,
                confidence=cite.confidence,
                cure=""
                if result is FindingResult.MET
                else "请提交其他财政资金情况说明；同一事项已享受的，不能重复申领。",
            )
        )
    return findings


def _same_level(rule: OtherPublicMoney, level: str) -> bool:
    return not rule.level or level in ("", rule.level)


def deduct_other_money(
    scheme: Scheme,
    facts: Facts,
    base: TrackAmount,
    working: Working,
    findings: list[Finding],
    counterfactuals: list[Counterfactual],
) -> TrackAmount:
    """The amount beside other public money: the higher of the two, a share of each contract, or a combined rate.

    HIGHER_OF and COMBINED_RATE take off what others gave on the contracts at every claim, as if each were the only one: in
    parts an enterprise never gets more than at once.
    """
    rule, before = scheme.other_money, base.amount.value
    if not rule.switched_on or rule.mode in _REFUSING or rule.mode is OtherMoneyMode.NOT_STATED:
        return base
    limit = shared_limit(scheme)
    if limit is not None:
        return per_contract(scheme, limit, facts, base, working, findings, counterfactuals)
    base = _beside(rule, facts, base, working)
    if base.amount.value == 0 and before > 0:
        cite = rule.source("mode")
        findings.append(
            Finding(
                code="other_money",
                result=FindingResult.NOT_MET,
                fact="已享受的其他财政资金不少于本次补贴",
                sentence=f"{rule.mode.label}：已享受的其他财政资金不少于本次补贴，不再补助。",
                article=cite.words,
                confidence=cite.confidence,
            )
        )
    return base


def _beside(rule: OtherPublicMoney, facts: Facts, base: TrackAmount, working: Working) -> TrackAmount:
    amount = base.amount
    rows = [row for one in facts.contracts for row in one.other_money or () if _same_level(rule, row.level)]
    other = sum((row.amount for row in rows), ZERO)
    cite = rule.source("share" if rule.share is not None else "mode")
    if rule.mode is OtherMoneyMode.HIGHER_OF:
        if not other:
            return base
        result = max(amount.value - other, ZERO)
        lessened = working.add(
            "other_money",
            "difference",
            [amount.operand("核算金额"), Operand(name="已享受其他财政资金", value=min(other, amount.value))],
            result,
            lambda: f"就高不重复：{money(amount.value)} 减去已享受的 {money(other)} ＝ {money(result)}。",
            cite,
        )
        return replace(base, amount=lessened)
    share = rule.share or Decimal(0)
    room = max(share * base.basis - other, ZERO)
    result = min(amount.value, room)
    lessened = working.add(
        "other_money",
        "minimum",
        [amount.operand("核算金额"), Operand(name="财政资金合计上限的余额", value=room)],
        result,
        lambda: (
            f"财政资金合计不超过 {percent(share)}：{money(base.basis)} × {percent(share)} － 已享受 {money(other)} ＝ "
            f"{money(room)}；本次计 {money(result)}。"
        ),
        cite,
    )
    return replace(base, amount=lessened, bound=lower(base.bound, room))
