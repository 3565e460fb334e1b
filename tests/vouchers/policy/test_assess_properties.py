"""What holds of an assessment for any facts: bounds, order, monotony, and the working re-added by other hands."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_DOWN, Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vouchers.policy.test_assess import MODES, D, claim, facts_of, scheme_with
from vouchers.policy import assess, cap_keys, from_plain, to_plain
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.assessment import Assessment
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples

MONEY = st.decimals(min_value=0, max_value=D("1e9"), places=2, allow_nan=False, allow_infinity=False)
NAMES = [path.stem for path in shipped_files()]
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cases(draw: st.DrawFn) -> tuple[r.Scheme, f.Facts]:
    """A shipped scheme and one of its example cases, with other amounts, caps partly used, another balance."""
    name = draw(st.sampled_from(NAMES))
    scheme = shipped_scheme(name)
    facts = draw(st.sampled_from(shipped_examples(name))).facts
    facts = dataclasses.replace(
        facts,
        items=tuple(dataclasses.replace(item, net_amount=draw(MONEY)) for item in facts.items),
        contracts=tuple(dataclasses.replace(one, net_amount=draw(MONEY)) for one in facts.contracts),
    )
    if facts.voucher is not None:
        facts = dataclasses.replace(facts, voucher=dataclasses.replace(facts.voucher, balance=draw(MONEY)))
    used = {key.key: draw(MONEY) for key in cap_keys(scheme, facts)}
    return scheme, dataclasses.replace(facts, used=f.UsedAmounts(caps=used))


@given(cases())
@FAST
def test_an_amount_is_never_negative_never_above_a_cap_and_never_above_the_balance(
    case: tuple[r.Scheme, f.Facts],
):
    scheme, facts = case
    answer = assess(scheme, facts)
    assert answer.amount >= 0
    assert answer.amount == answer.amount.quantize(D("0.01"))
    for key in cap_keys(scheme, facts):
        assert answer.amount <= max(key.limit - facts.used.of(key.key), D(0))
    if facts.voucher is not None and facts.stage is not t.Stage.APPLICATION:
        assert answer.amount <= facts.voucher.balance


@given(cases(), st.randoms())
@FAST
def test_the_order_of_invoices_and_contracts_does_not_matter(case: tuple[r.Scheme, f.Facts], random):
    scheme, facts = case
    items, contracts = list(facts.items), list(facts.contracts)
    random.shuffle(items)
    random.shuffle(contracts)
    shuffled = dataclasses.replace(facts, items=tuple(items), contracts=tuple(contracts))
    one, other = assess(scheme, facts), assess(scheme, shuffled)
    assert (one.amount, one.outcome, one.lines, one.findings) == (
        other.amount,
        other.outcome,
        other.lines,
        other.findings,
    )


@given(cases(), MONEY)
@FAST
def test_more_base_never_gives_less(case: tuple[r.Scheme, f.Facts], more: Decimal):
    scheme, facts = case
    greater = dataclasses.replace(
        facts,
        items=tuple(dataclasses.replace(item, net_amount=item.net_amount + more) for item in facts.items),
        contracts=tuple(
            dataclasses.replace(one, net_amount=one.net_amount + more) for one in facts.contracts
        ),
    )
    assert assess(scheme, greater).computed_amount >= assess(scheme, facts).computed_amount


@given(st.lists(MONEY, min_size=1, max_size=6))
@FAST
def test_partial_claims_never_add_up_to_more_than_the_claim_in_one(amounts: list[Decimal]):
    scheme = scheme_with()
    whole = assess(scheme, claim(*map(str, amounts))).amount
    assert sum((assess(scheme, claim(str(amount))).amount for amount in amounts), D(0)) <= whole


@given(cases())
@FAST
def test_without_lines_the_amount_and_the_findings_are_the_same(case: tuple[r.Scheme, f.Facts]):
    scheme, facts = case
    full, bare = assess(scheme, facts), assess(scheme, facts, with_lines=False)
    assert bare.lines == ()
    assert dataclasses.replace(full, lines=()) == bare


@given(cases())
@FAST
def test_the_working_re_added_by_other_hands_gives_the_amount(case: tuple[r.Scheme, f.Facts]):
    scheme, facts = case
    answer = assess(scheme, facts)
    re_add(answer)
    if answer.lines:
        assert answer.lines[-1].result == answer.amount


def re_add(answer: Assessment) -> None:
    """Each line again, from its operands alone, which must be facts, rules, or results of earlier lines."""
    results: dict[int, Decimal] = {}
    for line in answer.lines:
        values = [operand.value for operand in line.operands]
        for operand in line.operands:
            if operand.line:
                assert results[operand.line] == operand.value
        match line.operator:
            case "sum" | "tier":
                values = values if line.operator == "sum" else values[:-1]
                again = sum(values, D(0))
            case "difference":
                again = values[0] - sum(values[1:], D(0))
            case "product":
                again = values[0] * values[1]
            case "pro_rata":
                again = (values[0] * values[1] / values[2]).quantize(D("0.01"), ROUND_DOWN)
            case "minimum":
                again = min(values)
            case "maximum":
                again = max(values)
            case "exclude" | "zero":
                again = D(0)
            case mode:
                again = values[0].quantize(values[1], MODES[mode])
        assert again == line.result, line
        results[line.number] = line.result


def test_an_assessment_is_kept_as_plain_values_and_read_back_whole():
    answer = assess(shipped_scheme("BJ-AIQ"), facts_of("BJ-AIQ", "claim_with_storage"))
    assert from_plain(Assessment, to_plain(answer)) == answer
