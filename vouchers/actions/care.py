"""Whose accounts, grants and companies are in the care of a person: the regions where a role is held, and those below.

A region's security administrators look after the accounts of its staff and of the companies that are registered there or
admitted to one of its schemes.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet

from vouchers.access import scope_of
from vouchers.models import ApiCredential, Party, Program, Region, RoleGrant, User


def regions_in_care(user: User, *roles: str) -> frozenset[str]:
    """Codes of the regions where one of the roles is held, with every region below them."""
    codes = set(scope_of(user, *roles).regions)
    fresh = set(codes)
    while fresh:
        fresh = set(Region.objects.filter(parent__code__in=fresh).values_list("code", flat=True)) - codes
        codes |= fresh
    return frozenset(codes)


def regions_without_staff() -> QuerySet[Region]:
    """Regions where nobody ever held a role, there or above: whoever grants there first makes a security administrator."""
    held = set(RoleGrant.objects.exclude(region=None).values_list("region_id", flat=True))
    above = dict(Region.objects.values_list("pk", "parent_id"))
    free = []
    for region in above:
        line: int | None = region
        while line is not None and line not in held:
            line = above[line]
        if line is None:
            free.append(region)
    return Region.objects.filter(pk__in=free)


def _prefix(code: str) -> str:
    """The part of a division's code that the codes below it share: 110000 → 11, 440300 → 4403."""
    while code.endswith("00") and len(code) > 2:
        code = code[:-2]
    return code


def parties_in_care(user: User, *roles: str) -> QuerySet[Party]:
    """Companies registered in those regions, or admitted to one of their schemes."""
    regions = regions_in_care(user, *roles)
    if not regions:
        return Party.objects.none()
    registered: Q = reduce(or_, (Q(region_code__startswith=_prefix(code)) for code in sorted(regions)))
    schemes = Program.objects.filter(region__code__in=regions).values("code")
    companies: QuerySet[Party] = Party.objects.filter(
        registered | Q(pk__in=Party.objects.filter(admissions__program_code__in=schemes).values("pk"))
    )
    return companies


def grants_in_care(user: User, *roles: str) -> QuerySet[RoleGrant]:
    """Grants for those regions and those companies."""
    grants: QuerySet[RoleGrant] = RoleGrant.objects.filter(
        Q(region__code__in=regions_in_care(user, *roles)) | Q(party__in=parties_in_care(user, *roles))
    )
    return grants


def credentials_in_care(user: User, *roles: str) -> QuerySet[ApiCredential]:
    """Credentials of providers in care that reach nowhere beyond those regions.

    One that names programs reaches their regions; one that names none, its region with all below it. A credential of the time
    when none had a region reaches the regions of all programs that its provider is admitted to.
    """
    regions = regions_in_care(user, *roles)
    beyond = Program.objects.exclude(region__code__in=regions)
    bound = ApiCredential.programs.through.objects.filter(apicredential_id=OuterRef("pk"))
    named, named_beyond = Exists(bound), Exists(bound.filter(program__in=beyond))
    admitted_beyond = Exists(
        Party.objects.filter(pk=OuterRef("provider"), admissions__program_code__in=beyond.values("code"))
    )
    credentials: QuerySet[ApiCredential] = ApiCredential.objects.filter(
        Q(named, ~named_beyond)
        | Q(~named, region__code__in=regions)
        | Q(~named, ~admitted_beyond, region__isnull=True),
        provider__in=parties_in_care(user, *roles),
    )
    return credentials


def accounts_in_care(user: User, *roles: str) -> QuerySet[User]:
    """Accounts that hold or held a grant in care, and those that have none yet."""
    if scope_of(user, *roles).empty:
        return User.objects.none()
    held = RoleGrant.objects.all()
    cared = held.filter(pk__in=grants_in_care(user, *roles).values("pk"))
    return User.objects.filter(~Q(pk__in=held.values("user")) | Q(pk__in=cared.values("user")))


def wholly_in_care(account: User, by: User, *roles: str) -> bool:
    """Whether no grant that the account holds, now or later, lies outside of the care of ``by``."""
    outside = (
        RoleGrant.objects.not_over()
        .filter(user=account)
        .exclude(pk__in=grants_in_care(by, *roles).values("pk"))
    )
    return not outside.exists()
