"""F01 重复发票."""

from __future__ import annotations

from datetime import date

from tests.audit.rules.rows import D, claim, flagged, invoice, item, only, run

TWO_CLAIMS = [claim(1, on=date(2025, 6, 2)), claim(2, on=date(2025, 6, 3))]


def test_the_claim_that_passes_the_invoice_is_flagged_and_the_first_is_not():
    found = run("F01", claims=TWO_CLAIMS, items=[item(1), item(2, no=1)])
    assert flagged(found) == [2]
    hit = only(found)
    assert (hit.value, hit.threshold) == ("200,000.00", "100,000.00")
    assert "超出 100,000.00 元" in hit.sentence and len(hit.evidence) == 3


def test_order_of_filing_decides_not_order_of_rows():
    later_first = [claim(1, on=date(2025, 6, 9)), claim(2, on=date(2025, 6, 3))]
    assert flagged(run("F01", claims=later_first, items=[item(1), item(2, no=1)])) == [1]


def test_part_use_up_to_the_net_amount_is_lawful():
    parts = [item(1, net=D("40000")), item(2, no=1, net=D("60000"))]
    assert not run("F01", claims=TWO_CLAIMS, items=parts).hits


def test_one_fen_over_is_within_the_tolerance_and_two_are_not():
    def parts(second: str) -> list[dict]:
        return [item(1, net=D("40000")), item(2, no=1, net=D(second))]

    assert not run("F01", claims=TWO_CLAIMS, items=parts("60000.01")).hits
    assert flagged(run("F01", claims=TWO_CLAIMS, items=parts("60000.02"))) == [2]
    assert flagged(run("F01", {"tolerance_fen": 0}, claims=TWO_CLAIMS, items=parts("60000.01"))) == [2]


def test_a_rejected_or_withdrawn_claim_does_not_count():
    resubmitted = [claim(1, live=False), claim(2, on=date(2025, 6, 3))]
    assert not run("F01", claims=resubmitted, items=[item(1), item(2, no=1)]).hits


def test_the_same_number_twice_within_one_claim_counts_twice():
    assert flagged(run("F01", items=[item(1), item(2, no=1, claim=1)])) == [1]


def test_of_two_rows_with_one_number_the_smaller_amount_counts():
    rows = [invoice(1), invoice(2, key="no1", net=D("50000"))]
    parts = [item(1, net=D("40000")), item(2, no=1, net=D("40000"))]
    assert flagged(run("F01", claims=TWO_CLAIMS, items=parts, invoices=rows)) == [2]


def test_an_invoice_that_is_not_on_file_is_not_testable():
    found = run("F01", claims=TWO_CLAIMS, items=[item(1), item(2, no=9)])
    assert (found.hits, found.untestable_claims) == ([], {2})


def test_the_same_facts_give_the_same_hash_and_others_another():
    one = only(run("F01", claims=TWO_CLAIMS, items=[item(1), item(2, no=1)]))
    same = only(run("F01", claims=TWO_CLAIMS, items=[item(1), item(2, no=1)]))
    other = only(run("F01", claims=TWO_CLAIMS, items=[item(1), item(2, no=1, net=D("99999"))]))
    assert one.input_hash == same.input_hash != other.input_hash
