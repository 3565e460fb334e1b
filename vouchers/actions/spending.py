"""One deed that changes a case and moves money: both or neither, and a refused try is kept.

The case's rows are written first, the ledger is called last. When it refuses, the rows are undone, the refusal is kept in
the ledger's attempts, and the caller's transaction is to be committed (``DomainError.keep``) before 409 or 422 is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from vouchers.actions.ledger_chains import NOT_NOW, LedgerResult
from vouchers.errors import Invalid, NotNow, TryLater

Made = TypeVar("Made")


def spend(change: Callable[[], Made], send: Callable[[Made], LedgerResult]) -> tuple[Made, LedgerResult]:
    """Run ``change``, then ``send`` with what it made. Raises ``NotNow``/``Invalid`` (``ledger.<code>``) on a refusal.

    ``send`` must name the same ids each time it is called for the same ``Made``.
    """
    point = transaction.savepoint()
    made = change()
    result = send(made)
    if result.accepted:
        transaction.savepoint_commit(point)
        return made, result
    transaction.savepoint_rollback(point)
    # The rollback undid the record of the refusal as well: it is sent once more, outside the savepoint, to be kept.
    kept = send(made)
    if kept.accepted:
        raise TryLater("ledger.raced", "额度刚刚发生变化，请重新提交一次。")
    kind = NotNow if kept.code in NOT_NOW else Invalid
    raise kind(f"ledger.{kept.code}", kept.message, keep=True, detail={"account": kept.account})
