"""The configuration's pages of people and companies: what each role finds there, and what it may do."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from tests.cast import SINCE, Cast
from vouchers import dates
from vouchers.access import Role, has_role
from vouchers.admin.scoped import admin_address
from vouchers.models import (
    ApiCredential,
    BankAccount,
    DeclaredAffiliation,
    Listing,
    Party,
    PlatformConnection,
    ProviderAdmission,
    Region,
    RoleGrant,
    Shareholding,
    User,
    Webhook,
)

pytestmark = pytest.mark.django_db

# What the configuration holds at all: state that only actions write (applications, claims, vouchers, payments) is not here.
CONFIGURED = {
    "ApiCredential",
    "BankAccount",
    "ChipModel",
    "DebarmentList",
    "DeclaredAffiliation",
    "FxRate",
    "Listing",
    "Party",
    "PaymentBand",
    "PlatformConnection",
    "PolicyVersion",
    "PriceFile",
    "PriceIndexIssue",
    "PriceIndexRow",
    "PriceMethod",
    "PriceObservation",
    "PriceReport",
    "Program",
    "ProviderAdmission",
    "Publication",
    "RecoveryTerm",
    "Region",
    "ReportingDuty",
    "RoleGrant",
    "Shareholding",
    "SupervisionTable",
    "User",
    "Webhook",
}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(model: str, page: str, row: Any = None, *args: object) -> str:
    return admin_address(row, page, *args) if row is not None else reverse(f"admin:vouchers_{model}_{page}")


def index(user: User) -> set[str]:
    """The nouns on the front page."""
    groups = signed_in(user).get(reverse("admin:index")).context["app_list"]
    return {page["object_name"] for group in groups for page in group["models"]}


def may_add(user: User) -> set[str]:
    groups = signed_in(user).get(reverse("admin:index")).context["app_list"]
    return {page["object_name"] for group in groups for page in group["models"] if page["add_url"]}


def test_only_configuration_stands_in_the_admin(cast: Cast):
    assert {model.__name__ for model in admin.site._registry} == CONFIGURED


def test_the_front_page_shows_each_role_its_own(cast: Cast):
    assert may_add(cast.security_admin) == {"User", "RoleGrant", "ApiCredential", "Webhook"}
    assert may_add(cast.system_admin) == {"Region"}
    drafts = {
        "Program",
        "PolicyVersion",
        "ProviderAdmission",
        "PaymentBand",
        "RecoveryTerm",
        "SupervisionTable",
    }
    assert may_add(cast.policy_editor) == drafts
    assert may_add(cast.handler) == {"Party", "PlatformConnection"}
    assert may_add(cast.auditor) == set()
    assert "User" not in index(cast.policy_editor)
    assert "User" in index(cast.auditor)
    assert "BankAccount" not in index(cast.security_admin)
    assert "BankAccount" in index(cast.finance)


def test_the_front_page_is_chinese(cast: Cast):
    text = signed_in(cast.security_admin).get(reverse("admin:index")).content.decode()
    assert "人员与权限" in text and "角色授权" in text
    visible = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", text, flags=re.S)
    assert not re.search(r"[A-Za-z]{3,}", visible), re.findall(r"[A-Za-z]{3,}", visible)


def test_a_visitor_is_led_to_the_one_sign_in_page_and_back(cast: Cast, client):
    wanted = address("rolegrant", "changelist")
    asked = client.get(wanted, follow=True)
    assert asked.redirect_chain[-1][0].startswith(reverse("accounts:login"))
    assert asked.context["next"] == wanted


def test_the_sign_in_page_does_not_lead_outside(cast: Cast, client):
    answer = client.get(reverse("admin:login"), {"next": "https://example.org/"})
    assert "example.org" not in answer["Location"]


@pytest.mark.parametrize("person", ["stranger", "filer", "platform"])
def test_who_holds_no_office_is_refused(cast: Cast, person: str):
    answer = signed_in(getattr(cast, person)).get(reverse("admin:index"))
    assert answer.status_code == 403
    assert "configuration.staff_only" in answer.content.decode()


def test_a_technical_superuser_is_refused_too(cast: Cast):
    root = User.objects.create_superuser("root", "x", display_name="技术员")
    assert signed_in(root).get(reverse("admin:index")).status_code == 403


def test_an_account_is_made_and_its_password_shown_once(cast: Cast):
    client = signed_in(cast.security_admin)
    answer = client.post(address("user", "add"), {"username": "xin-ren", "display_name": "新人"})
    account = User.objects.get(username="xin-ren")
    password = answer.context["secret"]
    assert account.check_password(password)
    assert "no-store" in answer["Cache-Control"]
    assert password not in client.get(address("user", "change", account)).content.decode()


def test_a_role_is_granted_and_an_incompatible_one_refused_at_its_field_with_what_was_typed(cast: Cast):
    client = signed_in(cast.security_admin)
    given = {
        "user": cast.stranger.pk,
        "role": "handler",
        "region": cast.beijing.pk,
        "effective_from": "2025-07-15",
    }
    assert client.post(address("rolegrant", "add"), given).status_code == 302
    assert has_role(User.objects.get(pk=cast.stranger.pk), Role.HANDLER, region=cast.beijing)
    refused = client.post(
        address("rolegrant", "add"), given | {"role": "approver", "organisation": "大数据局"}
    )
    assert refused.status_code == 422
    assert "审查与核准须由两人分别办理" in str(refused.context["form"].errors["role"])
    assert "大数据局" in refused.content.decode()
    assert RoleGrant.objects.filter(user=cast.stranger).count() == 1


def test_the_choices_of_a_grant_are_those_in_care_and_not_oneself(cast: Cast):
    form = signed_in(cast.security_admin).get(address("rolegrant", "add")).context["form"]
    people = set(form.fields["user"].queryset)
    assert {cast.handler, cast.stranger, cast.filer} <= people
    assert not {cast.security_admin, cast.other_handler, cast.other_filer} & people
    assert set(form.fields["region"].queryset) == {cast.beijing}
    assert set(form.fields["party"].queryset) == {cast.alpha, cast.provider}
    given = {
        "user": cast.other_handler.pk,
        "role": "expert",
        "region": cast.beijing.pk,
        "effective_from": "2025-07-15",
    }
    assert signed_in(cast.security_admin).post(address("rolegrant", "add"), given).status_code == 200
    assert RoleGrant.objects.filter(user=cast.other_handler).count() == 1


def test_the_look_up_of_a_field_is_scoped_like_its_choices(cast: Cast):
    def found(user: User, field: str) -> set[str]:
        asked = {"app_label": "vouchers", "model_name": "rolegrant", "field_name": field}
        answer = signed_in(user).get(reverse("admin:autocomplete"), asked)
        return {row["text"] for row in answer.json()["results"]} if answer.status_code == 200 else set()

    names = found(cast.security_admin, "user")
    assert "京受理" in names and "路人" in names
    assert not {"京安全", "深受理"} & names
    assert found(cast.security_admin, "party") == {cast.alpha.name, cast.provider.name}
    assert found(cast.handler, "user") == set()


def test_a_role_is_taken_back_by_a_reason(cast: Cast):
    grant = RoleGrant.objects.get(user=cast.handler)
    page = address("rolegrant", "act", grant, "revoke")
    client = signed_in(cast.security_admin)
    assert client.post(page, {"on": "2025-07-15", "reason": ""}).status_code == 200
    assert client.post(page, {"on": "2025-07-15", "reason": "调岗"}).status_code == 302
    grant.refresh_from_db()
    assert grant.effective_to == date(2025, 7, 15)


def test_another_regions_security_administrator_finds_nothing_of_ours(cast: Cast):
    other = User.objects.create(username="other-security-admin", display_name="深安全")
    RoleGrant.objects.create(user=other, role=Role.SECURITY_ADMIN, region=cast.shenzhen, effective_from=SINCE)
    client = signed_in(other)
    grant = RoleGrant.objects.get(user=cast.handler)
    credential = ApiCredential.objects.get()
    for page in (
        address("user", "change", cast.handler),
        address("rolegrant", "change", grant),
        address("rolegrant", "act", grant, "revoke"),
        address("apicredential", "change", credential),
    ):
        assert client.get(page).status_code in (302, 404), page
    assert client.post(address("user", "act", cast.handler, "lock"), {"reason": "试试"}).status_code == 404
    assert User.objects.get(pk=cast.handler.pk).is_active
    listed = client.get(address("rolegrant", "changelist")).content.decode()
    assert "深受理" in listed and "京受理" not in listed


def test_an_auditor_reads_the_grants_and_changes_none(cast: Cast):
    client = signed_in(cast.auditor)
    grant = RoleGrant.objects.get(user=cast.handler)
    assert client.get(address("rolegrant", "change", grant)).status_code == 200
    assert client.get(address("rolegrant", "add")).status_code == 403
    assert client.post(address("rolegrant", "act", grant, "revoke"), {"reason": "试试"}).status_code == 403
    assert client.post(address("rolegrant", "change", grant), {"role": "auditor"}).status_code == 403


def test_a_token_is_shown_once(cast: Cast, api):
    client = signed_in(cast.security_admin)
    given = {"provider": cast.provider.pk, "user": cast.platform.pk, "label": "结算"}
    answer = client.post(address("apicredential", "add"), given)
    token = answer.context["secret"]
    assert api(token=token).get("/api/v1/claims").status_code == 200
    credential = ApiCredential.objects.get(label="结算")
    shown = client.get(address("apicredential", "change", credential)).content.decode()
    assert token not in shown and credential.token_digest not in shown


def test_a_credential_is_bound_to_the_issuers_region_rotated_with_an_overlap_and_narrowed(cast: Cast, api):
    client = signed_in(cast.security_admin)
    given = {"provider": cast.provider.pk, "user": cast.platform.pk, "label": "结算", "scopes": ["read"]}
    old = client.post(address("apicredential", "add"), given).context["secret"]
    credential = ApiCredential.objects.get(label="结算")
    assert (credential.region, credential.scopes) == (cast.beijing, ["read"])
    assert (
        client.post(address("apicredential", "add"), given | {"region": cast.shenzhen.pk}).status_code == 200
    )
    assert not ApiCredential.objects.filter(region=cast.shenzhen).exists()
    new = client.post(address("apicredential", "act", credential, "rotate"), {"hours": 24}).context["secret"]
    for token in (old, new):
        assert api(token=token).get("/api/v1/claims").status_code == 200
    credential.refresh_from_db()
    assert credential.last_used_at is not None and old not in str(vars(credential))
    ApiCredential.objects.filter(pk=credential.pk).update(previous_until=dates.now() - timedelta(days=9000))
    assert [api(token=token).get("/api/v1/claims").status_code for token in (old, new)] == [401, 200]
    narrowed = {"scopes": ["settle"], "calls_a_minute": 60, "reason": "试用"}
    assert client.post(address("apicredential", "act", credential, "narrow"), narrowed).status_code == 302
    assert api(token=new).get("/api/v1/claims").status_code == 403
    assert (
        client.post(address("apicredential", "act", credential, "revoke"), {"reason": "停用"}).status_code
        == 302
    )
    assert api(token=new).get("/api/v1/claims").status_code == 401
    assert client.get(address("apicredential", "act", credential, "rotate")).status_code == 200
    refused = client.post(address("apicredential", "act", credential, "rotate"), {"hours": 1})
    assert refused.status_code == 409


def test_an_address_for_events_is_proposed_by_one_and_approved_by_another(cast: Cast):
    security, system = signed_in(cast.security_admin), signed_in(cast.system_admin)
    given = {"provider": cast.provider.pk, "region": cast.beijing.pk, "url": "http://127.0.0.1:9/hook"}
    inside = security.post(address("webhook", "add"), given | {"url": "https://10.0.0.1/hook"})
    assert (inside.status_code, Webhook.objects.count()) == (422, 0)
    answer = security.post(address("webhook", "add"), given)
    secret = answer.context["secret"]
    webhook = Webhook.objects.get()
    assert webhook.state == "proposed" and secret not in webhook.secret_sealed
    assert security.post(address("webhook", "act", webhook, "approve")).status_code == 403
    assert system.post(address("webhook", "act", webhook, "approve")).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.state, webhook.approved_by) == ("active", cast.system_admin)
    page = security.get(address("webhook", "change", webhook)).content.decode()
    assert secret not in page and webhook.secret_sealed not in page and "尚未推送" in page
    assert security.post(address("webhook", "act", webhook, "pause"), {"reason": "维护"}).status_code == 302
    assert security.post(address("webhook", "act", webhook, "resume")).status_code == 302
    assert (
        security.post(address("webhook", "act", webhook, "rotate"), {"hours": 2}).context["secret"] != secret
    )
    assert security.post(address("webhook", "act", webhook, "end"), {"reason": "下线"}).status_code == 302
    assert Webhook.objects.get().state == "ended"


def test_a_region_is_added_below_the_own_one_and_renamed(cast: Cast):
    client = signed_in(cast.system_admin)
    given = {"code": "110115", "name": "大兴区", "parent": cast.beijing.pk}
    assert client.post(address("region", "add"), given).status_code == 302
    refused = client.post(address("region", "add"), given)
    assert (refused.status_code, "已经登记" in str(refused.context["form"].errors["code"])) == (422, True)
    assert client.post(address("region", "add"), given | {"code": "11x"}).status_code == 422
    assert client.get(address("region", "act", cast.shenzhen, "rename")).status_code == 403
    assert client.post(address("region", "act", cast.beijing, "rename"), {"name": "北京"}).status_code == 302
    assert Region.objects.get(code="110000").name == "北京"


def test_a_company_with_an_odd_code_is_registered_with_a_warning(cast: Cast):
    client = signed_in(cast.handler)
    form = client.get(address("party", "add")).context["form"]
    given = {name: form[name].value() or "" for name in form.fields}
    given |= {"uscc": "91110108MA01ALPH00", "name": "丁公司", "region_code": "110108", "is_enterprise": "on"}
    given.pop("is_provider")
    answer = client.post(address("party", "add"), given, follow=True)
    assert "校验位不符" in answer.content.decode()
    party = Party.objects.get(name="丁公司")
    refused = client.post(address("party", "act", party, "correct"), given | {"region_code": "北京"})
    assert (refused.status_code, "6 位" in str(refused.context["form"].errors)) == (422, True)


def test_a_provider_is_admitted_and_ended_by_the_programs_editor(cast: Cast):
    from tests import casework

    program = casework.published(cast, "BJ-AIQ").program
    client = signed_in(User.objects.get(pk=cast.policy_editor.pk))
    given = {
        "provider": cast.provider.pk,
        "program": program.pk,
        "batch": "2025年第一批",
        "service_item": "智能算力",
        "effective_from": "2025-01-01",
    }
    assert client.post(address("provideradmission", "add"), given).status_code == 302
    admission = ProviderAdmission.objects.get()
    assert client.post(address("provideradmission", "add"), given).status_code == 422
    assert signed_in(cast.other_policy_editor).get(
        address("provideradmission", "change", admission)
    ).status_code in (302, 404)
    page = address("provideradmission", "act", admission, "end")
    assert client.post(page, {"on": "2025-07-15", "reason": "退出"}).status_code == 302
    admission.refresh_from_db()
    assert admission.effective_to == date(2025, 7, 15)


def test_a_connection_to_a_platform_is_recorded_with_its_document_and_ended_with_a_reason(cast: Cast):
    from tests import casework

    program = casework.published(cast, "BJ-AIQ").program
    client = signed_in(cast.handler)
    given = {
        "party": cast.provider.pk,
        "platform": "北京算力监测调度平台",
        "region": cast.beijing.pk,
        "program": program.pk,
        "effective_from": "2025-01-01",
        "document_no": "接入通知〔2025〕3号",
    }
    refused = client.post(address("platformconnection", "add"), given | {"effective_from": "2025-12-01"})
    assert (refused.status_code, "不能晚于今天" in refused.content.decode()) == (422, True)
    assert client.post(address("platformconnection", "add"), given).status_code == 302
    row = PlatformConnection.objects.get()
    again = client.post(address("platformconnection", "add"), given | {"effective_from": "2025-03-01"})
    assert (again.status_code, "已登记接入" in again.content.decode()) == (422, True)
    # Another region's handler neither sees it nor may choose this region.
    other = signed_in(cast.other_handler)
    assert other.post(address("platformconnection", "add"), given).status_code != 302
    assert other.get(address("platformconnection", "change", row)).status_code in (302, 404)
    page = address("platformconnection", "act", row, "end")
    assert client.post(page, {"on": "2025-07-15", "reason": ""}).status_code != 302
    assert client.post(page, {"on": "2025-07-15", "reason": "退出平台"}).status_code == 302
    row.refresh_from_db()
    assert row.effective_to == date(2025, 7, 15)
    assert AuditEvent.objects.filter(verb="platform_connection.end").exists()


def test_history_and_what_companies_enter_is_read_only(cast: Cast):
    Listing.objects.create(
        party=cast.alpha, kind="serious_dishonesty", effective_from=SINCE, origin="imported"
    )
    Shareholding.objects.create(
        company=cast.alpha, holder_kind="person", holder_id="x", percent="60", effective_from=SINCE
    )
    DeclaredAffiliation.objects.create(
        party=cast.alpha, other=cast.provider, relation="sister", declared_on=SINCE
    )
    client = signed_in(cast.handler)
    for model in (BankAccount, Listing, Shareholding, DeclaredAffiliation):
        name, row = model._meta.model_name, model.objects.first()
        assert client.get(address(name, "changelist")).status_code == 200
        assert client.get(address(name, "change", row)).status_code == 200
        assert client.get(address(name, "add")).status_code == 403
        assert client.post(address(name, "change", row), {}).status_code == 403
        assert client.post(address(name, "delete", row), {"post": "yes"}).status_code == 403
    Party.objects.filter(pk=cast.alpha.pk).update(origin="imported")
    page = client.get(address("party", "change", cast.alpha))
    assert page.context["acts"] == []


def test_the_office_lands_on_the_configuration(cast: Cast):
    for person in (cast.security_admin, cast.system_admin, cast.policy_editor, cast.price_publisher):
        assert signed_in(person).get(reverse("home"))["Location"] == reverse("admin:index")
    assert signed_in(cast.finance).get(reverse("home"))["Location"] == reverse("desk:home")


def test_the_day_stands_in_the_form_as_the_browsers_picker_reads_it(cast: Cast):
    page = signed_in(cast.security_admin).get(address("rolegrant", "add")).content.decode()
    assert 'value="2025-07-15"' in page
