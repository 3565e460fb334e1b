"""政策版本: draft, propose, publish, suspend, terminate; and which publication is in force.

One person proposes, after the version is complete, sound, and its worked examples come out; another publishes, which
inserts the canonical JSON with its hash and closes the predecessor. Nothing else writes publications.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Max, Q

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.policies_in_force import find_publication_in_force, publication_in_force
from vouchers.actions.policy_drafts import (
    editors_of,
    note_editor,
    read_example,
    scheme_of,
    stamp_of,
    start_rows,
    write_examples,
    write_rows,
)
from vouchers.actions.policy_reach import plan_reach
from vouchers.actions.policy_soundness import complete_scheme, refusal, sound_scheme
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import (
    PolicyVersion,
    Program,
    Publication,
    PublicationStatus,
    PublicationValidity,
    Region,
    User,
)
from vouchers.policy.assessment import ENGINE_VERSION
from vouchers.policy.canonical import canonical_bytes, digest, sha256_hex
from vouchers.policy.checks import check_document
from vouchers.policy.examples import Example
from vouchers.policy.opening import closed_reasons
from vouchers.policy.plain import SchemeError
from vouchers.policy.rules import Scheme, render
from vouchers.states import advance

__all__ = [
    "clone_version",
    "create_draft",
    "find_publication_in_force",
    "load_scheme",
    "propose_version",
    "publication_in_force",
    "publish_version",
    "resume_version",
    "return_version",
    "suspend_version",
    "terminate_version",
]


def create_draft(program: Program, *, by: User, title: str, label: str) -> PolicyVersion:
    """An empty draft of the program's next version."""
    announce("policy_version.create")
    require_role(by, Role.POLICY_EDITOR, region=program.region)
    version = _new_version(program, by=by, title=title, label=label)
    start_rows(version)
    return version


