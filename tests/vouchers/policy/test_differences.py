"""The difference of two versions: nothing is left out, nothing is shown as stored, and an empty one means the same bytes."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.policy.mutations import mutations, whole_scheme
from tests.vouchers.policy.random_schemes import schemes
from vouchers.policy.canonical import canonical_bytes
from vouchers.policy.differences import Change, ChangeKind, compare
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.rules import Citation, Scheme, render
from vouchers.policy.terms import Confidence

SHIPPED = [path.stem for path in shipped_files()]
BEIJING = shipped_scheme("BJ-AIQ")


def changes(before: Scheme, after: Scheme) -> list[Change]:
    return [change for section in compare(before, after) for change in section.changes]


def sentences(before: Scheme, after: Scheme) -> str:
    return "\n".join(change.sentence for change in changes(before, after))


def same_bytes(one: Scheme, other: Scheme) -> bool:
    return canonical_bytes(render(one)) == canonical_bytes(render(other))


@pytest.mark.parametrize("scheme", [*map(shipped_scheme, SHIPPED), whole_scheme()])
def test_every_changed_value_is_mentioned_and_nothing_else(scheme: Scheme):
    assert changes(scheme, scheme) == []
    for one in mutations(scheme):
        found = changes(scheme, one.scheme)
        assert found, one.path
        if (
            not one.path.endswith((".code", ".document_no")) or ".cite" in one.path
        ):  # what parts are matched by
            assert len(found) == 1, (one.path, [change.sentence for change in found])
            (change,) = found
            assert change.before != change.after, one.path


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SHIPPED[:8], 2)))
def test_two_versions_differ_exactly_when_their_bytes_do(one: str, other: str):
    before, after = shipped_scheme(one), shipped_scheme(other)
    assert bool(changes(before, after)) is not same_bytes(before, after)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_several_changes_at_once_are_all_there(data: st.DataObject):
    scheme = shipped_scheme(data.draw(st.sampled_from(SHIPPED)))
    changed = scheme
    for _ in range(data.draw(st.integers(1, 4))):
        changed = data.draw(st.sampled_from([one.scheme for one in mutations(changed)]))
    assert bool(changes(scheme, changed)) is not same_bytes(scheme, changed)


@settings(max_examples=60, deadline=None)
@given(schemes(), schemes(), st.data())
def test_random_versions_differ_exactly_when_their_bytes_do(one: Scheme, other: Scheme, data: st.DataObject):
    changed = data.draw(st.sampled_from([mutation.scheme for mutation in mutations(one)]))
    for before, after in ((one, one), (one, other), (one, changed), (changed, one)):
        assert bool(changes(before, after)) is not same_bytes(before, after)


def test_a_higher_cap_is_told_in_yuan_with_its_article():
    (cap,) = BEIJING.caps
    higher = dataclasses.replace(BEIJING, caps=(dataclasses.replace(cap, amount=Decimal("3000000")),))
    assert sentences(BEIJING, higher) == (
        "限额“单个企业年度限额”的限额：2,000,000.00 元 → 3,000,000.00 元"
        "（依据：《北京市人工智能算力券实施方案(2023—2025年)》（公开文件载明））。"
    )


def test_a_new_condition_and_one_that_is_gone_are_told_whole():
    purpose, *others = BEIJING.gates
    changed = dataclasses.replace(BEIJING, gates=(*others, dataclasses.replace(purpose, code="use")))
    kinds = [change.kind for change in changes(BEIJING, changed)]
    assert kinds == [ChangeKind.REMOVED, ChangeKind.ADDED]
    told = sentences(BEIJING, changed)
    assert "取消条件“算力用于大模型训练和应用落地”" in told
    assert "取值：训练、微调、推理" in told


def test_another_order_of_rates_is_a_difference_of_its_own():
    scheme = shipped_scheme("BDA-SLQ-v1")
    turned = dataclasses.replace(scheme, rates=tuple(reversed(scheme.rates)))
    (change,) = changes(scheme, turned)
    assert change.kind is ChangeKind.MOVED
    assert change.subject == "补贴比例的次序"
    assert change.before != change.after


def test_a_source_that_was_verified_is_told_as_such():
    scheme = shipped_scheme("SZ-XLQ")
    floor = scheme.floors[0]
    verified = dataclasses.replace(floor.cite, confidence=Confidence.TEXT)
    (change,) = changes(
        scheme, dataclasses.replace(scheme, floors=(dataclasses.replace(floor, cite=verified),))
    )
    assert change.is_source
    assert (change.before, change.after) == ("第三方转述(未核实)", "政策原文载明")


def test_another_article_is_told_as_such():
    cap = BEIJING.caps[0]
    moved = dataclasses.replace(cap, cite=Citation(cap.cite.document_no, "第五条", cap.cite.confidence))
    (change,) = changes(BEIJING, dataclasses.replace(BEIJING, caps=(moved,)))
    assert change.sentence == "限额“单个企业年度限额”的出处（条款）：未注明 → 第五条。"


def test_from_the_first_to_the_second_version_of_e_town():
    told = sentences(shipped_scheme("BDA-SLQ-v1"), shipped_scheme("BDA-SLQ-v2"))
    assert "新增条件“经评审认定”" in told
    assert "发放方式：即领即享 → 评审认定" in told
