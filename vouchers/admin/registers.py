"""银行账户、失信名单、股权、申报的关联关系: read here, entered elsewhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from vouchers.access import Role
from vouchers.admin.acts import ActionOnlyAdmin
from vouchers.admin.parties import REGISTER_READERS
from vouchers.models import BankAccount, DeclaredAffiliation, Listing, Shareholding

# Where money goes and who is behind a company is for those who need it.
CLOSE_READERS = (Role.HANDLER, Role.APPROVER, Role.FINANCE, Role.INVESTIGATOR, Role.AUDITOR)


class RegisterAdmin(ActionOnlyAdmin):
    """Rows that are entered elsewhere: by the company itself, by the import, by the audit."""

    public_key_fields = ("entry_no",)
    read_roles: tuple[str, ...] = CLOSE_READERS

    def region_of(self, obj: Any) -> None:
        """The register is one for all regions."""


@admin.register(BankAccount)
class BankAccountAdmin(RegisterAdmin):
    """银行账户: entered by one person of the company and confirmed by another, on the portal."""

    read_as = "bank_account"

    list_display = ("entry_no", "party", "ending", "bank_name", "entered_by", "confirmed_by", "superseded_at")
    list_filter = ("origin",)
    list_select_related = ("party", "entered_by", "confirmed_by")
    search_fields = ("=entry_no", "party__name", "party__uscc", "=account_no")
    show_full_result_count = False
    fields = (
        "party",
        ("account_no", "account_name", "bank_name"),
        ("entered_by", "confirmed_by", "superseded_at"),
        ("origin", "recorded_at"),
    )
    readonly_fields = ("origin", "recorded_at")

    @admin.display(description=_("尾号"))
    def ending(self, account: BankAccount) -> str:
        """The last four digits."""
        return account.account_no[-4:]


@admin.register(Listing)
class ListingAdmin(RegisterAdmin):
    """失信名单."""

    read_roles = REGISTER_READERS
    list_display = ("entry_no", "party", "kind", "effective_from", "effective_to", "document_no", "origin")
    list_filter = ("kind", "origin")
    list_select_related = ("party",)
    search_fields = ("=entry_no", "party__name", "party__uscc", "document_no")


@admin.register(Shareholding)
class ShareholdingAdmin(RegisterAdmin):
    """股权, as the register of companies gives it."""

    read_as = "shareholding"

    list_display = (
        "entry_no",
        "company",
        "holder_kind",
        "holder_name",
        "percent",
        "effective_from",
        "effective_to",
    )
    list_filter = ("holder_kind", "origin")
    list_select_related = ("company",)
    search_fields = ("=entry_no", "company__name", "company__uscc", "holder_name", "=holder_id")
    show_full_result_count = False


@admin.register(DeclaredAffiliation)
class DeclaredAffiliationAdmin(RegisterAdmin):
    """申报的关联关系, as a company itself declared them."""

    list_display = ("entry_no", "party", "relation", "other", "declared_on", "origin")
    list_filter = ("relation", "origin")
    list_select_related = ("party", "other")
    search_fields = ("=entry_no", "party__name", "party__uscc", "other__name", "other__uscc")