def _new_version(program: Program, *, by: User, title: str, label: str) -> PolicyVersion:
    Program.objects.select_for_update().get(pk=program.pk)  # one number at a time
    number = (program.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version: PolicyVersion = PolicyVersion.objects.create(
        program=program,
        number=number,
        title=title,
        label=label,
        side=program.side,
        office=program.office,
        created_by=by,
        created_at=dates.now(),
    )
    note_editor(version, by)
    return version


@transaction.atomic
def load_scheme(scheme: Scheme, examples: list[Example], *, by: User) -> PolicyVersion:
    """A scheme from its document as a draft, with its program if that is new. Idempotent: the same content, whether it is
    published, proposed or still a draft, gives the version that is there.

    Raises Invalid (`policy.unsound`, `policy.region_unknown`) when the scheme contradicts itself or names no region.
    """
    announce("policy_version.load")
    region = Region.objects.filter(code=scheme.region).first()
    if region is None:
        raise Invalid(
            "policy.region_unknown",
            f"行政区划 {scheme.region} 尚未登记，不能载入“{scheme.title}”。",
            field="region",
            hint="请先登记该行政区划。",
        )
    require_role(by, Role.POLICY_EDITOR, region=region)
    problems = check_document(scheme)
    if problems:
        raise refusal(problems, "policy.unsound", "政策文件有矛盾之处，未载入。")
    program, _created = Program.objects.get_or_create(
        code=scheme.program,
        defaults={
            "name": scheme.title,
            "region": region,
            "office": scheme.office,
            "side": scheme.side.value,
            "summary": scheme.note,
            "is_demonstration": scheme.demonstration,
        },
    )
    if program.region_id != region.pk:
        raise Invalid(
            "policy.region_differs",
            f"专项 {program.code} 属于{program.region}，与文件不一致。",
            field="region",
        )
    known = _same_content(program, scheme)
    if known is not None:
        return known
    version = _new_version(program, by=by, title=scheme.title, label=scheme.label)
    write_rows(version, scheme)
    write_examples(version, examples)
    return version


def _same_content(program: Program, scheme: Scheme) -> PolicyVersion | None:
    wanted = digest(render(scheme))
    published: Publication | None = (
        Publication.objects.filter(program=program, sha256=wanted).select_related("version").first()
    )
    if published is not None:
        return published.version
    version: PolicyVersion
    for version in program.versions.filter(state__in=("draft", "proposed")):
        try:
            if digest(render(scheme_of(version))) == wanted:
                return version
        except SchemeError:
            continue
    return None


@transaction.atomic
def clone_version(version: PolicyVersion, *, by: User, label: str) -> PolicyVersion:
    """A new draft with the rules and examples of a version that is there."""
    announce("policy_version.clone")
    require_role(by, Role.POLICY_EDITOR, region=version.program.region)
    scheme = complete_scheme(version)
    clone = _new_version(version.program, by=by, title=version.title, label=label)
    write_rows(clone, scheme)
    clone.label = label
    clone.save(update_fields=["label"])
    write_examples(clone, [read_example(row) for row in version.policyexample_rows.all()])
    return clone


@transaction.atomic
def propose_version(version: PolicyVersion, *, by: User, shown: str | None = None) -> PolicyVersion:
    """Hand the draft over for publishing. Refused (Problems) while it is incomplete, contradicts itself, or an example fails.

    `shown` is the ``stamp_of`` the draft that the person read: NotNow (`policy.changed_since_shown`) when it says something
    else by now."""
    announce("policy_version.propose")
    require_role(by, Role.POLICY_EDITOR, region=version.program.region)
    _as_it_stands(version)
    if version.lifecycle.find("propose", version.state):
        scheme = sound_scheme(version)
        if shown is not None and shown != stamp_of(version):
            raise _changed_since_shown("提请")
        update = {"proposed_by": by, "proposed_at": dates.now(), "proposed_sha256": digest(render(scheme))}
    else:
        update = {}
    advance(version, "propose", by=by, region=version.program.region, update=update)
    return version


def _as_it_stands(version: PolicyVersion) -> None:
    """Wait for whoever else acts on it, and go on with it as it is then. Until this transaction ends nobody edits its parts:
    their trigger waits for this lock."""
    version.refresh_from_db(from_queryset=PolicyVersion.objects.select_for_update())


def _changed_since_shown(deed: str) -> NotNow:
    return NotNow(
        "policy.changed_since_shown",
        f"在您打开本页之后，该版本的内容有变动，未{deed}。",
        hint="请返回后重新打开本页，按现在的内容核对后再办理。",
    )


@transaction.atomic
def return_version(version: PolicyVersion, *, by: User, reason: str) -> PolicyVersion:
    """Give a proposed version back to be edited."""
    announce("policy_version.return_to_draft", reason)
    advance(version, "return_to_draft", by=by, region=version.program.region)
    return version


@transaction.atomic
def publish_version(
    version: PolicyVersion, *, by: User, reason: str = "", shown: str | None = None
) -> Publication:
    """Publish what another person proposed: insert the publication, close the predecessor on its first day. `shown` is the
    hash of what the person read; without it that of the version at hand.

    Raises Forbidden (`access.same_person`) to whoever drafted it, ever wrote into it or proposed it, NotNow when what is
    proposed is not what was read (`policy.changed_since_shown`) or not what stands there (`policy.changed`), Invalid (`policy.validity_overlaps`) when a later version is already published.
    """
    announce("policy_version.publish", reason)
    program = Program.objects.select_for_update().select_related("region").get(pk=version.program_id)
    require_role(by, Role.PUBLISHER, region=program.region)
    if shown is None and version.state == PolicyVersion.State.PROPOSED:
        shown = version.proposed_sha256
    _as_it_stands(version)
    if version.lifecycle.find("publish", version.state):
        require_other_person(by, editors_of(version), "发布政策版本")
        if shown is not None and shown != version.proposed_sha256:
            raise _changed_since_shown("发布")
    advance(version, "publish", by=by, region=program.region)
    scheme = sound_scheme(version)
    content = canonical_bytes(render(scheme))
    if sha256_hex(content) != version.proposed_sha256:
        raise NotNow(
            "policy.changed",
            "该版本的内容在提请之后有变动，不能发布。",
            hint="请退回修改，核对后重新提请。",
        )
    if Publication.objects.filter(sha256=version.proposed_sha256).exists():
        raise NotNow("policy.already_published", "内容完全相同的版本已经发布。")
    assert version.proposed_by is not None and scheme.effective_from is not None
    _close_predecessor(program, scheme.effective_from, scheme.effective_to, by=by)
    publication = Publication.objects.create(
        publication_no=version.version_no,
        program=program,
        version=version,
        canonical=content,
        sha256=sha256_hex(content),
        label=scheme.label,
        demonstration=scheme.demonstration,
        accepts_applications=not closed_reasons(scheme),
        engine_version=ENGINE_VERSION,
        proposed_by=version.proposed_by,
        published_by=by,
        published_at=dates.now(),
    )
    PublicationValidity.objects.create(
        program=program,
        publication=publication,
        effective_from=scheme.effective_from,
        effective_to=scheme.effective_to,
    )
    _record_status(publication, PublicationStatus.Status.PUBLISHED, scheme.effective_from, reason, by=by)
    plan_reach(publication)
    return publication


def _close_predecessor(program: Program, starts: date, ends: date | None, *, by: User) -> None:
    overlapping = PublicationValidity.objects.filter(program=program).filter(
        Q(effective_to__isnull=True) | Q(effective_to__gt=starts)
    )
    if ends is not None:
        overlapping = overlapping.filter(effective_from__lt=ends)
    for validity in overlapping.select_related("publication__version"):
        if validity.effective_from > starts:
            raise Invalid(
                "policy.validity_overlaps",
                f"与已发布的“{validity.publication.label}”（自 {validity.effective_from} 起施行）的有效期重叠。",
                field="effective_from",
                hint="新版本的施行日期不应早于已发布版本的施行日期；如前者在其之前即已失效，请填写失效日期。",
            )
        validity.effective_to = starts
        validity.save(update_fields=["effective_to"])
        _record_status(
            validity.publication, PublicationStatus.Status.SUPERSEDED, starts, "由后一版本替代", by=by
        )
        predecessor = validity.publication.version
        if predecessor.lifecycle.find("supersede", predecessor.state):
            advance(predecessor, "supersede", by=by, region=program.region)


def _record_status(publication: Publication, status: str, on: date, reason: str, *, by: User) -> None:
    PublicationStatus.objects.create(
        publication=publication,
        status=status,
        effective_from=on,
        reason=reason,
        decided_by=by,
        decided_at=dates.now(),
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("policy.reason_missing", "请写明理由。", field="reason")


@transaction.atomic
def suspend_version(publication: Publication, *, by: User, on: date, reason: str) -> None:
    """Stop taking applications under it from that day, until it is resumed. Decided cases are not touched."""
    announce("policy_version.suspend", reason)
    _require_reason(reason)
    advance(publication.version, "suspend", by=by, region=publication.program.region)
    _record_status(publication, PublicationStatus.Status.SUSPENDED, on, reason, by=by)


@transaction.atomic
def resume_version(publication: Publication, *, by: User, on: date, reason: str) -> None:
    """Take applications again from that day."""
    announce("policy_version.resume", reason)
    _require_reason(reason)
    advance(publication.version, "resume", by=by, region=publication.program.region)
    _record_status(publication, PublicationStatus.Status.PUBLISHED, on, reason, by=by)


@transaction.atomic
def terminate_version(publication: Publication, *, by: User, on: date, reason: str) -> None:
    """End it on that day, in mid-term if need be. Cases decided under it stay as they are."""
    announce("policy_version.terminate", reason)
    _require_reason(reason)
    validity = publication.validity
    if on < validity.effective_from or (validity.effective_to is not None and on > validity.effective_to):
        raise Invalid("policy.date_outside", "终止日期不在该版本的有效期内。", field="on")
    advance(publication.version, "terminate", by=by, region=publication.program.region)
    validity.effective_to = on
    validity.save(update_fields=["effective_to"])
    _record_status(publication, PublicationStatus.Status.TERMINATED, on, reason, by=by)
