"""The drawings of a case, from plain facts: who is linked and by which paper, device times, prices, use; and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from audit.case_facts import CaseFacts, FilingKnown, SalesKnown
from audit.case_relations import relations
from audit.web.case_figures import overlap_times, price_bands
from audit.web.case_graph import case_graph
from audit.web.case_sheets import Sheet, cut
from audit.web.case_use import billed_hours, metered_use, spread
from tests.audit.web.case_rows import LONG, billed, lease, let, many, metered, party, price, ring

APRIL, MAY, JUNE, JULY = (date(2025, month, 1) for month in (4, 5, 6, 7))
LAST = date(2025, 6, 30)


def told(facts: CaseFacts) -> set[tuple[str, str, str, str, str]]:
    """The edges in words."""
    found = relations(facts)
    return {
        (found.nodes[e.one].label, e.relation, found.nodes[e.other].label, e.document, str(e.on))
        for e in found.edges
    }


# -- links ------------------------------------------------------------------------------------------------------------


def test_every_edge_has_its_relation_its_document_and_its_day():
    edges = told(ring())
    assert ("甲智能科技有限公司", "承租", "L-1", "合同 L-1", "2025-03-20") in edges
    assert (LONG, "出租", "L-2", "合同 L-2", "2025-04-10") in edges
    assert ("L-2", "列明设备（至 2025-06-30）", "NVA1", "合同 L-2 设备清单", "2025-05-01") in edges
    assert ("乙数据服务有限公司", "登记账户", "尾号 1234", "账户登记 BA-2", "2025-01-03") in edges
    assert ("甲智能科技有限公司", "登记的法定代表人", "王某", "单位登记 A", "2025-01-02") in edges
    assert (LONG, "持股 60%", "甲智能科技有限公司", "股权登记 SH-1", "2024-01-01") in edges
    assert ("乙数据服务有限公司", "申报为同受控制", LONG, "关联申报 DA-1", "2025-02-01") in edges
    assert (LONG, "付回 60,000.00 元", "甲智能科技有限公司", "银行回单 R2", "2025-05-09") in edges
    assert (
        LONG, "开票 300,000.00 元，至 2025-06-30", "甲智能科技有限公司", "发票 25110000000000000001 等 3 张", "2025-04-30",
    ) in edges  # fmt: skip
    assert all(edge.document and edge.on for edge in relations(ring()).edges)


def test_an_account_shows_its_last_digits_only():
    assert not any("6222000000" in part for edge in told(ring()) for part in edge)


def test_what_more_than_eight_of_the_register_share_links_nobody():
    facts = ring()
    crowded = replace(facts, spread={**facts.spread, ("phone", "13800000000"): 9, ("legal_rep", "rep1"): 8})
    labels = {node.label for node in relations(crowded).nodes.values()}
    assert "13800000000" not in labels and "王某" in labels
    account = replace(facts, spread={("account", "6222000000001234"): 9})
    assert "尾号 1234" not in {node.label for node in relations(account).nodes.values()}


def test_a_telephone_of_one_party_is_no_link():
    facts = ring()
    alone = replace(facts, parties={**facts.parties, "B": party("B", "乙数据服务有限公司", phone="139")})
    assert not any(node.label in ("139", "13800000000") for node in relations(alone).nodes.values())


def test_one_device_that_files_for_two_links_them_with_the_claim_as_document():
    filings = (
        FilingKnown("A", "fp-77", "C-1", date(2025, 6, 2)),
        FilingKnown("B", "fp-77", "C-2", date(2025, 6, 3)),
        FilingKnown("B", "fp-88", "C-3", date(2025, 6, 3)),
    )
    edges = told(replace(ring(), filings=filings))
    assert {edge[3] for edge in edges if edge[1] == "由此申报"} == {"兑付申请 C-1", "兑付申请 C-2"}


def test_devices_of_one_contract_are_one_node_and_those_let_twice_too():
    facts = replace(
        ring(),
        lets=tuple(
            let(serial, no, who, since, LAST)
            for serial in ("NVB1", "NVB2", "NVB3")
            for no, who, since in (("L-1", 1, APRIL), ("L-2", 2, MAY))
        )
        + tuple(let(serial, "L-1", 1, APRIL, LAST) for serial in ("NVC1", "NVC2")),
    )
    devices = {(node.label, node.under) for node in relations(facts).nodes.values() if node.kind == "device"}
    assert devices == {("NVB1 等 3 台", "见于 2 份合同"), ("NVC1 等 2 台", "只见于本合同")}


def test_a_contract_of_another_region_is_named_by_its_program_alone():
    facts = replace(
        ring(),
        lets=(
            let("NVA1", "L-1", 1, APRIL, LAST),
            let("NVA1", "", 9, MAY, LAST, lessee_name="", place=77, program_code="SZ-TRAIN"),
        ),
    )
    found = relations(facts)
    (hidden,) = (node for node in found.nodes.values() if node.label == "另一地区的合同")
    assert hidden.under == "专项 SZ-TRAIN" and hidden.number == ""
    assert "另一地区（专项 SZ-TRAIN）" in {edge.document for edge in found.edges}
    (row,) = overlap_times(facts).rows
    assert row.other == "另一地区的承租方（专项 SZ-TRAIN）"


def overlapping(sheet: Sheet) -> list[tuple[str, str]]:
    """Boxes that lie on one another."""
    return [
        (one.title, other.title)
        for place, one in enumerate(sheet.boxes)
        for other in sheet.boxes[place + 1 :]
        if one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    ]


@pytest.mark.parametrize("facts", [ring(), many(10, 20), many()], ids=["ring", "sixty", "twenty of sixty"])
def test_no_two_boxes_lie_on_one_another_and_all_is_on_the_sheet(facts: CaseFacts):
    graph = case_graph(facts)
    for sheet in (graph.wide, graph.narrow):
        assert sheet is not None and overlapping(sheet) == []
        for box in sheet.boxes:
            assert box.x >= 0 and box.x + box.width <= sheet.width
            assert box.y >= 0 and box.y + box.height <= sheet.height
        for line in sheet.lines:
            assert 0 <= line.x <= sheet.width and 0 <= line.y <= sheet.height


def test_the_same_facts_are_drawn_the_same_whatever_their_order():
    facts = many(10, 20)
    turned = replace(
        facts,
        parties=dict(reversed(facts.parties.items())),
        leases=dict(reversed(facts.leases.items())),
        lets=facts.lets[::-1],
        accounts=facts.accounts[::-1],
        transfers=facts.transfers[::-1],
    )
    assert case_graph(facts).rows == case_graph(turned).rows
    assert case_graph(facts).wide.lines == case_graph(turned).wide.lines


def test_both_drawings_show_the_same_nodes_and_every_line_has_its_rows():
    graph = case_graph(ring(), flagged=["L-1"])
    assert graph.left_out == 0 and len(graph.rows) == len(relations(ring()).edges)
    assert {box.title for box in graph.wide.boxes} == {box.title for box in graph.narrow.boxes}
    numbers = {line.number for line in graph.wide.lines}
    assert numbers == {row.number for row in graph.rows} == {line.number for line in graph.narrow.lines}
    assert [box.label for box in graph.wide.boxes if box.flagged] == ["L-1"]


def test_of_many_nodes_the_strongest_sixty_are_drawn_and_the_rest_stand_in_the_table():
    facts = many()
    graph = case_graph(facts, flagged=["L-2025-00000003"])
    assert len(graph.wide.boxes) <= 60 and graph.left_out == len(relations(facts).nodes) - len(
        graph.wide.boxes
    )
    assert len(graph.rows) == 200 and graph.rows_left_out == len(relations(facts).edges) - 200
    # A contract is drawn with both of its parties, and those let twice before those that tell nothing.
    leases = {box.label for box in graph.wide.boxes if box.kind == "lease"}
    assert {"L-2025-00000000", "L-2025-00000003"} <= leases
    titles = " ".join(box.title for box in graph.wide.boxes)
    assert "等 4 台 · 见于 2 份合同" in titles and "只见于本合同" not in titles


def test_a_long_name_is_cut_in_the_drawing_and_whole_in_its_title_and_the_table():
    graph = case_graph(ring())
    (box,) = (box for box in graph.wide.boxes if LONG in box.title)
    assert box.label.endswith("…") and len(box.label) < len(LONG)
    assert any(LONG in (row.one, row.other) for row in graph.rows)


@pytest.mark.parametrize(
    ("text", "units", "shown"),
    [
        ("云智能", 6, "云智能"),
        ("云智能算", 7, "云智能…"),
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abc…"),
        ("", 4, ""),
    ],
)
def test_words_are_cut_by_the_width_of_their_signs(text: str, units: int, shown: str):
    assert cut(text, units) == shown


def test_nothing_is_drawn_of_nothing_and_a_lone_party_is_no_error():
    assert case_graph(CaseFacts()).wide is None
    graph = case_graph(CaseFacts(parties={"A": party("A", "甲")}))
    assert (graph.wide, graph.rows, graph.left_out) == (None, [], 0)


def test_sales_that_close_a_ring_are_stronger_than_those_of_a_contract():
    facts = replace(
        ring(),
        sales=(
            SalesKnown("P", "A", 1, Decimal("1.00"), "1", APRIL, APRIL),
            SalesKnown("A", "P", 1, Decimal("1.00"), "2", APRIL, APRIL),
        ),
    )
    strengths = {edge.document: edge.strength for edge in relations(facts).edges if "开票" in edge.relation}
    assert strengths["发票 2"] > strengths["发票 1"]


# -- device times -----------------------------------------------------------------------------------------------------


def times(*lets, honest: int = 24):
    return overlap_times(replace(ring(), lets=lets), honest)


def test_an_overlap_of_exclusive_devices_counts_with_its_hours():
    (row,) = times(let("S", "L-1", 1, APRIL, LAST), let("S", "L-2", 2, MAY, LAST)).rows
    assert (row.hours, row.counts, row.since, row.last) == (61 * 24, True, MAY, LAST)


@pytest.mark.parametrize(("last", "counts"), [(date(2025, 5, 1), False), (date(2025, 5, 2), True)])
def test_a_handover_day_is_honest_and_one_more_is_not(last: date, counts: bool):
    (row,) = times(let("S", "L-1", 1, APRIL, last), let("S", "L-2", 2, MAY, LAST)).rows
    assert row.counts is counts and row.hours == (24 if not counts else 48)


@pytest.mark.parametrize(("share", "counts"), [("0.5", False), ("0.500001", True)])
def test_slices_count_when_they_add_up_to_more_than_the_device(share: str, counts: bool):
    half = {"exclusive": False, "share": Decimal("0.5")}
    (row,) = times(
        let("S", "L-1", 1, APRIL, LAST, **half),
        let("S", "L-2", 2, MAY, LAST, exclusive=False, share=Decimal(share)),
    ).rows
    assert row.counts is counts


def test_a_third_slice_counts_into_what_is_let_at_once():
    slices = {"exclusive": False, "share": Decimal("0.4")}
    rows = times(*(let("S", f"L-{n}", n, APRIL, LAST, **slices) for n in (1, 2, 3))).rows
    assert [(row.share, row.counts) for row in rows] == [(Decimal("1.2"), True)] * 3


def test_one_lessee_s_contracts_follow_each_other():
    (row,) = times(let("S", "L-1", 1, APRIL, LAST), let("S", "L-2", 1, MAY, LAST)).rows
    assert not row.counts and "同一承租方" in row.verdict


def test_a_contract_within_a_longer_one_is_found_behind_a_short_one():
    rows = times(
        let("S", "L-1", 1, APRIL, LAST),
        let("S", "L-2", 2, date(2025, 4, 5), date(2025, 4, 10)),
        let("S", "L-3", 3, JUNE, LAST),
    ).rows
    assert sum(row.counts for row in rows) == 2


def test_devices_alike_are_one_group_and_the_worst_come_first():
    figure = times(
        *(let(f"S{n}", no, who, since, LAST) for n in range(3) for no, who, since in (("L-1", 1, APRIL), ("L-2", 2, MAY))),
        let("T", "L-1", 1, APRIL, LAST), let("T", "L-2", 2, APRIL, LAST),
    )  # fmt: skip
    assert [group.name for group in figure.groups] == ["S0 等 3 台", "T"]
    assert figure.summary == "4 台设备在两份以上合同中的租期，重叠 2 处。"


def test_more_devices_than_are_drawn_stand_in_the_table():
    lets = [
        let(f"S{n:02}", no, who, date(2025, 4, 1 + n), LAST)
        for n in range(12)
        for no, who in (("L-1", 1), ("L-2", 2))
    ]
    figure = times(*lets)
    assert len(figure.groups) == 8 and figure.left_out == 4 and len(figure.rows) == 12


def test_a_contract_without_devices_is_said_to_be_untestable():
    figure = times(let("S", "L-1", 1, APRIL, LAST))
    assert figure.groups == [] and figure.missing == ["无法检验：合同 L-2 没有列明设备。"]


# -- prices -----------------------------------------------------------------------------------------------------------


def test_a_price_above_its_band_comes_first_and_is_marked():
    figure = price_bands(ring(), {"L-1": ["F14"]})
    first, second = figure.rows
    assert (first.known.lease_no, first.over, first.above, first.rules) == ("L-1", "+56.0%", True, ("F14",))
    assert (second.known.lease_no, second.over, second.above) == ("L-2", "+2.5%", False)
    assert figure.marks[0].above and not figure.marks[1].above and figure.missing == []


def test_exactly_the_upper_bound_is_not_above():
    facts = replace(ring(), prices={"L-1": price("L-1", "22"), "L-2": price("L-2", "22.01")})
    assert [(row.known.lease_no, row.above) for row in price_bands(facts).rows] == [
        ("L-2", True),
        ("L-1", False),
    ]


def test_contracts_without_a_check_a_price_or_a_firm_grade_are_said():
    unknown = replace(price("L-2", "20"), base=None, lower=None, upper=None)
    figure = price_bands(replace(ring(), prices={"L-1": price("L-1", "31", grade="C"), "L-2": unknown}))
    assert [row.known.lease_no for row in figure.rows] == ["L-1"] and not figure.marks[0].firm
    assert figure.missing == [
        "无法检验：合同 L-2 没有可比价格，或合同没有折算单价。",
        "无法检验离群：合同 L-1 的公允价格评级在 B 级以下，只供参考。",
    ]
    assert price_bands(replace(ring(), prices={})).missing == ["无法检验：合同 L-1、L-2 没有价格核对。"]


def test_a_price_far_beyond_the_drawing_is_said_to_be():
    figure = price_bands(replace(ring(), prices={"L-1": price("L-1", "900"), "L-2": price("L-2", "20")}))
    assert figure.marks[0].beyond and figure.marks[0].mark == "100.00%" and not figure.marks[1].beyond


def test_of_sixty_prices_the_highest_are_drawn():
    figure = price_bands(many())
    assert len(figure.marks) == 20 and figure.left_out == 40 and len(figure.rows) == 60
    ratios = [row.known.price / row.known.base for row in figure.rows]
    assert ratios == sorted(ratios, reverse=True)


# -- use --------------------------------------------------------------------------------------------------------------


def test_use_is_held_against_what_the_invoices_state_by_month():
    figure = metered_use(ring())
    (row,) = figure.rows
    assert (row.billed, row.metered, row.percent, row.days, row.length) == (
        Decimal(17472),
        Decimal(30),
        "0.2%",
        90,
        91,
    )
    assert [month.billed for month in row.months] == [
        Decimal("5760.00"),
        Decimal("5952.00"),
        Decimal("5760.00"),
    ]
    assert figure.missing == ["无法检验：合同 L-2 没有用量数据。"]


def test_the_months_of_an_invoice_add_up_to_it():
    parts = dict(spread(Decimal("100.01"), billed("L-1", "1", date(2025, 4, 16), date(2025, 7, 3))))
    assert sum(parts.values()) == Decimal("100.01") and list(parts) == [APRIL, MAY, JUNE, JULY]
    without = replace(billed("L-1", "1", APRIL, JULY), period_from=None, period_to=None)
    assert dict(spread(Decimal(5), without)) == {APRIL: Decimal(5)}


def test_hours_come_from_the_line_then_the_price_then_the_cards():
    contract, paper = lease("L-1", "A", "P"), billed("L-1", "1", APRIL, MAY, "77")
    assert billed_hours(paper, contract) == (Decimal(77), False)
    unstated = replace(paper, hours=None)
    assert billed_hours(unstated, contract) == (Decimal("5000.00"), False)
    monthly = replace(contract, unit="card_month", unit_price=Decimal(9000))
    assert billed_hours(unstated, monthly) == (Decimal(8 * 24 * 30), True)
    assert billed_hours(unstated, replace(monthly, cards=None)) == (None, False)


def test_too_few_metered_days_are_shown_and_not_judged():
    used = tuple(metered("L-1", date(2025, month, 1), "0.00", 27) for month in (4, 5, 6))
    (row,) = metered_use(replace(ring(), metered=used)).rows
    assert "不作判断" in row.said  # 81 of 91 days
    used = tuple(metered("L-1", date(2025, month, 1), "0.00", 28) for month in (4, 5, 6))
    (row,) = metered_use(replace(ring(), metered=used)).rows
    assert row.said == "全期计量，用量为零"


def test_paid_by_the_month_an_idle_machine_is_no_matter():
    facts = ring()
    monthly = replace(facts.leases["L-1"], unit="card_month")
    (row,) = metered_use(
        replace(facts, leases={"L-1": monthly}, billed=(billed("L-1", "1", APRIL, JULY),))
    ).rows
    assert row.reserved and "闲置也要付租金" in row.said


def test_what_is_missing_is_said_by_its_reason():
    facts = ring()
    own = replace(facts, metered=(metered("L-1", APRIL, "10", 30, "self_reported"),))
    assert "无法检验：合同 L-1 只有自报的用量。" in metered_use(own).missing
    assert "无法检验：合同 L-1 没有正常状态的发票。" in metered_use(replace(facts, billed=())).missing
    vague = replace(facts.leases["L-1"], unit="", unit_price=None, cards=None)
    nothing = replace(facts, leases={"L-1": vague}, billed=(billed("L-1", "1", APRIL, JULY),))
    assert "无法检验：合同 L-1 发票和合同都没有写明卡时、单价或卡数。" in metered_use(nothing).missing


def test_of_many_contracts_those_used_least_are_drawn():
    figure = metered_use(many())
    assert len(figure.plots) == 6 and figure.left_out == 54
    ratios = [row.ratio for row in figure.rows]
    assert ratios == sorted(ratios)
