"""合并项目: two projects that a person finds to be one become one, and count as one from then on.

Where anything was granted to either, another person confirms. Nothing in the ledger moves: each keeps its account of every cap,
and a limit per project holds over the sum of those that were merged (``vouchers.actions.caps``). A limit that the two have
passed together leaves nothing to grant; what was granted stays until a clawback takes it back. Undecided applications are
assessed anew and their project is asked about anew; decided ones keep what they were decided on.
"""

from __future__ import annotations

from django.db import connection

from applications.actions import cases
from applications.actions.assessments import reassess
from applications.models import Application, Claim, IssueBatch, Undertaking, UndertakingKey, UndertakingMerge
from applications.models.applications import ApplicationState
from applications.models.batches import UNFINISHED
from applications.models.undertakings import MergeState
from applications.undertakings import FILING_LOCK, others_of
from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User
from vouchers.states import advance

OFFICE = (Role.HANDLER, Role.APPROVER)
_NOT_GRANTED = (
    ApplicationState.DRAFT,
    ApplicationState.SUBMITTED,
    ApplicationState.RETURNED,
    ApplicationState.ACCEPTED,
    ApplicationState.RECOMMENDED,
    ApplicationState.REJECTED,
    ApplicationState.WITHDRAWN,
)


def mergeable(application: Application) -> list[Undertaking]:
    """With which projects the application's own can be found to be one: the others of its enterprise in the programme."""
    own = application.undertaking
    if own is None or application.publication is None:
        return []
    pks = {one.undertaking_id for one in others_of(application, own) if one.undertaking_id is not None}
    return list(Undertaking.objects.filter(pk__in=pks, merged_into=None).order_by("pk"))


def open_merges(application: Application) -> list[UndertakingMerge]:
    """What is proposed of the application's project and not decided yet."""
    own = application.undertaking_id
    if own is None:
        return []
    rows = UndertakingMerge.objects.filter(state=MergeState.PROPOSED).select_related(
        "part", "survivor", "proposed_by"
    )
    return [one for one in rows.order_by("pk") if own in (one.part_id, one.survivor_id)]


def merge_undertakings(first: Undertaking, second: Undertaking, *, by: User, reason: str) -> UndertakingMerge:
    """Propose that two projects are one; where nothing was granted to either, they are one at once. The one that was declared
    first stays.

    Raises ``Forbidden`` (``access.role``: every region whose programmes count either), ``Invalid`` (``undertaking.reason``,
    ``undertaking.same``) and ``NotNow`` (``undertaking.merged``, ``undertaking.proposed``, ``undertaking.in_batch``)."""
    announce("undertaking_merge.propose", reason)
    applications = _locked(first, second)
    regions = _require_office(applications, by)
    if not reason.strip():
        raise Invalid(
            "undertaking.reason", "请写明认定为同一项目所依据的材料，审计时会查看。", field="reason"
        )
    if first.pk == second.pk:
        raise Invalid("undertaking.same", "请选择另一个项目。", field="with")
    survivor, part = sorted((first, second), key=lambda one: one.pk)
    for one in (survivor, part):
        one.refresh_from_db()
        if one.merged_into_id is not None:
            raise NotNow("undertaking.merged", f"“{one.name}”（{one.undertaking_no}）已并入其他项目。")
    _require_in_no_batch(applications)
    if (
        UndertakingMerge.objects.filter(state=MergeState.PROPOSED, part__in=(survivor, part)).exists()
        or UndertakingMerge.objects.filter(state=MergeState.PROPOSED, survivor=part).exists()
    ):
        raise NotNow("undertaking.proposed", "其中一个项目已有待复核的合并，请先办结。")
    merge = UndertakingMerge.objects.create(
        part=part,
        survivor=survivor,
        region_code=regions[0],
        moves_money=any(one.state not in _NOT_GRANTED for one in applications),
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=dates.now(),
    )
    merge.refresh_from_db()
    if not merge.moves_money:
        _merge(merge, applications, by=by, reason="")
    return merge


def confirm_merge(merge: UndertakingMerge, *, by: User, reason: str = "") -> UndertakingMerge:
    """Another person than who proposed it confirms; from now on the two count as one.

    Raises ``Forbidden`` (``access.same_person``, ``access.role``) and ``NotNow`` (``undertaking.in_batch`` and others)."""
    announce("undertaking_merge.confirm", reason)
    applications = _locked(merge.part, merge.survivor)
    _require_office(applications, by)
    require_other_person(by, {merge.proposed_by_id}, "确认合并")
    _require_in_no_batch(applications)
    _merge(merge, applications, by=by, reason=reason)
    return merge


