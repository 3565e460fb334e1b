"""Prices that are taken out later. From the instant on they count no more; what was decided before stays.

One person may take out what does not matter much. Where it would move a cell of today by more than the method's limit, or leave
it without a price, with all that single persons took out of it since two looked at it, another person has to agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.price_quarantine import (
    base_of,
    cell_of,
    judged_alone,
    locked,
    put_away,
    require_note,
)
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import PriceJudgement, PriceObservation, User
from vouchers.models.prices import ObservationState
from vouchers.policy.fair_price import REASONS
from vouchers.policy.prices.figures import moved_beyond

REMOVERS = (Role.PRICE_PUBLISHER, Role.INVESTIGATOR)
MOST_CELLS = 20
"""Whoever takes prices out of more cells at once does not do it alone."""


def set_aside_observations(
    *,
    reason: str,
    by: User | None,
    reference: str = "",
    source: str = "",
    observation_no: str = "",
    note: str = "",
) -> int:
    """Take prices out of the index from now on: by contract number, by source, or one. How many were taken out; none where it
    is only proposed (``confirm_removal``).

    ``by=None`` is a service (casework or audit pushes down that a contract does not stand any more). Raises ``Invalid`` for an
    unknown reason code or, by a person, without a note; ``Forbidden``.
    """
    announce("price.set_aside", note)
    if by is not None:
        require_role(by, *REMOVERS)
    if reason not in REASONS:
        raise Invalid("price.unknown_reason", f"原因代码“{reason}”不在可选范围内。", field="reason")
    chosen = PriceObservation.objects.filter(state=ObservationState.ADMITTED, set_aside_at=None)
    if reference:
        chosen = chosen.filter(reference=reference)
    elif source:
        chosen = chosen.filter(source_key=source)
    elif observation_no:
        chosen = chosen.filter(observation_no=observation_no)
    else:
        raise Invalid("price.nothing_named", "请指明要剔除的合同、来源或价格编号。")
    if by is not None:
        require_note(note)
        chosen = chosen.filter(proposal__isnull=True)
    rows = list(chosen.select_for_update().order_by("pk"))
    effect = _effect(rows) if by is not None else None
    if effect is None:
        _take_out(rows, reason=reason, note=note, by=by)
        return len(rows)
    for row in rows:
        row.proposal = {"set_aside": reason, "note": note[:300], **effect._asdict()}
        row.proposed_by = by
    PriceObservation.objects.bulk_update(rows, ["proposal", "proposed_by"], batch_size=1000)
    return 0


def take_out(observation: PriceObservation, *, reason: str, note: str) -> None:
    """A service: what the price came with was found false. Admitted or waiting, it counts no more from now on."""
    if observation.state == ObservationState.QUARANTINED:
        announce("price.dismiss", note)
        put_away(locked(observation), by=None, reason=reason, note=note)
    else:
        set_aside_observations(reason=reason, by=None, observation_no=observation.observation_no, note=note)


def confirm_removal(observation: PriceObservation, *, by: User) -> PriceObservation:
    """The second person takes out what the first proposed. Raises ``Forbidden`` (``access.same_person``) and ``NotNow``."""
    announce("price.confirm")
    require_role(by, *REMOVERS)
    row = locked(observation)
    proposal, first = row.proposal, row.proposed_by
    if proposal is None or first is None or "set_aside" not in proposal:
        raise NotNow("price.not_proposed", "该条价格没有待复核的剔除。")
    require_other_person(by, {first.pk}, "复核剔除")
    _take_out([row], reason=proposal["set_aside"], note=proposal["note"], by=by, proposed_by=first)
    observation.__dict__.update(row.__dict__)
    return observation


def _take_out(
    rows: Sequence[PriceObservation],
    *,
    reason: str,
    note: str,
    by: User | None,
    proposed_by: User | None = None,
) -> None:
    now = dates.now()
    for row in rows:
        row.set_aside_at, row.set_aside_reason = now, reason
        row.note, row.decided_by, row.revision = note[:300], by, row.revision + 1
        row.proposal, row.proposed_by = None, None
    PriceObservation.objects.bulk_update(
        rows,
        ["set_aside_at", "set_aside_reason", "note", "decided_by", "revision", "proposal", "proposed_by"],
        batch_size=1000,
    )
    PriceJudgement.objects.bulk_create(
        [
            PriceJudgement(
                observation=row,
                revision=row.revision,
                verb="set_aside",
                reason=reason,
                note=note[:500],
                proposed_by=proposed_by,
                judged_by=by,
                judged_at=now,
            )
            for row in rows
        ],
        batch_size=1000,
    )


class Effect(NamedTuple):
    """What taking out would do to a cell of today: its base before and after ("" where there is none), and how many others
    single persons took out of it before."""

    before: str
    after: str
    alone: int


def _effect(rows: Sequence[PriceObservation]) -> Effect | None:
    """The first cell that would move too far; None where none does."""
    cells = sorted({cell_of(row) for row in rows})
    if len(cells) > MOST_CELLS:
        return Effect("", "", 0)
    for cell in cells:
        alone = judged_alone(cell, "set_aside", set_aside_at__isnull=False)
        keys = [row.pk for row in rows]
        point = transaction.savepoint()
        try:
            PriceObservation.objects.filter(pk__in=alone).update(set_aside_at=None)
            before, limit = base_of(cell)
        finally:
            transaction.savepoint_rollback(point)
        point = transaction.savepoint()
        try:
            PriceObservation.objects.filter(pk__in=keys).update(set_aside_at=dates.now())
            after, limit = base_of(cell)
        finally:
            transaction.savepoint_rollback(point)
        if moved_beyond(before, after, limit):
            return Effect(_text(before), _text(after), len(alone))
    return None


def _text(base: Decimal | None) -> str:
    return "" if base is None else str(base)
