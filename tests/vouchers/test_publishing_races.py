"""Two persons at one version at the same time, in processes of their own: one wins, and what is published is what was proposed."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from tests.at_once import Deed, at_once
from tests.cast import Cast
from vouchers.access import Role
from vouchers.actions import policies
from vouchers.actions.policy_drafts import scheme_of
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import PolicyRate, PolicyVersion, Publication, PublicationValidity, RoleGrant, User
from vouchers.policy.canonical import digest
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.rules import render


def person(account: str) -> User:
    return User.objects.get(username=account)


def publish_as(account: str) -> Deed:
    def deed(version: int) -> str:
        by = person(account)
        with acting(by, "test"):
            policies.publish_version(PolicyVersion.objects.get(pk=version), by=by)
        return "published"

    return deed


def take_back_and_change(version: int) -> str:
    """Return the version, change its rate, and propose it again: three transactions, as a person would."""
    by = person("policy-editor")
    mine = PolicyVersion.objects.get(pk=version)
    with acting(by, "test"):
        policies.return_version(mine, by=by, reason="再改一处")
    with acting(by, "test"):
        PolicyRate.objects.filter(version=mine).update(cite_note="又改")
    with acting(by, "test"):
        policies.propose_version(mine, by=by)
    return "proposed again"


def propose(version: int) -> str:
    by = person("policy-editor")
    with acting(by, "test"):
        policies.propose_version(PolicyVersion.objects.get(pk=version), by=by)
    return "proposed"


def edit(version: int) -> str:
    from django.db import IntegrityError

    by = person("policy-editor")
    try:
        with acting(by, "test"):
            PolicyRate.objects.filter(version=version).update(cite_note="同时改动")
    except IntegrityError:
        return "refused"
    return "edited"


@pytest.fixture
def draft(committed_db, cast: Cast) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        return policies.load_scheme(
            shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor
        )


@pytest.fixture
def proposed(cast: Cast, draft: PolicyVersion) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        return policies.propose_version(draft, by=cast.policy_editor)


def second_publisher(cast: Cast) -> str:
    RoleGrant.objects.create(
        user=cast.price_publisher, role=Role.PUBLISHER, region=cast.beijing, effective_from=date(2024, 1, 1)
    )
    return cast.price_publisher.username


def test_of_two_publishers_one_publishes(cast: Cast, proposed: PolicyVersion):
    other = second_publisher(cast)
    answers = at_once((publish_as("publisher"), proposed.pk), (publish_as(other), proposed.pk))
    assert sorted(answers) == ["policy_version.not_now", "published"]
    publication = Publication.objects.get()
    assert publication.sha256 == proposed.proposed_sha256
    assert PublicationValidity.objects.count() == 1


def test_of_publishing_and_changing_one_happens_and_never_a_mixture(cast: Cast, proposed: PolicyVersion):
    first, second = at_once((publish_as("publisher"), proposed.pk), (take_back_and_change, proposed.pk))
    proposed.refresh_from_db()
    standing = digest(render(scheme_of(proposed)))
    assert proposed.proposed_sha256 == standing, (first, second)
    if first == "published":
        publication = Publication.objects.get()
        assert publication.sha256 == standing
        assert proposed.state == "published"
    else:
        assert first in ("policy_version.not_now", "policy.changed", "policy.changed_since_shown")
        assert second == "proposed again"
        assert not Publication.objects.exists()


def test_what_is_edited_while_it_is_proposed_is_in_it_or_refused(cast: Cast, draft: PolicyVersion):
    first, second = at_once((propose, draft.pk), (edit, draft.pk))
    assert first == "proposed"
    assert second in ("edited", "refused")
    draft.refresh_from_db()
    assert draft.proposed_sha256 == digest(render(scheme_of(draft)))
    changed = PolicyRate.objects.get(version=draft).cite_note == "同时改动"
    assert changed is (second == "edited")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vouchers_publication SET label = 'x'",
        "DELETE FROM vouchers_publication",
        "TRUNCATE vouchers_publication CASCADE",
        "UPDATE vouchers_publicationstatus SET status = 'terminated'",
        "DELETE FROM vouchers_publicationvalidity",
        "UPDATE vouchers_publicationvalidity SET effective_from = '2020-01-01'",
    ],
)
def test_not_even_the_owner_changes_what_was_published(
    committed_db, cast: Cast, proposed: PolicyVersion, statement: str
):
    with acting(cast.publisher, "test"):
        policies.publish_version(proposed, by=cast.publisher)
    with psycopg.connect(committed_db.migrator_dsn) as connection:
        connection.execute("SET ROLE voucher_owner")
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement)
    assert Publication.objects.get().label == proposed.label


def test_whoever_drafted_it_does_not_publish_what_another_proposed(cast: Cast, draft: PolicyVersion):
    RoleGrant.objects.create(
        user=cast.publisher, role=Role.POLICY_EDITOR, region=cast.beijing, effective_from=date(2024, 1, 1)
    )
    PolicyVersion.objects.filter(pk=draft.pk).update(created_by=cast.publisher)
    draft.refresh_from_db()
    with acting(cast.policy_editor, "test"):
        policies.propose_version(draft, by=cast.policy_editor)
    with acting(cast.publisher, "test"), pytest.raises(DomainError) as refused:
        policies.publish_version(draft, by=User.objects.get(pk=cast.publisher.pk))
    assert refused.value.code == "access.same_person"
    assert not Publication.objects.exists()
