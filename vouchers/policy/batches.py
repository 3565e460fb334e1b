"""Where a version grants by batch: its cases are decided together when their batch closes, and share out as casework does.

The applications of one batch number are a batch; without a number, those filed in one time of a filing window; where there
is neither, all that compete for the same pools. It closes with its last case. Each is first assessed as if the pools had no
end, on top of those filed before it; then `batching.share_out` says what each gets, and that is what it is granted: nothing
is assessed again within less. A claim on a voucher that is not issued yet waits for the batch of its application.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby

from vouchers.policy.batching import Allotted, Room, filing_window, grants_by_batch, share_out
from vouchers.policy.caps import Account, event_of, period_of
from vouchers.policy.entered import Entered, Half
from vouchers.policy.replay import CaseOutcome
from vouchers.policy.rules import Scheme, Window
from vouchers.policy.running_sums import ZERO, Drawn, RunningSums
from vouchers.policy.shortage import Contender
from vouchers.policy.terms import CapPeriod, CapSubject, Outcome, Shortage, Stage
from vouchers.policy.turns import Decided, Turn, shared_accounts
from vouchers.policy.working import Sum

BOUNDLESS = Decimal(10) ** 16
"""More than any pool: what a case is first assessed with."""

Tell = Callable[[int, Entered, CaseOutcome, Decided], None]
"""Told each case by its place in the replay's order, when it is decided."""

_APPLICATION = Stage.APPLICATION
_NEVER = datetime.max.replace(tzinfo=UTC)
_SHARING = (Shortage.PRO_RATA, Shortage.BY_SCORE)


def waits_for_batches(turn: Turn) -> bool:
    """Whether the version grants its cases only together."""
    return grants_by_batch(turn.version.scheme)


def decide_in_batches(turn: Turn, cases: Sequence[Entered], tell: Tell) -> None:
    """Decide all cases, given in the replay's order, batch by batch."""
    for batch, places in _sequence(turn, cases):
        if batch is None:
            for place in places:
                outcome, decided = turn.decide(cases[place])
                tell(place, cases[place], outcome, decided)
        else:
            _decide_batch(turn, [(place, cases[place]) for place in places], tell)


# ---- who is in which batch


class _Joined:
    """Names that stand for the same batch."""

    def __init__(self) -> None:
        self._first: dict[Hashable, Hashable] = {}

    def of(self, name: Hashable) -> Hashable:
        """The one name that stands for all that were joined with it."""
        first = self._first
        first.setdefault(name, name)
        while first[name] != name:
            first[name] = first[first[name]]
            name = first[name]
        return name

    def join(self, names: Sequence[Hashable]) -> None:
        """From now on they are one batch."""
        for name in names[1:]:
            self._first[self.of(name)] = self.of(names[0])


def _time_of(scheme: Scheme, case: Entered) -> Window | None:
    if case.batch_no or case.filed_at is None or not scheme.windows:
        return None
    return filing_window(scheme, case.filed_at)


def _number_of(case: Entered, time: Window | None) -> str:
    """What its batch goes by: its number, or the time of the filing window; empty where neither is known."""
    return case.batch_no or (f"{time.code}@{time.opens_at.date().isoformat()}" if time is not None else "")


def _number_caps(scheme: Scheme, turn: Turn, case: Entered, number: str) -> None:
    """A batch's cap counts by what its batch goes by, here; where there is nothing, the cases of a year are the batch."""
    for bound in case.halves[turn.place].weighed.caps.values():
        cap = bound.cap
        if cap.subject is CapSubject.BATCH and not bound.accounts:
            subject = number or str(bound.on.year)
            event, period = event_of(case.stage), period_of(cap, bound.on)
            key = f"{scheme.program}:{cap.code}:{event}:{subject}:{period}"
            bound.accounts.append(Account(subject, key, bound.limit))


def _batches(turn: Turn, cases: Sequence[Entered]) -> tuple[dict[int, Hashable], dict[Hashable, datetime]]:
    """The batch of each case that has one, by its place; and when the filing time of a batch began, where it has one."""
    scheme = turn.version.scheme
    claims_too = scheme.issue.shortage in _SHARING
    names: dict[int, Hashable] = {}
    joined, began = _Joined(), dict[Hashable, datetime]()
    for place, case in enumerate(cases):
        number = case.batch_no
        if case.stage is _APPLICATION:
            time = _time_of(scheme, case)
            number = _number_of(case, time)
            _number_caps(scheme, turn, case, number)
            if number:
                names[place] = (number,)
                if time is not None:
                    began[number,] = time.opens_at
                continue
        elif not claims_too:
            continue
        accounts = [(number, account.key) for _bound, account in shared_accounts(case.halves[turn.place])]
        if accounts:
            joined.join(accounts)
            names[place] = accounts[0]
    return {place: joined.of(name) for place, name in names.items()}, began


