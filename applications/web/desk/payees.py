"""收款账户: the account of a payee, for finance officers of the regions that pay it."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from applications.actions.file_types import recognise
from applications.actions.papers import clean_name
from applications.reads import note_read
from applications.web.desk.access import act, desk_view
from applications.web.downloads import attachment
from vouchers.access import Role
from vouchers.actions.accounts import (
    PaperFile,
    confirm_account,
    enter_account,
    people_of,
    withdraw_account,
)
from vouchers.errors import Invalid
from vouchers.models import AccountPaper, BankAccount, Party, Payment, User

LARGEST_PAPER_MB = 10


@desk_view
def payee(request: HttpRequest, uscc: str) -> HttpResponse:
    """The accounts, the payments, and the forms of a payee without people of its own here."""
    payments = Payment.objects.visible_to(request.user, Role.FINANCE).filter(payee__uscc=uscc)
    party = get_object_or_404(Party, pk__in=payments.values("payee"))
    if request.method == "POST":
        return _deed(request, party)
    note_read(
        "party_accounts",
        uscc,
        by=cast(User, request.user),
        region_code=payments.values_list("region__code", flat=True).order_by("-pk").first() or "",
        facts={"subject_kind": "party", "subject_no": uscc},
    )
    accounts = list(
        party.accounts.select_related("entered_by", "confirmed_by").prefetch_related("papers").order_by("-pk")
    )
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
        "has_people": people_of(party).exists(),
    }
    return render(request, "desk/payee.html", context)


def _paper(request: HttpRequest) -> PaperFile | None:
    """What was attached, typed by its bytes; None when nothing was."""
    file = request.FILES.get("paper")
    if file is None or not file.size:
        return None
    if file.size > LARGEST_PAPER_MB * 1024 * 1024:
        raise Invalid(
            "account.paper_too_large", f"材料超过 {LARGEST_PAPER_MB} MB，请压缩后再上传。", field="paper"
        )
    kind = recognise(cast(BinaryIO, file.file))
    file.seek(0)
    return PaperFile(clean_name(file.name or "", kind), kind.content_type, file.read())


@desk_view
def paper(request: HttpRequest, uscc: str, entry_no: str) -> HttpResponse:
    """The paper that an account was read from, for whoever confirms it."""
    payments = Payment.objects.visible_to(request.user, Role.FINANCE).filter(payee__uscc=uscc)
    rows = AccountPaper.objects.filter(
        account__party__in=payments.values("payee"), account__entry_no=entry_no
    )
    found = get_object_or_404(rows.order_by("-pk"))
    return attachment(
        request, bytes(found.content), found.filename, found.content_type, "account_paper", entry_no
    )


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
                reason=given.get("reason", ""),
                paper=_paper(request),
                by=by,
            )
        account = BankAccount.objects.filter(
            party=party, entry_no=given.get("entry_no", ""), superseded_at=None
        ).first()
        if account is None:
            raise Invalid("account.unknown", "没有这个待确认的账户，请刷新后查看。")
        if given.get("deed") == "confirm":
            return confirm_account(account, by=by)
        if given.get("deed") == "withdraw":
            return withdraw_account(account, by=by)
        raise Invalid("account.deed", "没有这个操作。")

    return act(request, deed, deeds.get(given.get("deed", ""), ""), "desk:payee", party.uscc)
