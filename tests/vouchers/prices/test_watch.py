"""Signs of collusion in the quotes: what a person is shown, and what is left alone. No price hangs on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, uscc
from tests.vouchers.prices.makers import AS_OF, CELL, KNOWN_AT, seen
from vouchers.actions import prices
from vouchers.actions.price_watch import signs_of
from vouchers.context import Actor, acting
from vouchers.models import Party
from vouchers.policy.fair_price import METHOD_V2, Market, Observation, known_sources
from vouchers.policy.prices.watch import Redemption, Sign, watch


def signs(observations: list[Observation], **more) -> list[Sign]:
    links = more.pop("links", ())
    sources = known_sources(observations, known_at=KNOWN_AT, links=links)
    market = Market(observations, as_of=AS_OF, known_at=KNOWN_AT, method=METHOD_V2, sources=sources)
    return watch(market, **more)


def quoting(*prices: str) -> list[Observation]:
    return [seen(name, price) for name, price in zip("abcdefgh", prices, strict=False)]


def test_three_independent_sources_with_one_price_to_the_cent_are_shown():
    (sign,) = signs(quoting("20", "21.499", "21.50", "21.501", "26"), names={"b": "乙公司"})
    assert (sign.kind, sign.cell, sign.groups) == ("same_price", CELL, ("b", "c", "d"))
    assert sign.sentence == "3 家互不关联的供应方报价相同，均为 21.50 元/卡时：乙公司、c、d。"


def test_two_with_one_price_or_three_of_one_group_are_not():
    assert signs(quoting("20", "21.50", "21.50", "24", "26")) == []
    assert signs(quoting("20", "21.50", "21.50", "21.50", "26"), links=[("b", "c"), ("c", "d")]) == []


def test_verified_transactions_at_one_price_are_no_sign():
    deals = [seen(name, "21.50", kind="transaction") for name in "abcde"]
    assert signs(deals) == []


def moving(source: str, *days_and_prices: tuple[int, str]) -> list[Observation]:
    return [seen(source, price, days_ago=days) for days, price in days_and_prices]


def test_sources_that_change_their_quotes_on_the_same_days_are_shown():
    together = moving("a", (80, "20"), (60, "21"), (40, "22"), (20, "23"), (5, "23"))
    together += moving("b", (80, "30"), (60, "31"), (40, "29"), (20, "33"), (5, "33"))
    alone = moving("c", (75, "25"), (55, "26"), (35, "27"), (15, "28"))
    (sign,) = signs(together + alone)
    assert (sign.kind, sign.groups) == ("same_days", ("a", "b"))
    assert "2025-05-01、2025-05-21、2025-06-10" in sign.sentence  # 60, 40 and 20 days before 2025-06-30


def test_prices_that_are_repeated_change_on_no_day():
    steady = moving("a", (80, "20"), (60, "20"), (40, "20"), (20, "20")) + moving(
        "b", (80, "21"), (60, "21"), (40, "21"), (20, "21")
    )
    assert signs(steady) == []


def test_many_other_days_of_change_make_a_meeting_no_sign():
    busy = moving("a", *((days, str(20 + days % 7)) for days in range(90, 4, -9)))
    other = moving("b", *((days, str(20 + days % 5)) for days in range(90, 4, -4)))
    assert signs(busy + other) == []


def test_votes_that_close_up_beside_the_months_before_are_shown():
    close = quoting("20.00", "20.10", "20.20", "20.30", "20.40")
    usual = [Decimal("0.05"), Decimal("0.06"), Decimal("0.04"), Decimal("0.05")]
    (sign,) = signs(close, mads_before={CELL.code: usual})
    assert (sign.kind, sign.groups) == ("narrowed", ("a", "b", "c", "d", "e"))
    assert "此前 4 期" in sign.sentence
    assert signs(close, mads_before={CELL.code: usual[:2]}) == []  # too few months to say what is usual
    assert signs(close, mads_before={CELL.code: [Decimal("0.01")] * 6}) == []
    wide = quoting("16", "18", "20", "22.5", "25")
    assert signs(wide, mads_before={CELL.code: usual}) == []


def test_signs_do_not_hang_on_the_order_of_the_input_and_change_no_price():
    observations = quoting("20", "21.50", "21.50", "21.50", "26") + moving("a", (80, "20"), (60, "21"))
    assert signs(observations) == signs(list(reversed(observations)))
    given = {"as_of": AS_OF, "known_at": KNOWN_AT, "method": METHOD_V2}
    market = Market(observations, **given)
    before = market.price(CELL).record()
    watch(market)
    assert market.price(CELL).record() == before


def test_what_was_set_aside_shows_nothing():
    observations = quoting("20", "21.50", "21.50", "21.50", "26")
    aside = [
        replace(one, state="set_aside", reason="withdrawn") if one.source == "d" else one
        for one in observations
    ]
    assert signs(aside) == []


@pytest.mark.django_db
def test_who_publishes_an_issue_sees_its_signs_on_the_page_by_the_sources_names(client, cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(market_rows(date(2025, 6, 20), ("17", "19", "19", "19", "20", "21", "22")))
        Party.objects.create(uscc=uscc(1), name="东山算力", region_code="110000", is_provider=True)
        issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    (sign,) = signs_of(issue)
    assert sign.groups == (uscc(1), uscc(2), uscc(3))
    client.force_login(cast.price_publisher)
    page = client.get(reverse("admin:vouchers_priceindexissue_change", args=[issue.issue_no]))
    assert page.status_code == 200
    assert "报价相同" in page.text and "东山算力" in page.text
    assert prices.verify_issue(issue)


@pytest.mark.django_db
def test_an_issue_is_held_against_the_published_months_before_it(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        for month in (3, 4, 5):
            prices.load_observations(market_rows(date(2025, month, 20)))
            issue = prices.compute_index(date(2025, month + 1, 1), by=cast.policy_editor)
            prices.propose_index(issue, by=cast.policy_editor, jump_text="上月为首期")
            prices.publish_index(issue, by=cast.price_publisher, confirmation="属实")
            assert signs_of(issue) == []
        close = ("19.00", "19.02", "19.04", "19.06", "19.08", "19.10", "19.12")
        prices.load_observations(market_rows(date(2025, 6, 20), close))
        issue = prices.compute_index(date(2025, 7, 1), by=cast.policy_editor)
    assert [(sign.kind, sign.cell.accelerator) for sign in signs_of(issue)] == [("narrowed", "H800")]


def redeemed(source: str, days_before: int, **more) -> Redemption:
    return Redemption(
        source,
        more.get("accelerator", "H100"),
        more.get("claim_no", f"C-{source}{days_before}"),
        AS_OF - timedelta(days=days_before),
    )


def rising() -> list[Observation]:
    """``b`` goes from 21 to 23 forty days before the day of the price, and from 23 to 26 twenty before."""
    return [*quoting("20"), *moving("b", (80, "21"), (40, "23"), (20, "26"))]


def test_a_seller_that_raises_its_quotes_and_then_redeems_is_shown():
    claims = [redeemed("b", 15), redeemed("b", 12), redeemed("b", 90), redeemed("a", 1)]
    (sign,) = signs(rising(), redemptions=claims, names={"b": "乙公司"})
    assert (sign.kind, sign.cell, sign.groups) == ("raised", CELL, ("b",))
    assert sign.sentence == (
        "乙公司 在兑付前 30 日内提高报价（2025-05-21 由 21.00 提至 23.00、2025-06-10 由 23.00 提至 26.00 元/卡时），"
        "自 2025-06-15 起有 2 件以其合同申请的兑付。"
    )


def test_the_thirtieth_day_counts_and_the_thirty_first_does_not():
    one = [*quoting("20"), *moving("b", (80, "21"), (40, "23"))]
    assert len(signs(one, redemptions=[redeemed("b", 10)])) == 1
    assert signs(one, redemptions=[redeemed("b", 9)]) == []
    assert signs(one, redemptions=[redeemed("b", 41)]) == []  # redeemed before, not after


def test_a_lowered_quote_another_chip_and_who_does_not_redeem_are_no_sign():
    falling = [*quoting("20"), *moving("b", (80, "26"), (20, "21"))]
    assert signs(falling, redemptions=[redeemed("b", 10)]) == []
    assert signs(rising(), redemptions=[redeemed("b", 10, accelerator="H20")]) == []
    assert signs(rising(), redemptions=[redeemed("c", 10)]) == []
    assert signs(rising()) == []


def test_an_affiliate_that_redeems_is_the_same_seller():
    (sign,) = signs(rising(), redemptions=[redeemed("bb", 10)], links=[("b", "bb")])
    assert sign.groups == ("b",)
