"""What belongs to one case: the rows that a rule about records must see to answer for it as it would over everything.

Found by one statement from the claim or lease outwards, every step by an index: the same invoice numbers in all programmes and
regions, the lease's invoices and who claims them, the same serials in other leases and those they replaced, and up to three
floors of holders above lessee and lessor. Each step is a set of keys; a later one takes up an earlier one.
"""

# ruff: noqa: S608 (the statements are put together from constants of this module)

from __future__ import annotations

from typing import Any

from vouchers.prepared import ask

FLOORS = 3
#: Companies of one representative that are looked at, at most.
REPRESENTED = 2000

_SUBJECTS = {
    "claim": "SELECT ARRAY[c.id] AS claims, array_remove(ARRAY[c.lease_id], NULL) AS leases "
    "FROM applications_claim c WHERE c.claim_no = %(number)s",
    "lease": "SELECT '{}'::bigint[] AS claims, ARRAY[l.id] AS leases FROM applications_lease l WHERE l.lease_no = %(number)s",
    "application": "SELECT '{}'::bigint[] AS claims, array_remove(ARRAY[a.lease_id], NULL) AS leases "
    "FROM applications_application a WHERE a.application_no = %(number)s",
}


def _of(step: str, kind: str = "bigint") -> str:
    """The keys of a step, as an array that an index can be asked with."""
    return f"(SELECT keys FROM {step})::{kind}[]"


_CLAIMS, _OWN = "(SELECT claims FROM subject)::bigint[]", "(SELECT leases FROM subject)::bigint[]"


def _all(step: str, kind: str = "bigint") -> str:
    return f"SELECT unnest({_of(step, kind)})"


def _layers() -> dict[str, str]:
    """The holders above lessee and lessor, floor by floor, and the parties among them that were not met before."""
    steps = {
        "floor_0": f"SELECT lessee_id FROM applications_lease WHERE id = ANY({_OWN}) UNION "
        f"SELECT lessor_id FROM applications_lease WHERE id = ANY({_OWN})",
        # How many companies one person represents must be known.
        "met_0": f"""
            SELECT lessee_id FROM applications_lease WHERE id = ANY({_of("sharing")})
            UNION SELECT lessor_id FROM applications_lease WHERE id = ANY({_of("sharing")})
            UNION SELECT l.lessee_id FROM applications_claim c JOIN applications_lease l ON l.id = c.lease_id WHERE c.id = ANY({_of("claims_all")})
            UNION SELECT l.lessor_id FROM applications_claim c JOIN applications_lease l ON l.id = c.lease_id WHERE c.id = ANY({_of("claims_all")})
            UNION SELECT p.id FROM applications_invoice n JOIN vouchers_party p ON p.uscc = n.seller_uscc WHERE n.id = ANY({_of("invoices_all")})
            UNION SELECT p.id FROM applications_invoice n JOIN vouchers_party p ON p.uscc = n.buyer_uscc WHERE n.id = ANY({_of("invoices_all")})
            UNION (SELECT p.id FROM vouchers_party o JOIN vouchers_party p ON p.legal_rep_id = o.legal_rep_id AND p.legal_rep_id <> ''
                   WHERE o.id = ANY({_of("floor_0")}) LIMIT {REPRESENTED})
        """,
    }
    for floor in range(FLOORS):
        below = f"floor_{floor}"
        steps[f"above_{floor}"] = (
            f"SELECT holder_id FROM vouchers_shareholding WHERE company_id = ANY({_of(below)})"
        )
        steps[f"floor_{floor + 1}"] = (
            f"SELECT id FROM vouchers_party WHERE uscc = ANY({_of(f'above_{floor}', 'text')}) "
            f"EXCEPT {_all(f'met_{floor}')}"
        )
        steps[f"met_{floor + 1}"] = f"{_all(f'met_{floor}')} UNION {_all(f'floor_{floor + 1}')}"
    return steps


