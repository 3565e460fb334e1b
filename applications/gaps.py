"""What an application still lacks before it can be submitted."""

from __future__ import annotations

from applications.grounds import ground_kinds, is_project
from applications.models import Application, Paper
from vouchers.errors import Invalid
from vouchers.policy.terms import Stage


def missing(application: Application) -> list[Invalid]:
    """What an application still lacks before it can be submitted, each with the field that it belongs to."""
    assert application.publication is not None
    scheme = application.publication.scheme
    problems = []
    if application.lease is None and application.project is None:
        own = any(is_project(kind) for kind in ground_kinds(scheme, application.facts))
        what = "项目" if own else "合同"
        problems.append(Invalid("application.no_contract", f"请先填写申领所依据的{what}。", field="lease"))
    filed = set(
        Paper.objects.filter(
            subject_kind="application", subject_no=application.application_no, removed_at=None
        ).values_list("kind", flat=True)
    )
    for paper in scheme.papers:
        if paper.required and paper.stage is Stage.APPLICATION and paper.code not in filed:
            problems.append(
                Invalid("application.paper_missing", f"还缺少材料：{paper.name}。", field=paper.code)
            )
    if not application.statement_accepted:
        problems.append(
            Invalid("application.statement", "请阅读并勾选真实性承诺后再提交。", field="statement_accepted")
        )
    return problems
