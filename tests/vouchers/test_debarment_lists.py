"""The public list: issues that are frozen, numbered and hashed; what is shown of them is what still stands."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.vouchers.test_debarments import decided, listed, noticed, repaired
from vouchers import dates
from vouchers.actions.debarment_lists import digest_of, issue_due_lists, issue_list, leaf_of
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import DebarmentList, Listing, Party

pytestmark = pytest.mark.django_db
IN_FORCE = date(2025, 8, 4)


def issued(cast: Cast, *, on=IN_FORCE) -> DebarmentList:
    with dates.fixed(on), acting(cast.publisher, "test"):
        return issue_list(cast.beijing, by=cast.publisher)


def shown(*, on=IN_FORCE, q="") -> str:
    with dates.fixed(on):
        return Client().get(reverse("public:debarred"), {"q": q}).text


def file_of(issue: DebarmentList, *, on=IN_FORCE) -> dict:
    with dates.fixed(on):
        return Client().get(reverse("public:debarred_file", args=[issue.list_no, "json"])).json()


def test_a_restriction_is_published_with_the_next_issue_and_names_its_law(cast: Cast):
    listed(cast)
    assert cast.alpha.name not in shown()
    issue = issued(cast)
    page = shown()
    for words in (cast.alpha.name, "京决〔2025〕7号", "《算力券管理办法》第二十条", "北京市", issue.sha256):
        assert words in page
    assert (issue.number, issue.issued_on, issue.issued_by) == (1, IN_FORCE, cast.publisher)


def test_what_was_repaired_leaves_the_page_and_the_file_at_once_and_the_hash_still_holds(cast: Cast):
    row = listed(cast)
    issue = issued(cast)
    repaired(cast, row)
    later = date(2025, 11, 3)
    assert cast.alpha.name not in shown(on=later)
    content = file_of(issue, on=later)
    assert content["entries"] == []
    assert cast.alpha.uscc not in str(content)
    assert digest_of("110000", 1, "2025-08-04", content["leaves"]) == content["sha256"] == issue.sha256


def test_what_ran_out_leaves_the_page_on_its_day(cast: Cast):
    listed(cast)
    issued(cast)
    assert cast.alpha.name in shown(on=date(2026, 7, 31))
    assert cast.alpha.name not in shown(on=date(2026, 8, 1))


def test_anybody_computes_the_leaf_of_a_row_and_the_hash_of_the_issue(cast: Cast):
    listed(cast)
    content = file_of(issued(cast))
    assert [leaf_of(entry) for entry in content["entries"]] == content["leaves"]
    assert digest_of("110000", 1, "2025-08-04", content["leaves"]) == content["sha256"]
    changed = content["entries"][0] | {"reason": "别的事由"}
    assert leaf_of(changed) not in content["leaves"]


def test_the_csv_takes_no_name_for_a_formula(cast: Cast):
    Party.objects.filter(pk=cast.alpha.pk).update(name="=HYPERLINK(1)公司")
    listed(cast)
    issue = issued(cast)
    with dates.fixed(IN_FORCE):
        answer = Client().get(reverse("public:debarred_file", args=[issue.list_no, "csv"]))
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["编号", "单位", "统一社会信用代码"]
    assert rows[1][1] == "'=HYPERLINK(1)公司"


def test_the_same_list_is_not_published_twice_and_a_changed_one_is_the_next_number(cast: Cast):
    row = listed(cast)
    issued(cast)
    with pytest.raises(NotNow) as refused:
        issued(cast, on=date(2025, 8, 5))
    assert refused.value.code == "debarment_list.unchanged"
    repaired(cast, row)
    second = issued(cast, on=date(2025, 11, 5))
    assert (second.number, second.entries) == (2, [])


def test_the_clock_issues_every_region_that_has_something_new(cast: Cast):
    listed(cast)
    for expected in (1, 0):
        with dates.fixed(IN_FORCE), acting(Actor.service("test"), "test"):
            assert len(issue_due_lists()) == expected
    assert DebarmentList.objects.get().issued_by is None


@pytest.mark.parametrize(
    "who", ["policy_editor", "investigator", "stranger", "other_policy_editor", "auditor"]
)
def test_only_a_publisher_of_the_region_publishes_by_hand(cast: Cast, who):
    listed(cast)
    person = getattr(cast, who)
    with dates.fixed(IN_FORCE), acting(person, "test"), pytest.raises(Forbidden):
        issue_list(cast.beijing, by=person)


def test_the_database_keeps_an_issue_as_it_was(cast: Cast):
    listed(cast)
    issue = issued(cast)
    for change in (
        lambda: DebarmentList.objects.filter(pk=issue.pk).update(entries=[]),
        lambda: DebarmentList.objects.filter(pk=issue.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_decision_that_begins_later_is_in_no_issue_before(cast: Cast):
    decided(cast, noticed(cast))
    with pytest.raises(NotNow):
        issued(cast, on=date(2025, 7, 31))


def test_entries_of_other_lists_stand_there_without_an_issue(cast: Cast):
    Listing.objects.create(
        party=cast.beta,
        kind="serious_dishonesty",
        effective_from=date(2025, 1, 1),
        document_no="外〔2025〕1号",
    )
    assert cast.beta.name in shown()
    assert "没有查到该单位" in shown(q="不存在的公司")
    assert cast.beta.name in shown(q=cast.beta.uscc)