_STEPS: dict[str, str] = {
    "invoices_own": f"SELECT id FROM applications_invoice WHERE lease_id = ANY({_OWN})",
    "numbers": f"""
        SELECT number_key FROM applications_basisitem WHERE claim_id = ANY({_CLAIMS}) AND number_key <> ''
        UNION SELECT n.number_key FROM applications_basisitem i JOIN applications_invoice n ON n.id = i.invoice_id WHERE i.claim_id = ANY({_CLAIMS})
        UNION SELECT number_key FROM applications_invoice WHERE id = ANY({_of("invoices_own")})
    """,
    "invoices_same": f"{_all('invoices_own')} UNION "
    f"SELECT id FROM applications_invoice WHERE number_key = ANY({_of('numbers', 'text')})",
    # Red letters of these invoices stand under numbers of their own.
    "invoices_all": f"""
        {_all("invoices_same")} UNION
        SELECT r.id FROM applications_invoice n JOIN applications_invoice r ON r.seller_uscc = n.seller_uscc AND r.buyer_uscc = n.buyer_uscc
            AND r.red_of <> '' WHERE n.id = ANY({_of("invoices_same")})
    """,
    "cited": "SELECT bank_transfer_id FROM applications_basisitem "
    f"WHERE claim_id = ANY({_CLAIMS}) AND bank_transfer_id IS NOT NULL GROUP BY bank_transfer_id",
    # Who claims on the same invoices and the same lease, and who else cites the transfers that the claim cites.
    "claims_near": f"""
        SELECT unnest({_CLAIMS})
        UNION SELECT claim_id FROM applications_basisitem WHERE number_key = ANY({_of("numbers", "text")})
        UNION SELECT claim_id FROM applications_basisitem WHERE invoice_id = ANY({_of("invoices_all")})
        UNION SELECT id FROM applications_claim WHERE lease_id = ANY({_OWN})
        UNION SELECT claim_id FROM applications_basisitem WHERE bank_transfer_id = ANY({_of("cited")})
    """,
    "serials_own": f"SELECT serial FROM applications_leasedevice WHERE lease_id = ANY({_OWN}) GROUP BY serial",
    "serials_tied": f"""
        {_all("serials_own", "text")}
        UNION SELECT serial FROM applications_device WHERE replaces_serial = ANY({_of("serials_own", "text")}) AND replaces_serial <> ''
        UNION SELECT replaces_serial FROM applications_device WHERE serial = ANY({_of("serials_own", "text")}) AND replaces_serial <> ''
    """,
    # The same machines, the same document, and whatever else the lessor let of these cards meanwhile.
    "sharing": f"""
        SELECT unnest({_OWN})
        UNION SELECT lease_id FROM applications_leasedevice WHERE serial = ANY({_of("serials_tied", "text")})
        UNION SELECT o.id FROM applications_lease l JOIN applications_lease o ON o.document_sha256 = l.document_sha256
            AND o.document_sha256 <> '' WHERE l.id = ANY({_OWN})
    """,
    "claims_all": f"{_all('claims_near')} UNION SELECT id FROM applications_claim WHERE lease_id = ANY({_of('sharing')})",
    # The successors of the serials in the other leases shorten their times.
    "serials_all": f"{_all('serials_tied', 'text')} UNION "
    f"SELECT serial FROM applications_device WHERE replaces_serial = ANY({_of('serials_tied', 'text')}) AND replaces_serial <> ''",
    "leases_all": f"""
        {_all("sharing")}
        UNION SELECT o.id FROM applications_lease l JOIN applications_lease o ON o.lessor_id = l.lessor_id
            AND o.accelerator = l.accelerator AND o.starts_on < l.ends_before AND o.ends_before > l.starts_on WHERE l.id = ANY({_OWN})
        UNION SELECT lease_id FROM applications_claim WHERE id = ANY({_of("claims_all")}) AND lease_id IS NOT NULL
    """,
    **_layers(),
    "holders_all": " UNION ".join(_all(f"above_{floor}", "text") for floor in range(FLOORS)),
    "transfers_all": "SELECT bank_transfer_id FROM applications_basisitem "
    f"WHERE claim_id = ANY({_of('claims_all')}) AND bank_transfer_id IS NOT NULL GROUP BY bank_transfer_id",
}
#: What is handed on: the name in the scope, and the step that it comes from.
_SCOPE = {
    "claims": "claims_all",
    "leases": "leases_all",
    "invoices": "invoices_all",
    "serials": "serials_all",
    "parties": f"met_{FLOORS}",
    "holders": "holders_all",
    "transfers": "transfers_all",
}
_AROUND = {
    kind: f"WITH subject AS MATERIALIZED ({subject}), "
    + ", ".join(f"{name} AS MATERIALIZED (SELECT ARRAY({step}) AS keys)" for name, step in _STEPS.items())
    + f" SELECT subject.claims, subject.leases, {', '.join(f'{step}.keys' for step in _SCOPE.values())} "
    f"FROM subject, {', '.join(_SCOPE.values())}"
    for kind, subject in _SUBJECTS.items()
}


def around(subject_kind: str, subject_no: str) -> dict[str, Any] | None:
    """The keys of the neighbourhood of a claim, lease or application; None when there is no such subject."""
    if subject_kind not in _AROUND:
        return None
    row = ask(_AROUND[subject_kind], {"number": subject_no})
    if row is None:
        return None
    claims, leases, *near = row
    return {
        "subject_claims": claims,
        "subject_leases": leases,
        **{name: sorted(keys) for name, keys in zip(_SCOPE, near, strict=True)},
    }
