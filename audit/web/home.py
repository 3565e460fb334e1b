"""The front page of the audit desk: whether the trail stands, and what an auditor has to look at next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.models import AuditEvent, Checkpoint, PendingEvent
from audit.models.trail import Operation
from audit.trail.attach import examine
from audit.trail.search import SLACK, first_at
from audit.trail.teller import standing
from audit.trail.verification import last_verification
from audit.web.access import audit_view
from audit.web.suspicions import visible
from audit.web.trail import visible_events
from vouchers.access import AUDIT_ROLES
from vouchers.dates import SHANGHAI
from vouchers.models import Hold, LedgerCheck
from vouchers.models.holds import HoldState, ScreeningOutcome
from vouchers.web.wording import instant_text

# The sealer comes every five seconds, the witness is told every ten, the whole is verified every night.
LATE_SEALING, LATE_WITNESS = timedelta(minutes=1), timedelta(minutes=10)
LATE_VERIFICATION = timedelta(hours=36)
WEEK = 7
MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Sign:
    """One thing that says whether the trail stands: ``tone`` granted, waiting or refused."""

    label: str
    word: str
    tone: str
    text: str
    cure: str = ""
    url: str = ""


@dataclass(frozen=True)
class Task:
    """Something to look at: how many, and where."""

    label: str
    count: int
    url: str
    note: str = ""

    @property
    def shown(self) -> str:
        """The count, which stops being exact where nobody reads on."""
        return _("%(most)s 以上") % {"most": MOST_COUNTED} if self.count > MOST_COUNTED else str(self.count)


@audit_view
def home(request: HttpRequest) -> HttpResponse:
    """The state of the trail, and what waits for an auditor of these regions."""
    now = timezone.now()
    signs = [_sealing(now), _witness(now), _verification(now), _triggers(), _ledger()]
    tasks = [task for task in (*_deeds(request), *_cases(request)) if task.count]
    context = {
        "signs": signs,
        "wrong": sum(sign.tone == "refused" for sign in signs),
        "last": Checkpoint.objects.order_by("-size").first(),
        "tasks": tasks,
    }
    return render(request, "audit/home.html", context)


def _sealing(now: datetime) -> Sign:
    label, url = _("封存"), reverse("audit:seals")
    oldest = PendingEvent.objects.order_by("event_id").values_list("event_id", flat=True).first()
    if oldest is None:
        return Sign(label, _("已全部封存"), "granted", _("没有待封存的留痕。"), url=url)
    waiting = PendingEvent.objects.count()
    since = AuditEvent.objects.filter(pk=oldest).values_list("recorded_at", flat=True).first()
    text = _("待封存 %(count)s 条") % {"count": f"{waiting:,}"}
    if since is not None:
        text += _("，最早的一条记于 %(at)s。") % {"at": instant_text(since)}
    if since is not None and now - since < LATE_SEALING:
        return Sign(label, _("正在封存"), "granted", text, url=url)
    cure = _("封存每五秒一次，积压说明封存程序没有运行。请系统管理人员检查后台任务，或运行 seal_trail。")
    return Sign(label, _("封存迟延"), "refused", text, cure, url)


def _witness(now: datetime) -> Sign:
    label, state = _("库外见证"), standing()
    if not state.configured:
        cure = _("没有见证方，就不能排除尾部被整体截去后重新封存。请系统管理人员设置见证地址。")
        return Sign(label, _("未设置"), "waiting", _("封存点只另存于本机库外的文件。"), cure)
    text = _("见证方已签到第 %(seen)s 条，落后 %(behind)s 条。") % {
        "seen": f"{state.witnessed:,}",
        "behind": f"{state.behind:,}",
    }
    if state.since is None or now - state.since < LATE_WITNESS:
        return Sign(label, _("已见证"), "granted", text)
    cure = _("见证方久未签署：不能连通，或它所见的与本库不一致。请立即运行 doctor 查明。")
    return Sign(label, _("见证迟延"), "refused", text, cure)


def _verification(now: datetime) -> Sign:
    label, last = _("最近一次验证"), last_verification()
    if last is None:
        cure = _("每夜自动验证一次；也可由系统管理人员运行 verify_trail。")
        return Sign(label, _("尚未验证"), "waiting", _("还没有验证过留痕与各表现状。"), cure)
    url = reverse("audit:trail-event", args=[last.event_no])
    at = instant_text(last.at)
    if last.findings:
        text = _("%(at)s 验证，发现 %(count)s 处问题：%(first)s") % {
            "at": at,
            "count": last.findings,
            "first": last.first,
        }
        cure = _("请保全现场，导出全部留痕交外部验证，并查明是谁、何时改动。")
        return Sign(label, _("发现问题"), "refused", text, cure, url)
    text = _("%(at)s 验证，共 %(events)s 条，没有问题。") % {"at": at, "events": f"{last.events:,}"}
    if now - last.at > LATE_VERIFICATION:
        cure = _("超过一天半没有验证。请系统管理人员检查每夜的任务。")
        return Sign(label, _("验证过期"), "waiting", text, cure, url)
    return Sign(label, _("完好"), "granted", text, url=url)


def _triggers() -> Sign:
    label, faults = _("留痕触发器"), examine(connection)
    if faults:
        text = "".join(fault.sentence for fault in faults[:3])
        return Sign(
            label, _("缺失"), "refused", text, _("缺失期间的改动不会留痕。请数据库管理员重新执行迁移。")
        )
    return Sign(label, _("齐全"), "granted", _("每张业务表的改动都会留痕。"))


def _ledger() -> Sign:
    label, url = _("台账核对"), reverse("audit:ledger_days")
    last = LedgerCheck.objects.order_by("-pk").first()
    if last is None:
        return Sign(
            label, _("尚未核对"), "waiting", _("还没有核对过。"), _("每夜自动核对，结果列在台账日结。"), url
        )
    at = instant_text(last.checked_at)
    if last.count:
        text = _("%(at)s 核对，%(count)s 处不符。") % {"at": at, "count": last.count}
        return Sign(label, _("不符"), "refused", text, _("请到台账日结逐项查看。"), url)
    return Sign(label, _("相符"), "granted", _("%(at)s 核对，没有不符。") % {"at": at}, url=url)


def _deeds(request: HttpRequest) -> list[Task]:
    """What stands out in the trail of the last seven days."""
    since = timezone.now().astimezone(SHANGHAI).date() - timedelta(days=WEEK)
    instant = timezone.now() - timedelta(days=WEEK)
    week, list_page = _("最近七日"), reverse("audit:trail")
    recent = visible_events(request).filter(
        pk__gte=max(first_at(instant) - SLACK, 0), recorded_at__gte=instant
    )

    def counted(**asked: Any) -> int:
        rows = recent.filter(**asked).order_by("-pk")
        return len(rows.values_list("pk")[: MOST_COUNTED + 1])

    def to(query: str) -> str:
        return f"{list_page}?{query}&since={since:%Y-%m-%d}"

    return [
        Task(_("未经系统的改动"), counted(actor_kind="unannounced"), to("source=unannounced"), week),
        Task(_("登录失败"), counted(operation=Operation.SIGN_IN, verb="sign_in_failed"), to("operation=sign_in&verb=sign_in_failed"), week),
        Task(_("被拒绝的操作"), counted(operation=Operation.REFUSAL), to("operation=refusal"), week),
        Task(_("导出与下载"), counted(operation=Operation.EXPORT), to("operation=export"), week),
    ]  # fmt: skip


def _cases(request: HttpRequest) -> list[Task]:
    """Leases and holds of these regions that somebody has to look at."""
    listed = visible(request)
    holds = Hold.objects.all().visible_to(request.user, *AUDIT_ROLES)
    found = [
        Task(
            _("可疑合同：%(outcome)s") % {"outcome": label},
            listed.filter(outcome=outcome).count(),
            f"{reverse('audit:suspicions')}?outcome={outcome}",
        )
        for outcome, label in ScreeningOutcome.choices
        if outcome != ScreeningOutcome.PASS
    ]
    lift = holds.filter(state=HoldState.LIFT_REQUESTED).count()
    return [
        *found,
        Task(_("待复核解除的暂缓"), lift, f"{reverse('audit:holds')}?state=lift_requested"),
        Task(_("未解除的暂缓"), holds.open().count(), reverse("audit:holds")),
    ]
