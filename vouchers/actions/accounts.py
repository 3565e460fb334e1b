"""收款账户: entered by one person, confirmed by another; what a change of it does to payments on their way."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from django.db.models import QuerySet

from vouchers import dates
from vouchers.access import Role, has_role, require_other_person, require_role
from vouchers.actions.payment_corrections import correct_if_possible
from vouchers.actions.payment_grounds import hold_for_changed_account
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid, NotNow
from vouchers.models import AccountPaper, BankAccount, Party, Payment, PaymentLine, RoleGrant, User
from vouchers.models.payment_lines import PaymentLineState
from vouchers.models.payments import PaymentBatchState, PaymentState

_ACCOUNT = re.compile(r"[0-9]{8,32}")


@dataclass(frozen=True)
class PaperFile:
    """The paper that the office read an account from: its name, its type as its bytes say, and the bytes."""

    filename: str
    content_type: str
    content: bytes


def people_of(party: Party) -> QuerySet[RoleGrant]:
    """Those who may look after the party's accounts themselves: its filers and approvers who can sign in."""
    roles = (Role.FILER, Role.ENTERPRISE_APPROVER)
    return RoleGrant.objects.in_force().filter(party=party, role__in=roles, user__is_active=True)


def enter_account(
    party: Party,
    *,
    account_no: str,
    account_name: str,
    bank_name: str,
    by: User,
    reason: str = "",
    paper: PaperFile | None = None,
) -> BankAccount:
    """A party's person enters the account that subsidies shall be paid to; it counts once another person confirmed it. Of a
    party without people here, finance officers do both, with the reason and the paper that they read it from.

    A number that was put out of use before (退票, replaced) may be entered again. Raises ``Invalid`` (``account.number``,
    ``account.bank``, ``account.name``, ``account.reason``, ``account.paper``), ``Forbidden`` (``access.role``,
    ``account.party_has_people``) and ``NotNow`` (``account.known``).
    """
    announce("bank_account.enter", reason)
    for_the_party = not has_role(by, Role.FILER, party=party) and _pays(by, party)
    if for_the_party:
        _require_no_people(party)
        if not reason.strip():
            raise Invalid(
                "account.reason", "请写明由财务代为登记的理由，例如该单位未开通企业端。", field="reason"
            )
        if paper is None or not paper.content:
            raise Invalid("account.paper", "请附上开户许可证或该单位盖章的账户说明。", field="paper")
    else:
        require_role(by, Role.FILER, party=party)
    number = re.sub(r"[\s-]", "", account_no)
    if not _ACCOUNT.fullmatch(number):
        raise Invalid(
            "account.number",
            f"银行账号应为 8 至 32 位数字，您填写了“{account_no.strip()[:40]}”。请对照开户许可证核对。",
            field="account_no",
        )
    if not bank_name.strip():
        raise Invalid("account.bank", "请填写开户行，写到支行。", field="bank_name")
    if account_name.strip() != party.name:
        raise Invalid(
            "account.name",
            f"户名须与单位名称一致，您填写的是“{account_name.strip()[:60]}”，登记的单位名称为“{party.name}”。",
            field="account_name",
            hint="补贴只能拨付到本单位的对公账户。",
        )
    if BankAccount.objects.filter(party=party, account_no=number, superseded_at=None).exists():
        raise NotNow("account.known", "该账号已经登记，不必重复填写。", hint="如需更正开户行，请先撤回。")
    account = BankAccount.objects.create(
        party=party,
        account_no=number,
        account_name=account_name.strip(),
        bank_name=bank_name.strip(),
        entered_by=by,
        office_reason=reason.strip()[:500] if for_the_party else "",
    )
    if for_the_party and paper is not None:
        AccountPaper.objects.create(
            account=account,
            filename=paper.filename[:200],
            content_type=paper.content_type,
            content=paper.content,
            sha256=hashlib.sha256(paper.content).hexdigest(),
        )
    return account


def _require_no_people(party: Party) -> None:
    if people_of(party).exists():
        raise Forbidden(
            "account.party_has_people",
            f"{party.name} 在企业端有经办人，账户须由该单位自行登记并确认，财务人员不能代办。",
            hint="请通知企业在“单位信息”中办理；经办人已离职的，请先由该单位办理人员变更。",
        )


def _pays(person: User | None, party: Party) -> bool:
    """Whether the person is a finance officer of a region that pays the party."""
    if person is None:
        return False
    return Payment.objects.visible_to(person, Role.FINANCE).filter(payee=party).exists()


def confirm_account(account: BankAccount, *, by: User) -> BankAccount:
    """Another person of the same side confirms it; the accounts before it are no longer used.

    What was returned by the bank is payable again; what was approved and not sent yet is put on hold. Raises ``NotNow``
    (``account.confirmed``) and ``Forbidden`` (``access.role``, ``access.same_person``)."""
    announce("bank_account.confirm")
    party = account.party
    if not has_role(by, Role.ENTERPRISE_APPROVER, party=party):
        if not _pays(by, party):
            require_role(by, Role.ENTERPRISE_APPROVER, party=party)
        if not _pays(account.entered_by, party):
            raise Forbidden(
                "access.role", "该账户由企业自行登记，须由企业审批人确认。", hint="请通知企业办理。"
            )
        _require_no_people(party)
    # Whoever sends a batch to the bank waits here, or is waited for (``lock_payments``).
    Party.objects.select_for_update(no_key=True).get(pk=party.pk)
    account.refresh_from_db()
    if (
        account.entered_by_id is None
        or account.confirmed_by_id is not None
        or account.superseded_at is not None
    ):
        raise NotNow("account.confirmed", "该账户不需要再确认，请刷新后查看。")
    require_other_person(by, {account.entered_by_id}, "确认银行账户")
    account.confirmed_by = by
    account.save(update_fields=["confirmed_by"])
    party.accounts.filter(superseded_at=None).exclude(pk=account.pk).update(superseded_at=dates.now())
    _hold_what_was_approved(account)
    returned = Payment.objects.select_for_update(of=("self",), no_key=True).select_related(
        "payee", "program__region"
    )
    for payment in returned.filter(payee=party, state=PaymentState.RETURNED).order_by("pk"):
        correct_if_possible(payment, by=by)
    return account


def _hold_what_was_approved(account: BankAccount) -> None:
    lines = PaymentLine.objects.filter(
        payment__payee=account.party,
        state=PaymentLineState.LISTED,
        batch__state=PaymentBatchState.APPROVED,
    ).exclude(account=account)
    for line in lines.select_related("batch", "payment__program__region", "payment__payee"):
        hold_for_changed_account(line)


def withdraw_account(account: BankAccount, *, by: User) -> BankAccount:
    """Take back an account that was entered and not confirmed yet."""
    announce("bank_account.withdraw")
    if not _pays(by, account.party):
        require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=account.party)
    # Whoever confirms it waits here, or is waited for.
    Party.objects.select_for_update(no_key=True).get(pk=account.party_id)
    account.refresh_from_db()
    if account.superseded_at is not None:
        return account
    if account.entered_by_id is None or account.confirmed_by_id is not None:
        raise NotNow("account.confirmed", "已确认的账户不能撤回；如需更换，请登记新账户。")
    account.superseded_at = dates.now()
    account.save(update_fields=["superseded_at"])
    return account
