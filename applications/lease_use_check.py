"""The nightly check's look at what is kept beside the rows that it sums up (``applications/sql/lease_use.sql``)."""

from __future__ import annotations

from vouchers.actions.ledger_check import register_invariant

#: A contract's kept sum is that of its live claims' items; without a row it is nothing.
_CLAIMED_UNDER = """
WITH summed AS (
    SELECT c.lease_id, sum(i.net_amount) AS net_amount
      FROM applications_claim AS c JOIN applications_basisitem AS i ON i.claim_id = c.id
     WHERE c.lease_id IS NOT NULL AND claim_counts(c.state) GROUP BY c.lease_id
)
SELECT coalesce(l.lease_no, '？'), format('合同项下已申报记 %s，各件依据合计 %s', coalesce(u.net_amount, 0), coalesce(s.net_amount, 0))
  FROM summed AS s FULL JOIN applications_leaseuse AS u ON u.lease_id = s.lease_id
  LEFT JOIN applications_lease AS l ON l.id = coalesce(s.lease_id, u.lease_id)
 WHERE coalesce(s.net_amount, 0) <> coalesce(u.net_amount, 0)
"""


def register_lease_use_check() -> None:
    """Looked at every night with the ledger."""
    register_invariant("a_contract_is_claimed_as_its_items", _CLAIMED_UNDER)