def _sequence(turn: Turn, cases: Sequence[Entered]) -> Iterator[tuple[Hashable | None, list[int]]]:
    """Places in the order in which they are decided: batches whole, when they close, and single cases between them."""
    batch_of, began = _batches(turn, cases)
    place_of = {case.case_no: place for place, case in enumerate(cases) if case.stage is _APPLICATION}
    closes = {batch: place for place, batch in batch_of.items()}  # with the last
    latest = 0
    for batch in sorted(
        began, key=lambda one: (began[one], str(one))
    ):  # what was filed earlier is shared out earlier
        latest = closes[batch] = max(closes[batch], latest)

    def issued_at(case: Entered) -> int:
        application = place_of.get(case.application_no, -1)
        return closes[batch_of[application]] if application in batch_of else application

    for place, case in enumerate(cases):
        if case.stage is not _APPLICATION and place in batch_of:
            closes[batch_of[place]] = max(closes[batch_of[place]], issued_at(case))
    turns = {
        batch: number for number, batch in enumerate(sorted(began, key=lambda one: (began[one], str(one))))
    }
    for batch in batch_of.values():
        turns.setdefault(batch, len(turns))
    order = sorted(
        (closes[batch_of[place]], case.stage is not _APPLICATION, turns[batch_of[place]], place)
        if place in batch_of
        else (place if case.stage is _APPLICATION else max(place, issued_at(case)), 2, 0, place)
        for place, case in enumerate(cases)
    )
    for found, group in groupby((one[-1] for one in order), key=batch_of.get):
        yield found, list(group)


# ---- sharing out


def _decide_batch(turn: Turn, batch: Sequence[tuple[int, Entered]], tell: Tell) -> None:
    batch = sorted(batch, key=lambda one: (one[1].filed_at or _NEVER, one[0]))
    asked = _asked(turn, batch)
    members = [case for _place, case in batch if _takes_part(turn, case, asked[case.case_no])]
    rooms = _rooms(turn, members)
    contenders = [
        Contender(
            case_no=case.case_no,
            amount=asked[case.case_no].settled.granted,
            filed_at=case.filed_at,
            score=case.score,
        )
        for case in members
    ]
    allotted = share_out(turn.version.scheme.issue.shortage, rooms.values(), contenders)
    for place, case in batch:
        decided, cut = asked[case.case_no], ZERO
        if case.stage is not _APPLICATION:
            decided.voucher = turn.sums.voucher_of(case.application_no, case.voucher)
        mine = allotted.get(case.case_no)
        if mine is not None:
            cut = mine.asked - mine.given
            decided = _granted(decided, mine)
        decided.left = _left(case.halves[turn.place], rooms, mine)
        turn.take(case, decided)
        tell(place, case, turn.outcome(case, decided, cut), decided)
    _note_stops(turn, rooms, allotted)


def _asked(turn: Turn, batch: Sequence[tuple[int, Entered]]) -> dict[str, Decided]:
    """How each case would come out if the pools had no end, on top of those before it; in the end nothing is taken."""
    kept = _keep(turn.sums, turn, batch)
    asked = {}
    for _place, case in batch:
        half = case.halves[turn.place]
        weighed = half.weighed
        decided = turn.settle(case, half, _endless(half))
        decided.used = {
            account.key: turn.sums.of(account.key, weighed.on)
            for bound in weighed.caps.values()
            for account in bound.accounts
        }
        turn.take(case, decided)
        kept.note(weighed.on, decided)
        asked[case.case_no] = decided
    kept.put_back(turn.sums)
    return asked


def _endless(half: Half) -> dict[str, Decimal]:
    return {account.key: BOUNDLESS for _bound, account in shared_accounts(half)}


def _takes_part(turn: Turn, case: Entered, asked: Decided) -> bool:
    """Whether it is approved, though it may ask for nothing as a cap went to those of its batch filed before it."""
    if asked.settled.granted > ZERO:
        return True
    if any(not code.startswith("cap.") for code in asked.working.failed):
        return False
    half = case.halves[turn.place]
    return turn.settle(case, half, _endless(half)).settled.granted > ZERO


