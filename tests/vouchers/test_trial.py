"""试算 on a version's page: only what the rules ask, unknown stays unknown, and an example that checks something."""

from __future__ import annotations

import dataclasses
import time
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client

from tests.cast import Cast
from tests.vouchers.test_policies import AUTUMN
from vouchers.actions import policies
from vouchers.admin.trial_forms import TrialForm, begun_with
from vouchers.admin.version_pages import version_address
from vouchers.models import PolicyExample, PolicyRate, PolicyTrack, PolicyVersion, User
from vouchers.policy.assess import assess
from vouchers.policy.documents import shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.trial import TrialError, ask

pytestmark = pytest.mark.django_db
BEIJING = shipped_scheme("BJ-AIQ")
CASE = {
    "items": "1",
    "facts.stage": "申领",
    "facts.on": "2025-07-15",
    "facts.applicant.region_code": "110108",
    "facts.applicant.industry_code": "6510",
    "facts.applicant.listings": "无",
    "facts.contracts.net_amount": "500万",
    "facts.contracts.signed_on": "2025-03-01",
    "facts.contracts.purpose": "训练",
    "facts.contracts.other_money": "无",
    "facts.contracts.provider.affiliated": "否",
    "facts.contracts.price.verdict": "区间内",
    "facts.attestations.industry_model": "是",
}


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(BEIJING, shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def trial(version: PolicyVersion) -> str:
    return version_address(version, "trial")


# ---- the questions


def test_only_what_the_rules_ask_is_asked():
    keys = {question.key for question in ask(BEIJING).questions}
    assert set(CASE) - {"items"} <= keys
    assert not any("is_platform" in key or "scale" in key or "completion" in key for key in keys)
    assert "facts.used.caps.enterprise_year" in keys
    e_town = {question.key for question in ask(shipped_scheme("BDA-SLQ-v1")).questions}
    assert "facts.contracts.chip_origin" in e_town
    assert "facts.contracts.price.verdict" not in e_town


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_every_shipped_version_asks_something_and_reads_an_empty_case(name: str):
    scheme = shipped_scheme(name)
    questions = ask(scheme, 3)
    assert len({one.key for one in questions.questions}) == len(questions.questions)
    example = questions.read({"facts.stage": "申领", "facts.on": "2025-07-15"})
    assert example.facts.on == date(2025, 7, 15)
    assert example.facts.applicant.size == ""
    assert example.facts.applicant.listings is None


def test_what_cannot_be_read_is_said_at_its_question():
    with pytest.raises(TrialError) as refused:
        ask(BEIJING, 2).read(
            {
                "facts.stage": "申领",
                "facts.on": "今天",
                "facts.items.kind#2": "发票明细",
                "facts.items.net_amount#2": "很多",
            }
        )
    assert set(refused.value.problems) == {"facts.on", "facts.items.net_amount#2"}


def test_several_items_are_several_items():
    answers = {
        "facts.stage": "兑付",
        "facts.on": "2025-07-15",
        "facts.items.kind": "发票明细",
        "facts.items.net_amount": "100",
        "facts.items.kind#3": "发票明细",
        "facts.items.net_amount#3": "23.45",
    }
    items = ask(BEIJING, 3).read(answers).facts.items
    assert [item.net_amount for item in items] == [Decimal("100"), Decimal("23.45")]
    assert len({item.item_no for item in items}) == 2


# ---- the page


def test_a_case_is_computed_with_its_findings_and_working(cast: Cast, draft: PolicyVersion):
    page = signed_in(cast.policy_editor).post(trial(draft), CASE)
    assert page.status_code == 200
    assert page.context["assessment"].amount == Decimal("1000000.00")
    text = page.content.decode()
    assert "5,000,000.00 元 × 20% ＝ 1,000,000.00 元" in text
    assert "条件逐项核对" in text


def test_unknown_is_not_testable_and_not_no(cast: Cast, draft: PolicyVersion):
    unknown = CASE | {"facts.contracts.provider.affiliated": "", "facts.applicant.listings": ""}
    page = signed_in(cast.policy_editor).post(trial(draft), unknown)
    findings = {one.code: one.result.value for one in page.context["assessment"].findings}
    assert findings["non_affiliated"] == findings["credit"] == "not_testable"
    assert page.context["assessment"].outcome.value == "review"


def test_with_script_only_the_result_is_drawn_anew(cast: Cast, draft: PolicyVersion):
    part = signed_in(cast.policy_editor).post(trial(draft), CASE, headers={"HX-Request": "true"})
    text = part.content.decode()
    assert "<html" not in text
    assert "1,000,000.00" in text


def test_an_item_more_keeps_what_was_typed(cast: Cast, draft: PolicyVersion):
    page = signed_in(cast.policy_editor).post(trial(draft), CASE | {"do": "add_item"})
    assert page.context["form"].questionnaire.items == 2
    assert page.context["form"]["facts.contracts.net_amount"].value() == "500万"


def test_what_the_case_used_before_counts(cast: Cast, draft: PolicyVersion):
    used = CASE | {"facts.used.caps.enterprise_year": "1500000"}
    page = signed_in(cast.policy_editor).post(trial(draft), used)
    assert page.context["assessment"].amount == Decimal("500000.00")


def test_the_version_in_force_is_computed_beside_it(cast: Cast, draft: PolicyVersion):
    policies.publish_version(policies.propose_version(draft, by=cast.policy_editor), by=cast.publisher)
    new = policies.clone_version(draft, by=cast.policy_editor, label="次年")
    PolicyVersion.objects.filter(pk=new.pk).update(effective_from=AUTUMN)
    PolicyRate.objects.filter(version=new).update(rate=Decimal("0.25"))
    page = signed_in(cast.policy_editor).post(trial(new), CASE | {"facts.on": "2025-07-15"})
    assert page.context["beside"].version == draft
    assert page.context["beside"].assessment.amount == Decimal("1000000.00")


def test_an_incomplete_draft_says_what_is_missing(cast: Cast, draft: PolicyVersion):
    empty = policies.create_draft(draft.program, by=cast.policy_editor, title="新", label="2026")
    page = signed_in(cast.policy_editor).get(trial(empty))
    assert page.status_code == 200
    assert "暂时不能试算" in page.content.decode()
    PolicyTrack.objects.filter(version=draft).delete()
    assert "至少要有一个补贴方向" in signed_in(cast.policy_editor).get(trial(draft)).content.decode()


# ---- keeping it


KEPT = {
    "do": "keep",
    "keep_code": "try-1",
    "keep_title": "租用五百万元",
    "keep_amount": "1,000,000",
    "keep_note": "500万×20%",
}


def test_a_tried_case_is_kept_with_the_amount_that_a_person_typed(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    assert client.post(trial(draft), CASE | KEPT).status_code == 302
    row = PolicyExample.objects.get(version=draft, code="try-1")
    assert (row.expected["amount"], row.note) == ("1000000", "500万×20%")
    assert "与您填写的应得结果一致" in client.get(trial(draft)).content.decode()


def test_the_expected_amount_is_never_filled_in(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    page = client.post(trial(draft), CASE)
    assert page.context["keep"]["keep_amount"].value() is None
    refused = client.post(trial(draft), CASE | KEPT | {"keep_amount": ""})
    assert "keep_amount" in refused.context["keep"].errors
    assert not PolicyExample.objects.filter(code="try-1").exists()


def test_a_case_that_comes_out_otherwise_is_kept_and_stops_the_proposal(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    client.post(trial(draft), CASE | KEPT | {"keep_amount": "999999.99"})
    assert PolicyExample.objects.filter(code="try-1").exists()
    assert "与您填写的应得结果不一致" in client.get(trial(draft)).content.decode()
    from vouchers.errors import Problems

    with pytest.raises(Problems):
        policies.propose_version(draft, by=cast.policy_editor)


def test_a_code_is_used_once(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    client.post(trial(draft), CASE | KEPT)
    again = client.post(trial(draft), CASE | KEPT)
    assert again.status_code == 200
    assert "keep_code" in again.context["keep"].errors


def test_only_an_editor_keeps_and_only_in_a_draft(cast: Cast, draft: PolicyVersion):
    assert signed_in(cast.publisher).post(trial(draft), CASE).status_code == 200
    assert signed_in(cast.publisher).post(trial(draft), CASE | KEPT).status_code == 403
    assert signed_in(cast.other_policy_editor).get(trial(draft)).status_code in (302, 404)
    policies.propose_version(draft, by=cast.policy_editor)
    assert signed_in(cast.policy_editor).post(trial(draft), CASE | KEPT).status_code == 403
    assert not PolicyExample.objects.filter(code="try-1").exists()


def test_it_answers_at_once(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    client.post(trial(draft), CASE, headers={"HX-Request": "true"})
    started = time.perf_counter()
    client.post(trial(draft), CASE, headers={"HX-Request": "true"})
    assert time.perf_counter() - started < 1, "about 100 ms on an idle machine"


def test_a_version_of_another_kind_of_basis_is_tried_too():
    scheme = dataclasses.replace(shipped_scheme("NM-JS"))
    example = ask(scheme).read(
        {
            "facts.stage": "兑付",
            "facts.on": "2025-07-15",
            "facts.items.kind": "平台结算明细",
            "facts.items.net_amount": "1000000",
        }
    )
    assert example.facts.items[0].net_amount == Decimal("1000000")


def test_a_verdict_without_a_price_is_told_without_a_blank(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    for given in ({"facts.contracts.price.verdict": "高于区间"}, {"facts.contracts.price.upper": "25.31"}):
        page = client.post(trial(draft), CASE | given)
        assert "None" not in page.content.decode()


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_a_trial_begun_with_an_example_is_that_example(name: str):
    scheme = shipped_scheme(name)
    for example in shipped_examples(name):
        form = TrialForm(scheme, begun_with(scheme, example))
        assert form.is_valid(), (example.code, form.errors)
        tried, own = (assess(scheme, facts) for facts in (form.case.facts, example.facts))
        assert (tried.outcome, tried.amount, tried.basis_amount) == (
            own.outcome,
            own.amount,
            own.basis_amount,
        )


def test_the_page_begins_with_an_example_of_the_version(cast: Cast, draft: PolicyVersion):
    client = signed_in(cast.policy_editor)
    first = shipped_examples("BJ-AIQ")[0]
    page = client.get(trial(draft), {"example": first.code})
    assert page.context["assessment"].amount == first.expected.amount
    assert client.get(trial(draft), {"example": "没有"}).context["form"].is_bound is False
