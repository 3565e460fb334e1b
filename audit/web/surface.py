"""The audit desk's menu."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from vouchers.access import AUDIT_ROLES
from vouchers.actions.jobs import register_job_kind
from vouchers.web.navigation import Entry, Surface, register_entries, register_surface

ROLES = frozenset(str(role) for role in AUDIT_ROLES)


def register() -> None:
    """Called once, when the app is ready."""
    register_surface(Surface("audit", str(_("审计端")), "audit:home", roles=ROLES, order=30))
    from audit.actions.case_work import precision_words
    from audit.web.case_files import EVIDENCE
    from audit.web.cases import waiting as cases_waiting
    from audit.web.holds import waiting
    from audit.web.rules import register_precision
    from audit.web.rules import waiting as rules_waiting
    from audit.web.workbooks import WORKBOOK

    register_precision(precision_words)
    register_job_kind(EVIDENCE)
    register_job_kind(WORKBOOK)

    register_entries(
        "audit",
        Entry(str(_("总览")), "audit:home", roles=ROLES, group=str(_("审计")), order=5, exact=True),
        Entry(str(_("可疑合同")), "audit:suspicions", roles=ROLES, group=str(_("审计")), order=10),
        Entry(
            str(_("核查案件")),
            "audit:cases",
            roles=ROLES,
            group=str(_("审计")),
            order=15,
            count=cases_waiting,
        ),
        Entry(str(_("暂缓")), "audit:holds", roles=ROLES, group=str(_("审计")), order=20, count=waiting),
        Entry(
            str(_("稽核规则")),
            "audit:rules",
            roles=ROLES,
            group=str(_("审计")),
            order=30,
            count=rules_waiting,
        ),
        Entry(str(_("暂不计分")), "audit:snoozes", roles=ROLES, group=str(_("审计")), order=32),
        Entry(str(_("随机抽查")), "audit:review-draws", roles=ROLES, group=str(_("审计")), order=34),
        Entry(str(_("审计抽样")), "audit:samples", roles=ROLES, group=str(_("审计")), order=36),
        Entry(str(_("工作簿")), "audit:workbooks", roles=ROLES, group=str(_("审计")), order=38),
    )
    register_entries(
        "audit", Entry(str(_("台账日结")), "audit:ledger_days", roles=ROLES, group=str(_("审计")), order=70)
    )
    register_entries(
        "audit", Entry(str(_("审计留痕")), "audit:trail", roles=ROLES, group=str(_("审计")), order=80)
    )
    register_entries(
        "audit", Entry(str(_("封存与公钥")), "audit:seals", roles=ROLES, group=str(_("审计")), order=85)
    )
    from audit.web.credit import READERS
    from audit.web.debarments import waiting as debarments_waiting

    credit, readers = str(_("信用")), frozenset(str(role) for role in READERS)
    register_entries(
        "audit",
        Entry(str(_("信用档案")), "audit:credit-files", roles=readers, group=credit, order=90),
        Entry(
            str(_("失信限制")),
            "audit:debarments",
            roles=readers,
            group=credit,
            order=92,
            count=debarments_waiting,
        ),
    )
    register_entries("public", Entry(str(_("审计留痕")), "public:seals", order=70))
