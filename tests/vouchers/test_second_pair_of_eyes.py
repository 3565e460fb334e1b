"""What is published is what the publisher read, and nobody publishes what they had a hand in."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connections, transaction
from django.test import Client

from tests.cast import SINCE, Cast
from vouchers.access import Role
from vouchers.actions import policies
from vouchers.actions.policy_editing import begin_edit, stamp_of
from vouchers.actions.policy_examples import examples_workbook, import_examples
from vouchers.actions.policy_files import export_version, import_version
from vouchers.actions.policy_trials import keep_trial
from vouchers.admin.scoped import admin_address
from vouchers.context import Actor, acting
from vouchers.errors import Forbidden, NotNow
from vouchers.models import (
    PolicyCap,
    PolicyEditor,
    PolicyVersion,
    PolicyWayOfIssue,
    Publication,
    RoleGrant,
    User,
)
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        return policies.load_scheme(
            shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor
        )


def proposed(cast: Cast, version: PolicyVersion) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        return policies.propose_version(PolicyVersion.objects.get(pk=version.pk), by=cast.policy_editor)


def changed_meanwhile(cast: Cast, version: PolicyVersion) -> None:
    """The editor takes it back, changes what it says, and proposes it again."""
    mine = PolicyVersion.objects.get(pk=version.pk)
    with acting(cast.policy_editor, "test"):
        policies.return_version(mine, by=cast.policy_editor, reason="再改一处")
        PolicyCap.objects.filter(version=mine, amount=Decimal("2000000")).update(cite_note="悄悄改动")
        policies.propose_version(mine, by=cast.policy_editor)


def page(client: Client, version: PolicyVersion, verb: str) -> tuple[str, dict[str, str]]:
    """The verb's page, and what its form would send."""
    address = admin_address(version).replace("/change/", f"/act/{verb}/")
    text = client.get(address).content.decode()
    hidden = re.search(r'name="shown" value="([0-9a-f]*)"', text)
    assert hidden is not None
    return address, {"shown": hidden.group(1)}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# ---- what was shown


def test_another_content_than_the_publisher_saw_is_not_published(cast: Cast, draft: PolicyVersion):
    version = proposed(cast, draft)
    publisher = signed_in(cast.publisher)
    address, sent = page(publisher, version, "publish")
    changed_meanwhile(cast, version)
    answer = publisher.post(address, sent)
    assert answer.status_code == 409
    assert "policy.changed_since_shown" in answer.content.decode()
    assert not Publication.objects.exists()
    # nor by sending again what that answer shows, or by sending nothing of it
    assert publisher.post(address, sent).status_code == 409
    assert publisher.post(address, {}).status_code == 409
    assert not Publication.objects.exists()
    # but by reading it anew
    address, sent = page(publisher, version, "publish")
    assert publisher.post(address, sent).status_code == 302
    assert Publication.objects.get().sha256 == sent["shown"]


def test_an_action_that_is_handed_an_older_version_refuses_too(cast: Cast, draft: PolicyVersion):
    version = proposed(cast, draft)
    seen = PolicyVersion.objects.get(pk=version.pk)
    changed_meanwhile(cast, version)
    with acting(cast.publisher, "test"), pytest.raises(NotNow) as refused:
        policies.publish_version(seen, by=cast.publisher)
    assert (refused.value.code, refused.value.status) == ("policy.changed_since_shown", 409)


def test_another_draft_than_the_proposer_saw_is_not_proposed(cast: Cast, draft: PolicyVersion):
    editor = signed_in(cast.policy_editor)
    address, sent = page(editor, draft, "propose")
    PolicyCap.objects.filter(version=draft).update(cite_note="同事的改动")
    answer = editor.post(address, sent)
    assert answer.status_code == 409
    assert "policy.changed_since_shown" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"
    address, sent = page(editor, draft, "propose")
    assert editor.post(address, sent).status_code == 302
    draft.refresh_from_db()
    assert draft.state == "proposed"


# ---- whoever edited


@pytest.fixture
def third(cast: Cast) -> User:
    someone = User.objects.create(username="third-editor", display_name="丙编辑")
    RoleGrant.objects.create(user=someone, role=Role.POLICY_EDITOR, region=cast.beijing, effective_from=SINCE)
    return someone


def becomes_publisher(cast: Cast, user: User) -> None:
    RoleGrant.objects.filter(user=user).delete()
    RoleGrant.objects.create(user=user, role=Role.PUBLISHER, region=cast.beijing, effective_from=SINCE)
    user.__dict__.pop("_grants_now", None)


