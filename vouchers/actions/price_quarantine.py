"""What becomes of a price after it came in: admitted after a look, put away for good, taken out later. Each is a judgement that is
kept, with what the price stood on before; what was handed in stays to the letter."""

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
from vouchers.models.prices import Evidence, Market, ObservationState, PriceKind
from vouchers.policy import fair_price as fp
from vouchers.policy.fair_price import REASONS
from vouchers.policy.prices.figures import divide, ln

READ_ANEW = (
    "accelerator", "form_factor", "region_group", "term_bucket", "normalised_price", "unit", "cards", "precision",
    "unit_price", "currency", "vat_rate", "tax_included", "tier", "term_months", "region_code", "carried_from", "bookable_since",
    "sku",
)  # fmt: skip
"""What a correction may change of how a price was read."""


def _locked(observation: PriceObservation) -> PriceObservation:
    row: PriceObservation = PriceObservation.objects.select_for_update().get(pk=observation.pk)
    return row


def _require_note(note: str) -> None:
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

    Where it would move its cell of today by more than the method's limit, with all that single persons admitted to the cell
    since two looked at it, it is only proposed, and stays quarantined until another person confirms (``confirm_admission``).
    Raises ``NotNow`` (``price.not_quarantined``, ``price.proposed`` while a proposal waits), ``Forbidden``
    (``access.same_person`` for an expert's statement by who entered it) and ``Invalid`` when it still cannot be read or no
    reason is given.
    """
    announce("price.admit", note)
    require_role(by, Role.PRICE_PUBLISHER)
    row = _locked(observation)
    _require_waiting(row)
    if row.proposal is not None:
        raise NotNow("price.proposed", "该条价格的更正正待另一人复核。", hint="请先复核或退回已有的更正。")
    _require_note(note)
    if row.kind == PriceKind.EXPERT and row.original.get("entered_by") == by.username:
        raise Forbidden("access.same_person", "专家意见须由录入人以外的人核对后采用。")
    given = {key: value for key, value in corrections.items() if value}
    before, after, limit, alone = _with_and_without(row, given, by=by, note=note)
    if before and after and abs(ln(divide(after, before))) > limit:
        row.proposal = {
            "corrections": given,
            "note": note[:300],
            "before": str(before),
            "after": str(after),
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
    row = _locked(observation)
    proposal, first = _proposed(row)
    require_other_person(by, {first.pk}, "复核更正")
    row.proposal, row.proposed_by = None, None
    _admit(row, proposal["corrections"], by=by, note=proposal["note"], proposed_by=first)
    return _same(observation, row)


def decline_admission(observation: PriceObservation, *, by: User, note: str) -> PriceObservation:
    """The proposal is not agreed to, or taken back: the price waits on."""
    announce("price.decline", note)
    require_role(by, Role.PRICE_PUBLISHER)
    row = _locked(observation)
    _proposed(row)
    _require_note(note)
    row.proposal, row.proposed_by = None, None
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
    row = _locked(observation)
    _require_waiting(row)
    _require_note(note)
    _dismiss(row, by=by, reason=reason, note=note)
    return _same(observation, row)


def take_out(observation: PriceObservation, *, reason: str, note: str) -> None:
    """A service: what the price came with was found false. Admitted or waiting, it counts no more from now on."""
    if observation.state == ObservationState.QUARANTINED:
        announce("price.dismiss", note)
        _dismiss(_locked(observation), by=None, reason=reason, note=note)
    else:
        set_aside_observations(reason=reason, by=None, observation_no=observation.observation_no, note=note)


def _dismiss(row: PriceObservation, *, by: User | None, reason: str, note: str) -> None:
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
        cell = fp.Cell(
            row.market, row.accelerator, row.form_factor, row.tier, row.region_group, row.term_bucket
        )
        after, limit = _base_of(cell)
    finally:
        transaction.savepoint_rollback(point)
        row.refresh_from_db()
    alone = _admitted_by_one(cell)
    point = transaction.savepoint()
    try:
        PriceObservation.objects.filter(pk__in=alone).update(
            state=ObservationState.QUARANTINED, reason="withdrawn"
        )
        before, limit = _base_of(cell)
    finally:
        transaction.savepoint_rollback(point)
    return before, after, limit, len(alone)


def _admitted_by_one(cell: fp.Cell) -> list[int]:
    """The keys of what was admitted to the cell by single persons since a second one last confirmed an admission to it: many
    small steps are one large one."""
    admissions = PriceJudgement.objects.filter(
        verb="admit",
        observation__state=ObservationState.ADMITTED,
        observation__market=cell.market,
        observation__accelerator=cell.accelerator,
        observation__form_factor=cell.form_factor,
        observation__tier=cell.tier,
        observation__region_group=cell.region_group,
        observation__term_bucket=cell.term,
    ).order_by("-pk")
    found: list[int] = []
    for observation, proposer in admissions.values_list("observation_id", "proposed_by"):
        if proposer is not None:
            break
        found.append(observation)
    return found


def _base_of(cell: fp.Cell) -> tuple[Decimal | None, Decimal]:
    grounds, today = PriceGrounds(cell.market), dates.today()
    _kept, method = grounds.method(today)
    _market, row = grounds.priced(cell, as_of=today, known_at=dates.now(), method=method, left_out=())
    return row.base, method.jump_limit


# -- taken out later ------------------------------------------------------------------------------------------------


def _require_reason(reason: str) -> None:
    if reason not in REASONS:
        raise Invalid("price.unknown_reason", f"原因代码“{reason}”不在可选范围内。", field="reason")


def set_aside_observations(
    *,
    reason: str,
    by: User | None,
    reference: str = "",
    source: str = "",
    observation_no: str = "",
    note: str = "",
) -> int:
    """Take prices out of the index from now on: by contract number, by source, or one. Past decisions keep theirs.

    ``by=None`` is a service (casework or audit pushes down that a contract does not stand any more). Raises ``Invalid`` for an
    unknown reason code.
    """
    announce("price.set_aside", note)
    if by is not None:
        require_role(by, Role.PRICE_PUBLISHER, Role.INVESTIGATOR)
    _require_reason(reason)
    chosen = PriceObservation.objects.filter(state=ObservationState.ADMITTED, set_aside_at=None)
    if reference:
        chosen = chosen.filter(reference=reference)
    elif source:
        chosen = chosen.filter(source_key=source)
    elif observation_no:
        chosen = chosen.filter(observation_no=observation_no)
    else:
        raise Invalid("price.nothing_named", "请指明要剔除的合同、来源或价格编号。")
    now = dates.now()
    rows = list(chosen.select_for_update().order_by("pk"))
    for row in rows:
        row.set_aside_at, row.set_aside_reason = now, reason
        row.note, row.decided_by, row.revision = note[:300], by, row.revision + 1
    PriceObservation.objects.bulk_update(
        rows, ["set_aside_at", "set_aside_reason", "note", "decided_by", "revision"], batch_size=1000
    )
    PriceJudgement.objects.bulk_create(
        [
            PriceJudgement(
                observation=row,
                revision=row.revision,
                verb="set_aside",
                reason=reason,
                note=note[:500],
                judged_by=by,
                judged_at=now,
            )
            for row in rows
        ],
        batch_size=1000,
    )
    return len(rows)
