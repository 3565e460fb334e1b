"""The price office's front page: what waits, since when it is late, and where to do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.translation import gettext as _

from vouchers.actions.price_tasks import PriceTask, price_tasks_of
from vouchers.models.prices import Market
from vouchers.policy.words import day_words


@dataclass(frozen=True)
class ShownTask:
    """A line of the list: what to do and where; until when, in words; ``overdue`` marks it."""

    text: str
    url: str
    link: str
    until: str
    overdue: bool


def shown_price_tasks(user: Any) -> list[ShownTask]:
    """The person's price tasks as drawn; empty for who has none."""
    return [_shown(task) for task in price_tasks_of(user)]


def _shown(task: PriceTask) -> ShownTask:
    until = ""
    if task.due_on is not None:
        until = _("应于%(day)s前发布") % {"day": day_words(task.due_on)}
        if task.overdue:
            until = _("%(until)s，已超期 %(n)d 个工作日") % {"until": until, "n": task.days_over}
    text, link, url = _words(task)
    return ShownTask(text, url, link, until, task.overdue)


def _words(task: PriceTask) -> tuple[str, str, str]:
    if task.month is not None:
        about = {
            "month": _("%(y)d年%(m)d月") % {"y": task.month.year, "m": task.month.month},
            "market": _("国内") if task.market == Market.CHINA else _("境外参考"),
        }
        issues = reverse("admin:vouchers_priceindexissue_changelist")
        url = (
            reverse("admin:vouchers_priceindexissue_change", args=[quote(task.issue.issue_no)])
            if task.issue is not None
            else issues
        )
        return {
            "compute": (_("%(month)s价格（%(market)s）尚未测算") % about, _("去测算"), issues),
            "propose": (
                _("%(month)s价格（%(market)s）已测算，待核对后提请发布") % about,
                _("核对并提请"),
                url,
            ),
            "publish": (_("%(month)s价格（%(market)s）已提请，待您复核发布") % about, _("复核发布"), url),
            "await": (_("%(month)s价格（%(market)s）已提请，待提请人以外的人发布") % about, _("查看"), url),
        }[task.kind]
    observations = reverse("admin:vouchers_priceobservation_changelist")
    count = {"n": task.count}
    return {
        "confirm": (
            _("%(n)d 条价格更正或剔除待您复核") % count,
            _("去复核"),
            f"{observations}?proposed_by__isnull=False",
        ),
        "judge": (_("%(n)d 条价格待核对") % count, _("去核对"), f"{observations}?state__exact=quarantined"),
        "report": (
            _("%(n)d 份价格报送待核对") % count,
            _("去核对"),
            reverse("admin:vouchers_pricereport_changelist"),
        ),
    }[task.kind]
