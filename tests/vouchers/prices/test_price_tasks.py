"""A month's prices wait for people: each sees on the front page what is theirs to do, and what is late."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.access import Role
from vouchers.actions import prices
from vouchers.actions.price_tasks import price_tasks_of, publish_by
from vouchers.context import Actor, acting
from vouchers.models import PriceIndexIssue, RoleGrant, User
from vouchers.tasks import compute_prices

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(cast):
    """Another price publisher."""
    user = User.objects.create(username="price-publisher-2", display_name="京价格二")
    RoleGrant.objects.create(
        user=user, role=Role.PRICE_PUBLISHER, region=cast.beijing, effective_from=date(2020, 1, 1)
    )
    return user


def kinds(user):
    return [(task.kind, task.overdue) for task in price_tasks_of(user)]


def test_the_monthly_draft_waits_on_the_front_page_and_is_marked_when_it_is_late(client, cast, second):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [*market_rows(date(2025, 6, 20)), row(uscc(99), "10", date(2025, 6, 20), unit="")]
        )
    assert publish_by(date(2025, 7, 1)) == date(2025, 7, 7)  # Tuesday the first, five working days
    with dates.fixed(date(2025, 7, 1)):
        compute_prices()
        assert kinds(cast.price_publisher) == [("propose", False), ("judge", False)]
        assert kinds(cast.handler) == []
    with dates.fixed(date(2025, 7, 7)):
        assert ("propose", False) in kinds(second)
    client.force_login(cast.price_publisher)
    front = reverse("admin:index")
    with dates.fixed(date(2025, 7, 9)):
        page = client.get(front).content.decode()
        assert "2025年7月价格" in page and "已超期 2 个工作日" in page and "1 条价格待核对" in page
        issue = PriceIndexIssue.objects.get()
        with acting(cast.price_publisher, "test"):
            prices.propose_index(issue, by=cast.price_publisher)
        assert kinds(cast.price_publisher)[0] == ("await", True)
        assert kinds(second)[0] == ("publish", True)
        with acting(second, "test"):
            prices.publish_index(issue, by=second)
        assert kinds(second) == [("judge", False)]
    with dates.fixed(date(2025, 8, 1)):  # the clock did not run: nobody computed August
        assert kinds(second)[0] == ("compute", False)
    client.force_login(cast.handler)
    assert "价格待办" not in client.get(front).content.decode()
