"""Conditions held against facts: each gives met, not met or not testable, the fact it rests on, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import NamedTuple

from vouchers.policy.ages import at_least, at_most, months_after, reference_day
from vouchers.policy.facts import ContractFacts, Facts, ListingFacts
from vouchers.policy.gate_scope import concerns, is_limited, tracks_of
from vouchers.policy.gates_of_contracts import CONTRACT_TESTS, UNKNOWN, Answer, flag, one_of, prefixed
from vouchers.policy.names import OWNERSHIPS, SIZES
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import (
    Border,
    FindingResult,
    GateEffect,
    GateKind,
    Stage,
    Untestable,
)
from vouchers.policy.words import day_words
from vouchers.policy.working import Words, Working


def _registered_in(gate: Gate, facts: Facts) -> Answer:
    return prefixed(facts.applicant.region_code, gate.regions, "注册地行政区划代码")


def _sector(gate: Gate, facts: Facts) -> Answer:
    code = facts.applicant.industry_code.lstrip(
        "ABCDEFGHIJKLMNOPQRST"
    )  # GB/T 4754: the letter may be left out
    return prefixed(code, gate.industries, "行业代码")


def _party_kind(gate: Gate, facts: Facts) -> Answer:
    kind = facts.applicant.kind
    if kind is None:
        return None, f"主体类型{UNKNOWN}"
    return kind in gate.values, lambda: f"主体类型为“{kind.label}”"


def _ownership(gate: Gate, facts: Facts) -> Answer:
    return one_of(facts.applicant.ownership, gate.values, "所有制", OWNERSHIPS)


def _size(gate: Gate, facts: Facts) -> Answer:
    return one_of(facts.applicant.size, gate.values, "企业规模", SIZES)


def _age_at_least(gate: Gate, facts: Facts) -> Answer:
    born, months = facts.applicant.registered_on, gate.months or 0
    if born is None:
        return None, f"成立日期{UNKNOWN}"
    held = at_least(born, months, reference_day(facts), gate.border)
    return held, partial(_age_words, gate.border, born, months, held)


def _age_words(border: Border, born: date, months: int, held: bool) -> str:
    if held:
        return f"成立于{day_words(born)}"
    due = day_words(months_after(born, months))
    full = f"自{due}起满 {months} 个月"
    return (
        f"成立于{day_words(born)}，{full if border is Border.INCLUDED else f'{due}以后方超过 {months} 个月'}"
    )


def _age_at_most(gate: Gate, facts: Facts) -> Answer:
    born = facts.applicant.registered_on
    if born is None:
        return None, f"成立日期{UNKNOWN}"
    held = at_most(born, gate.months or 0, reference_day(facts), gate.border)
    return held, lambda: f"成立于{day_words(born)}"


def _listed(listing: ListingFacts) -> Callable[[], str]:
    return lambda: f"自{day_words(listing.from_on)}起有失信记录（{listing.document_no or '文号不详'}）"


def _no_dishonesty(gate: Gate, facts: Facts) -> Answer:
    listings = facts.applicant.listings
    if listings is None:
        return None, f"信用记录{UNKNOWN}"
    day, months = reference_day(facts), -12 * (gate.years or 0)
    if listings:
        since = months_after(day, months)
        for listing in sorted(listings, key=lambda row: (row.from_on, row.document_no)):
            if listing.from_on <= day and (listing.to_on is None or listing.to_on > since):
                return False, _listed(listing)
    return True, partial(_unlisted, day, months)


def _unlisted(day: date, months: int) -> str:
    return f"{day_words(months_after(day, months))}以来没有失信记录"


def _not_a_provider(gate: Gate, facts: Facts) -> Answer:
    return flag(
        facts.applicant.is_registered_provider,
        False,
        "申领主体本身是入库服务商",
        "申领主体不是入库服务商",
        "入库名单",
    )


def _applicant_connected(gate: Gate, facts: Facts) -> Answer:
    return flag(facts.applicant.is_platform_connected, True, "已接入平台", "尚未接入平台", "平台接入情况")


def _consecutive_years(gate: Gate, facts: Facts) -> Answer:
    years = facts.applicant.years_supported
    if years is None:
        return None, f"以往享受支持的年数{UNKNOWN}"
    return years < (gate.years or 0), lambda: f"此前已连续享受 {years} 年"


def _expert_review(gate: Gate, facts: Facts) -> Answer:
    review = facts.review
    if review.passed is None:
        return None, "尚未评审"
    return (
        review.passed,
        f"评审{'通过' if review.passed else '未通过'}{f'（{review.opinion_no}）' if review.opinion_no else ''}",
    )


def _attested(gate: Gate, facts: Facts) -> Answer:
    answer = facts.attestations.get(gate.code)
    if answer is None:
        return None, "尚待人工核验"
    return answer, lambda: f"人工核验：{'是' if answer else '否'}"


PARTY_TESTS: dict[GateKind, Callable[[Gate, Facts], Answer]] = {
    GateKind.REGISTERED_IN: _registered_in,
    GateKind.SECTOR: _sector,
    GateKind.PARTY_KIND: _party_kind,
    GateKind.OWNERSHIP: _ownership,
    GateKind.SIZE: _size,
    GateKind.AGE_AT_LEAST: _age_at_least,
    GateKind.AGE_AT_MOST: _age_at_most,
    GateKind.NO_DISHONESTY: _no_dishonesty,
    GateKind.NOT_A_PROVIDER: _not_a_provider,
    GateKind.APPLICANT_CONNECTED: _applicant_connected,
    GateKind.CONSECUTIVE_YEARS: _consecutive_years,
    GateKind.EXPERT_REVIEW: _expert_review,
    GateKind.ATTESTED: _attested,
}
"""Conditions of the applicant or of the case as a whole."""

_RESULTS = {True: FindingResult.MET, False: FindingResult.NOT_MET, None: FindingResult.NOT_TESTABLE}
_TAILS = {True: "符合条件。", False: "不符合条件。", None: "暂无法判定。"}


class BoundGate(NamedTuple):
    """A gate with its test, one of the two; the tracks that it concerns (None: all), and where it concerns some applicants
    only, whether it does this one."""

    gate: Gate
    of_party: Callable[[Gate, Facts], Answer] | None
    of_contract: Callable[[Gate, Facts, ContractFacts], Answer] | None
    tracks: frozenset[str] | None
    concerns: Callable[[Facts], bool | None] | None


def bind_gates(scheme: Scheme, stage: Stage, tracks: Iterable[str]) -> tuple[BoundGate, ...]:
    """Every gate that is switched on and concerns this stage and these tracks, in the ordinance's order."""
    chosen = set(tracks)
    found = []
    for gate in scheme.gates:
        of = tracks_of(scheme, gate)
        if gate.switched_on and stage in gate.stages and (of is None or chosen & of):
            limited = partial(concerns, scheme, gate) if is_limited(gate) else None
            found.append(
                BoundGate(gate, PARTY_TESTS.get(gate.kind), CONTRACT_TESTS.get(gate.kind), of, limited)
            )
    return tuple(found)


