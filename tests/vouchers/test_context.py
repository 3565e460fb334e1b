"""Who acts and what for: a deed that is a part of another one does not take its name."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from vouchers.context import Actor, acting, announce, announced, current

pytestmark = pytest.mark.django_db


def told() -> str:
    """The verb that the database's triggers would write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('voucher.context', true)")
        return json.loads(cursor.fetchone()[0])["verb"]


def test_the_outer_deed_has_its_name_back_after_a_part_of_it():
    with acting(Actor.service("test"), "test"):
        announce("claim.submit")
        with announced("price_check.make", "签约价格核对"):
            assert (told(), current().reason) == ("price_check.make", "签约价格核对")
        assert (told(), current().verb, current().reason) == ("claim.submit", "claim.submit", "")


def test_a_function_may_be_such_a_part():
    @announced("lease.file")
    def part() -> str:
        return told()

    with acting(Actor.service("test"), "test"):
        announce("application.submit")
        assert (part(), told()) == ("lease.file", "application.submit")


def test_a_part_that_fails_leaves_the_outer_name():
    with acting(Actor.service("test"), "test"):
        announce("claim.submit")
        with pytest.raises(ValueError), announced("price_check.make"):
            raise ValueError
        assert current().verb == "claim.submit"
