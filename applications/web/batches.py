"""What a case's own page shows of its batch."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from applications.actions.batch_rules import BATCH_WORKING_DAYS
from applications.models import Application, BatchMember, Claim
from applications.models.applications import ApplicationState
from applications.models.batches import IssueBatchState


def shown_member(case: Application) -> BatchMember | None:
    """The case's part in the batch that shared it out, once that is approved; before that it is a proposal."""
    if case.batch_id is None:
        return None
    return (
        BatchMember.objects.filter(batch=case.batch_id, application=case, allotted_amount__isnull=False)
        .select_related("batch")
        .first()
    )


def member_for_enterprise(case: Application) -> BatchMember | None:
    """As `shown_member`, for the enterprise: what is noticed or issued, never a proposal."""
    member = shown_member(case)
    told = (IssueBatchState.NOTICED, IssueBatchState.ISSUED)
    return member if member is not None and member.batch.state in told else None


def waiting_entry(case: Application, *, internal: bool) -> dict[str, Any] | None:
    """The time line's last entry while an approved case waits for its batch; None for any other."""
    if not case.awaits_batch or case.state != ApplicationState.APPROVED:
        return None
    note = _(
        "已按核准金额审定。本专项由主管部门按批次统一分配资金：资金足够时足额发放，不足时按政策规定的办法分配，"
        "分配结果经另一人批准并公示后整批发放。您目前无需办理任何事项。"
    )
    return {
        "title": _("待整批核定"),
        "state": "current",
        "who": _("受理审查、核准") if internal else _("本机关办理中"),
        "at": case.state_since,
        "until": case.due_on,
        "rule": _("自申报期截止（或核准）起 %(days)s 个工作日内完成分配和批准")
        % {"days": BATCH_WORKING_DAYS},
        "note": note if not internal else "",
    }


def moves_with_batch(case: Application | Claim, verb: str) -> bool:
    """Whether the verb is the batch's, not the case's own; only a row of a list that no batch holds leaves the list."""
    if not isinstance(case, Application):
        return False
    if verb == "unlist":
        return not case.is_listed or case.batch_id is not None
    listed = case.is_listed and verb in ("return", "recommend")
    return listed or (case.awaits_batch and verb in ("publish_notice", "issue"))
