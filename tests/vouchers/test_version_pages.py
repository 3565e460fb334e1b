"""A version held against another, read before publishing, and told as prose: in the admin, to those whose region it is."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from tests import casework
from tests.applications.test_versions import BACK, capped, publish, rent
from tests.cast import Cast
from vouchers.actions import policies
from vouchers.actions.caps import cap_changes
from vouchers.admin.scoped import admin_address
from vouchers.admin.version_pages import version_address
from vouchers.context import acting
from vouchers.models import PolicyCap, PolicyRate, PolicyVersion, Publication, User
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.terms import CapSubject, CountsAt, Shortage

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(cast: Cast) -> Publication:
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    return publication


@pytest.fixture
def draft(cast: Cast, first: Publication) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        made = policies.clone_version(first.version, by=cast.policy_editor, label="第二版")
        PolicyRate.objects.filter(version=made).update(rate=Decimal("0.25"))
        PolicyCap.objects.filter(version=made).update(amount=Decimal("3000000"))
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def compare(version: PolicyVersion) -> str:
    return version_address(version, "compare")


def test_a_draft_is_compared_with_the_version_in_force(cast: Cast, first: Publication, draft: PolicyVersion):
    page = signed_in(cast.policy_editor).get(compare(draft))
    comparison = page.context["comparison"]
    assert (comparison.before, comparison.after) == (first.version, draft)
    told = [change.sentence for change in comparison.rules]
    assert any("2,000,000.00 元 → 3,000,000.00 元" in sentence for sentence in told)
    assert any("20% → 25%" in sentence for sentence in told)
    text = page.content.decode()
    assert "<del>20%</del>" in text
    assert "<ins>25%</ins>" in text
    assert "修改 3" in text  # said in a word, not by colour alone


def test_whichever_page_one_comes_from_the_older_stands_left(
    cast: Cast, first: Publication, draft: PolicyVersion
):
    page = signed_in(cast.publisher).get(compare(first.version), {"to": draft.number})
    assert (page.context["comparison"].before, page.context["comparison"].after) == (first.version, draft)


def test_two_versions_of_the_same_content_say_so(cast: Cast, first: Publication):
    with acting(cast.policy_editor, "test"):
        same = policies.clone_version(first.version, by=cast.policy_editor, label=first.label)
    assert "两个版本的内容完全相同" in signed_in(cast.policy_editor).get(compare(same)).content.decode()


def test_an_incomplete_version_is_not_compared_and_says_what_is_missing(cast: Cast, first: Publication):
    with acting(cast.policy_editor, "test"):
        empty = policies.create_draft(first.program, by=cast.policy_editor, title="新", label="空")
    page = signed_in(cast.policy_editor).get(compare(empty))
    assert page.status_code == 200
    assert "暂时不能比较" in page.content.decode()


def test_a_number_of_no_version_falls_back_to_the_one_before(
    cast: Cast, first: Publication, draft: PolicyVersion
):
    for wrong in ("99", "x", "-1"):
        page = signed_in(cast.policy_editor).get(compare(draft), {"to": wrong})
        assert page.context["comparison"].before == first.version


def test_a_version_of_another_program_is_no_choice(cast: Cast, draft: PolicyVersion):
    casework.published(cast, "BDA-SLQ-v1")
    page = signed_in(cast.policy_editor).get(compare(draft))
    assert {version.program_id for version in page.context["form"].fields["to"].queryset} == {
        draft.program_id
    }


def test_another_regions_people_and_strangers_see_none_of_it(cast: Cast, draft: PolicyVersion):
    for page in ("compare", "trial", "text"):
        assert signed_in(cast.other_policy_editor).get(version_address(draft, page)).status_code in (302, 404)
        assert signed_in(cast.stranger).get(version_address(draft, page)).status_code == 403


def test_the_second_person_reads_the_changes_before_publishing(
    cast: Cast, first: Publication, draft: PolicyVersion
):
    PolicyVersion.objects.filter(pk=draft.pk).update(state="draft")
    draft.policyexample_rows.all().delete()
    second = ready(cast, capped("1000000"))
    page = signed_in(cast.publisher).get(version_address(second, "act", "publish"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "发布前请核对" in text
    assert "<del>2,000,000.00 元</del>" in text
    assert "文件未规定溯及既往" in text
    assert compare(second) in text


def test_who_publishes_reads_before_why_the_version_will_not_open(
    cast: Cast, first: Publication, draft: PolicyVersion
):
    PolicyVersion.objects.filter(pk=draft.pk).update(state="draft")
    draft.policyexample_rows.all().delete()
    scheme = capped("1000000")
    pool = dataclasses.replace(scheme.caps[0], subject=CapSubject.POOL, counts_at=CountsAt.CLAIM)
    shared = dataclasses.replace(
        scheme, caps=(pool,), issue=dataclasses.replace(scheme.issue, shortage=Shortage.PRO_RATA)
    )
    page = signed_in(cast.publisher).get(version_address(ready(cast, shared), "act", "publish"))
    assert "发布后暂不开放申领" in page.text
    assert "没有整批可供“同批按比例”分配" in page.text


def ready(cast: Cast, scheme: object) -> PolicyVersion:
    """Proposed, not published."""
    from tests.applications.test_versions import SEPTEMBER
    from vouchers.policy.examples import Example, Expected
    from vouchers.policy.terms import Outcome

    facts = dataclasses.replace(
        shipped_examples("BJ-AIQ")[0].facts, on=SEPTEMBER, applied_on=SEPTEMBER, contracts=(), items=()
    )
    example = Example(
        code="none",
        title="没有合同",
        facts=facts,
        expected=Expected(outcome=Outcome.REFUSED, amount=Decimal(0)),
    )
    with acting(cast.policy_editor, "test"):
        version = policies.load_scheme(scheme, [example], by=cast.policy_editor)  # type: ignore[arg-type]
        return policies.propose_version(version, by=cast.policy_editor)


def test_what_a_lower_cap_and_a_text_that_reaches_back_do_is_said_before(cast: Cast, first: Publication):
    casework.issued(cast, casework.submitted(cast, first, rent(cast, "7500000.00", "HT-1")))
    casework.submitted(cast, first, rent(cast, "500000.00", "HT-2"))
    second = ready(cast, capped("1000000", **BACK))
    text = signed_in(cast.publisher).get(version_address(second, "act", "publish")).content.decode()
    assert "已有 1 个主体的用量超过新限额" in text
    assert "1 件尚未办结的将改按本版本办理" in text
    assert "已经办结的 1 件维持原决定不变" in text


def test_the_publication_says_how_many_may_ask_to_be_decided_anew(cast: Cast, first: Publication):
    casework.issued(cast, casework.submitted(cast, first, rent(cast, "7500000.00", "HT-1")))
    second = publish(cast, capped("3000000", **BACK))
    client = signed_in(cast.publisher)
    assert "按文件可申请重新核定 1 件" in client.get(admin_address(second)).content.decode()
    assert "文件未规定溯及既往" in client.get(admin_address(first)).content.decode()


def test_what_a_change_of_a_cap_finds_in_the_ledger(cast: Cast, first: Publication):
    casework.issued(cast, casework.submitted(cast, first, rent(cast, "7500000.00", "HT-1")))
    lower, higher = capped("1000000"), capped("3000000")
    (down,) = cap_changes(shipped_scheme("BJ-AIQ"), lower, lower.effective_from)
    (up,) = cap_changes(shipped_scheme("BJ-AIQ"), higher, higher.effective_from)
    assert (down.lowered, down.used, down.above, down.period) == (True, 1, 1, "2025")
    assert (up.lowered, up.used, up.above) == (False, 1, 0)
    same = dataclasses.replace(lower, caps=shipped_scheme("BJ-AIQ").caps)
    assert cap_changes(shipped_scheme("BJ-AIQ"), same, lower.effective_from) == []


def test_the_catalogue_tells_what_the_new_version_changed(client: Client, cast: Cast, first: Publication):
    from django.urls import reverse

    address = reverse("public:program", args=[first.program.code])
    assert "与上一版本相比" not in client.get(address).content.decode()
    publish(cast, capped("3000000", effective_from=date(2025, 7, 15)))
    text = client.get(address).content.decode()
    assert "限额“单个企业年度限额”的限额：2,000,000.00 元 → 3,000,000.00 元" in text
