"""The entries of desk and portal in the menus of the shell."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from applications.models import Message, Objection
from applications.models.notices import ObjectionState
from vouchers import dates
from vouchers.access import DESK_ROLES, PARTY_ROLES, Role, scope_of
from vouchers.models import Clawback, Debarment, Party, PriceReport
from vouchers.models.price_reports import WAITING_FOR_PARTY
from vouchers.web.navigation import Entry, Surface, register_entries, register_surface


def _applications(user: Any) -> int:
    from applications.web.desk.queues import waiting_applications

    return waiting_applications(user).count()


def _batches(user: Any) -> int:
    from applications.models import IssueBatch
    from applications.models.batches import UNFINISHED

    return (
        IssueBatch.objects.visible_to(user, Role.HANDLER, Role.APPROVER).filter(state__in=UNFINISHED).count()
    )


def _claims(user: Any) -> int:
    from applications.web.desk.queues import waiting_claims

    return waiting_claims(user).count()


def _objections(user: Any) -> int:
    return Objection.objects.visible_to(user).filter(state=ObjectionState.FILED).count()


def _carry_overs(user: Any) -> int:
    from vouchers.models import CarryOver

    rows = CarryOver.objects.visible_to(user, Role.FINANCE).filter(state="proposed")
    return rows.exclude(proposed_by=user).count()


def _messages(user: Any) -> int:
    return Message.objects.visible_to(user, *PARTY_ROLES).filter(read_at=None).count()


def _clawbacks(user: Any) -> int:
    from applications.web.desk.clawbacks import waiting_clawbacks

    return waiting_clawbacks(user).count()


def _refunds(user: Any) -> int:
    from applications.web.desk.refunds import waiting_refunds

    return int(waiting_refunds(user).count())


def _demanded(user: Any) -> int:
    return Clawback.objects.told().visible_to(user, *PARTY_ROLES).filter(state="noticed").count()


def _to_answer(user: Any) -> int:
    """Restrictions that the party may still answer."""
    rows = Debarment.objects.all().told().visible_to(user, *PARTY_ROLES)
    return rows.filter(state="noticed", stated_at=None, respond_until__gte=dates.today()).count()


def _reports(user: Any) -> int:
    return PriceReport.objects.visible_to(user, *PARTY_ROLES).filter(state__in=WAITING_FOR_PARTY).count()


def _is_provider(user: Any) -> bool:
    parties = scope_of(user, *PARTY_ROLES).parties
    return bool(parties) and Party.objects.filter(pk__in=parties, is_provider=True).exists()


def register_portal() -> None:
    """The portal's menu, and what everybody may see of the casework."""
    register_surface(Surface("portal", str(_("企业端")), "portal:home", roles=PARTY_ROLES, order=10))
    register_entries(
        "portal",
        Entry(str(_("首页")), "portal:home", order=10, exact=True),
        Entry(str(_("我的申领")), "portal:applications", order=20),
        Entry(str(_("算力券")), "portal:vouchers", order=30),
        Entry(str(_("兑付")), "portal:claims", order=40),
        Entry(str(_("合同")), "portal:leases", order=50),
        Entry(str(_("追回")), "portal:clawbacks", order=55, count=_demanded),
        Entry(str(_("价格报送")), "portal:price_reports", order=57, count=_reports, shown=_is_provider),
        Entry(str(_("信用")), "portal:credit", order=59, count=_to_answer),
        Entry(str(_("异议")), "portal:objections", order=60),
        Entry(str(_("消息")), "portal:messages", order=70, count=_messages),
        Entry(str(_("单位信息")), "portal:unit", order=80),
    )
    register_entries("public", Entry(str(_("公示")), "public:notices", order=30))


def register_menus() -> None:
    """Called once by the app when it is ready."""
    register_portal()
    register_surface(Surface("desk", str(_("管理端")), "desk:home", roles=DESK_ROLES, order=20))
    casework = frozenset({Role.HANDLER, Role.EXPERT, Role.APPROVER})
    group = str(_("审批"))
    register_entries(
        "desk",
        Entry(str(_("待办")), "desk:home", roles=DESK_ROLES, group=group, order=10, exact=True),
        Entry(
            str(_("申领")), "desk:applications", roles=casework, group=group, order=20, count=_applications
        ),
        Entry(
            str(_("审定批次")),
            "desk:issue_batches",
            roles=frozenset({Role.HANDLER, Role.APPROVER}),
            group=group,
            order=25,
            count=_batches,
        ),
        Entry(str(_("兑付申请")), "desk:claims", roles=casework, group=group, order=30, count=_claims),
        Entry(
            str(_("价格报送")),
            "admin:vouchers_pricereport_changelist",
            roles=frozenset({Role.HANDLER}),
            group=group,
            order=45,
        ),
        Entry(str(_("异议")), "desk:objections", roles=DESK_ROLES, group=group, order=40, count=_objections),
        Entry(str(_("算力券")), "desk:vouchers", roles=DESK_ROLES, group=group, order=42),
        Entry(str(_("合同")), "desk:contracts", roles=DESK_ROLES, group=group, order=44),
        Entry(
            str(_("拨付")), "desk:payables", roles=frozenset({Role.FINANCE}), group=str(_("拨付")), order=50
        ),
        Entry(
            str(_("追回")),
            "desk:clawbacks",
            roles=DESK_ROLES - {Role.EXPERT},
            group=str(_("拨付")),
            order=55,
            count=_clawbacks,
        ),
        Entry(
            str(_("退还")),
            "desk:refunds",
            roles=frozenset({Role.FINANCE}),
            group=str(_("拨付")),
            order=57,
            count=_refunds,
        ),
        Entry(
            str(_("预算指标")),
            "desk:budgets",
            roles=frozenset({Role.FINANCE}),
            group=str(_("拨付")),
            order=60,
            count=_carry_overs,
        ),
        Entry(
            str(_("台账日结")),
            "desk:ledger_days",
            roles=frozenset({Role.FINANCE}),
            group=str(_("拨付")),
            order=70,
        ),
        Entry(
            str(_("历史数据")),
            "desk:imports",
            roles=frozenset({Role.SYSTEM_ADMIN, Role.AUDITOR}),
            group=str(_("后台")),
            order=180,
        ),
    )
