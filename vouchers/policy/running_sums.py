"""What earlier cases of a replay took: of each cap, of each voucher, and of the year's base."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from vouchers.policy.assessment import Assessment
from vouchers.policy.caps import cap_keys, event_of
from vouchers.policy.facts import Facts, UsedAmounts, VoucherFacts
from vouchers.policy.gates import months_after
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapPeriod, Stage

ZERO = Decimal(0)


def expiry_of(scheme: Scheme, issued_on: date) -> date:
    """The first day on which a voucher issued then cannot be used: as the scheme says, else the end of the year of issue."""
    kind = scheme.voucher
    if kind.valid_to is not None:
        return kind.valid_to
    if kind.validity_months is not None:
        return months_after(issued_on, kind.validity_months)
    return date(issued_on.year + 1, 1, 1)


@dataclass(slots=True)
class Drawn:
    """A voucher on its way through the replay."""

    face_value: Decimal
    balance: Decimal
    expires_on: date | None
    uses: int = 0


@dataclass
class RunningSums:
    """The sums so far. Rolling years keep their entries by day; all else is a sum by key."""

    caps: dict[str, Decimal] = field(default_factory=dict)
    rolling: dict[str, deque[tuple[date, Decimal]]] = field(default_factory=dict)
    year_basis: dict[tuple[str, str, int, str], Decimal] = field(default_factory=dict)
    """By enterprise, event, calendar year and track: the base of the cases granted so far."""
    vouchers: dict[str, Drawn] = field(default_factory=dict)
    """By the number of the application that they were issued on, or else by their own number."""

    def of(self, key: str, on: date) -> Decimal:
        """Yuan used under a cap's key by the given day; of a rolling year, in the twelve months that end with that day."""
        entries = self.rolling.get(key)
        if entries is None:
            return self.caps.get(key, ZERO)
        since = months_after(on, -12)
        while entries and entries[0][0] <= since:
            self.caps[key] -= entries.popleft()[1]
        return self.caps[key]

    def add(self, key: str, on: date, amount: Decimal, *, rolling: bool) -> None:
        """Take the amount from the cap."""
        self.caps[key] = self.caps.get(key, ZERO) + amount
        if rolling:
            self.rolling.setdefault(key, deque()).append((on, amount))

    def base_of(self, facts: Facts, tracks: Iterable[str]) -> dict[str, Decimal]:
        """The year's base so far, by track, as `UsedAmounts.year_basis` wants it."""
        who, event, year = facts.applicant.uscc, event_of(facts.stage), facts.on.year
        found = {track: self.year_basis.get((who, event, year, track), ZERO) for track in tracks}
        return {track: value for track, value in found.items() if value}

    def facts_of(self, scheme: Scheme, facts: Facts, application_no: str) -> Facts:
        """The facts with what was used before them filled in. A track that this version does not have is not named."""
        tracks = [track.code for track in scheme.tracks]
        if facts.track and facts.track not in tracks:
            facts = replace(facts, track="")
        caps = {key.key: self.of(key.key, facts.on) for key in cap_keys(scheme, facts)}
        used = UsedAmounts(
            caps={key: value for key, value in caps.items() if value}, year_basis=self.base_of(facts, tracks)
        )
        if facts.stage is Stage.APPLICATION:
            return replace(facts, used=used, voucher=None)
        return replace(facts, used=used, voucher=self.voucher_of(scheme, facts, application_no))

    def voucher_of(self, scheme: Scheme, facts: Facts, application_no: str) -> VoucherFacts | None:
        """The voucher that a claim draws on, as it stands now."""
        if not scheme.voucher.issues_voucher:
            return None
        given = facts.voucher
        drawn = self.vouchers.get(application_no)
        if drawn is None and given is not None:
            drawn = self.vouchers.setdefault(
                given.voucher_no, Drawn(given.face_value, given.balance, given.expires_on, given.uses)
            )
        if drawn is None:
            return None
        return VoucherFacts(
            voucher_no=given.voucher_no if given else application_no,
            face_value=drawn.face_value,
            balance=drawn.balance,
            expires_on=drawn.expires_on,
            uses=drawn.uses,
        )

    def take(
        self, scheme: Scheme, case_no: str, facts: Facts, application_no: str, answer: Assessment
    ) -> None:
        """Book what the case was granted."""
        if facts.stage is Stage.APPLICATION and scheme.voucher.issues_voucher:
            self.vouchers[case_no] = Drawn(answer.amount, answer.amount, expiry_of(scheme, facts.on))
        if answer.amount <= 0:
            return
        rolling = {cap.code for cap in scheme.caps if cap.period is CapPeriod.ROLLING_YEAR}
        for use in answer.cap_uses:
            self.add(use.key, facts.on, use.amount, rolling=use.key.split(":")[1] in rolling)
        place = (facts.applicant.uscc, event_of(facts.stage), facts.on.year, answer.track)
        self.year_basis[place] = self.year_basis.get(place, ZERO) + answer.basis_amount
        if facts.stage is not Stage.APPLICATION and facts.voucher is not None:
            drawn = self.vouchers.get(application_no) or self.vouchers.get(facts.voucher.voucher_no)
            if drawn is not None:
                drawn.balance -= answer.amount
                drawn.uses += 1