def by_the_page(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    with acting(Actor.service("test"), "test"):  # whom the context names does not matter to the action
        begin_edit(version, stamp_of(version), by=third)
    return version


def by_a_row_alone(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    with acting(third, "test"):
        row = PolicyWayOfIssue.objects.get(version=version)
        row.notice_working_days = 1
        row.save()
    return version


def by_the_versions_own_fields(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    with acting(third, "test"):
        PolicyVersion.objects.filter(pk=version.pk).update(note="改了说明")
    return version


def by_cloning(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    with acting(third, "test"):
        return policies.clone_version(version, by=third, label="再一版")


def by_a_file(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    text = export_version(version).replace(f"label: {version.label}", "label: 另一版")
    assert text != export_version(version)
    with acting(third, "test"):
        return import_version(text.encode(), by=third)


def by_a_workbook_of_examples(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    with acting(third, "test"):
        import_examples(version, examples_workbook(version), by=third)
    return version


def by_keeping_a_trial(cast: Cast, version: PolicyVersion, third: User) -> PolicyVersion:
    from dataclasses import replace

    with acting(Actor.service("test"), "test"):
        keep_trial(version, replace(shipped_examples("BJ-AIQ")[0], code="另一例"), by=third)
    return version


@pytest.mark.parametrize(
    "edit",
    [
        by_the_page,
        by_a_row_alone,
        by_the_versions_own_fields,
        by_cloning,
        by_a_file,
        by_a_workbook_of_examples,
        by_keeping_a_trial,
    ],
)
def test_whoever_ever_edited_a_version_does_not_publish_it_in_another_role(
    cast: Cast, draft: PolicyVersion, third: User, edit
):
    version = edit(cast, draft, third)
    assert PolicyEditor.objects.filter(version=version, person=third).exists()
    version = proposed(cast, version)
    becomes_publisher(cast, third)
    with acting(third, "test"), pytest.raises(Forbidden) as refused:
        policies.publish_version(version, by=third)
    assert refused.value.code == "access.same_person"
    assert not Publication.objects.exists()
    with acting(cast.publisher, "test"):
        assert policies.publish_version(version, by=cast.publisher).published_by == cast.publisher


def test_what_was_edited_in_another_version_does_not_matter(cast: Cast, draft: PolicyVersion, third: User):
    by_cloning(cast, draft, third)
    version = proposed(cast, draft)
    becomes_publisher(cast, third)
    with acting(third, "test"):
        assert policies.publish_version(version, by=third).published_by == third


def test_reading_running_returning_and_publishing_are_no_editing(cast: Cast, draft: PolicyVersion):
    from vouchers.actions.policy_soundness import run_examples

    version = proposed(cast, draft)
    with acting(cast.publisher, "test"):
        run_examples(version, by=cast.publisher)
        policies.return_version(version, by=cast.publisher, reason="请核对")
    version = proposed(cast, version)
    with acting(cast.publisher, "test"):
        policies.publish_version(version, by=cast.publisher)
    assert list(PolicyEditor.objects.values_list("person", flat=True)) == [cast.policy_editor.pk]


def test_the_database_itself_refuses_an_editors_publication(cast: Cast, draft: PolicyVersion, third: User):
    by_a_row_alone(cast, draft, third)
    version = proposed(cast, draft)
    with acting(cast.publisher, "test"):
        publication = policies.publish_version(version, by=cast.publisher)
    for person in (third, cast.policy_editor):
        with pytest.raises(IntegrityError, match="编辑过该政策版本"), transaction.atomic():
            Publication.objects.create(
                publication_no="X",
                program=publication.program,
                version=version,
                canonical=b"{}",
                sha256="0" * 64,
                label="x",
                engine_version="1",
                proposed_by=cast.publisher,
                published_by=person,
                published_at=publication.published_at,
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vouchers_policyeditor SET first_at = now()",
        "DELETE FROM vouchers_policyeditor",
        "TRUNCATE vouchers_policyeditor",
    ],
)
def test_who_edited_is_never_taken_back(cast: Cast, draft: PolicyVersion, statement: str):
    with (
        pytest.raises((ProgrammingError, IntegrityError)),
        transaction.atomic(),
        connections["default"].cursor() as at,
    ):
        at.execute(statement)
    assert PolicyEditor.objects.filter(version=draft).exists()
