"""Configuration by government staff, in Django's admin: one module a noun. Verbs go through the actions alone."""

from django.contrib import admin
from django.contrib.auth.models import Group

from vouchers.admin import (
    credentials,
    credit,
    differences,
    dry_runs,
    money,
    parties,
    people,
    policies,
    price_duties,
    price_intake,
    price_issues,
    prices,
    programs,
    publications,
    regions,
    registers,
    trial,
    webhooks,
    year_trial,
)

# Rights are role grants; Django's own groups would be a second, unread table of them.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)

__all__ = [
    "credentials",
    "credit",
    "differences",
    "dry_runs",
    "money",
    "parties",
    "people",
    "policies",
    "price_duties",
    "price_intake",
    "price_issues",
    "prices",
    "programs",
    "publications",
    "regions",
    "registers",
    "trial",
    "webhooks",
    "year_trial",
]
