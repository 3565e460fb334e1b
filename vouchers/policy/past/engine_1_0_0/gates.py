"""Conditions held against facts: each gives met, not met or not testable, the fact it rests on, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from vouchers.policy.assessment import Finding
from vouchers.policy.facts import ContractFacts, Facts
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import FindingResult, GateKind, PartyKind, Purpose

Answer = tuple[bool | None, str]
"""Whether the condition is met (None: not testable) and the fact in words."""

UNKNOWN = "未取得相关信息"


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day where there is none (民法典 第二百零二条)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("unreachable")


def _prefixed(code: str, prefixes: tuple[str, ...], noun: str) -> Answer:
    if not code:
        return None, f"{noun}{UNKNOWN}"
    return code.startswith(prefixes), f"{noun}为 {code}"


def _one_of(word: str, values: tuple[str, ...], noun: str, label: str = "") -> Answer:
    if not word:
        return None, f"{noun}{UNKNOWN}"
    return word in values, f"{noun}为“{label or word}”"


def _flag(value: bool | None, wanted: bool, yes: str, no: str, noun: str) -> Answer:
    if value is None:
        return None, f"{noun}{UNKNOWN}"
    return value is wanted, yes if value else no


def _registered_in(gate: Gate, facts: Facts) -> Answer:
    return _prefixed(facts.applicant.region_code, gate.regions, "注册地行政区划代码")


def _sector(gate: Gate, facts: Facts) -> Answer:
    code = facts.applicant.industry_code.lstrip(
        "ABCDEFGHIJKLMNOPQRST"
    )  # GB/T 4754: the letter may be left out
    return _prefixed(code, gate.industries, "行业代码")


def _party_kind(gate: Gate, facts: Facts) -> Answer:
    kind = facts.applicant.kind
    return _one_of(kind.value if kind else "", gate.values, "主体类型", PartyKind(kind).label if kind else "")


def _ownership(gate: Gate, facts: Facts) -> Answer:
    return _one_of(facts.applicant.ownership, gate.values, "所有制")


def _size(gate: Gate, facts: Facts) -> Answer:
    return _one_of(facts.applicant.size, gate.values, "企业规模")


def reference_day(facts: Facts) -> date:
    """The day on which an applicant's own conditions are held: that of the application, else of the assessment."""
    return facts.applied_on or facts.on


def _age_at_least(gate: Gate, facts: Facts) -> Answer:
    born = facts.applicant.registered_on
    if born is None:
        return None, f"成立日期{UNKNOWN}"
    return months_after(born, gate.months or 0) <= reference_day(facts), f"成立于 {born}"


def _age_at_most(gate: Gate, facts: Facts) -> Answer:
    born = facts.applicant.registered_on
    if born is None:
        return None, f"成立日期{UNKNOWN}"
    return months_after(born, gate.months or 0) >= reference_day(facts), f"成立于 {born}"


def _no_dishonesty(gate: Gate, facts: Facts) -> Answer:
    listings = facts.applicant.listings
    if listings is None:
        return None, f"信用记录{UNKNOWN}"
    day = reference_day(facts)
    since = months_after(day, -12 * (gate.years or 0))
    for listing in sorted(listings, key=lambda row: (row.from_on, row.document_no)):
        if listing.from_on <= day and (listing.to_on is None or listing.to_on > since):
            return False, f"自 {listing.from_on} 起有失信记录（{listing.document_no or '文号不详'}）"
    return True, f"{since} 以来没有失信记录"


def _not_a_provider(gate: Gate, facts: Facts) -> Answer:
    return _flag(
        facts.applicant.is_registered_provider,
        False,
        "申领主体本身是入库服务商",
        "申领主体不是入库服务商",
        "入库名单",
    )


def _applicant_connected(gate: Gate, facts: Facts) -> Answer:
    return _flag(facts.applicant.is_platform_connected, True, "已接入平台", "尚未接入平台", "平台接入情况")


def _consecutive_years(gate: Gate, facts: Facts) -> Answer:
    years = facts.applicant.years_supported
    if years is None:
        return None, f"以往享受支持的年数{UNKNOWN}"
    return years < (gate.years or 0), f"此前已连续享受 {years} 年"


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
    return answer, f"人工核验：{'是' if answer else '否'}"


