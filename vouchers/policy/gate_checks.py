"""Contradictions of conditions: what a kind of condition needs, whom it concerns, and what nobody could meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vouchers.policy.gate_scope import tracks_of
from vouchers.policy.gates import PARTY_TESTS
from vouchers.policy.gates_of_contracts import CONTRACT_TESTS
from vouchers.policy.plain import Problem
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import Border, ContractKind, GateKind, PartyKind, Purpose


def known(path: str, words: Sequence[str], allowed: tuple[str, ...], noun: str) -> Iterator[Problem]:
    """Words that are not among those allowed."""
    for word in words:
        if word not in allowed:
            yield Problem(path, f"没有{noun}“{word}”", allowed)


_NEEDS: dict[GateKind, tuple[str, ...]] = {
    GateKind.REGISTERED_IN: ("regions",),
    GateKind.PROVIDER_REGISTERED_IN: ("regions",),
    GateKind.SECTOR: ("industries",),
    GateKind.PARTY_KIND: ("values",),
    GateKind.OWNERSHIP: ("values",),
    GateKind.SIZE: ("values",),
    GateKind.PURPOSE: ("values",),
    GateKind.CONTRACT_KIND: ("values",),
    GateKind.AGE_AT_LEAST: ("months",),
    GateKind.AGE_AT_MOST: ("months",),
    GateKind.NO_DISHONESTY: ("years",),
    GateKind.CONSECUTIVE_YEARS: ("years",),
    GateKind.DEPLOYED_BY: ("to_on",),
    GateKind.ATTESTED: ("question",),
}
_VALUES: dict[GateKind, tuple[str, ...]] = {
    GateKind.PARTY_KIND: tuple(word for word, _ in PartyKind.pairs()),
    GateKind.PURPOSE: tuple(word for word, _ in Purpose.pairs()),
    GateKind.CONTRACT_KIND: tuple(word for word, _ in ContractKind.pairs()),
    GateKind.PROVIDER_ADMITTED: ("service_item",),
    GateKind.SIZE: ("micro", "small", "medium", "large"),
    GateKind.OWNERSHIP: ("private", "state", "foreign", "mixed", "public_institution"),
}


def check_gates(scheme: Scheme) -> Iterator[Problem]:
    """What a condition of its kind must say, whom it may be limited to, and conditions that nobody could meet."""
    for gate in scheme.gates:
        path = f"gates.{gate.code}"
        if gate.kind not in PARTY_TESTS and gate.kind not in CONTRACT_TESTS:
            yield Problem(f"{path}.kind", "这种条件还没有检验方法")
        if not gate.text.strip():
            yield Problem(f"{path}.text", "请写明条件")
        if not gate.stages:
            yield Problem(f"{path}.stages", "请至少选择一个环节")
        for name in _NEEDS.get(gate.kind, ()):
            if not getattr(gate, name):
                yield Problem(f"{path}.{name}", f"“{gate.kind.label}”必须填写此项，否则没有人能够符合")
        if gate.kind is GateKind.SIGNED_BETWEEN and gate.from_on is None and gate.to_on is None:
            yield Problem(f"{path}.from_on", "请至少填写起始日或截止日")
        if gate.kind in _VALUES:
            yield from known(f"{path}.values", gate.values, _VALUES[gate.kind], "取值")
        if gate.from_on and gate.to_on and gate.from_on >= gate.to_on:
            yield Problem(f"{path}.to_on", "截止日应晚于起始日，否则没有人能够符合")
        if gate.border is Border.EXCLUDED and gate.kind not in (GateKind.AGE_AT_LEAST, GateKind.AGE_AT_MOST):
            yield Problem(f"{path}.border", "只用于“成立满若干月”“成立不超过若干月”")
        yield from _scope(scheme, gate)
    yield from _impossible_ages(scheme)


def _scope(scheme: Scheme, gate: Gate) -> Iterator[Problem]:
    """Whom the gate is limited to: there must be somebody."""
    path = f"gates.{gate.code}"
    of = tracks_of(scheme, gate)
    if gate.sides and not of:
        yield Problem(f"{path}.sides", "所选的补贴方向中没有支持这些对象的，本条永远不会适用")
    if gate.for_kinds and set(gate.for_kinds) <= set(gate.not_for_kinds):
        yield Problem(f"{path}.not_for_kinds", "只适用的主体类型全部又列为不适用，本条永远不会适用")
    if set(gate.not_for_kinds) >= set(PartyKind):
        yield Problem(f"{path}.not_for_kinds", "全部主体类型都列为不适用，本条永远不会适用")
    if gate.kind is GateKind.PARTY_KIND:
        concerned = set(gate.for_kinds or PartyKind) - set(gate.not_for_kinds)
        if concerned and gate.values and concerned.isdisjoint(gate.values):
            yield Problem(f"{path}.values", "与本条所适用的主体类型矛盾，没有人能够符合")
    if set(gate.classes) & set(gate.waived_for):
        yield Problem(f"{path}.waived_for", "同一类主体既受此条限制、又不受此条限制")


def _impossible_ages(scheme: Scheme) -> Iterator[Problem]:
    gates = [gate for gate in scheme.gates if gate.switched_on]
    for young in gates:
        for old in gates:
            if young.kind is GateKind.AGE_AT_MOST and old.kind is GateKind.AGE_AT_LEAST:
                most, least = young.months or 0, old.months or 0
                both_included = young.border is Border.INCLUDED and old.border is Border.INCLUDED
                apart = most < least or (most == least and not both_included)
                if apart and _concern_the_same(scheme, young, old):
                    yield Problem(f"gates.{young.code}.months", f"与“{old.code}”矛盾，没有人能够同时符合")


def _concern_the_same(scheme: Scheme, one: Gate, other: Gate) -> bool:
    """Whether somebody is bound by both."""
    tracks, others = tracks_of(scheme, one), tracks_of(scheme, other)
    if tracks is not None and others is not None and not tracks & others:
        return False
    kinds, other_kinds = (set(gate.for_kinds or PartyKind) - set(gate.not_for_kinds) for gate in (one, other))
    if not kinds & other_kinds:
        return False
    if one.classes and other.classes and not set(one.classes) & set(other.classes):
        return False
    return not (set(one.classes) & set(other.waived_for) or set(other.classes) & set(one.waived_for))
