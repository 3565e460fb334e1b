"""单位信息: what the register says of my party, and the account that subsidies are paid to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from applications.web.portal.access import act, own_parties, portal_view, refused
from vouchers.access import PARTY_ROLES, Role, has_role
from vouchers.actions.accounts import confirm_account, enter_account, withdraw_account
from vouchers.errors import DomainError
from vouchers.models import BankAccount, Party, User


class AccountForm(forms.Form):
    """A new account of the party."""

    account_no = forms.CharField(
        label=gettext_lazy("银行账号"),
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    account_name = forms.CharField(
        label=gettext_lazy("户名"), max_length=200, help_text=gettext_lazy("须与单位名称一致。")
    )
    bank_name = forms.CharField(
        label=gettext_lazy("开户行"), max_length=120, help_text=gettext_lazy("写到支行。")
    )


def _party(request: HttpRequest) -> Party | None:
    wanted = request.POST.get("enterprise") or request.GET.get("enterprise", "")
    parties = own_parties(request)
    return next((one for one in parties if one.uscc == wanted), parties[0] if parties else None)


@portal_view
def unit(request: HttpRequest) -> HttpResponse:
    """The register's facts, the accounts, and the form of a new one."""
    party = _party(request)
    if party is None:
        return render(request, "portal/unit.html", {"party": None})
    posted = request.method == "POST"
    form = AccountForm(request.POST if posted else None, initial={"account_name": party.name})
    refusals: list[DomainError] = []
    by = request.user
    assert isinstance(by, User)
    if posted and form.is_valid():
        try:
            enter_account(party, by=by, **form.cleaned_data)
        except DomainError as refusal:
            refusals = refused(request, refusal, form)
        else:
            return redirect("portal:unit")
    facts: list[Any] = [
        (_("名称"), party.name),
        (_("统一社会信用代码"), party.uscc),
        (_("注册地"), party.region_code),
        (_("成立日期"), f"{party.registered_on:%Y年%-m月%-d日}" if party.registered_on else ""),
        (_("所有制"), party.get_ownership_display()),
        (_("规模"), party.get_size_display()),
        (_("行业代码"), party.industry_code),
        (_("法定代表人"), party.legal_rep_name),
        (_("地址"), party.address),
    ]
    accounts = list(party.accounts.select_related("entered_by", "confirmed_by").order_by("-pk"))
    current = party.current_account
    waiting = [
        one for one in accounts if one.entered_by_id and not one.confirmed_by_id and one.superseded_at is None
    ]
    context = {
        "party": party,
        "parties": own_parties(request),
        "facts": facts,
        "current": current,
        "waiting": waiting,
        "earlier": [one for one in accounts if one != current and one not in waiting],
        "may_enter": has_role(by, Role.FILER, party=party),
        "may_confirm": has_role(by, Role.ENTERPRISE_APPROVER, party=party),
        "form": form,
        "refusals": refusals,
    }
    faults = refusals or bool(form.errors)
    return render(request, "portal/unit.html", context, status=422 if faults else 200)


def _account(request: HttpRequest) -> BankAccount:
    rows = BankAccount.objects.visible_to(request.user, *PARTY_ROLES).select_related("party")
    return get_object_or_404(
        rows,
        party__uscc=request.POST.get("enterprise", ""),
        account_no=request.POST.get("account_no", ""),
        superseded_at=None,
    )


@require_POST
@portal_view
def confirm(request: HttpRequest) -> HttpResponse:
    """A second person confirms."""
    account = _account(request)
    by: Any = request.user
    return act(
        request,
        lambda: confirm_account(account, by=by),
        _("账户已确认，今后的补贴拨付到尾号 %(tail)s 的账户。") % {"tail": account.account_no[-4:]},
        "portal:unit",
    )


@require_POST
@portal_view
def withdraw(request: HttpRequest) -> HttpResponse:
    """An account that nobody confirmed yet is taken back."""
    account = _account(request)
    by: Any = request.user
    return act(request, lambda: withdraw_account(account, by=by), _("已撤回。"), "portal:unit")
