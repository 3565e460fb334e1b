"""项目认定 for the rows of a list: one act where nothing speaks against what the list says, singly where something does."""

from __future__ import annotations

from collections.abc import Callable

from applications.actions import cases
from applications.actions.batch_members import pending
from applications.actions.batch_rows import as_it_stands, note
from applications.actions.batch_sharing import unheard
from applications.models import Application, Check, IssueBatch
from applications.models.reviews import CheckResult
from applications.own_checks import own_checks
from applications.undertakings import NO_PROJECT, PROJECT_CHECK
from vouchers.access import Role, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User


def project_checks(batch: IssueBatch) -> list[Check]:
    """What waits for an answer about the project of the list's rows, in their order."""
    rows = pending(batch).values_list("application_no", flat=True)
    found = Check.objects.filter(
        subject_kind="application",
        subject_no__in=rows,
        code__startswith=PROJECT_CHECK,
        result=CheckResult.WAITING,
    )
    return list(found.order_by("subject_no"))


def is_plain(check: Check) -> bool:
    """Whether nothing speaks against the project: its number alone is to be held against the document. A row that names no
    project, one whose number another enterprise states too, or whose enterprise has other projects, is looked at by itself."""
    return check.code != NO_PROJECT and not check.evidence


def answer_projects(
    batch: IssueBatch, *, by: User, sentence: str, step: Callable[[int], None] = unheard
) -> int:
    """认定所属项目: the check is answered 相符 for every row where nothing speaks against it, by what it was held against; each
    answer stands in its own case's time line. Returns how many; the others wait for a look at each.

    Raises ``NotNow`` (``issue_list.no_projects``) and ``Invalid`` (``check.sentence``)."""
    announce("issue_batch.answer_projects", sentence)
    require_role(by, Role.HANDLER, region=batch.program.region)
    as_it_stands(batch, "share_out")
    if not sentence.strip():
        raise Invalid(
            "check.sentence", "请写明核对编号所依据的批复、备案文件或汇总表，审计时会查看。", field="reason"
        )
    waiting = {check.subject_no: check for check in project_checks(batch) if is_plain(check)}
    rows = Application.objects.filter(application_no__in=waiting).select_related(
        "enterprise", "program__region", "publication", "undertaking", "lease", "project"
    )
    answered = 0
    for application in rows.order_by("pk"):
        cases.as_it_stands(application)
        check = waiting[application.application_no]
        now = next((one for one in own_checks(application) if one.code == check.code), None)
        if now is None or not is_plain(now):  # something was filed, or found, since the list was taken in
            continue
        step(answered)
        cases.answer_check(check, application, result=CheckResult.PASSED, sentence=sentence, by=by)
        answered += 1
    if not answered:
        raise NotNow("issue_list.no_projects", "名单中没有可以一次认定的件；其余各件请逐件核对。")
    note(batch, "answer_projects", by=by, before=batch.state, reason=f"{answered} 件：{sentence.strip()}")
    return answered
