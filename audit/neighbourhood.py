"""What belongs to one case: the rows that a rule about records must see to answer for it as it would over everything.

Found by a few indexed queries from the claim or lease outwards: the same invoice numbers in all programmes and regions, the
lease's invoices and who claims them, the same serials in other leases and those they replaced, and up to three floors of
holders above lessee and lessor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

FLOORS = 3


def _column(statement: str, *parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall() if row[0] is not None]


def around(subject_kind: str, subject_no: str) -> dict[str, Any] | None:
    """The keys of the neighbourhood of a claim, lease or application; None when there is no such subject."""
    claims: list[int] = []
    leases: list[int] = []
    if subject_kind == "claim":
        claims = _column("SELECT id FROM applications_claim WHERE claim_no = %s", subject_no)
        leases = _column("SELECT lease_id FROM applications_claim WHERE claim_no = %s", subject_no)
        if not claims:
            return None
    elif subject_kind == "lease":
        leases = _column("SELECT id FROM applications_lease WHERE lease_no = %s", subject_no)
        if not leases:
            return None
    elif subject_kind == "application":
        if not _column("SELECT id FROM applications_application WHERE application_no = %s", subject_no):
            return None
        leases = _column(
            "SELECT lease_id FROM applications_application WHERE application_no = %s", subject_no
        )
    else:
        return None
    return expand(claims, leases)


def expand(claims: Sequence[int], leases: Sequence[int]) -> dict[str, Any]:
    """From the subject's claims and leases outwards."""
    own = list(leases)
    invoices = set(_column("SELECT id FROM applications_invoice WHERE lease_id = ANY(%s)", own))
    keys = set(
        _column(
            "SELECT number_key FROM applications_basisitem WHERE claim_id = ANY(%s) AND number_key <> '' UNION "
            "SELECT n.number_key FROM applications_basisitem i JOIN applications_invoice n ON n.id = i.invoice_id "
            "WHERE i.claim_id = ANY(%s) UNION SELECT number_key FROM applications_invoice WHERE id = ANY(%s)",
            list(claims), list(claims), list(invoices),
        )
    )  # fmt: skip
    invoices |= set(_column("SELECT id FROM applications_invoice WHERE number_key = ANY(%s)", list(keys)))
    # Red letters of these invoices stand under numbers of their own.
    invoices |= set(
        _column(
            "SELECT r.id FROM applications_invoice n JOIN applications_invoice r ON r.seller_uscc = n.seller_uscc "
            "AND r.buyer_uscc = n.buyer_uscc AND r.red_of <> '' WHERE n.id = ANY(%s)",
            list(invoices),
        )
    )
    all_claims = set(claims) | set(
        _column(
            "SELECT claim_id FROM applications_basisitem WHERE number_key = ANY(%s) UNION "
            "SELECT claim_id FROM applications_basisitem WHERE invoice_id = ANY(%s) UNION "
            "SELECT id FROM applications_claim WHERE lease_id = ANY(%s)",
            list(keys), list(invoices), own,
        )
    )  # fmt: skip
    # The transfers that the claim cites, and who else cites them.
    cited = _column(
        "SELECT DISTINCT bank_transfer_id FROM applications_basisitem WHERE claim_id = ANY(%s)", list(claims)
    )
    all_claims |= set(
        _column("SELECT claim_id FROM applications_basisitem WHERE bank_transfer_id = ANY(%s)", cited)
    )
    serials = set(_column("SELECT serial FROM applications_leasedevice WHERE lease_id = ANY(%s)", own))
    serials |= set(
        _column(
            "SELECT serial FROM applications_device WHERE replaces_serial = ANY(%s) UNION "
            "SELECT replaces_serial FROM applications_device WHERE serial = ANY(%s) AND replaces_serial <> ''",
            list(serials), list(serials),
        )
    )  # fmt: skip
    # The same machines, the same document, and whatever else the lessor let of these cards meanwhile.
    sharing = set(own) | set(
        _column(
            "SELECT lease_id FROM applications_leasedevice WHERE serial = ANY(%s) UNION "
            "SELECT o.id FROM applications_lease l JOIN applications_lease o ON o.document_sha256 = l.document_sha256 "
            "AND o.document_sha256 <> '' WHERE l.id = ANY(%s)",
            list(serials), own,
        )
    )  # fmt: skip
    all_leases = sharing | set(
        _column(
            "SELECT o.id FROM applications_lease l JOIN applications_lease o ON o.lessor_id = l.lessor_id "
            "AND o.accelerator = l.accelerator AND o.starts_on < l.ends_before AND o.ends_before > l.starts_on "
            "WHERE l.id = ANY(%s)",
            own,
        )
    )
    all_claims |= set(_column("SELECT id FROM applications_claim WHERE lease_id = ANY(%s)", sorted(sharing)))
    # The successors of the serials in the other leases shorten their times.
    serials |= set(
        _column("SELECT serial FROM applications_device WHERE replaces_serial = ANY(%s)", list(serials))
    )
    parties, holders = _parties(all_claims, sharing, own, invoices)
    return {
        "subject_claims": list(claims),
        "subject_leases": own,
        "claims": sorted(all_claims),
        "leases": sorted(
            all_leases
            | set(_column("SELECT lease_id FROM applications_claim WHERE id = ANY(%s)", sorted(all_claims)))
        ),
        "invoices": sorted(invoices),
        "serials": sorted(serials),
        "parties": sorted(parties),
        "holders": sorted(holders),
        "transfers": _column(
            "SELECT DISTINCT bank_transfer_id FROM applications_basisitem WHERE claim_id = ANY(%s)",
            sorted(all_claims),
        ),
    }


