"""收回: set-offs and refunds of a clawback, each by two persons, and the office's own accounts that it is paid to."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from applications.web.desk.access import act, desk_view
from vouchers.access import Role, require_role, scope_of
from vouchers.actions import receiving_accounts as accounts
from vouchers.actions import refunds, set_offs
from vouchers.errors import Invalid
from vouchers.models import ReceivingAccount, Refund, Region, SetOff


def shown_set_offs(clawback: Any, user: Any, *, finance: bool) -> list[SetOff]:
    """The set-offs of a clawback, each with what this person may do about it."""
    rows: list[SetOff] = list(
        clawback.set_offs.select_related("payment", "proposed_by", "decided_by").order_by("-pk")
    )
    for row in rows:
        waits = finance and row.state == "proposed"
        row.mine = waits and row.proposed_by == user  # type: ignore[attr-defined]
        row.others = waits and row.proposed_by != user  # type: ignore[attr-defined]
    return rows


def shown_refunds(clawback: Any, user: Any, *, finance: bool) -> list[Refund]:
    """What goes back to the payer, each with what this person may do about it."""
    rows: list[Refund] = list(
        clawback.refunds.select_related("account", "opened_by", "approved_by", "paid_by").order_by("pk")
    )
    for row in rows:
        row.may_approve = finance and row.state == "due" and row.opened_by != user  # type: ignore[attr-defined]
        row.may_pay = finance and row.state == "approved" and row.approved_by != user  # type: ignore[attr-defined]
        row.may_send_back = finance and row.state == "approved"  # type: ignore[attr-defined]
    return rows


@require_POST
@desk_view
def decide_set_off(request: HttpRequest, clawback_no: str, set_off_no: str, verb: str) -> HttpResponse:
    """Confirm, refuse or withdraw."""
    rows = SetOff.objects.visible_to(request.user, Role.FINANCE).select_related("clawback__region", "payment")
    row = get_object_or_404(rows, set_off_no=set_off_no, clawback__clawback_no=clawback_no)
    by: Any = request.user

    def deed() -> Any:
        match verb:
            case "confirm":
                return set_offs.confirm_set_off(row, by=by)
            case "refuse":
                return set_offs.refuse_set_off(row, by=by, answer=request.POST.get("reason", ""))
            case "withdraw":
                return set_offs.withdraw_set_off(row, by=by)
        raise Invalid("set_off.verb", "没有这个操作。")

    done = _("抵扣 %(number)s：已%(verb)s。") % {
        "number": set_off_no,
        "verb": row.lifecycle.label_of(verb),
    }
    return act(request, deed, done, "desk:clawback", clawback_no)


@require_POST
@desk_view
def decide_refund(request: HttpRequest, clawback_no: str, refund_no: str, verb: str) -> HttpResponse:
    """Approve, send back, or enter the bank's slip."""
    rows = Refund.objects.visible_to(request.user, Role.FINANCE).select_related(
        "clawback__region", "clawback__party", "account"
    )
    row = get_object_or_404(rows, refund_no=refund_no, clawback__clawback_no=clawback_no)
    by: Any = request.user

    def deed() -> Any:
        match verb:
            case "approve":
                return refunds.approve_refund(row, by=by)
            case "send_back":
                return refunds.send_back_refund(row, by=by, reason=request.POST.get("reason", ""))
            case "pay":
                day = request.POST.get("paid_on", "").strip()
                try:
                    paid_on = date.fromisoformat(day)
                except ValueError as error:
                    raise Invalid("refund.date", f"“{day[:20]}”不是日期。", field="paid_on") from error
                return refunds.pay_refund(
                    row, paid_on=paid_on, bank_reference=request.POST.get("bank_reference", ""), by=by
                )
        raise Invalid("refund.verb", "没有这个操作。")

    done = _("退还 %(number)s：已%(verb)s。") % {"number": refund_no, "verb": row.lifecycle.label_of(verb)}
    return act(request, deed, done, "desk:clawback", clawback_no)


def _regions(user: Any) -> list[Region]:
    """The regions that the person does the finance of."""
    return list(Region.objects.filter(code__in=scope_of(user, Role.FINANCE).regions).order_by("code"))


@desk_view
def receiving_accounts(request: HttpRequest) -> HttpResponse:
    """本机关收款账户 of the finance officer's regions: in use, waiting, earlier; and the form of a new one."""
    require_role(request.user, Role.FINANCE)
    regions = _regions(request.user)
    if request.method == "POST":
        return _account_deed(request, regions)
    rows = ReceivingAccount.objects.visible_to(request.user, Role.FINANCE).select_related(
        "region", "entered_by", "confirmed_by"
    )
    shown = []
    for region in regions:
        own = [one for one in rows.order_by("-pk") if one.region_id == region.pk]
        in_use = next((one for one in own if one.confirmed_by and one.superseded_at is None), None)
        waiting = next((one for one in own if not one.confirmed_by and one.superseded_at is None), None)
        earlier = [one for one in own if one.superseded_at is not None and one.confirmed_by]
        shown.append({"region": region, "in_use": in_use, "waiting": waiting, "earlier": earlier})
    return render(request, "desk/receiving_accounts.html", {"shown": shown})


def _account_deed(request: HttpRequest, regions: list[Region]) -> HttpResponse:
    by: Any = request.user
    given = request.POST
    done = {
        "enter": _("账户已登记，待另一位财务人员对照文件确认。"),
        "confirm": _("账户已确认，此后的追回通知书载明该账户。"),
        "withdraw": _("已撤回。"),
    }

    def deed() -> Any:
        if given.get("deed") == "enter":
            region = next((one for one in regions if one.code == given.get("region")), None)
            if region is None:
                raise Invalid("receiving_account.region", "请选择地区。", field="region")
            return accounts.enter_receiving_account(
                region,
                account_name=given.get("account_name", ""),
                account_no=given.get("account_no", ""),
                bank_name=given.get("bank_name", ""),
                document_no=given.get("document_no", ""),
                by=by,
            )
        row = (
            ReceivingAccount.objects.visible_to(request.user, Role.FINANCE)
            .select_related("region")
            .filter(receiving_account_no=given.get("receiving_account_no", ""))
            .first()
        )
        if row is None:
            raise Invalid("receiving_account.unknown", "没有这个待确认的账户，请刷新后查看。")
        if given.get("deed") == "confirm":
            return accounts.confirm_receiving_account(row, by=by)
        if given.get("deed") == "withdraw":
            return accounts.withdraw_receiving_account(row, by=by)
        raise Invalid("receiving_account.deed", "没有这个操作。")

    return act(request, deed, done.get(given.get("deed", ""), ""), "desk:receiving_accounts")
