"""A version in the admin: edited in one page, moved by verbs, seen only by its region's people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import SINCE, Cast
from vouchers.actions import policies, policy_editing
from vouchers.actions.policy_drafts import scheme_of
from vouchers.admin.scoped import admin_address
from vouchers.admin.version_pages import version_address
from vouchers.models import (
    Appropriation,
    LedgerAccount,
    PolicyRate,
    PolicyVersion,
    Program,
    ProgramBudget,
    Publication,
    Region,
    RoleGrant,
    User,
)
from vouchers.policy.documents import read_scheme, shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(version: PolicyVersion) -> str:
    return version_address(version)


def act(version: PolicyVersion, verb: str) -> str:
    return version_address(version, "act", verb)


def typed(response: Any) -> dict[str, Any]:
    """What the browser would send of the page as it stands."""
    data: dict[str, Any] = {"stamp": response.context["stamp"]}
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        data |= values_of(form)
    return data


def values_of(form: Any) -> dict[str, Any]:
    """What the browser would send of a form."""
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, bool):
            if value:
                data[bound.html_name] = "on"
        elif bound.field.widget.__class__.__name__ == "CheckboxSelectMultiple":
            data[bound.html_name] = list(value or [])
        else:
            prepared = bound.field.prepare_value(value)
            data[bound.html_name] = "" if prepared is None else str(prepared)
    return data


def test_a_draft_is_edited_in_one_page(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    shown = client.get(page(version))
    assert shown.status_code == 200
    data = typed(shown)
    name = next(key for key, value in data.items() if key.endswith("-rate") and value == "20%")
    saved = client.post(page(version), data | {name: "25%"})
    assert saved.status_code == 302
    assert PolicyRate.objects.get(version=version).rate == Decimal("0.25")


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_saving_the_page_untouched_changes_nothing(cast: Cast, name: str):
    client = signed_in(cast.policy_editor)
    scheme = shipped_scheme(name)
    Region.objects.get_or_create(code=scheme.region, defaults={"name": name})
    region = Region.objects.get(code=scheme.region)
    RoleGrant.objects.create(
        user=cast.policy_editor, role="policy_editor", region=region, effective_from=SINCE
    )
    version = policies.load_scheme(
        scheme, shipped_examples(name), by=User.objects.get(pk=cast.policy_editor.pk)
    )
    before = policy_editing.stamp_of(version)
    saved = client.post(page(version), typed(client.get(page(version))))
    assert saved.status_code == 302
    assert scheme_of(PolicyVersion.objects.get(pk=version.pk)) == scheme
    assert policy_editing.stamp_of(version) == before


def test_the_page_of_the_sections_follows_the_ordinance(cast: Cast, version: PolicyVersion):
    text = signed_in(cast.policy_editor).get(page(version)).content.decode()
    places = [
        text.rindex(title)
        for title in (
            "、依据与施行</span>",
            "、谁可以申领</span>",
            "、支持什么、按什么算</span>",
            "、补多少</span>",
            "、最低和最高</span>",
            "、怎样发放</span>",
            "、申报材料</span>",
            "、审核环节</span>",
            "、算例</span>",
        )
    ]
    assert places == sorted(places)


def test_a_rate_above_one_is_refused_beside_its_field_and_nothing_is_written(
    cast: Cast, version: PolicyVersion
):
    client = signed_in(cast.policy_editor)
    data = typed(client.get(page(version)))
    name = next(key for key, value in data.items() if key.endswith("-rate") and value == "20%")
    refused = client.post(page(version), data | {name: "20"})
    assert refused.status_code == 422
    assert "比例不能超过 100%，您填写的是 2000%。如果原文是 20%，请写作“20%”。" in refused.content.decode()
    assert PolicyRate.objects.get(version=version).rate == Decimal("0.2")


def test_proposed_by_one_and_published_by_another_through_the_pages(cast: Cast, version: PolicyVersion):
    editor, publisher = signed_in(cast.policy_editor), signed_in(cast.publisher)
    assert editor.get(act(version, "propose")).status_code == 200
    assert (
        editor.post(act(version, "propose"), {"shown": policy_editing.stamp_of(version)}).status_code == 302
    )
    assert "提请发布" not in editor.get(page(version)).context["acts"]
    assert editor.post(act(version, "publish")).status_code == 403
    version.refresh_from_db()
    sent = {"shown": version.proposed_sha256}
    assert publisher.post(act(version, "publish"), sent).status_code == 302
    publication = Publication.objects.get()
    assert (publication.proposed_by, publication.published_by) == (cast.policy_editor, cast.publisher)
    read = publisher.get(reverse("admin:vouchers_publication_change", args=[publication.publication_no]))
    assert publication.sha256 in read.content.decode()
    assert editor.get(page(version)).context["has_change_permission"] is False


def test_a_refusal_names_every_difference_and_keeps_the_draft(cast: Cast, version: PolicyVersion):
    PolicyRate.objects.filter(version=version).update(rate=Decimal("0.21"))
    refused = signed_in(cast.policy_editor).post(act(version, "propose"))
    assert refused.status_code == 422
    assert "金额应为" in refused.content.decode()
    assert PolicyVersion.objects.get().state == "draft"


def test_the_version_reads_as_prose_and_travels_as_yaml(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    text = client.get(version_address(version, "text")).content.decode()
    assert "按基数的 20% 支持" in text
    assert "演示设定（文件未载明）" in text
    exported = client.get(version_address(version, "yaml"))
    assert read_scheme(exported.content.decode()) == shipped_scheme("BJ-AIQ")


def test_a_new_version_is_started_and_cloned_in_the_admin(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.policy_editor)
    cloned = client.post(act(version, "clone"), {"label": "2026年"})
    assert cloned.status_code == 302
    assert PolicyVersion.objects.get(label="2026年").number == 2
    empty = {
        "program": version.program_id,
        "label": "空白",
        "title": "新的",
        "document_no": "京经信发〔2025〕1号",
        "pay_to": "reimburse_applicant",
        "basis_kind": "invoice_line",
    }
    assert client.post(reverse("admin:vouchers_policyversion_add"), empty).status_code == 302
    blank = PolicyVersion.objects.get(label="空白")
    assert client.get(page(blank)).status_code == 200


def urls(version: PolicyVersion) -> list[str]:
    return [
        page(version),
        act(version, "propose"),
        version_address(version, "text"),
        version_address(version, "yaml"),
        reverse("admin:vouchers_program_change", args=[version.program.code]),
    ]


def test_another_regions_editor_does_not_find_it(cast: Cast, version: PolicyVersion):
    client = signed_in(cast.other_policy_editor)
    for url in urls(version):
        assert client.get(url).status_code in (302, 404)
    assert (
        version.program.code
        not in client.get(reverse("admin:vouchers_policyversion_changelist")).content.decode()
    )


def test_a_stranger_and_a_technical_superuser_have_no_business_here(cast: Cast, version: PolicyVersion):
    root = User.objects.create_superuser("root", "x", display_name="技术员")
    for url in urls(version):
        assert signed_in(cast.stranger).get(url).status_code == 403
        assert signed_in(root).get(url).status_code == 403
    listed = signed_in(root).get(reverse("admin:vouchers_policyversion_changelist"))
    assert listed.status_code == 403


def test_nobody_deletes_a_version_or_a_publication(cast: Cast, version: PolicyVersion):
    for row in (version, version.program):
        url = admin_address(row, "delete")
        assert signed_in(cast.policy_editor).post(url, {"post": "yes"}).status_code == 403


def test_a_budget_comes_by_an_appropriation_document_once(cast: Cast, version: PolicyVersion):
    User.objects.filter(pk=cast.finance.pk).update(is_staff=True)
    client = signed_in(cast.finance)
    url = reverse("admin:vouchers_program_act", args=[version.program.code, "appropriate"])
    given = {"year": 2025, "document_no": "京财指〔2025〕1号", "amount": "50000000.00"}
    assert client.post(url, given).status_code == 302
    assert client.post(url, given).status_code == 302
    assert ProgramBudget.objects.get().amount == Decimal("50000000.00")
    assert Appropriation.objects.count() == 1
    assert LedgerAccount.objects.get(code="budget:BJ-AIQ:2025").credits_posted == Decimal("50000000.00")
    again = client.post(url, given | {"amount": "1.00"})
    assert again.status_code == 422
    assert "已下达" in again.content.decode()
    assert Program.objects.get().budgets.count() == 1