def _parties(
    claims: set[int], leases: set[int], own: list[int], invoices: set[int]
) -> tuple[set[int], set[str]]:
    """Parties of the leases and invoices, those above lessee and lessor, and the holders between them."""
    parties = set(
        _column(
            "SELECT lessee_id FROM applications_lease WHERE id = ANY(%s) UNION "
            "SELECT lessor_id FROM applications_lease WHERE id = ANY(%s) UNION "
            "SELECT l.lessee_id FROM applications_claim c JOIN applications_lease l ON l.id = c.lease_id WHERE c.id = ANY(%s) "
            "UNION SELECT l.lessor_id FROM applications_claim c JOIN applications_lease l ON l.id = c.lease_id "
            "WHERE c.id = ANY(%s) UNION SELECT p.id FROM vouchers_party p JOIN applications_invoice n "
            "ON p.uscc IN (n.seller_uscc, n.buyer_uscc) WHERE n.id = ANY(%s)",
            sorted(leases), sorted(leases), sorted(claims), sorted(claims), sorted(invoices),
        )
    )  # fmt: skip
    layer = set(
        _column(
            "SELECT lessee_id FROM applications_lease WHERE id = ANY(%s) UNION "
            "SELECT lessor_id FROM applications_lease WHERE id = ANY(%s)", own, own,
        )
    )  # fmt: skip
    holders: set[str] = set()
    # How many companies one person represents must be known.
    parties |= set(
        _column(
            "SELECT p.id FROM vouchers_party o JOIN vouchers_party p ON p.legal_rep_id = o.legal_rep_id "
            "AND p.legal_rep_id <> '' WHERE o.id = ANY(%s) LIMIT 2000",
            sorted(layer),
        )
    )
    for _floor in range(FLOORS):
        if not layer:
            break
        above = set(
            _column("SELECT holder_id FROM vouchers_shareholding WHERE company_id = ANY(%s)", sorted(layer))
        )
        holders |= above
        layer = set(_column("SELECT id FROM vouchers_party WHERE uscc = ANY(%s)", sorted(above))) - parties
        parties |= layer
    return parties, holders
