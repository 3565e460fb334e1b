"""A settlement as it stands when it is confirmed, held until the transaction ends: the claim with all that it hangs on, what its
checks ask for, and what its payable needs. Two statements: the first waits for whoever else acts on it, the second reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from applications.case_reads import Alike, CaseReads
from applications.models import BasisItem, Claim, Lease
from applications.models.claims import ClaimKind
from applications.settlement_reads import DEAD, part_of
from vouchers.context import tell_with
from vouchers.models import Party, Program, Publication, Region, Voucher
from vouchers.money import ZERO
from vouchers.prepared import ask

# The contract is held as well (``claim_grounds.keep_lease``), shared: what was metered under it is not corrected meanwhile, nor is it taken
# back, while other deductions on it go on beside. What follows is planned
# once a connection, whatever it is asked for.
_HOLD = """
SELECT c.id, set_config('plan_cache_mode', 'force_generic_plan', true), set_config(%s, %s, true)
FROM applications_claim c JOIN applications_lease l ON l.id = c.lease_id
WHERE c.claim_no = %s AND c.provider_id = %s AND c.kind = %s AND c.state <> 'draft'
FOR UPDATE OF c FOR SHARE OF l
"""
_PARTS = (
    part_of(Claim, "c"),
    part_of(Voucher, "v"),
    part_of(Program, "g"),
    part_of(Region, "r"),
    part_of(Publication, "b"),
    part_of(Lease, "l"),
    part_of(Party, "e"),
    part_of(Party, "d"),
    part_of(Party, "y"),
    part_of(BasisItem, "i"),
)
_STANDING = f"""
SELECT jsonb_build_object(
        'payment', CASE WHEN c.state = 'submitted' THEN nextval('payment_no_seq') END,
        'account', (SELECT a.id FROM vouchers_bankaccount a
            WHERE a.party_id = c.payee_id AND a.superseded_at IS NULL AND (a.entered_by_id IS NULL OR a.confirmed_by_id IS NOT NULL)
            ORDER BY a.id DESC LIMIT 1),
        'payments', (SELECT jsonb_agg(p.payment_no ORDER BY p.id) FROM vouchers_payment p WHERE p.claim_no = c.claim_no),
        'hands', (SELECT jsonb_agg(DISTINCT x.actor_id) FROM applications_review x
            WHERE x.subject_kind = 'claim' AND x.subject_no = c.claim_no AND x.actor_id IS NOT NULL),
        'items', (SELECT count(*) FROM applications_basisitem x WHERE x.claim_id = c.id),
        'claimed', (SELECT x.net_amount::text FROM applications_leaseuse x WHERE x.lease_id = c.lease_id),
        'alike', (SELECT jsonb_agg(jsonb_build_array(x.reference, x.evidence_key, k.claim_no, k.kind, k.state, k.program_code,
                                                     k.enterprise_id, k.provider_id) ORDER BY x.id)
            FROM applications_basisitem x JOIN applications_claim k ON k.id = x.claim_id
            WHERE x.kind = i.kind AND x.id <> i.id AND (x.claim_id = c.id OR k.state NOT IN {DEAD})
                AND (x.reference_key = i.reference_key AND i.reference_key <> ''
                     OR x.reference_key = '' AND x.reference <> '' AND x.reference = i.reference))
    ),
    {", ".join(part.columns for part in _PARTS)}
FROM applications_claim c
    JOIN vouchers_voucher v ON v.id = c.voucher_id JOIN vouchers_program g ON g.id = v.program_id JOIN vouchers_region r ON r.id = g.region_id
    LEFT JOIN vouchers_publication b ON b.id = c.publication_id JOIN applications_lease l ON l.id = c.lease_id
    JOIN vouchers_party e ON e.id = c.enterprise_id JOIN vouchers_party d ON d.id = c.provider_id
    LEFT JOIN vouchers_party y ON y.id = c.payee_id
    LEFT JOIN applications_basisitem i ON i.id = (SELECT min(x.id) FROM applications_basisitem x WHERE x.claim_id = c.id)
WHERE c.id = %(claim)s
"""  # noqa: S608 (names of our own columns)


@dataclass(frozen=True)
class Standing:
    """A settlement that nobody else acts on now. ``payment`` is the next number of a payable, ``account`` the key of the payee's
    current account, ``payments`` what is paid of it already, ``hands`` who had a hand in it."""

    claim: Claim
    items: list[BasisItem]
    reads: CaseReads
    payment: int | None
    account: int | None
    payments: tuple[str, ...]
    hands: frozenset[int]


def hold_standing(provider: Party, claim_no: str, *, into: Claim | None = None) -> Standing | None:
    """The provider's settlement of that number, held and read; None where there is none that was filed.

    ``into`` is the claim as the caller knows it: it is filled with what stands now.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [*tell_with(), claim_no, provider.pk, ClaimKind.SETTLEMENT])
        held = cursor.fetchone()
    if held is None:
        return None
    row = ask(_STANDING, {"claim": held[0]})
    assert row is not None
    told, *values = row
    rest = json.loads(told)
    claim, voucher, program, region, publication, lease, enterprise, owner, payee, item = _read(values)
    if into is not None:
        into.__dict__.update(claim.__dict__)
        claim = into
    program.region = region
    voucher.program, voucher.enterprise = program, enterprise
    if publication is not None and voucher.publication_id == publication.pk:
        voucher.publication = publication
    if lease.lessee_id == enterprise.pk:
        lease.lessee = enterprise
    if lease.lessor_id == owner.pk:
        lease.lessor = owner
    claim.voucher, claim.publication, claim.lease = voucher, publication, lease
    claim.enterprise, claim.provider, claim.payee = enterprise, owner, payee
    alone = item is not None and rest["items"] == 1
    if alone:
        item.claim = claim
    items = [item] if alone else list(claim.items.all())
    return Standing(
        claim,
        items,
        _Reads(claim, item, rest) if alone else CaseReads(),
        rest["payment"],
        rest["account"],
        tuple(rest["payments"] or ()),
        frozenset(rest["hands"] or ()),
    )


def _read(values: list[Any]) -> list[Any]:
    made, start = [], 0
    for part in _PARTS:
        end = start + len(part.names)
        made.append(part.read(values[start:end]))
        start = end
    return made


class _Reads(CaseReads):
    """The answers as they were read with the claim; what was asked of another one is asked of the database."""

    def __init__(self, claim: Claim, item: BasisItem, rest: dict[str, Any]) -> None:
        self._claim, self._item, self._rest = claim, item, rest

    def items(self, claim: Claim) -> list[BasisItem]:
        return [self._item] if claim is self._claim else super().items(claim)

    def alike(self, item: BasisItem, likeness: str) -> list[Alike]:
        # What was kept before numbers were compared by their likeness has none of its own.
        if item is not self._item or likeness != item.reference_key:
            return super().alike(item, likeness)
        return [Alike(*row) for row in self._rest["alike"] or ()]

    def claimed_under(self, lease: Lease, claim: Claim) -> Decimal:
        if claim is not self._claim or not claim.live:
            return super().claimed_under(lease, claim)
        return Decimal(self._rest["claimed"] or ZERO)


__all__ = ["Standing", "hold_standing"]
