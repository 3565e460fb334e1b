"""How fast the ledger is: settlements on one hot budget, alone and through HTTP, and vouchers issued from one budget.

Everything is measured beside its reference in the same run, in interleaved rounds of which the medians count.
"""

from __future__ import annotations

from tests.benchmarks.figures import Figure, told
from tests.benchmarks.ledger import alone, issuing, over_http


def run() -> list[Figure]:
    """(a) the SQL function alone beside pgbench, (b) through HTTP and DRF beside a view that does nothing, and the issue.

    Each part is told when it is measured, so that what a later one breaks does not take it along.
    """
    # HTTP first: its check holds every budget to its documents, and those of the others have none
    through = told(over_http.figures())
    return [*told(alone.figures()), *through, *told(issuing.figures())]
