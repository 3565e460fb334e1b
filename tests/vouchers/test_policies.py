"""政策版本 on the real database: draft, propose, publish by another, never change, never overlap."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from tests.cast import Cast
from vouchers.access import Role
from vouchers.actions import policies, policy_files, policy_soundness
from vouchers.actions.policy_drafts import scheme_of, write_rows
from vouchers.errors import Forbidden, Invalid, NotNow, Problems
from vouchers.models import (
    PolicyCap,
    PolicyRate,
    PolicyVersion,
    Program,
    Publication,
    PublicationStatus,
    PublicationValidity,
    Region,
    RoleGrant,
    User,
)
from vouchers.policy import assess
from vouchers.policy.canonical import canonical_bytes, sha256_hex
from vouchers.policy.documents import read_scheme, shipped_files, shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.rules import Scheme, render

pytestmark = pytest.mark.django_db
AUTUMN = date(2025, 9, 1)


def load(cast: Cast, scheme: Scheme | None = None) -> PolicyVersion:
    examples = shipped_examples("BJ-AIQ")
    if scheme is not None and scheme.effective_from == AUTUMN:
        facts = dataclasses.replace(examples[0].facts, on=date(2025, 9, 2), applied_on=date(2025, 9, 2))
        examples = [dataclasses.replace(examples[0], facts=facts)]
    return policies.load_scheme(scheme or shipped_scheme("BJ-AIQ"), examples, by=cast.policy_editor)


def publish(cast: Cast, scheme: Scheme | None = None) -> Publication:
    version = policies.propose_version(load(cast, scheme), by=cast.policy_editor)
    return policies.publish_version(version, by=cast.publisher)


def next_year(scheme: Scheme, **changes: object) -> Scheme:
    return dataclasses.replace(scheme, label="次年", effective_from=AUTUMN, **changes)  # type: ignore[arg-type]


# ---- drafts


@pytest.mark.parametrize("name", [path.stem for path in shipped_files()])
def test_a_scheme_goes_into_rows_and_comes_back_the_same(cast: Cast, name: str):
    scheme = shipped_scheme(name)
    program = Program.objects.create(
        code=scheme.program,
        name=scheme.title,
        region=Region.objects.get_or_create(code=scheme.region, defaults={"name": "某地"})[0],
    )
    version = policies._new_version(program, by=cast.policy_editor, title="t", label="l")
    write_rows(version, scheme)
    assert scheme_of(version) == scheme
    assert canonical_bytes(render(scheme_of(version))) == canonical_bytes(render(scheme))


def test_loading_the_same_scheme_twice_changes_nothing(cast: Cast):
    first = load(cast)
    assert load(cast) == first
    publication = publish(cast)
    assert load(cast) == publication.version == first
    assert PolicyVersion.objects.count() == 1


def test_a_scheme_of_an_unknown_region_is_not_loaded(cast: Cast):
    with pytest.raises(Invalid) as refused:
        load(cast, dataclasses.replace(shipped_scheme("BJ-AIQ"), region="999999"))
    assert refused.value.code == "policy.region_unknown"
    assert not Program.objects.exists()


def test_an_editor_of_another_region_loads_nothing(cast: Cast):
    with pytest.raises(Forbidden):
        policies.load_scheme(shipped_scheme("BJ-AIQ"), [], by=cast.other_policy_editor)


def test_an_empty_draft_may_be_incomplete_but_is_not_proposed(cast: Cast):
    program = load(cast).program
    draft = policies.create_draft(program, by=cast.policy_editor, title="新版", label="2026年")
    with pytest.raises(Problems) as refused:
        policies.propose_version(draft, by=cast.policy_editor)
    assert refused.value.code in ("policy.incomplete", "policy.unsound")
    draft.refresh_from_db()
    assert draft.state == "draft"


# ---- proposing


def test_a_draft_whose_example_fails_is_not_proposed_and_the_difference_is_named(cast: Cast):
    version = load(cast)
    PolicyRate.objects.filter(version=version).update(rate=Decimal("0.21"))
    with pytest.raises(Problems) as refused:
        policies.propose_version(version, by=cast.policy_editor)
    assert refused.value.code == "policy.examples_failed"
    assert any("金额应为" in problem.message for problem in refused.value.problems)


def test_a_draft_without_examples_is_not_proposed(cast: Cast):
    version = policies.load_scheme(shipped_scheme("BJ-AIQ"), [], by=cast.policy_editor)
    with pytest.raises(Problems) as refused:
        policies.propose_version(version, by=cast.policy_editor)
    assert refused.value.code == "policy.no_examples"


def test_a_contradiction_is_named_by_its_place(cast: Cast):
    version = load(cast)
    PolicyCap.objects.filter(version=version).update(share=Decimal("0.5"))
    with pytest.raises(Problems) as refused:
        policies.propose_version(version, by=cast.policy_editor)
    assert "caps.enterprise_year.amount" in {problem.field for problem in refused.value.problems}


def test_running_the_examples_keeps_how_each_came_out(cast: Cast):
    version = load(cast)
    results = policy_soundness.run_examples(version, by=cast.policy_editor)
    assert all(result.passed for result in results)
    assert all(row.result["passed"] for row in version.policyexample_rows.all())


# ---- publishing


def test_publishing_inserts_the_canonical_json_with_its_hash(cast: Cast):
    publication = publish(cast)
    assert bytes(publication.canonical) == canonical_bytes(render(shipped_scheme("BJ-AIQ")))
    assert publication.sha256 == sha256_hex(bytes(publication.canonical))
    assert Publication.objects.get().scheme == shipped_scheme("BJ-AIQ")
    assert publication.version.state == "published"
    assert publication.publication_no == "BJ-AIQ-1"
    facts = shipped_examples("BJ-AIQ")[0].facts
    assert assess(Publication.objects.get().scheme, facts).amount == Decimal("2000000.00")


def test_whoever_proposed_does_not_publish_even_with_the_role(cast: Cast):
    version = policies.propose_version(load(cast), by=cast.policy_editor)
    RoleGrant.objects.create(
        user=cast.policy_editor, role=Role.PUBLISHER, region=cast.beijing, effective_from=date(2025, 1, 1)
    )
    editor = User.objects.get(pk=cast.policy_editor.pk)
    with pytest.raises(Forbidden) as refused:
        policies.publish_version(version, by=editor)
    assert refused.value.code == "access.same_person"


def test_the_database_itself_refuses_one_person_for_both(cast: Cast):
    publication = publish(cast)
    other = load(cast, next_year(shipped_scheme("BJ-AIQ")))
    content = canonical_bytes(render(next_year(shipped_scheme("BJ-AIQ"))))
    with pytest.raises(IntegrityError, match="publication_by_two_persons"), transaction.atomic():
        Publication.objects.create(
            publication_no="X",
            program=publication.program,
            version=other,
            canonical=content,
            sha256=sha256_hex(content),
            label="x",
            engine_version="1",
            proposed_by=cast.publisher,
            published_by=cast.publisher,
            published_at=publication.published_at,
        )
    with pytest.raises(IntegrityError, match="publication_hash_is_of_its_bytes"), transaction.atomic():
        Publication.objects.create(
            publication_no="X",
            program=publication.program,
            version=other,
            canonical=content,
            sha256="0" * 64,
            label="x",
            engine_version="1",
            proposed_by=cast.policy_editor,
            published_by=cast.publisher,
            published_at=publication.published_at,
        )


def test_a_draft_cannot_be_published_and_a_published_one_not_proposed(cast: Cast):
    draft = load(cast)
    with pytest.raises(NotNow):
        policies.publish_version(draft, by=cast.publisher)
    publication = publish(cast)
    with pytest.raises(NotNow):
        policies.propose_version(publication.version, by=cast.policy_editor)


def test_what_is_proposed_is_not_edited_any_more_not_even_by_raw_sql(cast: Cast):
    version = policies.propose_version(load(cast), by=cast.policy_editor)
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyRate.objects.filter(version=version).update(rate=Decimal("0.9"))
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyCap.objects.filter(version=version).delete()


def test_a_change_of_the_version_itself_after_proposing_is_found_at_publishing(cast: Cast):
    version = policies.propose_version(load(cast), by=cast.policy_editor)
    PolicyVersion.objects.filter(pk=version.pk).update(note="悄悄改动")
    with pytest.raises(NotNow) as refused:
        policies.publish_version(version, by=cast.publisher)
    assert refused.value.code == "policy.changed"
    assert not Publication.objects.exists()


def test_a_returned_version_is_edited_and_proposed_again(cast: Cast):
    version = policies.propose_version(load(cast), by=cast.policy_editor)
    policies.return_version(version, by=cast.publisher, reason="请补充出处")
    assert version.state == "draft"
    PolicyRate.objects.filter(version=version).update(cite_note="补充")
    assert policies.propose_version(version, by=cast.policy_editor).state == "proposed"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vouchers_publication SET label = 'x'",
        "DELETE FROM vouchers_publication",
        "TRUNCATE vouchers_publication CASCADE",
        "UPDATE vouchers_publicationstatus SET status = 'terminated'",
        "DELETE FROM vouchers_publicationstatus",
    ],
)
def test_raw_sql_of_the_application_changes_no_publication(cast: Cast, statement: str):
    publish(cast)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_of_a_validity_only_the_end_moves(cast: Cast):
    publish(cast)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE vouchers_publicationvalidity SET effective_from = '2020-01-01'")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM vouchers_publicationvalidity")


# ---- what is in force


def test_publishing_a_successor_closes_the_predecessor_on_its_first_day(cast: Cast):
    first = publish(cast)
    second = publish(cast, next_year(shipped_scheme("BJ-AIQ")))
    first.validity.refresh_from_db()
    assert first.validity.effective_to == date(2025, 9, 1)
    assert first.status_on(date(2025, 8, 31)) == "published"
    assert first.status_on(date(2025, 9, 1)) == "superseded"
    assert PolicyVersion.objects.get(pk=first.version_id).state == "superseded"
    program = first.program
    assert policies.publication_in_force(program, date(2025, 8, 31)) == first
    assert policies.publication_in_force(program, date(2025, 9, 1)) == second
    with pytest.raises(NotNow) as refused:
        policies.publication_in_force(program, date(2026, 1, 1))
    assert refused.value.code == "policy.none_in_force"


def test_validities_of_one_program_cannot_overlap_in_the_database(cast: Cast):
    publication = publish(cast)
    other = publish(cast, next_year(shipped_scheme("BJ-AIQ")))
    PublicationValidity.objects.filter(publication=other).update(effective_to=date(2025, 10, 1))
    with pytest.raises(IntegrityError, match="publication_validity_no_overlap"), transaction.atomic():
        PublicationValidity.objects.filter(publication=publication).update(effective_to=date(2025, 9, 2))


def test_a_version_that_would_begin_before_a_published_one_is_refused(cast: Cast):
    publish(cast, next_year(shipped_scheme("BJ-AIQ")))
    with pytest.raises(Invalid) as refused:
        publish(cast)
    assert refused.value.code == "policy.validity_overlaps"
    assert Publication.objects.count() == 1


def test_a_correction_of_the_same_first_day_replaces_the_version_whole(cast: Cast):
    first = publish(cast)
    second = publish(cast, dataclasses.replace(shipped_scheme("BJ-AIQ"), label="更正"))
    assert policies.publication_in_force(first.program, date(2025, 1, 1)) == second


def test_a_suspended_version_takes_nothing_until_it_is_resumed(cast: Cast):
    publication = publish(cast)
    policies.suspend_version(publication, by=cast.publisher, on=date(2025, 7, 1), reason="公平竞争审查")
    with pytest.raises(NotNow) as refused:
        policies.publication_in_force(publication.program, date(2025, 7, 15))
    assert refused.value.code == "policy.suspended"
    assert policies.publication_in_force(publication.program, date(2025, 6, 30)) == publication
    policies.resume_version(publication, by=cast.publisher, on=date(2025, 8, 1), reason="审查通过")
    assert policies.publication_in_force(publication.program, date(2025, 8, 1)) == publication
    assert PublicationStatus.objects.count() == 3


def test_a_version_may_be_terminated_in_mid_term(cast: Cast):
    publication = publish(cast)
    policies.terminate_version(publication, by=cast.publisher, on=date(2025, 7, 20), reason="提前终止")
    assert policies.publication_in_force(publication.program, date(2025, 7, 19)) == publication
    assert policies.find_publication_in_force(publication.program, date(2025, 7, 20)) is None


def test_nothing_is_suspended_without_a_reason(cast: Cast):
    publication = publish(cast)
    with pytest.raises(Invalid):
        policies.suspend_version(publication, by=cast.publisher, on=date(2025, 7, 1), reason=" ")


def test_a_clone_is_a_new_draft_with_the_same_rules_and_examples(cast: Cast):
    publication = publish(cast)
    clone = policies.clone_version(publication.version, by=cast.policy_editor, label="2026年")
    assert (clone.state, clone.number) == ("draft", 2)
    assert dataclasses.replace(scheme_of(clone), label=publication.label) == publication.scheme
    assert clone.policyexample_rows.count() == publication.version.policyexample_rows.count()


def test_an_exported_version_loads_as_the_same_content(cast: Cast):
    publication = publish(cast)
    exported = policy_files.export_version(publication.version)
    assert read_scheme(exported) == publication.scheme
    assert load(cast, read_scheme(exported)) == publication.version


# ---- the command


def test_the_shipped_schemes_load_and_publish_by_one_command_and_twice_changes_nothing(cast: Cast, capsys):
    for scheme in {shipped_scheme(path.stem).region for path in shipped_files()}:
        region = Region.objects.get_or_create(code=scheme, defaults={"name": scheme})[0]
        for user, role in ((cast.policy_editor, Role.POLICY_EDITOR), (cast.publisher, Role.PUBLISHER)):
            RoleGrant.objects.get_or_create(
                user=user, role=role, region=region, defaults={"effective_from": date(2024, 1, 1)}
            )
    call_command("load_schemes", "--publish", editor="policy-editor", publisher="publisher")
    first = list(Publication.objects.values_list("sha256", flat=True).order_by("pk"))
    assert len(first) == len(shipped_files())
    call_command("load_schemes", "--publish", editor="policy-editor", publisher="publisher")
    assert list(Publication.objects.values_list("sha256", flat=True).order_by("pk")) == first
    closed = set(
        Publication.objects.filter(accepts_applications=False).values_list("program__code", flat=True)
    )
    assert closed == {"GZ-SLQ", "SH-BSJL", "CD-SLQ", "QH-DDPT"}
    e_town = Program.objects.get(code="BDA-SLQ")
    assert policies.publication_in_force(e_town, date(2024, 11, 23)).label == "v1"
    assert policies.publication_in_force(e_town, date(2024, 11, 24)).label == "v2"
    assert "不开放申领" in capsys.readouterr().out


def test_a_broken_file_is_refused_whole(cast: Cast, tmp_path):
    broken = tmp_path / "X.yaml"
    broken.write_text("program: X\nlabel: [", encoding="utf-8")
    with pytest.raises(CommandError, match="行"):
        call_command("load_schemes", str(broken))
    assert not Program.objects.exists()
