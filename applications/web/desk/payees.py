"""收款账户: the account of a payee, for finance officers of the regions that pay it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from applications.web.desk.access import act, desk_view
from vouchers.access import PARTY_ROLES, Role
from vouchers.actions.accounts import confirm_account, enter_account, withdraw_account
from vouchers.errors import Invalid
from vouchers.models import BankAccount, Party, Payment, RoleGrant


@desk_view
def payee(request: HttpRequest, uscc: str) -> HttpResponse:
    """The accounts, the payments, and the forms of a payee without people of its own here."""
    payments = Payment.objects.visible_to(request.user, Role.FINANCE).filter(payee__uscc=uscc)
    party = get_object_or_404(Party, pk__in=payments.values("payee"))
    if request.method == "POST":
        return _deed(request, party)
    accounts = list(party.accounts.select_related("entered_by", "confirmed_by").order_by("-pk"))
    current = party.current_account
    waiting = [
        one for one in accounts if one.entered_by_id and not one.confirmed_by_id and one.superseded_at is None
    ]
    context = {
        "party": party,
        "current": current,
        "waiting": waiting,
        "earlier": [one for one in accounts if one != current and one not in waiting],
        "payments": payments.order_by("-pk")[:50],
        "has_people": RoleGrant.objects.in_force().filter(party=party, role__in=PARTY_ROLES).exists(),
    }
    return render(request, "desk/payee.html", context)


def _deed(request: HttpRequest, party: Party) -> HttpResponse:
    by: Any = request.user
    given = request.POST
    deeds = {
        "enter": _("账户已登记，待另一位财务人员对照材料确认。"),
        "confirm": _("账户已确认，今后拨付到该账户。"),
        "withdraw": _("已撤回。"),
    }

    def deed() -> Any:
        if given.get("deed") == "enter":
            return enter_account(
                party,
                account_no=given.get("account_no", ""),
                account_name=given.get("account_name", ""),
                bank_name=given.get("bank_name", "")[:120],
                by=by,
            )
        account = BankAccount.objects.filter(
            party=party, account_no=given.get("account_no", ""), superseded_at=None
        ).first()
        if account is None:
            raise Invalid("account.unknown", "没有这个待确认的账户，请刷新后查看。", field="account_no")
        if given.get("deed") == "confirm":
            return confirm_account(account, by=by)
        if given.get("deed") == "withdraw":
            return withdraw_account(account, by=by)
        raise Invalid("account.deed", "没有这个操作。")

    return act(request, deed, deeds.get(given.get("deed", ""), ""), "desk:payee", party.uscc)
