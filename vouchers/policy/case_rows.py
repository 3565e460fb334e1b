"""A case as a compact row, made into facts only where it is weighed: in the process that does so, however many there are."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from vouchers.policy.facts import Facts
from vouchers.policy.plain import from_plain
from vouchers.policy.replay import ReplayCase


class CaseRow(NamedTuple):
    """`facts` is the JSON of the facts that were kept with the case, `as_requested` whether what was asked for still binds.

    `project_no`, where it is not empty, stands for the project of the kept facts, which was merged into it since;
    `group_no` is the applicant's group where the kept facts name none, because its version had no cap of groups.
    `voucher` is (number, face value, balance, expiry, uses) as it was when the period began; None for an application.
    """

    on: date
    case_no: str
    facts: str
    application_no: str = ""
    granted: Decimal | None = None
    source: str = "cases"
    as_requested: bool = False
    voucher: tuple[str, Decimal, Decimal, date | None, int] | None = None
    project_no: str = ""
    group_no: str = ""


def read_case(row: CaseRow | ReplayCase) -> ReplayCase:
    """The case of a row; a case that is one already stays."""
    if isinstance(row, ReplayCase):
        return row
    plain = json.loads(row.facts)
    plain.pop("used", None)  # the replay keeps the sums
    if row.project_no:
        plain["project_no"] = row.project_no
    if row.group_no and not plain["applicant"].get("group_no"):
        plain["applicant"]["group_no"] = row.group_no
    if row.voucher is None:
        plain["on"] = row.on.isoformat()
        if not row.as_requested:
            plain.pop("requested_amount", None)
    else:
        number, face_value, balance, expires_on, uses = row.voucher
        plain["voucher"] = {
            "voucher_no": number,
            "face_value": str(face_value),
            "balance": str(balance),
            "expires_on": None if expires_on is None else expires_on.isoformat(),
            "uses": uses,
        }
    facts: Facts = from_plain(Facts, plain)
    return ReplayCase(
        case_no=row.case_no,
        on=row.on,
        facts=facts,
        application_no=row.application_no,
        granted=row.granted,
        source=row.source,
    )