def _non_affiliated(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    provider = contract.provider
    if provider is None or provider.affiliated is None:
        return None, f"与服务商的关联关系{UNKNOWN}"
    if provider.affiliated:
        return False, provider.affiliation_sentence or f"与服务商{provider.name}存在关联关系"
    return True, f"未发现与服务商{provider.name}存在关联关系"


def _not_own_built(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _flag(contract.is_own_built, False, "算力为自建自用", "算力并非自建自用", "算力来源")


def _provider_admitted(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    provider = contract.provider
    if provider is None or provider.admissions is None:
        return None, f"服务商入库情况{UNKNOWN}"
    day = contract.signed_on or reference_day(facts)
    held = [
        row for row in provider.admissions if row.from_on <= day and (row.to_on is None or row.to_on > day)
    ]
    if not held:
        return False, f"服务商{provider.name}于 {day} 未在入库名单"
    if "service_item" in gate.values:
        if not contract.service_item:
            return None, f"合同所购服务项目{UNKNOWN}"
        if contract.service_item not in {row.service_item for row in held}:
            return False, f"服务商{provider.name}入库的服务项目不含“{contract.service_item}”"
    batch = next((row.batch for row in held if row.batch), "")
    return True, f"服务商{provider.name}于 {day} 在入库名单{f'（{batch}）' if batch else ''}"


def _provider_registered_in(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    code = contract.provider.region_code if contract.provider else ""
    return _prefixed(code, gate.regions, "服务商注册地行政区划代码")


def _platform_traded(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _flag(contract.is_platform_traded, True, "经平台交易", "未经平台交易", "平台交易记录")


def _provider_connected(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    connected = contract.provider.is_platform_connected if contract.provider else None
    return _flag(connected, True, "服务商已接入调度平台", "服务商尚未接入调度平台", "服务商接入情况")


def _purpose(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    purpose = contract.purpose
    return _one_of(
        purpose.value if purpose else "", gate.values, "用途", Purpose(purpose).label if purpose else ""
    )


def _contract_kind(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return contract.kind.value in gate.values, f"合同类型为“{contract.kind.label}”"


def _between(day: date | None, gate: Gate, noun: str) -> Answer:
    if day is None:
        return None, f"{noun}{UNKNOWN}"
    late = gate.to_on is not None and day >= gate.to_on
    early = gate.from_on is not None and day < gate.from_on
    return not (late or early), f"{noun}为 {day}"


def _signed_between(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _between(contract.signed_on, gate, "合同签订日期")


def _deployed_by(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _between(contract.deployed_on, gate, "部署日期")


def _model_filed(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _flag(contract.is_model_filed, True, "模型已备案", "模型未备案", "模型备案情况")


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

CONTRACT_TESTS: dict[GateKind, Callable[[Gate, Facts, ContractFacts], Answer]] = {
    GateKind.NON_AFFILIATED: _non_affiliated,
    GateKind.NOT_OWN_BUILT: _not_own_built,
    GateKind.PROVIDER_ADMITTED: _provider_admitted,
    GateKind.PROVIDER_REGISTERED_IN: _provider_registered_in,
    GateKind.PLATFORM_TRADED: _platform_traded,
    GateKind.PROVIDER_CONNECTED: _provider_connected,
    GateKind.PURPOSE: _purpose,
    GateKind.CONTRACT_KIND: _contract_kind,
    GateKind.SIGNED_BETWEEN: _signed_between,
    GateKind.DEPLOYED_BY: _deployed_by,
    GateKind.MODEL_FILED: _model_filed,
}
"""Conditions held against each contract of the case."""

_RESULTS = {True: FindingResult.MET, False: FindingResult.NOT_MET, None: FindingResult.NOT_TESTABLE}
_TAILS = {True: "符合条件。", False: "不符合条件。", None: "暂无法判定。"}


def check_gates(scheme: Scheme, facts: Facts, tracks: Iterable[str]) -> list[Finding]:
    """Every gate that is switched on and concerns this stage and track, in the ordinance's order."""
    chosen = set(tracks)
    contracts = sorted(facts.contracts, key=lambda contract: contract.contract_no)
    findings: list[Finding] = []
    for gate in scheme.gates:
        if (
            not gate.switched_on
            or facts.stage not in gate.stages
            or (gate.tracks and not chosen & set(gate.tracks))
        ):
            continue
        if gate.kind in PARTY_TESTS:
            findings.append(_finding(gate, PARTY_TESTS[gate.kind](gate, facts), ""))
        elif contracts:
            test = CONTRACT_TESTS[gate.kind]
            findings.extend(
                _finding(gate, test(gate, facts, contract), contract.contract_no) for contract in contracts
            )
        else:
            findings.append(_finding(gate, (None, f"合同{UNKNOWN}"), ""))
    return findings


def _finding(gate: Gate, answer: Answer, subject: str) -> Finding:
    met, fact = answer
    about = f"合同 {subject}：" if subject else ""
    return Finding(
        code=gate.code,
        result=_RESULTS[met],
        sentence=f"{about}{gate.text.rstrip('。')}。{fact}，{_TAILS[met]}",
        fact=fact,
        subject=subject,
        article=gate.cite.words,
        confidence=gate.cite.confidence,
        cure="" if met else gate.cure,
        effect=gate.effect,
        if_untestable=gate.if_untestable,
    )