class Held(NamedTuple):
    """A gate held against the facts; `subject` is the contract, where it is one of contracts."""

    gate: Gate
    met: bool | None
    words: str | Callable[[], str]
    subject: str
    tracks: frozenset[str] | None

    @property
    def refuses(self) -> bool:
        """Whether this alone refuses the case, or the tracks that the gate names."""
        if self.met is None:
            return self.gate.if_untestable is Untestable.REFUSE
        return not self.met and self.gate.effect is GateEffect.REFUSE


def hold_gates(gates: Iterable[BoundGate], facts: Facts, *, told: bool) -> list[Held]:
    """The gates held against the facts; those of contracts against each, in the order of their numbers. What is met is
    left out where nobody wants to be told."""
    contracts = facts.contracts
    if len(contracts) > 1:
        contracts = tuple(sorted(contracts, key=lambda contract: contract.contract_no))
    found: list[Held] = []
    for gate, of_party, of_contract, tracks, concerns_whom in gates:
        sure: bool | None = True
        if concerns_whom is not None:
            sure = concerns_whom(facts)
            if sure is False:
                if told:
                    found.append(Held(gate, True, _SPARED, "", tracks))
                continue
        if of_party is not None:
            met, words = of_party(gate, facts)
            if told or met is not True:
                found.append(_held(gate, met, words, "", tracks, sure))
            continue
        assert of_contract is not None
        if not contracts:
            found.append(Held(gate, None, f"合同{UNKNOWN}", "", tracks))
        for contract in contracts:
            met, words = of_contract(gate, facts, contract)
            if told or met is not True:
                found.append(_held(gate, met, words, contract.contract_no, tracks, sure))
    return found


_SPARED = "本条不适用于该申领主体"
_WHOSE = "主体类型或类别未取得，不能确定本条是否适用"


def _held(
    gate: Gate,
    met: bool | None,
    words: str | Callable[[], str],
    subject: str,
    tracks: frozenset[str] | None,
    sure: bool | None,
) -> Held:
    """The answer; what is not met by somebody whom the gate may not concern cannot be told."""
    if sure is None and met is False:
        return Held(
            gate, None, lambda: f"{words if isinstance(words, str) else words()}；{_WHOSE}", subject, tracks
        )
    return Held(gate, met, words, subject, tracks)


def find_gates(held: Iterable[Held], working: Working, *, spared: bool) -> None:
    """Write the gates down. `spared`: those that name tracks took only those out, and the case stands on others."""
    for one in held:
        excludes = spared and one.tracks is not None and one.refuses
        working.find(
            one.gate.code,
            _RESULTS[one.met],
            one.gate.cite,
            partial(_tell, one),
            subject=one.subject,
            effect=GateEffect.EXCLUDE if excludes else one.gate.effect,
            if_untestable=Untestable.REVIEW if excludes else one.gate.if_untestable,
        )


def _tell(one: Held) -> Words:
    fact = one.words if isinstance(one.words, str) else one.words()
    about = f"合同 {one.subject}：" if one.subject else ""
    sentence = f"{about}{one.gate.text.rstrip('。')}。{fact}，{_TAILS[one.met]}"
    return fact, sentence, "" if one.met else one.gate.cure


def excluded_contracts(held: Iterable[Held], track: str) -> set[str]:
    """Contracts that a condition of the whole scheme or of this track leaves out of the base."""
    return {
        one.subject
        for one in held
        if one.met is False
        and one.gate.effect is GateEffect.EXCLUDE
        and one.subject
        and (one.tracks is None or track in one.tracks)
    }
