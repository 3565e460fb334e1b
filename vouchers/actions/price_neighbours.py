"""What a row is only beside others: suspect among its neighbours, and known to the register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from vouchers.actions.price_reading import Draft, Reading, hold_back
from vouchers.models import Party, PriceObservation, Region
from vouchers.models.prices import ObservationState, PriceUnit
from vouchers.policy.prices.suspicion import Seen, suspects

LARGE_BATCH = 1000  # a batch of this size is its own neighbourhood
NEIGHBOUR_DAYS = 180


def _seen(item: PriceObservation | Draft, cards: int, period: str) -> Seen | None:
    if item.normalised_price is None or item.unit_price is None:
        return None
    spot = "spot" if item.term_bucket == "spot" else ""
    return Seen(
        item.digest,
        item.source_key,
        (item.accelerator, item.form_factor, item.tier, spot, period),
        item.normalised_price,
        item.unit_price,
        cards,
    )


def quarantine_suspects(readings: Sequence[Reading], market: str) -> None:
    """Quarantine what the neighbours betray: those of the same year in a long file, of half a year around in a short one."""
    for reading in readings:
        _look_at_cards(reading)
    sound = [reading for reading in readings if reading.observation.state == ObservationState.ADMITTED]
    if not sound:
        return
    days = [reading.observation.observed_on for reading in sound if reading.observation.observed_on]
    long = len(sound) >= LARGE_BATCH
    seen = [
        found
        for reading, day in zip(sound, days, strict=True)
        if (found := _seen(reading.observation, reading.instance_cards, str(day.year) if long else ""))
        is not None
    ]
    neighbours: list[Seen] = []
    if not long:
        near = PriceObservation.objects.filter(
            market=market,
            state=ObservationState.ADMITTED,
            accelerator__in={item.product[0] for item in seen},
            observed_on__range=(min(days) - timedelta(days=NEIGHBOUR_DAYS), max(days) + timedelta(days=NEIGHBOUR_DAYS)),
        ).only(
            "digest", "source_key", "accelerator", "form_factor", "tier", "term_bucket", "normalised_price", "unit_price"
        )  # fmt: skip
        neighbours = [found for item in near if (found := _seen(item, 1, "")) is not None]
    reasons = suspects(seen, neighbours)
    for reading in sound:
        reason = reasons.get(reading.observation.digest)
        if reason:
            reading.observation.state = ObservationState.QUARANTINED
            reading.observation.reason = reason
            reading.observation.note = (
                f"折算 {reading.observation.normalised_price}，与同类价格相差过大，请核对单位"
            )


def _look_at_cards(reading: Reading) -> None:
    """A server said to have another number of cards than the chip's servers have: its price a card hangs on a person's look."""
    item = reading.observation
    if item.state != ObservationState.ADMITTED or item.unit != PriceUnit.SERVER_MONTH or item.cards is None:
        return
    if item.cards != reading.instance_cards:
        told = f"每台写作 {item.cards} 卡，而该型号整机为 {reading.instance_cards} 卡，请核对"
        hold_back(item, "unit.ambiguous", told)


def attach_register(readings: Sequence[Reading]) -> None:
    """Point to the register: the party behind a USCC, the region behind a code."""
    codes = {
        reading.observation.source_key for reading in readings if len(reading.observation.source_key) == 18
    }
    parties = dict(Party.objects.filter(uscc__in=codes).values_list("uscc", "pk"))
    regions = dict(Region.objects.values_list("code", "pk"))
    for reading in readings:
        reading.observation.party_id = parties.get(reading.observation.source_key)
        reading.observation.region_id = regions.get(reading.observation.region_code)
