"""Other public money on the same matter: excluded, deducted, or held with ours to a share of the contract."""

from __future__ import annotations

from decimal import Decimal

from vouchers.policy.assessment import Operand
from vouchers.policy.facts import ContractFacts, Facts
from vouchers.policy.past.engine_1_1_0.cap_limits import UsedOf, lower, per_contract
from vouchers.policy.past.engine_1_1_0.caps import BoundCap
from vouchers.policy.past.engine_1_1_0.rates import TrackAmount
from vouchers.policy.past.engine_1_1_0.working import ZERO, Words, Working, money, percent
from vouchers.policy.rules import OtherPublicMoney, Scheme
from vouchers.policy.terms import FindingResult, OtherMoneyMode

_REFUSING = {
    OtherMoneyMode.NONE_SAME_COMPUTE,
    OtherMoneyMode.NONE_SAME_LEVEL,
    OtherMoneyMode.NONE_SAME_CONTRACT,
}


def check_other_money(scheme: Scheme, facts: Facts, working: Working) -> None:
    """Other public money, where the scheme excludes it or has to know of it."""
    rule = scheme.other_money
    if not rule.switched_on or rule.mode is OtherMoneyMode.NOT_STATED:
        return
    for contract in sorted(facts.contracts, key=lambda one: one.contract_no):
        _check_contract(rule, contract, working)


def _check_contract(rule: OtherPublicMoney, contract: ContractFacts, working: Working) -> None:
    held = [row for row in contract.other_money or () if row.amount > 0 and _same_level(rule, row.level)]
    if contract.other_money is None:
        result = FindingResult.NOT_TESTABLE
    else:
        result = FindingResult.NOT_MET if held and rule.mode in _REFUSING else FindingResult.MET

    def tell() -> Words:
        total = sum((row.amount for row in held), ZERO)
        if result is FindingResult.NOT_TESTABLE:
            fact = "未申明是否已享受其他财政资金"
        elif result is FindingResult.NOT_MET:
            fact = f"已享受{'、'.join(row.source for row in held)} {money(total)}"
        else:
            fact = f"已享受其他财政资金 {money(total)}，按规定扣减" if held else "未享受其他财政资金"
        cure = (
            ""
            if result is FindingResult.MET
            else "请提交其他财政资金情况说明；同一事项已享受的，不能重复申领。"
        )
        return fact, f"合同 {contract.contract_no}：{rule.mode.label}。{fact}。", cure

    working.find("other_money", result, rule.source("mode"), tell, subject=contract.contract_no)


def _same_level(rule: OtherPublicMoney, level: str) -> bool:
    return not rule.level or level in ("", rule.level)


def takes_off(rule: OtherPublicMoney) -> bool:
    """Whether other public money lessens the amount."""
    return rule.switched_on and rule.mode not in _REFUSING and rule.mode is not OtherMoneyMode.NOT_STATED


def other_money_of(rule: OtherPublicMoney, facts: Facts) -> Decimal:
    """Other public money on the case's contracts, of the level that the rule means."""
    if not takes_off(rule):
        return ZERO
    rows = [row for one in facts.contracts for row in one.other_money or () if _same_level(rule, row.level)]
    return sum((row.amount for row in rows), ZERO)


def deduct_other_money(
    rule: OtherPublicMoney,
    other: Decimal,
    limit: BoundCap | None,
    used: UsedOf,
    base: TrackAmount,
    working: Working,
) -> None:
    """The amount beside other public money: the higher of the two, a share of each contract, or a combined rate.

    HIGHER_OF and COMBINED_RATE take off what others gave on the contracts at every claim, as if each were the only one: in
    parts an enterprise never gets more than at once. `limit` is the bound cap of SHARE_LIMIT.
    """
    if not takes_off(rule):
        return
    if limit is not None:
        per_contract(limit, used, base, working)
        return
    before = base.amount.value
    _beside(rule, other, base, working)
    if base.amount.value == 0 and before > 0:
        working.find(
            "other_money",
            FindingResult.NOT_MET,
            rule.source("mode"),
            lambda: (
                "已享受的其他财政资金不少于本次补贴",
                f"{rule.mode.label}：已享受的其他财政资金不少于本次补贴，不再补助。",
                "",
            ),
        )


def _beside(rule: OtherPublicMoney, other: Decimal, base: TrackAmount, working: Working) -> None:
    amount = base.amount
    cite = rule.source("share" if rule.share is not None else "mode")
    if rule.mode is OtherMoneyMode.HIGHER_OF:
        if not other:
            return
        lessened = max(amount.value - other, ZERO)
        base.amount = working.add(
            "other_money",
            "difference",
            lessened,
            lambda: (
                [
                    amount.operand("核算金额"),
                    Operand(name="已享受其他财政资金", value=min(other, amount.value)),
                ],
                f"就高不重复：{money(amount.value)} 减去已享受的 {money(other)} ＝ {money(lessened)}。",
            ),
            cite,
        )
        return
    share = rule.share or Decimal(0)
    room = max(share * base.basis - other, ZERO)
    result = min(amount.value, room)
    base.amount = working.add(
        "other_money",
        "minimum",
        result,
        lambda: (
            [amount.operand("核算金额"), Operand(name="财政资金合计上限的余额", value=room)],
            f"财政资金合计不超过 {percent(share)}：{money(base.basis)} × {percent(share)} － 已享受 {money(other)} ＝ "
            f"{money(room)}；本次计 {money(result)}。",
        ),
        cite,
    )
    base.bound = lower(base.bound, room)
