"""Accounts, grants and credentials: in the care of the own region's security administrator, and never for oneself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.cast import SINCE, Cast
from vouchers import dates
from vouchers.access import Role, has_role
from vouchers.actions import credentials, people, register
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import ApiCredential, Party, Region, RoleGrant, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def newcomer(cast: Cast) -> User:
    account, _password = people.create_user(username="xin-ren", display_name="新人", by=cast.security_admin)
    return account


def again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_a_new_account_has_a_password_shown_once_and_no_right(cast: Cast):
    account, password = people.create_user(username="xin-ren", display_name="新人", by=cast.security_admin)
    assert again(account).check_password(password)
    assert password not in again(account).password
    assert not any(has_role(account, role) for role in Role)


def test_a_name_that_is_taken_or_empty_is_refused_at_its_field(cast: Cast):
    with pytest.raises(Problems) as refusal:
        people.create_user(username="handler", display_name=" ", by=cast.security_admin)
    assert {(one.field, one.code) for one in refusal.value.problems} == {
        ("username", "user.username"),
        ("display_name", "user.name"),
    }
    assert User.objects.filter(username="handler").count() == 1


@pytest.mark.parametrize("person", ["system_admin", "audit_admin", "handler", "stranger", "filer"])
def test_only_security_administrators_make_accounts_and_grant(cast: Cast, newcomer: User, person: str):
    by = getattr(cast, person)
    with pytest.raises(Forbidden) as refusal:
        people.create_user(username="another", display_name="另一位", by=by)
    assert refusal.value.code == "access.role"
    with pytest.raises(Forbidden):
        people.grant_role(newcomer, Role.HANDLER, region=cast.beijing, by=by)


def test_a_technical_superuser_grants_nothing(cast: Cast, newcomer: User):
    root = User.objects.create_superuser("root", "x", display_name="技术员")
    with pytest.raises(Forbidden):
        people.grant_role(newcomer, Role.HANDLER, region=cast.beijing, by=root)


def test_nobody_grants_to_himself_nor_takes_back_his_own(cast: Cast):
    with pytest.raises(Forbidden) as refusal:
        people.grant_role(cast.security_admin, Role.HANDLER, region=cast.beijing, by=cast.security_admin)
    assert refusal.value.code == "access.self_grant"
    own = RoleGrant.objects.get(user=cast.security_admin)
    with pytest.raises(Forbidden):
        people.revoke_role(own, reason="不再需要", by=cast.security_admin)


def test_incompatible_roles_are_refused_at_the_role_in_chinese(cast: Cast):
    with pytest.raises(Invalid) as refusal:
        people.grant_role(cast.handler, Role.APPROVER, region=cast.beijing, by=cast.security_admin)
    assert (refusal.value.code, refusal.value.field) == ("access.incompatible", "role")
    assert "审查与核准须由两人分别办理" in refusal.value.message


def test_a_role_granted_for_later_is_incompatible_already_today(cast: Cast, newcomer: User):
    people.grant_role(
        newcomer,
        Role.HANDLER,
        region=cast.beijing,
        effective_from=dates.today() + timedelta(30),
        by=cast.security_admin,
    )
    with pytest.raises(Invalid) as refusal:
        people.grant_role(newcomer, Role.APPROVER, region=cast.beijing, by=cast.security_admin)
    assert refusal.value.code == "access.incompatible"


def test_a_security_administrator_grants_in_the_own_region_and_below(cast: Cast, newcomer: User):
    etown = Region.objects.create(code="110115", name="北京经济技术开发区", parent=cast.beijing)
    people.grant_role(newcomer, Role.HANDLER, region=etown, by=cast.security_admin)
    with pytest.raises(Forbidden) as refusal:
        people.grant_role(newcomer, Role.HANDLER, region=cast.shenzhen, by=cast.security_admin)
    assert (refusal.value.code, refusal.value.field) == ("access.region", "region")


def test_a_new_regions_first_grant_is_its_own_security_administrator(cast: Cast, newcomer: User):
    city = Region.objects.create(code="990100", name="例示市")
    with pytest.raises(Forbidden) as refusal:
        people.grant_role(newcomer, Role.HANDLER, region=city, by=cast.security_admin)
    assert refusal.value.code == "access.region"
    people.grant_role(newcomer, Role.SECURITY_ADMIN, region=city, by=cast.security_admin)
    editor, _password = people.create_user(username="li-shi", display_name="例示", by=again(newcomer))
    people.grant_role(editor, Role.POLICY_EDITOR, region=city, by=again(newcomer))
    assert has_role(again(editor), Role.POLICY_EDITOR, region=city)
    third, _password = people.create_user(username="san", display_name="第三人", by=cast.security_admin)
    with pytest.raises(Forbidden) as refusal:
        people.grant_role(third, Role.SECURITY_ADMIN, region=city, by=cast.security_admin)
    assert refusal.value.code == "access.region"
    below = Region.objects.create(code="990101", name="例示区", parent=city)
    with pytest.raises(Forbidden):
        people.grant_role(third, Role.SECURITY_ADMIN, region=below, by=cast.security_admin)


def test_companies_are_in_the_care_of_the_region_where_they_are_registered(cast: Cast, newcomer: User):
    people.grant_role(newcomer, Role.FILER, party=cast.alpha, by=cast.security_admin)
    assert has_role(again(newcomer), Role.FILER, party=cast.alpha)
    with pytest.raises(Forbidden) as refusal:
        people.grant_role(newcomer, Role.FILER, party=cast.beta, by=cast.security_admin)
    assert refusal.value.code == "access.party"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role": Role.FILER, "place": "beijing"}, "grant.place"),
        ({"role": Role.HANDLER, "place": "alpha"}, "grant.place"),
        ({"role": Role.PLATFORM, "place": "alpha"}, "grant.not_a_provider"),
        ({"role": "king", "place": "beijing"}, "grant.role"),
        ({"role": Role.HANDLER, "place": "beijing", "effective_from": date(2025, 7, 14)}, "grant.backdated"),
        ({"role": Role.HANDLER, "place": "beijing", "effective_to": date(2025, 7, 15)}, "grant.dates"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused_with_its_code(
    cast: Cast, newcomer: User, given: dict, code: str
):
    place = getattr(cast, given.pop("place"))
    where = {"region" if isinstance(place, Region) else "party": place}
    with pytest.raises(Invalid) as refusal:
        people.grant_role(newcomer, given.pop("role"), **where, **given, by=cast.security_admin)
    assert refusal.value.code == code
    assert not RoleGrant.objects.filter(user=newcomer).exists()


def test_the_same_grant_is_not_given_twice(cast: Cast):
    with pytest.raises(NotNow) as refusal:
        people.grant_role(cast.handler, Role.HANDLER, region=cast.beijing, by=cast.security_admin)
    assert refusal.value.code == "grant.held"


def test_a_revoked_role_ends_on_its_day_and_may_then_be_given_anew(cast: Cast):
    grant = RoleGrant.objects.get(user=cast.handler)
    people.revoke_role(grant, reason="调岗", on=dates.today() + timedelta(1), by=cast.security_admin)
    assert has_role(again(cast.handler), Role.HANDLER)
    with dates.fixed(dates.today() + timedelta(1)):
        assert not has_role(again(cast.handler), Role.HANDLER)
        people.grant_role(cast.handler, Role.APPROVER, region=cast.beijing, by=cast.security_admin)


def test_a_grant_given_by_mistake_is_taken_back_on_the_same_day(cast: Cast, newcomer: User):
    grant = people.grant_role(newcomer, Role.HANDLER, region=cast.beijing, by=cast.security_admin)
    people.revoke_role(grant, reason="误授", by=cast.security_admin)
    assert not has_role(again(newcomer), Role.HANDLER)
    people.grant_role(newcomer, Role.APPROVER, region=cast.beijing, by=cast.security_admin)


def test_a_locked_account_acts_no_more(cast: Cast, client):
    client.force_login(cast.handler)
    assert client.get("/desk/").status_code == 200
    people.lock_user(again(cast.handler), reason="离职", by=cast.security_admin)
    assert client.get("/desk/").status_code == 302
    with pytest.raises(NotNow):
        people.grant_role(again(cast.handler), Role.EXPERT, region=cast.beijing, by=cast.security_admin)
    people.unlock_user(again(cast.handler), reason="返聘", by=cast.security_admin)
    assert again(cast.handler).is_active


def test_another_regions_people_are_not_locked_nor_given_new_passwords(cast: Cast):
    for deed in (
        lambda: people.lock_user(cast.other_handler, reason="试试", by=cast.security_admin),
        lambda: people.reset_password(cast.other_handler, by=cast.security_admin),
    ):
        with pytest.raises(Forbidden) as refusal:
            deed()
        assert refusal.value.code == "access.account"


def test_who_serves_two_regions_gets_no_new_password_from_one_of_them(cast: Cast):
    RoleGrant.objects.create(
        user=cast.other_approver, role=Role.APPROVER, region=cast.beijing, effective_from=SINCE
    )
    with pytest.raises(Forbidden) as refusal:
        people.reset_password(cast.other_approver, by=cast.security_admin)
    assert refusal.value.code == "access.account_elsewhere"
    password = people.reset_password(cast.approver, by=cast.security_admin)
    assert again(cast.approver).check_password(password)


def test_a_credential_is_shown_once_and_refused_after_it_was_revoked(cast: Cast, api):
    credential, token = credentials.issue_credential(
        provider=cast.provider, user=cast.platform, label="结算平台", by=cast.security_admin
    )
    assert token not in ApiCredential.objects.get(pk=credential.pk).token_digest
    assert api(token=token).get("/api/v1/claims").status_code == 200
    credentials.revoke_credential(credential, reason="密钥泄露", by=cast.security_admin)
    assert api(token=token).get("/api/v1/claims").status_code == 401
    with pytest.raises(NotNow):
        credentials.revoke_credential(credential, reason="再次", by=cast.security_admin)


def test_a_credential_needs_a_platforms_account(cast: Cast):
    with pytest.raises(Invalid) as refusal:
        credentials.issue_credential(
            provider=cast.provider, user=cast.filer, label="结算平台", by=cast.security_admin
        )
    assert (refusal.value.code, refusal.value.field) == ("credential.user", "user")


NEW_PARTY = {"name": "丁科技有限公司", "is_enterprise": True, "region_code": "110108", "status": "active"}


def test_a_wrong_check_digit_of_a_companys_code_is_a_warning_only(cast: Cast):
    party = register.register_party(uscc="91110108MA01ALPH00", **NEW_PARTY, by=cast.handler)
    assert "校验位不符" in register.code_warning(party.uscc)
    assert register.code_warning(cast.alpha.uscc) == ""


def test_a_code_of_another_length_and_a_known_one_are_refused(cast: Cast):
    for uscc, code in (("9111", "party.uscc"), (cast.alpha.uscc, "party.known")):
        with pytest.raises(Invalid) as refusal:
            register.register_party(uscc=uscc, **NEW_PARTY, by=cast.handler)
        assert refusal.value.code == code
    assert Party.objects.count() == 3


def test_every_fault_of_a_company_is_told_at_once(cast: Cast):
    with pytest.raises(Problems) as refusal:
        register.correct_party(
            cast.alpha,
            name="",
            is_enterprise=False,
            region_code="11",
            registered_on=date(2031, 1, 1),
            by=cast.handler,
        )
    assert {one.code for one in refusal.value.problems} == {
        "party.name",
        "party.kind",
        "party.region",
        "party.registered_on",
    }
    assert Party.objects.get(pk=cast.alpha.pk).name == "甲智能科技（北京）有限公司"


def test_another_regions_handler_does_not_correct_our_companies(cast: Cast):
    with pytest.raises(Forbidden) as refusal:
        register.correct_party(cast.alpha, name="改名", by=cast.other_handler)
    assert refusal.value.code == "access.party"