def decline_merge(merge: UndertakingMerge, *, by: User, reason: str) -> UndertakingMerge:
    """They stay two; anyone of the office may say so, who proposed it too. Raises ``Invalid`` (``undertaking.reason``)."""
    announce("undertaking_merge.decline", reason)
    _require_office(_locked(merge.part, merge.survivor), by)
    if not reason.strip():
        raise Invalid("undertaking.reason", "请写明不予合并的理由。", field="reason")
    _decide(merge, "decline", by=by, reason=reason)
    return merge


def _locked(first: Undertaking, second: Undertaking) -> list[Application]:
    """Every application of either, each held until the end: whoever decides one goes before or after. First the rows, then
    the filing's lock, as filing does; then those that were filed meanwhile."""
    rows = (
        Application.objects.filter(undertaking__in=(first, second))
        .select_for_update(no_key=True, of=("self",))
        .select_related("program__region", "publication", "enterprise", "undertaking")
        .order_by("pk")
    )
    list(rows)
    with connection.cursor() as cursor:
        cursor.execute(FILING_LOCK)
    applications = list(rows.all())
    vouchers = [one.voucher_no for one in applications if one.voucher_no]
    claims = Claim.objects.filter(voucher__voucher_no__in=vouchers, state__in=cases.UNDER_REVIEW)
    list(claims.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk"))
    return applications


def _require_in_no_batch(applications: list[Application]) -> None:
    """Refuse (409 ``undertaking.in_batch``) while a batch has shared out to one of them and is not issued: the sum that it
    allotted counts the two apart."""
    held = {one.batch_id: one.application_no for one in reversed(applications) if one.batch_id is not None}
    batch = IssueBatch.objects.filter(pk__in=held, state__in=UNFINISHED).order_by("pk").first()
    if batch is not None:
        raise NotNow(
            "undertaking.in_batch",
            f"{held[batch.pk]} 已参加批次 {batch.batch_no} 的分配（{batch.get_state_display()}），发放完毕前不能合并所属项目。",
            hint="尚未开始发放的，可写明理由将该批退回归集，合并后重新分配；正在发放的，请待发放完毕或结束发放后再合并。",
        )


def _require_office(applications: list[Application], by: User) -> list[str]:
    """The regions whose programmes count either project: nobody merges what another region's caps count."""
    regions = {one.program.region.code: one.program.region for one in applications if one.program is not None}
    if not regions:
        raise NotNow("undertaking.empty", "这两个项目目前没有申领，不需合并。")
    for region in regions.values():
        require_role(by, *OFFICE, region=region)
    return sorted(regions)


def _decide(merge: UndertakingMerge, verb: str, *, by: User, reason: str) -> None:
    update = {"decided_by": by, "decided_at": dates.now(), "decision_reason": reason.strip()}
    advance(merge, verb, by=by, update=update)


def _merge(merge: UndertakingMerge, applications: list[Application], *, by: User, reason: str) -> None:
    part, survivor = merge.part, merge.survivor
    for one in (part, survivor):
        one.refresh_from_db()
        if one.merged_into_id is not None:
            raise NotNow("undertaking.merged", f"“{one.name}”（{one.undertaking_no}）已并入其他项目。")
    _decide(merge, "confirm", by=by, reason=reason)
    Undertaking.objects.filter(merged_into=part).update(merged_into=survivor)
    part.merged_into = survivor
    part.save(update_fields=["merged_into"])
    UndertakingKey.objects.filter(undertaking=part).update(undertaking=survivor)
    Application.objects.filter(undertaking=part).update(undertaking=survivor)
    told = f"经认定，“{part.name}”（{part.undertaking_no}）与“{survivor.name}”（{survivor.undertaking_no}）为同一项目，限额合并计算：{merge.reason}"
    for application in applications:
        application.refresh_from_db()
        if application.state in cases.UNDER_REVIEW and application.origin == "live":
            reassess(application)  # with the check of the project, whose code names it: it is asked anew
        cases.record(
            application,
            "merge_undertakings",
            by=by,
            before=application.state,
            after=application.state,
            reason=told,
            internal=True,
        )
