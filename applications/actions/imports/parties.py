"""parties, shareholdings, declared_affiliations, provider_admissions, capacity, devices, listings."""

from __future__ import annotations

from collections.abc import Sequence

from applications.actions.imports import cells
from applications.actions.imports.cells import FALSE, NULL, TRUE, Wrong
from applications.actions.imports.formats import Column, Format, Surroundings, Values, in_order
from vouchers.models.credit import ListingKind
from vouchers.models.parties import HolderKind, Ownership, PartyStatus, Relation, Size, Tier


def _roles(cell: str) -> str:
    words = {word.strip() for word in cell.split(";") if word.strip()}
    if not words or words - {"enterprise", "provider"}:
        raise Wrong(
            "choice.unknown", f"“{cells.shown(cell)}”应为 enterprise、provider 或 enterprise;provider"
        )
    return ";".join(sorted(words))


def _party_derived(values: Values, raw: Sequence[str], around: Surroundings) -> Sequence[str]:
    if cells.has_wrong_check_digit(values[0]):
        around.remark("uscc.check_digit", "统一社会信用代码的校验位不符（仍予入库）")
    roles = values[2]
    return (TRUE if "enterprise" in roles else FALSE, TRUE if "provider" in roles else FALSE)


PARTIES = Format(
    name="parties.csv",
    stage="import_parties",
    columns=(
        Column("uscc", cells.uscc()),
        Column("name", cells.name(200, None)),
        Column("roles", cells.cached(_roles), staged=False),
        Column("region_code", cells.region()),
        Column("registered_on", cells.day(NULL), header=False),
        Column("ownership", cells.one_of(Ownership.values, ""), header=False),
        Column("size", cells.one_of(Size.values, ""), header=False),
        Column("industry_code", cells.cached(cells.text(5)), header=False),
        Column("registered_capital", cells.money(absent=NULL), header=False),
        Column("legal_rep_name", cells.name(60), header=False),
        Column("legal_rep_id", cells.text(64), header=False),
        Column("address", cells.text(200), header=False),
        Column("phone", cells.text(30), header=False),
        Column("email", cells.text(120), header=False),
        Column("bank_account", cells.text(40, NULL), header=False),
        Column("status", cells.one_of(PartyStatus.values, "active"), header=False),
    ),
    derived=("is_enterprise", "is_provider"),
    derive=_party_derived,
)

_shareholdings = (
    Column("company_uscc", cells.uscc()),
    Column("holder_kind", cells.one_of(HolderKind.values)),
    Column("holder_id", cells.text(64, None)),
    Column("holder_name", cells.name(200), header=False),
    Column("percent", cells.number(3, 4, what="持股比例")),
    Column("from_on", cells.day()),
    Column("to_on", cells.day(NULL), header=False),
)
_BACKWARDS = "结束日 {end} 早于开始日 {start}"

SHAREHOLDINGS = Format(
    name="shareholdings.csv",
    stage="import_shareholdings",
    columns=_shareholdings,
    checks=(in_order(_shareholdings, "from_on", "to_on", _BACKWARDS),),
    refers_to={"company_uscc": "parties.csv"},
)

DECLARED_AFFILIATIONS = Format(
    name="declared_affiliations.csv",
    stage="import_declared_affiliations",
    columns=(
        Column("uscc", cells.uscc()),
        Column("other_uscc", cells.uscc()),
        Column("relation", cells.one_of(Relation.values)),
        Column("declared_on", cells.day()),
    ),
    refers_to={"uscc": "parties.csv", "other_uscc": "parties.csv"},
)

_admissions = (
    Column("provider_uscc", cells.uscc()),
    Column("program_code", cells.program_code()),
    Column("batch", cells.cached(cells.text(60)), header=False),
    Column("service_item", cells.cached(cells.text(100)), header=False),
    Column("tier", cells.one_of(Tier.values, ""), header=False),
    Column("admitted_on", cells.day()),
    Column("ended_on", cells.day(NULL), header=False),
)
PROVIDER_ADMISSIONS = Format(
    name="provider_admissions.csv",
    stage="import_provider_admissions",
    columns=_admissions,
    checks=(in_order(_admissions, "admitted_on", "ended_on", _BACKWARDS),),
    refers_to={"provider_uscc": "parties.csv"},
)

_capacity = (
    Column("provider_uscc", cells.uscc()),
    Column("accelerator", cells.cached(cells.text(60, None))),
    Column("cards", cells.count()),
    Column("from_on", cells.day()),
    Column("to_on", cells.day(NULL), header=False),
    Column("site", cells.cached(cells.text(100)), header=False),
)
CAPACITY = Format(
    name="capacity.csv",
    stage="import_capacity",
    columns=_capacity,
    checks=(in_order(_capacity, "from_on", "to_on", _BACKWARDS),),
    refers_to={"provider_uscc": "parties.csv"},
)

_devices = (
    Column("serial", cells.text(60, None)),
    Column("provider_uscc", cells.uscc()),
    Column("accelerator", cells.cached(cells.text(60, None))),
    Column("site", cells.cached(cells.text(100)), header=False),
    Column("in_service_on", cells.day(NULL), header=False),
    Column("retired_on", cells.day(NULL), header=False),
    Column("replaces_serial", cells.text(60), header=False),
)
DEVICES = Format(
    name="devices.csv",
    stage="import_devices",
    columns=_devices,
    checks=(in_order(_devices, "in_service_on", "retired_on", "停用日 {end} 早于启用日 {start}"),),
    refers_to={"provider_uscc": "parties.csv"},
)

_listings = (
    Column("uscc", cells.uscc()),
    Column("kind", cells.one_of(ListingKind.values)),
    Column("from_on", cells.day()),
    Column("to_on", cells.day(NULL), header=False),
    Column("document_no", cells.text(60), header=False),
    Column("reason", cells.text(300), header=False),
)
LISTINGS = Format(
    name="listings.csv",
    stage="import_listings",
    columns=_listings,
    checks=(in_order(_listings, "from_on", "to_on", _BACKWARDS),),
    refers_to={"uscc": "parties.csv"},
)
