"""首页: what waits for me, what my vouchers are worth, what is new."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from applications.models import Application, Claim, Message
from applications.models.applications import ApplicationState
from applications.models.claims import ClaimState
from applications.web.portal.access import own_parties, portal_view
from vouchers import dates
from vouchers.access import PARTY_ROLES, Role, has_role
from vouchers.actions.vouchers import balances
from vouchers.models import BankAccount, Voucher
from vouchers.models.vouchers import VoucherState
from vouchers.money import ZERO

SOON = timedelta(days=60)


@portal_view
def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    user = request.user
    mine = Application.objects.visible_to(user, *PARTY_ROLES).filter(origin="live").select_related("program")
    claims = (
        Claim.objects.visible_to(user, *PARTY_ROLES).filter(origin="live").select_related("voucher__program")
    )
    vouchers = list(
        Voucher.objects.visible_to(user, *PARTY_ROLES)
        .filter(is_entitlement=False)
        .filter(origin="live", state=VoucherState.ACTIVE)
        .select_related("program")
        .order_by("expires_on")[:6]
    )
    known = balances(vouchers)
    parties = own_parties(request)
    unconfirmed = BankAccount.objects.visible_to(user, *PARTY_ROLES).filter(
        entered_by__isnull=False, confirmed_by=None, superseded_at=None
    )
    messages = Message.objects.visible_to(user, *PARTY_ROLES).order_by("-pk")
    context = {
        "parties": parties,
        "waiting_applications": mine.filter(
            state__in=(ApplicationState.RETURNED, ApplicationState.DRAFT)
        ).order_by("-state", "due_on", "-pk")[:10],
        "waiting_claims": claims.filter(state__in=(ClaimState.RETURNED, ClaimState.DRAFT)).order_by(
            "-state", "due_on", "-pk"
        )[:10],
        "confirm_accounts": unconfirmed.count() if has_role(user, Role.ENTERPRISE_APPROVER) else 0,
        "no_account": [party for party in parties if party.is_enterprise and party.current_account is None],
        "running": [
            *mine.filter(state__in=("submitted", "accepted", "recommended", "approved", "noticed")).order_by(
                "-pk"
            )[:5],
            *claims.filter(state__in=("submitted", "verified", "approved")).order_by("-pk")[:5],
        ],
        "vouchers": [(voucher, known[voucher.voucher_no]) for voucher in vouchers],
        "soon": dates.today() + SOON,
        "available": sum((one.available for one in known.values()), ZERO),
        "messages_new": messages.filter(read_at=None)[:5],
        "unread": messages.filter(read_at=None).count(),
        "may_start": bool(own_parties(request, Role.FILER)),
    }
    return render(request, "portal/home.html", context)
