"""Prices that come in live, one or many: a provider's platform or report, an expert, the office, the casework.

Each row is answered for itself: admitted, waiting for a person, kept beside, known already, or refused with its column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from vouchers import dates
from vouchers.access import Role, has_role, require_role
from vouchers.actions.price_neighbours import attach_register, quarantine_suspects
from vouchers.actions.price_observations import known_digests, tables_for
from vouchers.actions.price_reading import Reading, Refused, hold_back, read_dataset_row
from vouchers.context import announce
from vouchers.errors import Forbidden, Invalid
from vouchers.models import Party, PriceObservation, ProviderAdmission, User
from vouchers.models.prices import Evidence, Market, ObservationState, PriceKind
from vouchers.models.recorded import Origin
from vouchers.policy.fair_price import METHODS

OWN_COLUMNS = (
    "observed_on", "kind", "region_code", "accelerator", "form_factor", "term_months", "unit", "cards", "precision",
    "unit_price", "currency", "vat_rate", "tax_included", "bookable_since", "carried_from", "reference",
    "vcpus_per_card", "memory_gb_per_card",
)  # fmt: skip
"""What a provider writes of a price of its own; who it is and its tier are the register's to say."""
OWN_KINDS = (PriceKind.QUOTE, PriceKind.TRANSACTION)


@dataclass(frozen=True)
class Taken:
    """What became of one row. ``outcome`` is a state of an observation, ``known`` or ``refused``."""

    row_no: int
    outcome: str
    observation: PriceObservation | None = None
    code: str = ""
    field: str = ""
    message: str = ""


def take_observations(
    rows: Iterable[tuple[int, Mapping[str, str | None]]],
    *,
    feed: str = "",
    evidence: str = Evidence.DECLARED,
    market_since: date | None = None,
) -> list[Taken]:
    """Take in numbered live rows; nothing of a refused one is kept, and no row keeps another from being taken.

    ``market_since``: a quote that is said to be bookable since before that day waits for a person, since how long a seller has
    been on the market is what keeps new ones out. Runs in the caller's transaction and context.
    """
    tables = tables_for(Market.CHINA, latest=dates.today())
    known_at = dates.now()
    readings: dict[str, tuple[int, Reading]] = {}
    answers: dict[int, Taken] = {}
    again: list[tuple[int, str]] = []
    for row_no, raw in rows:
        try:
            reading = read_dataset_row(
                raw,
                tables,
                row_no=row_no,
                feed=feed,
                origin=Origin.LIVE,
                evidence=evidence,
                known_at=known_at,
            )
        except Refused as problem:
            answers[row_no] = Taken(
                row_no, "refused", None, f"price.{problem.code}", problem.field, f"{problem.message}。"
            )
            continue
        digest = reading.observation.digest
        if digest in readings:
            again.append((row_no, digest))
            continue
        readings[digest] = (row_no, reading)
    known = known_digests(readings)
    fresh = [reading for digest, (_no, reading) in readings.items() if digest not in known]
    for reading in fresh:
        _look_at_dates(reading, market_since)
    quarantine_suspects(fresh, Market.CHINA)
    attach_register(fresh)
    held = {
        row.digest: row
        for row in PriceObservation.objects.filter(digest__in=sorted(known))
    }  # fmt: skip
    for digest, (row_no, reading) in readings.items():
        if digest in held:
            answers[row_no] = Taken(row_no, "known", held[digest])
            continue
        row = reading.observation.row()
        row.save(force_insert=True)
        held[digest] = row
        answers[row_no] = Taken(
            row_no, row.state, row, f"price.{row.reason}" if row.reason else "", "", row.note
        )
    answers |= {row_no: Taken(row_no, "known", held[digest]) for row_no, digest in again}
    return [answers[row_no] for row_no in sorted(answers)]


def _look_at_dates(reading: Reading, market_since: date | None) -> None:
    """A live quote must be fresh, and may not say of itself how long it has been on the market; what an expert thinks
    or the office typed counts when another person has seen it."""
    item = reading.observation
    if item.state == ObservationState.ADMITTED and item.kind == PriceKind.EXPERT:
        hold_back(item, "expert.unconfirmed", "专家意见由录入人以外的人对照意见书核对后采用")
    elif item.state == ObservationState.ADMITTED and item.original.get("entered_by"):
        hold_back(item, "entry.unconfirmed", "本机关录入的价格由录入人以外的人核对来源后采用")
    if item.state != ObservationState.ADMITTED or item.kind != PriceKind.QUOTE or item.observed_on is None:
        return
    age = (dates.today() - item.observed_on).days
    limit = METHODS[Market.CHINA, 1].max_age_quote_days
    if age > limit:
        hold_back(item, "quote.stale", f"采集日 {item.observed_on} 距今 {age} 日，报价有效期为 {limit} 日")
    elif market_since is not None and item.bookable_since is not None and item.bookable_since < market_since:
        hold_back(item, "quote.unproven", f"自称 {item.bookable_since} 起可订购，早于入库日 {market_since}")


