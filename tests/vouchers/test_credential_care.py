"""A platform's credential is touched only by whoever looks after all that it reaches, also where its provider is shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import SINCE, Cast
from vouchers.access import Role
from vouchers.actions import credentials
from vouchers.actions.care import credentials_in_care
from vouchers.admin.scoped import admin_address
from vouchers.errors import Forbidden
from vouchers.models import ApiCredential, Program, ProviderAdmission, Region, RoleGrant, User

pytestmark = pytest.mark.django_db

TOUCHES: dict[str, Callable[[ApiCredential, User], Any]] = {
    "rotate": lambda credential, by: credentials.rotate_credential(credential, hours=1, by=by),
    "narrow": lambda credential, by: credentials.narrow_credential(
        credential, scopes=["read"], calls_a_minute=10, reason="收紧", by=by
    ),
    "revoke": lambda credential, by: credentials.revoke_credential(credential, reason="停用", by=by),
}


@pytest.fixture
def shared(cast: Cast) -> dict[str, Any]:
    """The provider serves Beijing, its 亦庄 and Shenzhen; each place has its own security administrator."""
    etown = Region.objects.create(code="110115", name="大兴区", parent=cast.beijing)
    found: dict[str, Any] = {"etown": etown}
    for name, region in (("shenzhen", cast.shenzhen), ("district", etown)):
        found[name] = User.objects.create(username=f"security-{name}", display_name=name, is_staff=True)
        RoleGrant.objects.create(
            user=found[name], role=Role.SECURITY_ADMIN, region=region, effective_from=SINCE
        )
    for code, region in (("SZ-1", cast.shenzhen), ("BJ-1", cast.beijing), ("ET-1", etown)):
        found[code] = Program.objects.create(code=code, name=code, region=region)
        ProviderAdmission.objects.create(
            entry_no=f"AD-{code}", provider=cast.provider, program_code=code, effective_from=SINCE
        )
    return found


def credential_of(cast: Cast, *, region: Region | None, programs: tuple[Program, ...] = ()) -> ApiCredential:
    _token, prefix, digest = ApiCredential.new_token()
    made = ApiCredential.objects.create(
        provider=cast.provider,
        user=cast.platform,
        label="结算",
        region=region,
        token_prefix=prefix,
        token_digest=digest,
    )
    made.programs.set(programs)
    return made


def may(credential: ApiCredential, by: User) -> bool:
    """Whether all three verbs are open to the person (and the list shows it); all or none."""
    open_to = credentials_in_care(by, Role.SECURITY_ADMIN).filter(pk=credential.pk).exists()
    before = ApiCredential.objects.values().get(pk=credential.pk)
    for touch in TOUCHES.values():
        again = ApiCredential.objects.get(pk=credential.pk)
        if open_to:
            touch(again, by)
            continue
        with pytest.raises(Forbidden) as refusal:
            touch(again, by)
        assert refusal.value.code == "access.region"
    if not open_to:
        assert ApiCredential.objects.values().get(pk=credential.pk) == before
    return open_to


@pytest.mark.parametrize(
    ("region", "programs", "open_to"),
    [
        ("beijing", (), {"beijing"}),
        ("etown", (), {"beijing", "district"}),
        ("shenzhen", (), {"shenzhen"}),
        ("beijing", ("ET-1",), {"beijing", "district"}),
        ("beijing", ("BJ-1", "ET-1"), {"beijing"}),
        ("beijing", ("BJ-1", "SZ-1"), set()),
        (None, ("SZ-1",), {"shenzhen"}),
        # Of the time when a credential had no region: it reaches wherever its provider is admitted.
        (None, (), set()),
    ],
)
def test_who_looks_after_all_that_it_reaches_may_touch_it(cast, shared, region, programs, open_to):
    place = shared["etown"] if region == "etown" else getattr(cast, region) if region else None
    people = {
        "beijing": cast.security_admin,
        "shenzhen": shared["shenzhen"],
        "district": shared["district"],
    }
    found = set()
    for name, by in people.items():
        credential = credential_of(cast, region=place, programs=tuple(shared[code] for code in programs))
        if may(credential, by):
            found.add(name)
    assert found == open_to


def test_one_without_a_region_is_touched_where_its_provider_is_admitted_alone(cast, shared):
    ProviderAdmission.objects.exclude(program_code="SZ-1").delete()
    assert may(credential_of(cast, region=None), shared["shenzhen"])
    assert not may(credential_of(cast, region=None), cast.security_admin)


def test_anothers_credential_is_not_in_the_list_and_has_no_page(cast, shared):
    ours = credential_of(cast, region=cast.shenzhen)
    theirs = credential_of(cast, region=cast.beijing)
    client = Client()
    client.force_login(shared["shenzhen"])
    listed = client.get(reverse("admin:vouchers_apicredential_changelist")).content.decode()
    assert ours.token_prefix in listed and theirs.token_prefix not in listed
    for verb in ("rotate", "narrow", "revoke"):
        assert client.get(admin_address(ours, "act", verb)).status_code == 200
        answer = client.post(
            admin_address(theirs, "act", verb),
            {"hours": 1, "reason": "x", "scopes": ["read"], "calls_a_minute": 1},
        )
        assert answer.status_code in (302, 404)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None and theirs.rotated_at is None and theirs.calls_a_minute == 6000
