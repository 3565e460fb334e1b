"""Conditions held against each contract of a case: its provider, its use, its platform, its dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

from vouchers.policy.ages import reference_day
from vouchers.policy.facts import AdmissionFacts, ContractFacts, Facts, ProviderFacts
from vouchers.policy.plain import decimal_text
from vouchers.policy.rules import Gate
from vouchers.policy.terms import GateKind
from vouchers.policy.words import day_words
from vouchers.policy.working import ZERO

Answer = tuple[bool | None, str | Callable[[], str]]
"""Whether the condition is met (None: not testable) and the fact in words, made when somebody reads them."""

UNKNOWN = "未取得相关信息"


def prefixed(code: str, prefixes: tuple[str, ...], noun: str) -> Answer:
    if not code:
        return None, lambda: f"{noun}{UNKNOWN}"
    return code.startswith(prefixes), lambda: f"{noun}为 {code}"


def one_of(word: str, values: tuple[str, ...], noun: str, labels: Mapping[str, str]) -> Answer:
    """Whether the word is one of the values; `labels` are what people call them."""
    if not word:
        return None, lambda: f"{noun}{UNKNOWN}"
    return word in values, lambda: f"{noun}为“{labels.get(word, word)}”"


def flag(value: bool | None, wanted: bool, yes: str, no: str, noun: str) -> Answer:
    if value is None:
        return None, lambda: f"{noun}{UNKNOWN}"
    return value is wanted, yes if value else no


def _non_affiliated(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    provider = contract.provider
    if provider is None or provider.affiliated is None:
        return None, f"与服务商的关联关系{UNKNOWN}"
    if provider.affiliated:
        return (
            False,
            provider.affiliation_sentence or (lambda: f"与服务商{provider.name}存在关联关系"),
        )
    return True, lambda: f"未发现与服务商{provider.name}存在关联关系"


def _not_own_built(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return flag(contract.is_own_built, False, "算力为自建自用", "算力并非自建自用", "算力来源")


def _provider_admitted(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    provider = contract.provider
    if provider is None or provider.admissions is None:
        return None, f"服务商入库情况{UNKNOWN}"
    day = contract.signed_on or reference_day(facts)
    held = []
    for row in provider.admissions:
        if row.from_on <= day and (row.to_on is None or row.to_on > day):
            held.append(row)
    if not held:
        return False, lambda: f"服务商{provider.name}于{day_words(day)}未在入库名单"
    if gate.batches:
        held = [row for row in held if row.batch in gate.batches]
        if not held:
            return False, lambda: f"服务商{provider.name}不在所列批次（{'、'.join(gate.batches)}）的入库名单"
    if "service_item" in gate.values:
        if not contract.service_item:
            return None, f"合同所购服务项目{UNKNOWN}"
        if contract.service_item not in {row.service_item for row in held}:
            return False, lambda: f"服务商{provider.name}入库的服务项目不含“{contract.service_item}”"
    return True, partial(_admitted_words, provider, day, held)


def _admitted_words(provider: ProviderFacts, day: date, held: list[AdmissionFacts]) -> str:
    batch = next((row.batch for row in held if row.batch), "")
    return f"服务商{provider.name}于{day_words(day)}在入库名单{f'（{batch}）' if batch else ''}"


def _provider_registered_in(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    code = contract.provider.region_code if contract.provider else ""
    return prefixed(code, gate.regions, "服务商注册地行政区划代码")


def _provider_scale(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    provider = contract.provider
    if provider is None or provider.scale is None:
        return None, f"服务商算力规模{UNKNOWN}"
    if provider.scale_unit is not gate.scale_unit or gate.scale_precision not in (
        None,
        provider.scale_precision,
    ):
        return None, lambda: f"{_scale_words(provider)}，与所要求的单位或精度不同"
    return provider.scale >= (gate.scale_from or 0), lambda: _scale_words(provider)


def _scale_words(provider: ProviderFacts) -> str:
    words = [one.label for one in (provider.scale_unit, provider.scale_precision) if one is not None]
    return f"服务商{provider.name}算力规模为 {decimal_text(provider.scale or ZERO)} {' '.join(words)}"


def _platform_metered(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return flag(contract.is_platform_metered, True, "用量经平台计量", "用量未经平台计量", "用量计量方式")


def _platform_traded(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return flag(contract.is_platform_traded, True, "经平台交易", "未经平台交易", "平台交易记录")


def _provider_connected(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    connected = contract.provider.is_platform_connected if contract.provider else None
    return flag(connected, True, "服务商已接入调度平台", "服务商尚未接入调度平台", "服务商接入情况")


def _purpose(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    purpose = contract.purpose
    if purpose is None:
        return None, f"用途{UNKNOWN}"
    return purpose in gate.values, lambda: f"用途为“{purpose.label}”"


def _contract_kind(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return contract.kind.value in gate.values, lambda: f"合同类型为“{contract.kind.label}”"


def _between(day: date | None, gate: Gate, noun: str) -> Answer:
    if day is None:
        return None, f"{noun}{UNKNOWN}"
    late = gate.to_on is not None and day >= gate.to_on
    early = gate.from_on is not None and day < gate.from_on
    return not (late or early), lambda: f"{noun}为{day_words(day)}"


def _signed_between(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _between(contract.signed_on, gate, "合同签订日期")


def _deployed_by(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return _between(contract.deployed_on, gate, "部署日期")


def _model_filed(gate: Gate, facts: Facts, contract: ContractFacts) -> Answer:
    return flag(contract.is_model_filed, True, "模型已备案", "模型未备案", "模型备案情况")


CONTRACT_TESTS: dict[GateKind, Callable[[Gate, Facts, ContractFacts], Answer]] = {
    GateKind.NON_AFFILIATED: _non_affiliated,
    GateKind.NOT_OWN_BUILT: _not_own_built,
    GateKind.PROVIDER_ADMITTED: _provider_admitted,
    GateKind.PROVIDER_REGISTERED_IN: _provider_registered_in,
    GateKind.PROVIDER_SCALE: _provider_scale,
    GateKind.PLATFORM_TRADED: _platform_traded,
    GateKind.PLATFORM_METERED: _platform_metered,
    GateKind.PROVIDER_CONNECTED: _provider_connected,
    GateKind.PURPOSE: _purpose,
    GateKind.CONTRACT_KIND: _contract_kind,
    GateKind.SIGNED_BETWEEN: _signed_between,
    GateKind.DEPLOYED_BY: _deployed_by,
    GateKind.MODEL_FILED: _model_filed,
}
"""Conditions held against each contract of the case."""
