"""How fast the ledger is: settlements on one hot budget, alone and through HTTP, and vouchers issued from one budget.

Everything is measured beside its reference in the same run, in interleaved rounds of which the medians count.
"""

from __future__ import annotations

from tests.benchmarks.figures import Figure
from tests.benchmarks.ledger import alone, issuing, over_http


def run() -> list[Figure]:
    """(a) the SQL function alone beside pgbench, (b) through HTTP and DRF beside a view that does nothing, and the issue."""
    # HTTP first: its check holds every budget to its documents, and those of the others have none
    through = over_http.figures()
    return [*alone.figures(), *through, *issuing.figures()]
