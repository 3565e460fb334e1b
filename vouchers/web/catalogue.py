"""What can be applied for today, and why not: shared by the public catalogue and the portal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from vouchers import dates
from vouchers.actions.budgets import room_of
from vouchers.models import Program, Publication, PublicationStatus
from vouchers.policy.opening import closed_reasons
from vouchers.policy.rules import Scheme, Window
from vouchers.policy.terms import Shortage
from vouchers.policy.windows import window_at
from vouchers.web.wording import date_text, instant_text


@dataclass(frozen=True)
class Offer:
    """A program as it stands on a day. ``reasons`` say why it takes no applications; ``left`` is this year's budget in yuan
    that no voucher has taken yet, None when nothing was appropriated."""

    program: Program
    publication: Publication | None
    scheme: Scheme | None
    reasons: tuple[str, ...]
    left: Decimal | None
    window: Window | None = None

    @property
    def open(self) -> bool:
        """Whether an application may be started today."""
        return not self.reasons

    @property
    def state(self) -> dict[str, str]:
        """For the state tag."""
        if self.open:
            return {"state": "active", "label": _("可申领")}
        return {"state": "closed", "label": _("暂不受理")}


def offer_of(program: Program, on: date | None = None) -> Offer:
    """The program today, with the version in force, or the last one that was."""
    day = on or dates.today()
    publication = Publication.objects.filter(program=program).valid_on(day).select_related("validity").first()
    if publication is None:
        return _not_in_force(program, day)
    scheme = publication.scheme
    left = room_of(program, day.year, scheme)
    reasons: list[str] = []
    status = publication.status_on(day)
    if status == PublicationStatus.Status.SUSPENDED:
        reasons.append(_("主管部门已暂停受理，恢复时另行公告。"))
    elif status != PublicationStatus.Status.PUBLISHED:
        reasons.append(_("该政策版本已不再施行。"))
    if not publication.takes_applications:
        reasons += closed_reasons(scheme)
    now = dates.now()
    window = window_at(scheme, now)
    if window is not None:
        if now < window.opens_at:
            reasons.append(
                _("“%(name)s”自 %(from)s 开始。")
                % {"name": window.name, "from": instant_text(window.opens_at)}
            )
        elif now >= window.closes_at:
            reasons.append(
                _("“%(name)s”已于 %(to)s 截止。")
                % {"name": window.name, "to": instant_text(window.closes_at)}
            )
    if left == 0 and scheme.issue.shortage in (Shortage.FIRST_COME, Shortage.STOP):
        reasons.append(_("本年度资金已用完，额满即止。"))
    return Offer(program, publication, scheme, tuple(reasons), left, window)


def _not_in_force(program: Program, day: date) -> Offer:
    known = Publication.objects.filter(program=program).select_related("validity")
    coming = known.filter(validity__effective_from__gt=day).order_by("validity__effective_from").first()
    if coming is not None:
        reason = _("自 %(day)s 起施行。") % {"day": date_text(coming.validity.effective_from)}
        return Offer(program, coming, coming.scheme, (reason,), room_of(program, day.year, coming.scheme))
    last = known.order_by("-validity__effective_from").first()
    if last is None:
        left = room_of(program, day.year, None)
        return Offer(program, None, None, (_("政策正在拟定，尚未发布。"),), left)
    ended = last.validity.effective_to
    reason = (
        _("已于 %(day)s 期满，目前没有施行中的政策。") % {"day": date_text(ended - timedelta(days=1))}
        if ended
        else _("目前没有施行中的政策。")
    )
    return Offer(program, last, last.scheme, (reason,), room_of(program, day.year, last.scheme))


def offers(on: date | None = None) -> list[Offer]:
    """All programs of the public catalogue, the open ones first."""
    rows = (
        Program.objects.listed().filter(origin=Program.Origin.LIVE).select_related("region").order_by("code")
    )
    found = [offer_of(program, on) for program in rows]
    return sorted(found, key=lambda one: (not one.open, one.publication is None))
