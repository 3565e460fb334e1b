"""The explorer of a price's working, and the page of what an issue changes: for staff, by the functions that decide."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers.actions import prices
from vouchers.actions.price_changes import changes_between, compared_with, drivers_of
from vouchers.context import Actor, acting
from vouchers.models import PriceIndexIssue

pytestmark = pytest.mark.django_db
CELL = "china/H800/SXM/specialist/east/1_6m"
EXPLORE = "admin:vouchers_priceindexrow_explore"


@pytest.fixture(autouse=True)
def loaded(cast):
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
        prices.load_observations(
            [*market_rows(date(2025, 5, 20)), row(uscc(9), "19", date(2025, 5, 20), unit="")]
        )


def issue_of(cast, month, *, publish=True):
    with acting(Actor.service("test"), "test"):
        issue = prices.compute_index(month, by=cast.policy_editor)
        if publish and issue.state == "draft":
            prices.propose_index(issue, by=cast.policy_editor, jump_text="新卡到货")
            prices.publish_index(issue, by=cast.price_publisher, confirmation="已核对合同")
    return issue


def load(*rows):
    with acting(Actor.service("test"), "test"):
        prices.load_observations([*rows])


def explored(client, **given):
    return client.get(
        reverse(EXPLORE), {"cell": CELL, "as_of": "2025-06-10", "known_on": "2025-06-10", **given}
    )


def test_a_cell_is_worked_out_as_a_check_of_that_day_would(client, cast):
    client.force_login(cast.price_publisher)
    page = explored(client)
    text = page.content.decode()
    assert page.status_code == 200
    assert "7 个互不关联的供应方" in text
    assert text.count("不计此组再测算") == 7
    assert "/admin/vouchers/priceobservation/" in text
    assert "19.000000" in text  # the base price
    assert "单位不明" in text  # what waits in quarantine is told with its reason
    assert "style=" not in text.split('id="content"')[1]


def test_what_was_not_known_then_does_not_count(client, cast):
    load(*market_rows(date(2025, 6, 5), ("30", "31", "32", "33", "34", "35", "36")))
    client.force_login(cast.price_publisher)
    then = explored(client, file="json", known_on="2025-06-01").json()
    later = explored(client, file="json", known_on="2025-06-10").json()
    assert (then["row"]["base"], later["row"]["base"]) == ("19", "33")


def test_a_group_left_out_changes_the_price_as_the_table_said(client, cast):
    client.force_login(cast.price_publisher)
    whole = explored(client, file="json").json()
    for group in whole["groups"]:
        without = explored(client, file="json", left_out=group["group"]).json()
        assert without["row"]["base"] == group["without_it"]["base"]
        assert without["row"]["grade"] == group["without_it"]["grade"]
        assert without["row"]["left_out"] == [group["group"]]


def test_the_row_of_an_issue_is_recomputed_of_its_own_snapshot(client, cast):
    issue = issue_of(cast, date(2025, 6, 1))
    load(*market_rows(date(2025, 5, 25), ("40", "41", "42", "43", "44", "45", "46")))  # handed in too late
    client.force_login(cast.auditor)
    answer = client.get(reverse(EXPLORE), {"cell": CELL, "issue": issue.issue_no, "file": "json"})
    held = issue.rows.get(cell=CELL)
    assert answer.json()["row"] == json.loads(json.dumps(held.record))
    assert answer.json()["snapshot_sha256"] == issue.snapshot.sha256


def test_the_file_has_every_candidate_with_its_fate(client, cast):
    load(row(uscc(3), "18", date(2025, 5, 26)))
    client.force_login(cast.price_publisher)
    answer = explored(client, file="csv")
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 9
    assert {line["outcome"] for line in lines} == {"votes", "superseded", "unit.missing"}
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"as_of": "2025-13-01"}, 422),
        ({"as_of": "2031-01-01"}, 422),  # has not come
        ({"cell": "china/H800"}, 404),
        ({"cell": "china/NOPE/SXM/specialist/east/1_6m"}, 422),
        ({"version": "99"}, 422),
        ({"issue": "PI-none"}, 404),
        ({"as_of": "2009-01-01"}, 422),  # before any method
        ({"left_out": "nobody,,，"}, 200),
    ],
)
def test_what_is_asked_wrongly_is_told(client, cast, given, status):
    client.force_login(cast.price_publisher)
    assert explored(client, **given).status_code == status


def test_a_cell_without_any_price_is_told_in_words(client, cast):
    client.force_login(cast.price_publisher)
    text = explored(client, cell="china/H800/SXM/cloud/east/1_6m").content.decode()
    assert "无法得出价格" in text
    assert "互不关联的供应方不足" in text


def test_strangers_do_not_explore(client, cast):
    for person in (cast.stranger, cast.filer):
        client.force_login(person)
        assert explored(client).status_code in (302, 403)


# -- what an issue changes -----------------------------------------------------------------------------------------------


@pytest.fixture
def two(cast):
    """June, and July with one supplier gone, two come, and the rest dearer."""
    june = issue_of(cast, date(2025, 6, 1))
    july_prices = ("18", "24", "24.5", "25", "26", "27")
    load(
        *market_rows(date(2025, 6, 20), july_prices),
        row(uscc(20), "25.5", date(2025, 6, 20), bookable_since="2025-01-01"),
        row(uscc(21), "26.5", date(2025, 6, 20), bookable_since="2025-01-01"),
    )
    return june, issue_of(cast, date(2025, 7, 1), publish=False)


def test_each_cell_is_new_gone_jumped_changed_or_the_same(two):
    june, july = two
    assert compared_with(july) == [june]
    (change,) = [one for one in changes_between(july, june) if one.cell == CELL]
    assert (change.kind, change.before.base, change.after.base) == ("jumped", Decimal(19), Decimal(25))
    assert change.change == Decimal("0.315789")
    assert [one.kind for one in changes_between(june, june)] == ["same"] * june.rows.exclude(
        base=None
    ).count()


def test_what_moved_a_cell_is_who_came_who_went_and_who_changed(two):
    june, july = two
    found = drivers_of(july, june, CELL)
    assert [name for name, _price in found.entered] == [uscc(20), uscc(21)]
    assert [name for name, _price in found.left] == [uscc(6)]
    assert (len(found.moved), found.unmoved) == (6, 0)
    assert found.moved[0] == (uscc(1), Decimal(18), Decimal(24))
    assert found.steady == (Decimal("18.5"), Decimal("24.5"), 6)


def test_the_page_marks_jumps_with_their_reasons_and_can_be_taken_home(client, cast, two):
    _june, july = two
    client.force_login(cast.price_publisher)
    address = reverse("admin:vouchers_priceindexissue_changes", args=[july.issue_no])
    text = client.get(address).content.decode()
    for words in ("▲ 变动超过阈值", "+31.6%", "进入 2 组", "退出 1 组", "只看两期都投票的 6 组"):
        assert words in text, words
    assert "没有这一类的单元" in client.get(address, {"kind": "new"}).content.decode()
    lines = list(
        csv.DictReader(io.StringIO(client.get(address, {"file": "csv"}).content.decode("utf-8-sig")))
    )
    assert [
        (line["cell"], line["base_before"], line["base_after"]) for line in lines if line["cell"] == CELL
    ] == [(CELL, "19.000000", "25.000000")]
    client.force_login(cast.stranger)
    assert client.get(address).status_code in (302, 403)


def test_the_first_issue_has_nothing_to_be_held_against(client, cast):
    issue = issue_of(cast, date(2025, 6, 1))
    client.force_login(cast.price_publisher)
    address = reverse("admin:vouchers_priceindexissue_changes", args=[issue.issue_no])
    assert "此前没有已发布的一期可比" in client.get(address).content.decode()


def test_jumps_are_published_with_the_texts_of_two_persons(client, cast, two):
    _june, july = two

    def act(verb, **given):
        return client.post(reverse("admin:vouchers_priceindexissue_act", args=[july.issue_no, verb]), given)

    client.force_login(cast.policy_editor)
    assert act("propose").status_code == 422
    act("propose", jump_text="新卡到货前供应紧张")
    client.force_login(cast.price_publisher)
    asked = client.get(
        reverse("admin:vouchers_priceindexissue_act", args=[july.issue_no, "publish"])
    ).content.decode()
    assert "新卡到货前供应紧张" in asked
    assert "+31.6%" in asked
    refused = act("publish")
    assert (refused.status_code, "price.confirmation_missing" in refused.content.decode()) == (422, True)
    assert act("publish", confirmation="已电话核实三家，合同属实").status_code == 302
    july = PriceIndexIssue.objects.get(pk=july.pk)
    assert (july.state, july.jump_confirmation) == ("published", "已电话核实三家，合同属实")
    page = client.get(reverse("public:prices")).content.decode()
    assert "已电话核实三家，合同属实" in page
    assert "新卡到货前供应紧张" in page


def test_a_correction_is_held_against_what_it_replaces_too(cast, two):
    june, _july = two
    load(row(uscc(30), "12", date(2025, 5, 22), bookable_since="2025-01-01"))
    again = issue_of(cast, date(2025, 6, 1), publish=False)
    assert again != june
    assert june in compared_with(again)
