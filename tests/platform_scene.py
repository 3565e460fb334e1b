"""A provider's platform with customers, for whoever wants to settle over HTTP: ``python -m tests.platform_scene [CUSTOMERS]``
builds it in the database of the environment and prints it as JSON."""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal
from typing import Any

DAY = date(2024, 6, 3)
"""The business day on which the scheme is in force; the server is given it as DEMO_DATE."""
PERIOD = (date(2024, 5, 1), date(2024, 5, 31))


def build(customers: int = 4) -> dict[str, Any]:
    """E-Town's first version (即领即享), a funded budget, and vouchers of several companies on leases of one provider."""
    from tests import casework, cast
    from vouchers import dates
    from vouchers.models import ApiCredential, Party, RoleGrant, User

    with dates.fixed(DAY):
        people = cast.build()
        publication = casework.published(people, "BDA-SLQ-v1")
        casework.funded(people, publication.program, "1000000000.00")
        contracts = []
        for number in range(customers):
            company, filer = people.alpha, people.filer
            if number:
                company = Party.objects.create(
                    uscc=f"91110108MA0{number:06d}X",
                    name=f"第{number}号智能科技（北京）有限公司",
                    region_code="110115",
                    registered_on=date(2019, 3, 1),
                    ownership="private",
                    size="small",
                    industry_code="I6513",
                    is_enterprise=True,
                )
                filer = User.objects.create(username=f"filer-{number}", display_name=f"经办{number}")
                RoleGrant.objects.create(
                    user=filer, role="filer", party=company, effective_from=date(2020, 1, 1)
                )
            fields = casework.lease_fields(
                people.provider,
                "2000000.00",
                contract_no=f"HT-2024-{number:03d}",
                region_code="110115",
                signed_on=date(2024, 5, 1),
                starts_on=date(2024, 5, 1),
                ends_on=date(2025, 4, 30),
            )
            application = casework.submitted(people, publication, fields, party=company, by=filer)
            if application.state != "issued" or application.lease is None:
                raise RuntimeError(f"{application}: {application.state}")
            contracts.append([application.voucher_no, application.lease.lease_no])
        ApiCredential.objects.update(calls_a_minute=1_000_000)
    return {
        "token": people.platform_token,
        "contracts": contracts,
        "budget": str(Decimal("1000000000.00")),
    }


def contracts_of(scene: dict[str, Any]) -> list[Any]:
    """The scene's contracts as the simulator takes them."""
    from applications.provider_simulator import Contract

    return [Contract(voucher, lease, *PERIOD) for voucher, lease in scene["contracts"]]


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(build(int(sys.argv[1]) if len(sys.argv) > 1 else 4)))