def record_observation(
    fields: Mapping[str, str | None],
    *,
    by: User | None,
    evidence: str = Evidence.DECLARED,
    feed: str = "",
) -> PriceObservation:
    """Take in one live observation: a provider's quote, an expert's opinion, a published list price that the office saw, a
    verified contract price pushed down by casework (``by=None``). The same content again gives the first row.

    Fields are those of ``price_observations.csv``. Raises ``Invalid`` with the column when it breaks the format; a suspect
    price, and one that a person of the office typed, is kept, quarantined, and returned so. Raises ``Forbidden`` (``access.role``; ``price.verified`` when a person claims
    the evidence that only the casework gives).
    """
    announce("price.record")
    if by is not None:
        if evidence == Evidence.VERIFIED:
            raise Forbidden("price.verified", "已核验的合同价只能由系统按合同、发票、付款和用量认定。")
        party = Party.objects.filter(uscc=(fields.get("source") or "").strip().upper()).first()
        if party is None or not _may_speak_for(by, party):
            require_role(by, Role.PRICE_PUBLISHER, Role.HANDLER, Role.EXPERT)
            fields = {**fields, "entered_by": by.username}
        if (fields.get("kind") or "").strip() == PriceKind.EXPERT:
            fields = _expert_statement(fields, by)
    (taken,) = take_observations([(1, fields)], feed=feed, evidence=evidence)
    if taken.observation is None:
        raise Invalid(taken.code, taken.message, field=taken.field)
    return taken.observation


def _expert_statement(fields: Mapping[str, str | None], by: User) -> dict[str, str | None]:
    """An expert's statement says for whom the expert works, on which signed paper it rests, and who entered it.

    Raises ``Invalid`` (``price.employer_missing``, ``price.paper_missing``).
    """
    if not (fields.get("employer") or "").strip():
        raise Invalid(
            "price.employer_missing",
            "请填写专家所在单位：同一单位及其关联单位的专家合计为一家。",
            field="employer",
        )
    if not (fields.get("reference") or "").strip():
        raise Invalid("price.paper_missing", "请填写专家签名的意见书编号。", field="reference")
    return {**fields, "entered_by": by.username}


def _may_speak_for(user: User, party: Party) -> bool:
    return has_role(user, Role.FILER, Role.ENTERPRISE_APPROVER, Role.PLATFORM, party=party)


@dataclass(frozen=True)
class OwnProvider:
    """A provider as the register knows it today: its tier, and since when it is admitted."""

    party: Party
    tier: str
    admitted_on: date


def admitted_provider(party: Party, on: date) -> OwnProvider:
    """The provider with its tier. Raises ``Forbidden`` (``price.not_admitted``, ``price.no_tier``)."""
    rows = [
        row
        for row in ProviderAdmission.objects.filter(provider=party).order_by("effective_from", "pk")
        if row.effective_from <= on
    ]
    in_force = [row for row in rows if row.effective_to is None or on < row.effective_to]
    if not in_force:
        raise Forbidden(
            "price.not_admitted",
            f"{party.name}目前不在任何专项的入库名单中，不能上报价格。",
            hint="请联系主管部门核对入库状态。",
        )
    tier = next((row.tier for row in in_force if row.tier), "")
    if not tier:
        raise Forbidden(
            "price.no_tier", "主管部门尚未登记贵单位的供应方类别，不能上报价格。", hint="请联系主管部门补登。"
        )
    return OwnProvider(party, tier, rows[0].effective_from)


def own_row(provider: OwnProvider, fields: Mapping[str, str | None]) -> dict[str, str | None]:
    """The row of a provider's own price: its number and its registered tier, whatever else it wrote."""
    return {
        **{name: fields.get(name) for name in OWN_COLUMNS if fields.get(name)},
        "source": provider.party.uscc,
        "tier": provider.tier,
    }


def take_own_observations(
    provider: Party,
    rows: Sequence[tuple[int, Mapping[str, str | None]]],
    *,
    feed: str,
    kinds: Sequence[str] = OWN_KINDS,
) -> list[Taken]:
    """A provider's own prices, with its registered number and tier. Columns that are not a provider's to write, and kinds other
    than ``kinds``, are refused row by row. Raises ``Forbidden`` as ``admitted_provider``."""
    own = admitted_provider(provider, dates.today())
    refused: list[Taken] = []
    good: list[tuple[int, dict[str, str | None]]] = []
    for row_no, raw in rows:
        strange = [name for name, value in raw.items() if value and name not in OWN_COLUMNS]
        if strange:
            refused.append(
                Taken(
                    row_no, "refused", None, "price.column.unknown", strange[0], f"没有“{strange[0]}”这一列。"
                )
            )
        elif (raw.get("kind") or "") not in kinds:
            words = "、".join(f"{kind}（{PriceKind(kind).label}）" for kind in kinds)
            refused.append(
                Taken(row_no, "refused", None, "price.kind.unknown", "kind", f"种类应为 {words}。")
            )
        else:
            good.append((row_no, own_row(own, raw)))
    taken = take_observations(good, feed=feed, market_since=own.admitted_on)
    return sorted([*refused, *taken], key=lambda one: one.row_no)
