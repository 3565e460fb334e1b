"""What becomes of a price that waits: admitted after a look, or put away for good. Each is a judgement that is kept, with what the
price stood on before; what was handed in stays to the letter. What is taken out later stands in ``price_removals``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.price_grounds import PriceGrounds
from vouchers.actions.price_observations import tables_for
from vouchers.actions.price_reading import Refused, read_dataset_row, read_reference_row
from vouchers.context import announce
from vouchers.errors import DomainError, Forbidden, Invalid, NotNow
from vouchers.models import PriceJudgement, PriceObservation, User
from vouchers.models.prices import Evidence, Market, ObservationState
from vouchers.policy import fair_price as fp
from vouchers.policy.fair_price import REASONS
from vouchers.policy.prices.figures import moved_beyond

READ_ANEW = (
    "accelerator", "form_factor", "region_group", "term_bucket", "normalised_price", "unit", "cards", "precision",
    "unit_price", "currency", "vat_rate", "tax_included", "tier", "term_months", "region_code", "carried_from", "bookable_since",
    "sku",
)  # fmt: skip
"""What a correction may change of how a price was read."""


def locked(observation: PriceObservation) -> PriceObservation:
    """The row as it stands, held until the transaction ends."""
    row: PriceObservation = PriceObservation.objects.select_for_update().get(pk=observation.pk)
    return row


def require_note(note: str) -> None:
    """Raise ``Invalid`` (``price.note_missing``) without a reason."""
    if not note.strip():
        raise Invalid("price.note_missing", "请写明核对的依据。", field="note")


def _require_waiting(observation: PriceObservation) -> None:
    if observation.state != ObservationState.QUARANTINED:
        raise NotNow("price.not_quarantined", "该条价格不在待核对之列。")


def _judged(
    observation: PriceObservation,
    verb: str,
    *,
    by: User | None,
    note: str,
    reason: str = "",
    proposed_by: User | None = None,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Save the row with its next revision, and the judgement beside it."""
    observation.revision += 1
    observation.save()
    changes = {
        name: [_plain(old), _plain(getattr(observation, name))]
        for name, old in (before or {}).items()
        if old != getattr(observation, name)
    }
    PriceJudgement.objects.create(
        observation=observation,
        revision=observation.revision,
        verb=verb,
        reason=reason,
        note=note[:500],
        changes=changes,
        proposed_by=proposed_by,
        judged_by=by,
        judged_at=dates.now(),
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


# -- the quarantine -------------------------------------------------------------------------------------------------


def admit_observation(
    observation: PriceObservation, *, by: User, corrections: Mapping[str, str], note: str
) -> PriceObservation:
    """Settle a quarantined price: the corrected fields are read anew; what was handed in stays as it was. It counts from now
    on: as of an earlier instant it still waited.

    Where it would move its cell of today by more than the method's limit, or give it a price where there is none, with all that
    single persons admitted to the cell since two looked at it, it is only proposed, and stays quarantined until another person confirms (``confirm_admission``).
    Raises ``NotNow`` (``price.not_quarantined``, ``price.proposed`` while a proposal waits), ``Forbidden``
    (``access.same_person`` for what a person of the office entered, by who entered it) and ``Invalid`` when it still cannot be read or no
    reason is given.
    """
    announce("price.admit", note)
    require_role(by, Role.PRICE_PUBLISHER)
    row = locked(observation)
    _require_waiting(row)
    if row.proposal is not None:
        raise NotNow("price.proposed", "该条价格的更正正待另一人复核。", hint="请先复核或退回已有的更正。")
    require_note(note)
    if row.original.get("entered_by") == by.username:
        raise Forbidden("access.same_person", "本机关录入的价格须由录入人以外的人核对后采用。")
    given = {key: value for key, value in corrections.items() if value}
    before, after, limit, alone = _with_and_without(row, given, by=by, note=note)
    entered = bool(row.original.get("entered_by"))  # two persons looked at it already
    if moved_beyond(before, after, limit) and not (before is None and entered):
        row.proposal = {
            "corrections": given,
            "note": note[:300],
            "before": "" if before is None else str(before),
            "after": "" if after is None else str(after),
            "alone": alone,
        }
        row.proposed_by = by
        row.save(update_fields=["proposal", "proposed_by"])
    else:
        _admit(row, given, by=by, note=note)
    return _same(observation, row)


def confirm_admission(observation: PriceObservation, *, by: User) -> PriceObservation:
    """The second person admits what the first proposed. Raises ``Forbidden`` (``access.same_person``) and ``NotNow``."""
    announce("price.confirm")
    require_role(by, Role.PRICE_PUBLISHER)
    row = locked(observation)
    proposal, first = _proposed(row)
    if "set_aside" in proposal:
        raise NotNow("price.not_proposed", "该条价格没有待复核的更正。")
    require_other_person(by, {first.pk}, "复核更正")
    row.proposal, row.proposed_by = None, None
    _admit(row, proposal["corrections"], by=by, note=proposal["note"], proposed_by=first)
    return _same(observation, row)


def decline_admission(observation: PriceObservation, *, by: User, note: str) -> PriceObservation:
    """The proposal is not agreed to, or taken back: the price waits on, or goes on counting where it was to be taken out (which
    is no judgement of the price, so none is kept beside the trail's)."""
    announce("price.decline", note)
    require_role(by, Role.PRICE_PUBLISHER)
    row = locked(observation)
    proposal, _first = _proposed(row)
    require_note(note)
    row.proposal, row.proposed_by = None, None
    if "set_aside" in proposal:
        row.save(update_fields=["proposal", "proposed_by"])
        return _same(observation, row)
    _judged(row, "decline", by=by, note=note)
    return _same(observation, row)


def dismiss_observation(
    observation: PriceObservation, *, by: User, reason: str, note: str
) -> PriceObservation:
    """Put a quarantined price away for good. Raises ``Invalid`` for an unknown reason code or without a note, ``NotNow`` when it
    does not wait."""
    announce("price.dismiss", note)
    require_role(by, Role.PRICE_PUBLISHER)
    _require_reason(reason)
    row = locked(observation)
    _require_waiting(row)
    require_note(note)
    put_away(row, by=by, reason=reason, note=note)
    return _same(observation, row)


def put_away(row: PriceObservation, *, by: User | None, reason: str, note: str) -> None:
    """What waits is put away for good, with its judgement."""
    before = {"state": row.state, "reason": row.reason}
    row.state, row.reason = ObservationState.SET_ASIDE, reason
    row.proposal, row.proposed_by = None, None
    row.note, row.decided_by = note[:300], by
    _judged(row, "dismiss", by=by, note=note, reason=reason, before=before)


@dataclass(frozen=True)
class Settled:
    """What became of one of many: the refusal where there was one."""

    observation: PriceObservation
    refusal: DomainError | None = None


def admit_many(
    observations: Iterable[PriceObservation], *, by: User, corrections: Mapping[str, str], note: str
) -> list[Settled]:
    """The same correction of many, each for itself."""
    return [
        _each(one, lambda one=one: admit_observation(one, by=by, corrections=corrections, note=note))
        for one in observations
    ]


def dismiss_many(
    observations: Iterable[PriceObservation], *, by: User, reason: str, note: str
) -> list[Settled]:
    """Many are put away for the same reason, each for itself."""
    return [
        _each(one, lambda one=one: dismiss_observation(one, by=by, reason=reason, note=note))
        for one in observations
    ]


def _each(observation: PriceObservation, deed: Any) -> Settled:
    try:
        with transaction.atomic():
            return Settled(deed())
    except DomainError as refusal:
        return Settled(observation, refusal)


def _same(observation: PriceObservation, row: PriceObservation) -> PriceObservation:
    """The caller's instance shows what was saved."""
    observation.__dict__.update(row.__dict__)
    return observation


def _proposed(row: PriceObservation) -> tuple[dict[str, Any], User]:
    if row.proposal is None or row.proposed_by is None:
        raise NotNow("price.not_proposed", "该条价格没有待复核的更正。")
    return row.proposal, row.proposed_by


def _admit(
    row: PriceObservation,
    corrections: Mapping[str, str],
    *,
    by: User,
    note: str,
    proposed_by: User | None = None,
) -> None:
    fields = {**row.original, **corrections}
    tables = tables_for(row.market)
    try:
        if row.market == Market.CHINA:
            reading = read_dataset_row(
                fields, tables, known_at=dates.now(), evidence=row.evidence or Evidence.IMPORTED
            )
        else:
            reading = read_reference_row(fields, tables)
    except Refused as problem:
        raise Invalid(f"price.{problem.code}", f"{problem.message}。", field=problem.field) from None
    settled = reading.observation
    if settled.state != ObservationState.ADMITTED:
        raise Invalid(
            f"price.{settled.reason}",
            f"更正后仍不能采用：{settled.note or REASONS.get(settled.reason, settled.reason)}。",
            field="corrections",
        )
    before = {name: getattr(row, name) for name in (*READ_ANEW, "state", "reason")}
    for name in READ_ANEW:
        setattr(row, name, getattr(settled, name))
    row.state, row.reason = ObservationState.ADMITTED, ""
    row.note, row.decided_by = note[:300], by
    _judged(row, "admit", by=by, note=note, proposed_by=proposed_by, before=before)


def _with_and_without(
    row: PriceObservation, corrections: Mapping[str, str], *, by: User, note: str
) -> tuple[Decimal | None, Decimal | None, Decimal, int]:
    """The base price of the cell today without the price and what single persons admitted before it, and with all; how far a
    second person is not needed; and how many those others are. Admits, and takes it back. Raises what ``_admit`` does."""
    point = transaction.savepoint()
    try:
        _admit(row, corrections, by=by, note=note)
        cell = cell_of(row)
        after, limit = base_of(cell)
    finally:
        transaction.savepoint_rollback(point)
        row.refresh_from_db()
    alone = judged_alone(cell, "admit", state=ObservationState.ADMITTED)
    point = transaction.savepoint()
    try:
        PriceObservation.objects.filter(pk__in=alone).update(
            state=ObservationState.QUARANTINED, reason="withdrawn"
        )
        before, limit = base_of(cell)
    finally:
        transaction.savepoint_rollback(point)
    return before, after, limit, len(alone)


def cell_of(row: PriceObservation) -> fp.Cell:
    """The cell that the price is read into."""
    return fp.Cell(row.market, row.accelerator, row.form_factor, row.tier, row.region_group, row.term_bucket)


def judged_alone(cell: fp.Cell, verb: str, **still: Any) -> list[int]:
    """The keys of what single persons admitted to the cell (or took out of it) since a second one last confirmed such a deed
    there: many small steps are one large one. ``still``: what must hold of the observation now."""
    judgements = PriceJudgement.objects.filter(
        verb=verb,
        judged_by__isnull=False,
        observation__market=cell.market,
        observation__accelerator=cell.accelerator,
        observation__form_factor=cell.form_factor,
        observation__tier=cell.tier,
        observation__region_group=cell.region_group,
        observation__term_bucket=cell.term,
        **{f"observation__{name}": value for name, value in still.items()},
    ).order_by("-pk")
    found: list[int] = []
    for observation, proposer in judgements.values_list("observation_id", "proposed_by"):
        if proposer is not None:
            break
        found.append(observation)
    return found


def base_of(cell: fp.Cell) -> tuple[Decimal | None, Decimal]:
    """The base price of the cell today, and the limit of the method in force."""
    grounds, today = PriceGrounds(cell.market), dates.today()
    _kept, method = grounds.method(today)
    _market, row = grounds.priced(cell, as_of=today, known_at=dates.now(), method=method, left_out=())
    return row.base, method.jump_limit


def _require_reason(reason: str) -> None:
    if reason not in REASONS:
        raise Invalid("price.unknown_reason", f"原因代码“{reason}”不在可选范围内。", field="reason")