def _rooms(turn: Turn, members: Iterable[Entered]) -> dict[str, Room]:
    """What is left of each pool that a member draws on, by its account's key."""
    left: dict[str, Decimal] = {}
    names: dict[str, tuple[str, str]] = {}
    drawing: dict[str, set[str]] = {}
    for case in members:
        half = case.halves[turn.place]
        for bound, account in shared_accounts(half):
            key = account.key
            assert account.limit is not None
            rest = account.limit - turn.sums.of(key, half.weighed.on)
            if key in turn.stopped:
                rest = ZERO
            left[key] = min(left.get(key, rest), rest)
            names[key] = (bound.cap.code, bound.cap.name)
            drawing.setdefault(key, set()).add(case.case_no)
    return {
        key: Room(code=code, name=name, left=max(left[key], ZERO), members=frozenset(drawing[key]))
        for key, (code, name) in names.items()
    }


def _granted(decided: Decided, mine: Allotted) -> Decided:
    """The case with what the batch gives it. Its caps are taken in the measure of that, as `issuing.cut_caps` does."""
    if mine.given == mine.asked:
        return decided
    working, given = decided.working, mine.given
    for step in mine.steps:
        if step.given < step.asked:
            working.cap(step.code)
            if not step.given:
                working.refuse(f"cap.{step.code}")
    settled = replace(decided.settled, amount=Sum(given), granted=given)
    if not given:
        settled = replace(settled, outcome=Outcome.REFUSED, year_basis=[])
    taken = [(bound, account, min(part, given)) for bound, account, part in decided.taken] if given else []
    return replace(decided, settled=settled, taken=taken)


def _left(half: Half, rooms: Mapping[str, Room], mine: Allotted | None) -> dict[str, Decimal]:
    """What each pool had for the case, as its working tells it."""
    cut = {step.code: step.given for step in mine.steps if step.given < step.asked} if mine else {}
    return {
        account.key: cut.get(bound.cap.code, rooms[account.key].left)
        for bound, account in shared_accounts(half)
        if account.key in rooms
    }


def _note_stops(turn: Turn, rooms: Mapping[str, Room], allotted: Mapping[str, Allotted]) -> None:
    """停止受理: a pool that could not pay all of a batch in full pays nobody after it."""
    if turn.version.scheme.issue.shortage is not Shortage.STOP:
        return
    for key, room in rooms.items():
        if any(
            step.code == room.code and step.given < step.asked
            for number in room.members
            for step in allotted[number].steps
        ):
            turn.stopped.add(key)


@dataclass(slots=True)
class _Kept:
    """What a batch's first assessment may change, as it was."""

    caps: dict[str, Decimal | None]
    years: dict[tuple[str, bool, int], dict[str, Decimal] | None]
    vouchers: dict[str, Drawn | None]
    rolling: list[tuple[str, date, Decimal]]
    """What was taken meanwhile from the caps of rolling years."""

    def note(self, on: date, decided: Decided) -> None:
        """What a case took on its day."""
        self.rolling += [
            (account.key, on, amount)
            for bound, account, amount in decided.taken
            if bound.cap.period is CapPeriod.ROLLING_YEAR
        ]

    def put_back(self, sums: RunningSums) -> None:
        """As if nothing had been assessed."""
        _put_back(sums.caps, self.caps)
        _put_back(sums.year_basis, self.years)
        _put_back(sums.vouchers, self.vouchers)
        for key, on, amount in self.rolling:
            sums.add_rolling(key, on, -amount)


def _put_back(values: dict, before: dict) -> None:  # type: ignore[type-arg]
    for key, value in before.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value


def _keep(sums: RunningSums, turn: Turn, batch: Iterable[tuple[int, Entered]]) -> _Kept:
    kept = _Kept({}, {}, {}, [])
    for _place, case in batch:
        weighed = case.halves[turn.place].weighed
        for bound in weighed.caps.values():
            for account in bound.accounts:
                kept.caps[account.key] = sums.caps.get(account.key)
        year = (case.uscc, case.stage is Stage.APPLICATION, weighed.on.year)
        found = sums.year_basis.get(year)
        kept.years[year] = dict(found) if found is not None else None
        numbers = [case.case_no, case.application_no, case.voucher.voucher_no if case.voucher else ""]
        for number in filter(None, numbers):
            drawn = sums.vouchers.get(number)
            kept.vouchers[number] = copy(drawn) if drawn is not None else None
    return kept
