"""Verbs on the register of parties that the floors above push down."""

from __future__ import annotations

import re
from datetime import date

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Affiliation, BankAccount, Party, User


def record_affiliation(
    one: Party,
    other: Party,
    *,
    ground: str,
    evidence: list[str],
    effective_from: date,
    effective_to: date | None = None,
) -> tuple[Affiliation, bool]:
    """Keep that two parties belong together from a day on; the price method then counts them as one group.

    Recorded twice it changes nothing but the end and the evidence. Returns the row and whether it is new. Raises ``Invalid``
    (``affiliation.self``, ``affiliation.dates``, ``affiliation.evidence``).
    """
    announce("party.record_affiliation", ground)
    if one.pk == other.pk:
        raise Invalid("affiliation.self", "关联关系须在两个不同的单位之间。")
    if effective_to is not None and effective_to <= effective_from:
        raise Invalid("affiliation.dates", "关联关系的截止日须晚于起始日。", field="effective_to")
    if not evidence:
        raise Invalid("affiliation.evidence", "请列明认定关联关系所依据的记录。", field="evidence")
    first, second = sorted((one, other), key=lambda party: party.pk)
    row, made = Affiliation.objects.get_or_create(
        one=first,
        other=second,
        ground=ground,
        effective_from=effective_from,
        defaults={"evidence": evidence, "effective_to": effective_to},
    )
    if not made and (row.effective_to != effective_to or row.evidence != evidence):
        row.effective_to, row.evidence = effective_to, evidence
        row.save(update_fields=("effective_to", "evidence"))
    return row, made


def end_affiliation(affiliation: Affiliation, *, effective_to: date) -> None:
    """The register no longer shows the link: it ends on that day (half-open). An earlier end stays."""
    announce("party.end_affiliation", affiliation.ground)
    if affiliation.effective_to is not None and affiliation.effective_to <= effective_to:
        return
    affiliation.effective_to = max(effective_to, affiliation.effective_from)
    affiliation.save(update_fields=("effective_to",))


_ACCOUNT = re.compile(r"[0-9]{8,32}")


def enter_account(
    party: Party, *, account_no: str, account_name: str, bank_name: str, by: User
) -> BankAccount:
    """A party's person enters the account that subsidies shall be paid to; it counts once another person confirmed it.

    Raises ``Invalid`` (``account.number``, ``account.bank``, ``account.name``) and ``NotNow`` (``account.known``).
    """
    announce("bank_account.enter")
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
    known = BankAccount.objects.filter(party=party, account_no=number).first()
    if known is not None:
        raise NotNow("account.known", "该账号已经登记过，不必重复填写。")
    return BankAccount.objects.create(
        party=party,
        account_no=number,
        account_name=account_name.strip(),
        bank_name=bank_name.strip(),
        entered_by=by,
    )


def confirm_account(account: BankAccount, *, by: User) -> BankAccount:
    """Another person of the party confirms it; the accounts before it are no longer used. Raises ``NotNow``
    (``account.confirmed``) and ``Forbidden`` (``access.same_person``)."""
    announce("bank_account.confirm")
    require_role(by, Role.ENTERPRISE_APPROVER, party=account.party)
    if (
        account.entered_by_id is None
        or account.confirmed_by_id is not None
        or account.superseded_at is not None
    ):
        raise NotNow("account.confirmed", "该账户不需要再确认，请刷新后查看。")
    require_other_person(by, {account.entered_by_id}, "确认银行账户")
    account.confirmed_by = by
    account.save(update_fields=["confirmed_by"])
    account.party.accounts.filter(superseded_at=None).exclude(pk=account.pk).update(superseded_at=dates.now())
    return account


def withdraw_account(account: BankAccount, *, by: User) -> BankAccount:
    """Take back an account that was entered and not confirmed yet."""
    announce("bank_account.withdraw")
    require_role(by, Role.FILER, Role.ENTERPRISE_APPROVER, party=account.party)
    if account.entered_by_id is None or account.confirmed_by_id is not None:
        raise NotNow("account.confirmed", "已确认的账户不能撤回；如需更换，请登记新账户。")
    account.superseded_at = dates.now()
    account.save(update_fields=["superseded_at"])
    return account


_USCC = re.compile(r"[0-9A-Z]{18}")


def counterparty(*, uscc: str, name: str, by: User) -> Party:
    """The other side of a contract: the party of that code, or a new row of the register with the name that was given.

    A wrong check digit is no refusal (such codes exist). Raises ``Invalid`` (``party.uscc``, ``party.name``)."""
    announce("party.name_counterparty")
    require_role(by, Role.FILER)
    code = re.sub(r"[\s-]", "", uscc).upper()
    if not _USCC.fullmatch(code):
        raise Invalid(
            "party.uscc",
            f"统一社会信用代码应为 18 位数字和大写字母，您填写了 {len(code)} 位。请对照合同或营业执照核对。",
            field="lessor_uscc",
        )
    known: Party | None = Party.objects.filter(uscc=code).first()
    if known is not None:
        return known
    if not name.strip():
        raise Invalid("party.name", f"登记中还没有代码为 {code} 的单位，请填写其全称。", field="lessor_name")
    return Party.objects.create(
        uscc=code,
        name=name.strip()[:200],
        is_provider=True,
        region_code=code[2:8] if code[2:8].isdigit() else "",
    )
