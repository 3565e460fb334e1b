"""本机关收款账户: where clawed back money is paid to, entered by one finance officer and confirmed by another."""

from __future__ import annotations

import re

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import ReceivingAccount, Region, User
from vouchers.numbers import next_no

_NUMBER = re.compile(r"[0-9]{8,32}")


def account_of(region: Region) -> ReceivingAccount | None:
    """The account in use; None until one was entered and confirmed."""
    found: ReceivingAccount | None = ReceivingAccount.objects.filter(
        region=region, superseded_at=None, confirmed_by__isnull=False
    ).first()
    return found


def require_account(region: Region) -> ReceivingAccount:
    """The account in use. Raises ``NotNow`` (``clawback.no_receiving_account``)."""
    found = account_of(region)
    if found is None:
        raise NotNow(
            "clawback.no_receiving_account",
            f"{region.name}尚未配置本机关收款账户，通知书不能载明退回到哪里，暂不能发出。",
            hint="请在“追回”页登记收款账户，并由另一位财务人员确认。",
        )
    return found


def enter_receiving_account(
    region: Region, *, account_name: str, account_no: str, bank_name: str, document_no: str, by: User
) -> ReceivingAccount:
    """As its document says; it is used once another person has confirmed it.

    Raises ``Forbidden`` (``access.role``) and ``Problems`` (``receiving_account.name``, ``.number``, ``.bank``, ``.document``,
    ``.waits``)."""
    announce("receiving_account.enter", document_no)
    require_role(by, Role.FINANCE, region=region)
    number = re.sub(r"[\s-]", "", account_no)
    faults: list[Invalid] = []
    if not account_name.strip():
        faults.append(
            Invalid("receiving_account.name", "请填写户名，与银行预留的一致。", field="account_name")
        )
    if not _NUMBER.fullmatch(number):
        faults.append(
            Invalid(
                "receiving_account.number",
                f"银行账号应为 8 至 32 位数字，您填写了“{account_no.strip()[:40]}”。",
                field="account_no",
            )
        )
    if not bank_name.strip():
        faults.append(Invalid("receiving_account.bank", "请填写开户行，写到支行。", field="bank_name"))
    if not document_no.strip():
        faults.append(
            Invalid("receiving_account.document", "请填写设立或指定该账户的文件的文号。", field="document_no")
        )
    if waiting_of(region) is not None:
        faults.append(Invalid("receiving_account.waits", "已有一个账户待确认，请先确认或撤回。"))
    if faults:
        raise Problems(faults)
    return ReceivingAccount.objects.create(
        receiving_account_no=next_no("RA", dates.today()),
        region=region,
        account_name=account_name.strip()[:200],
        account_no=number,
        bank_name=bank_name.strip()[:120],
        document_no=document_no.strip()[:100],
        entered_by=by,
        entered_at=dates.now(),
    )


def waiting_of(region: Region) -> ReceivingAccount | None:
    """The one that waits for a second person."""
    found: ReceivingAccount | None = ReceivingAccount.objects.filter(
        region=region, superseded_at=None, confirmed_by=None
    ).first()
    return found


def _as_it_stands(account: ReceivingAccount) -> ReceivingAccount:
    """Whoever changes the account of a region waits for whoever does at the same time."""
    Region.objects.select_for_update(no_key=True).get(pk=account.region_id)
    row: ReceivingAccount = ReceivingAccount.objects.select_related("region").get(pk=account.pk)
    if row.confirmed_by_id is not None or row.superseded_at is not None:
        raise NotNow("receiving_account.confirmed", "该账户不需要再办理，请刷新后查看。")
    return row


def confirm_receiving_account(account: ReceivingAccount, *, by: User) -> ReceivingAccount:
    """Another person has compared it with the document; the one before is used no longer. Notices that were given keep theirs.

    Raises ``NotNow`` (``receiving_account.confirmed``) and ``Forbidden`` (``access.role``, ``access.same_person``)."""
    announce("receiving_account.confirm", account.document_no)
    require_role(by, Role.FINANCE, region=account.region)
    row = _as_it_stands(account)
    require_other_person(by, {row.entered_by_id}, "确认本机关收款账户")
    in_use = account_of(row.region)
    if in_use is not None:
        in_use.superseded_at = dates.now()
        in_use.save(update_fields=["superseded_at"])
    row.confirmed_by, row.confirmed_at = by, dates.now()
    row.save(update_fields=["confirmed_by", "confirmed_at"])
    return row


def withdraw_receiving_account(account: ReceivingAccount, *, by: User) -> ReceivingAccount:
    """Take back one that was not confirmed yet. Raises ``NotNow`` (``receiving_account.confirmed``)."""
    announce("receiving_account.withdraw")
    require_role(by, Role.FINANCE, region=account.region)
    row = _as_it_stands(account)
    row.superseded_at = dates.now()
    row.save(update_fields=["superseded_at"])
    return row
