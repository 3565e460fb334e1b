"""Worked examples as sheets: what is written reads back the same; what cannot be read is told cell by cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.vouchers.policy.random_schemes import cases
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.example_cells import Broken
from vouchers.policy.example_choices import finding_choices
from vouchers.policy.example_columns import facts_without_word, layout_of
from vouchers.policy.example_reading import read_sheets
from vouchers.policy.example_sheets import CODE, PARENT, Fault, SheetError, headings_of
from vouchers.policy.example_telling import tell_expected, tell_facts
from vouchers.policy.example_writing import write_sheets
from vouchers.policy.examples import Example, Expected, run, shipped_examples
from vouchers.policy.facts import Facts
from vouchers.policy.plain import BEIJING_TIME
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import (
    BasisKind,
    ChipOrigin,
    FindingResult,
    GateKind,
    Outcome,
    Purpose,
    RateKind,
    Stage,
)

NAMES = [path.stem for path in shipped_files()]
LEAST = ("算例编号", "环节", "核算日期", "合同金额（不含税）", "应得金额")


def grids(name: str, examples: list[Example]) -> dict[str, list[Any]]:
    """The sheets as a workbook would hold them."""
    out = {}
    for place, one in enumerate(write_sheets(shipped_scheme(name), examples)):
        keys = [] if place == 0 else [CODE, PARENT] if one.nested else [CODE]
        out[one.title] = [[*keys, *(heading.column.heading for heading in one.headings)], *one.rows]
    return out


def read(*rows: tuple[Any, ...], name: str = "BJ-AIQ", **sheets: Any) -> list[Example]:
    return read_sheets(shipped_scheme(name), {"算例": list(rows), **sheets})


def one(heading: str, raw: Any, name: str = "BJ-AIQ") -> Example:
    """An example of which one more cell is filled in."""
    return read((*LEAST, heading), ("1", "申领", "2025-03-03", Decimal("100"), Decimal(20), raw), name=name)[
        0
    ]


def fault(heading: str, raw: Any, name: str = "BJ-AIQ") -> Fault:
    with pytest.raises(SheetError) as refused:
        one(heading, raw, name)
    (found,) = refused.value.faults
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_reads_back_the_same(name: str):
    examples = shipped_examples(name)
    assert read_sheets(shipped_scheme(name), grids(name, examples)) == examples


@pytest.mark.parametrize("name", NAMES)
def test_no_heading_stands_twice_in_a_sheet(name: str):
    headings = [heading.column.heading for heading in headings_of(layout_of(shipped_scheme(name)))]
    assert sorted(headings) == sorted(set(headings))


@pytest.mark.parametrize("name", NAMES)
def test_no_two_conditions_go_by_one_word(name: str):
    words = [choice.word for choice in finding_choices(shipped_scheme(name))]
    assert len(words) == len(set(words))


def test_every_fact_has_a_word():
    assert facts_without_word() == []


def test_several_contracts_items_and_listings_stand_in_sheets_of_their_own_and_come_back():
    example = shipped_examples("BJ-AIQ")[0]
    contract = example.facts.contracts[0]
    from vouchers.policy.facts import AdmissionFacts, BasisItemFacts, ListingFacts, OtherMoneyFacts

    provider = replace(
        contract.provider,  # type: ignore[type-var]
        admissions=(
            AdmissionFacts(from_on=date(2024, 1, 1), batch="第一批"),
            AdmissionFacts(from_on=date(2025, 1, 1)),
        ),
    )
    other = (
        OtherMoneyFacts(source="国家", amount=Decimal("1.01")),
        OtherMoneyFacts(source="市", amount=Decimal(2)),
    )
    contracts = (
        contract,
        replace(contract, contract_no="L-2", provider=provider, other_money=other),
        replace(contract, contract_no="L-3", provider=None, other_money=None, period_to=date(2025, 12, 31)),
    )
    items = (
        BasisItemFacts(
            item_no="1", kind=BasisKind.INVOICE_LINE, net_amount=Decimal("-0.01"), contract_no="L-2"
        ),
        BasisItemFacts(item_no="2", kind=BasisKind.INVOICE_LINE, net_amount=Decimal("0.01")),
    )
    applicant = replace(
        example.facts.applicant,
        listings=(
            ListingFacts(from_on=date(2020, 1, 1)),
            ListingFacts(from_on=date(2021, 1, 1), document_no="甲"),
        ),
    )
    facts = replace(example.facts, contracts=contracts, items=items, applicant=applicant)
    many = [replace(example, facts=facts, note="手工核算"), replace(example, code="另一例")]
    assert read_sheets(shipped_scheme("BJ-AIQ"), grids("BJ-AIQ", many)) == many


def test_the_office_s_own_words_are_read():
    (got,) = read(
        (*LEAST, "用途", "芯片来源", "与服务商有关联关系", "失信记录", "应得结论", "不符合的条件"),
        (
            "例1", "申请", "2025年3月3日", "1,500万元", "200万", "模型训练", "国产芯片", "没有", "无",
            "不支持", "公允价格；合同签订时间、用途",
        ),
    )  # fmt: skip
    contract = got.facts.contracts[0]
    assert got.facts.stage is Stage.APPLICATION
    assert got.facts.on == date(2025, 3, 3)
    assert (contract.net_amount, got.expected.amount) == (Decimal(15000000), Decimal(2000000))
    assert (contract.purpose, contract.chip_origin) == (Purpose.TRAINING, ChipOrigin.DOMESTIC)
    assert contract.provider is not None and contract.provider.affiliated is False
    assert got.facts.applicant.listings == ()
    assert got.expected.outcome is Outcome.REFUSED
    assert set(got.expected.findings.values()) == {FindingResult.NOT_MET}
    assert {"fair_price", "signed_since"} < set(got.expected.findings)


@pytest.mark.parametrize(
    "raw",
    ["2025-06-01", "2025/6/1", "2025.6.1", "2025年6月1日", "２０２５－０６－０１", date(2025, 6, 1), datetime(2025, 6, 1),
     Decimal(20250601), "20250601"],
)  # fmt: skip
def test_a_date_is_read_in_every_usual_way(raw: Any):
    assert one("合同签订日", raw).facts.contracts[0].signed_on == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("raw", "yuan"),
    [("1,234.5", "1234.50"), ("¥1,234.50", "1234.50"), ("1234.5元", "1234.50"), ("120万", "1200000"), ("1.2亿元", "120000000"),
     (Decimal("0.3"), "0.30"), ("－5", "-5"), (Decimal("99999999999.99"), "99999999999.99"),
     ("9999999999999999.99", "9999999999999999.99")],
)  # fmt: skip
def test_an_amount_is_read_in_every_usual_way(raw: Any, yuan: str):
    assert one("合同税额", raw).facts.contracts[0].tax_amount == Decimal(yuan)


@pytest.mark.parametrize(
    ("raw", "rate"), [("8%", "0.08"), ("８％", "0.08"), (Decimal("0.08"), "0.08"), ("0.08", "0.08")]
)
def test_a_rate_is_read_as_a_percentage_or_a_fraction(raw: Any, rate: str):
    assert one("评审确定比例", raw, "SH-ZLBT").facts.review.rates == {"assessed": Decimal(rate)}


@pytest.mark.parametrize("raw", ["2025-05-12 10:00", "2025年5月12日 10时", datetime(2025, 5, 12, 10)])
def test_an_instant_is_beijing_time(raw: Any):
    assert one("提交时间", raw, "SZ-XLQ").facts.filed_at == datetime(2025, 5, 12, 10, tzinfo=BEIJING_TIME)


def test_the_last_day_of_a_lease_is_a_day_of_it():
    assert one("租期止", "2025-12-31").facts.contracts[0].period_to == date(2026, 1, 1)


def test_what_was_used_is_told_by_the_name_of_the_cap_and_goes_to_the_case_s_own_account():
    got = one("已用：单个企业年度限额", "50万")
    assert got.facts.used.caps == {"BJ-AIQ:enterprise_year:issue:示例单位:2025": Decimal(500000)}


def test_what_another_used_is_told_in_a_sheet_of_its_own():
    used = [
        ("算例编号", "限额", "计入环节", "占用对象", "占用期间", "已用金额"),
        ("1", "单个企业年度限额", None, None, "2024", Decimal(7)),
        ("1", "单个企业年度限额", "兑付", "91X", None, Decimal(8)),
    ]
    (got,) = read(LEAST, ("1", "申领", "2025-03-03", Decimal(100), Decimal(20)), 已用额度=used)
    assert got.facts.used.caps == {
        "BJ-AIQ:enterprise_year:issue:示例单位:2024": Decimal(7),
        "BJ-AIQ:enterprise_year:claim:91X:2025": Decimal(8),
    }


@pytest.mark.parametrize(
    ("heading", "raw", "why", "code"),
    [
        ("用途", "挖矿", "不在可用值之内", "examples.value_unknown"),
        ("合同税额", "一百万", "不是金额", "examples.cell_unreadable"),
        ("合同税额", Decimal("0.001"), "精确到分", "examples.cell_not_exact"),
        ("合同税额", "12,34.5", "不是金额", "examples.cell_unreadable"),
        ("合同税额", Decimal("12345678901234.5"), "过大", "examples.cell_unreadable"),
        ("合同签订日", "2025-02-30", "没有这一天", "examples.cell_unreadable"),
        ("合同签订日", Decimal(45809), "日期", "examples.cell_unreadable"),
        ("合同签订日", datetime(2025, 6, 1, 8), "不带时刻", "examples.cell_unreadable"),
        ("合同签订日", "下月", "不是日期", "examples.cell_unreadable"),
        ("与服务商有关联关系", "也许", "不在可用值之内", "examples.value_unknown"),
        ("不符合的条件", "天气", "不在可用值之内", "examples.value_unknown"),
        ("统一社会信用代码", Decimal("911101080000000"), "文本", "examples.cell_unreadable"),
        ("合同税额", Broken("#REF!", "公式出错，没有可用的数值"), "公式出错", "examples.cell_unreadable"),
        ("已用：单个企业年度限额", True, "不是金额", "examples.cell_unreadable"),
        ("此前连续享受年数", Decimal("1.5"), "整数", "examples.cell_unreadable"),
    ],
)
def test_a_bad_cell_is_told_with_its_place_and_what_was_read(heading: str, raw: Any, why: str, code: str):
    found = fault(heading, raw)
    assert (found.place, found.heading, found.code) == ("算例!F2", heading, code)
    assert why in found.why
    assert found.read or raw == ""
    assert (code == "examples.value_unknown") == bool(found.allowed)


def test_a_rate_written_as_a_whole_number_is_not_guessed():
    assert "20%" in fault("评审确定比例", Decimal(20), "SH-ZLBT").why


def test_a_time_without_its_hour_is_not_guessed():
    assert "时分" in fault("提交时间", "2025-05-12", "SZ-XLQ").why


def test_every_wrong_place_is_told_at_once():
    with pytest.raises(SheetError) as refused:
        read(
            ("算例编号", "环节", "核算日期", "应得金额", "应得金额", "颜色", "用途"),
            ("1", "申领", None, "二百", None, "红", "挖矿"),
            ("1", "午休", "2025-03-03", Decimal(1), None, None, None),
        )
    places = {(one.place, one.code) for one in refused.value.faults}
    assert places == {
        ("算例!E1", "examples.column_repeated"),
        ("算例!F1", "examples.column_unknown"),
        ("算例!C2", "examples.cell_empty"),
        ("算例!D2", "examples.cell_unreadable"),
        ("算例!G2", "examples.value_unknown"),
        ("算例!B3", "examples.value_unknown"),
        ("算例!A3", "examples.code_repeated"),
    }


def test_a_column_that_must_be_there_is_asked_for_once():
    with pytest.raises(SheetError) as refused:
        read(("算例编号", "环节", "核算日期"), ("1", "申领", "2025-03-03"), ("2", "申领", "2025-03-03"))
    assert [(one.code, one.heading) for one in refused.value.faults] == [
        ("examples.column_missing", "应得金额")
    ]


def test_a_row_of_an_example_that_is_not_there_is_refused():
    with pytest.raises(SheetError) as refused:
        read(
            LEAST,
            ("1", "申领", "2025-03-03", Decimal(100), Decimal(20)),
            合同=[("算例编号", "合同编号", "合同金额（不含税）"), ("7", "L-7", Decimal(5))],
        )
    assert [(one.place, one.code) for one in refused.value.faults] == [("合同!A2", "examples.row_orphan")]


def test_an_unknown_sheet_of_examples_is_refused_and_any_other_sheet_left_aside():
    row = ("1", "申领", "2025-03-03", Decimal(100), Decimal(20))
    assert len(read(LEAST, row, 草稿=[("随便", "什么")])) == 1
    with pytest.raises(SheetError, match="没有这张工作表"):
        read(LEAST, row, 合同2=[("算例编号", "合同编号")])


def test_the_sample_row_and_remarks_are_left_out_and_a_case_without_number_gets_one():
    got = read(
        (*LEAST, "备注（自用）"),
        ("（示例行，上传时略去）", "申领", "2025-03-03", Decimal(100), Decimal(20), None),
        (None, "申领", "2025-03-03", Decimal(100), Decimal(20), "随便写"),
        (),
        (None, "申领", "2025-03-04", Decimal(100), Decimal(20), None),
    )
    assert [(example.code, example.facts.on.day) for example in got] == [("1", 3), ("2", 4)]


def test_a_workbook_without_examples_is_refused():
    with pytest.raises(SheetError, match="没有算例"):
        read(LEAST)
    with pytest.raises(SheetError, match="没有名为“算例”的工作表"):
        read_sheets(shipped_scheme("BJ-AIQ"), {"Sheet1": [LEAST]})
    with pytest.raises(SheetError, match="不知从何读起"):
        read(("甲", "乙"), (1, 2))


def test_an_item_belongs_to_the_only_contract_there_is():
    (got,) = read(
        (*LEAST, "基数种类", "本次金额（不含税）", "券余额"),
        ("1", "兑付", "2025-03-03", Decimal(100), Decimal(20), "发票明细", Decimal(100), Decimal(50)),
    )
    assert got.facts.items[0].contract_no == got.facts.contracts[0].contract_no == "合同1"
    assert got.facts.voucher is not None
    assert got.facts.voucher.face_value == got.facts.voucher.balance == Decimal(50)


def test_presence_and_content_of_a_list_may_not_contradict_each_other():
    assert "写明内容" in fault("失信记录", "有").why
    with pytest.raises(SheetError, match="却又写明了内容"):
        read(
            (*LEAST, "失信记录", "失信起始日"),
            ("1", "申领", "2025-03-03", Decimal(100), Decimal(20), "无", "2024-01-01"),
        )


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_told_in_words_without_a_stored_code(name: str):
    scheme = shipped_scheme(name)
    for example in shipped_examples(name):
        said = [
            *tell_expected(scheme, example),
            *(row for s in tell_facts(scheme, example) for row in s.rows),
        ]
        assert said
        assert not [words for _, words in said if words in ("domestic", "training", "not_met", "eligible")]


def test_what_was_read_computes_as_what_was_written():
    scheme = shipped_scheme("SZ-XLQ")
    for example in read_sheets(scheme, grids("SZ-XLQ", shipped_examples("SZ-XLQ"))):
        assert run(scheme, example).passed


def _what_concerns(scheme: Scheme, facts: Facts) -> Facts:
    """Without answers and rates that no condition and no rate of the scheme takes up."""
    reviewed = [rate for rate in scheme.rates if rate.kind is RateKind.REVIEWER_SET]
    known = {rate.code for rate in reviewed} | {rate.track for rate in reviewed}
    asked = {gate.code for gate in scheme.gates if gate.kind is GateKind.ATTESTED}
    rates = {key: rate for key, rate in facts.review.rates.items() if key in known}
    answers = {key: answer for key, answer in facts.attestations.items() if key in asked}
    return replace(facts, review=replace(facts.review, rates=rates), attestations=answers)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_any_facts_of_any_scheme_come_back_from_the_sheets_the_same(case: tuple[Scheme, Facts]):
    scheme, facts = case
    facts = _what_concerns(scheme, facts)
    example = Example(
        code="1", title="随机", facts=facts, expected=Expected(amount=Decimal("0.01")), note="注"
    )
    out: dict[str, list[Any]] = {}
    for place, sheet in enumerate(write_sheets(scheme, [example])):
        keys = [] if place == 0 else [CODE, PARENT] if sheet.nested else [CODE]
        out[sheet.title] = [[*keys, *(heading.column.heading for heading in sheet.headings)], *sheet.rows]
    assert read_sheets(scheme, out) == [example]
