"""Weighed cases on their way from the processes that weigh them.

Written by `marshal`, which knows text, numbers and tuples only and is quick at them; both sides run the same Python, as the
worker was started by this one. Decimals go as text, days as ordinals; what a case's plan already says is left out.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from vouchers.policy.assess import PRECISION
from vouchers.policy.caps import Account, BoundCap
from vouchers.policy.entered import Entered, Half, Profile, Version, Weigher
from vouchers.policy.ladders import Group, TrackRates
from vouchers.policy.replay import handfuls
from vouchers.policy.rules import Cap
from vouchers.policy.terms import CapSubject, Stage
from vouchers.policy.weighing import Weighed
from vouchers.policy.working import ZERO

_POOL = CapSubject.POOL
_STAGES = tuple(Stage)
_NUMBERS = {stage: number for number, stage in enumerate(_STAGES)}
_NOTHING_MORE = (None, None, None)
_OWN = ""
"""Stands for the cap's own amount, which the other side knows."""


class _Days(dict[int, date]):
    """Days by their ordinals."""

    def __missing__(self, ordinal: int) -> date:
        day = self[ordinal] = date.fromordinal(ordinal)
        return day


class Packer:
    """What a worker does with a chunk of rows: reads, weighs and packs them. Sent to it whole."""

    def __init__(self, weigher: Weigher) -> None:
        self._weigher = weigher

    def __call__(self, rows: Iterable[Any]) -> list[bytes]:
        """The chunk, packed by the handful: one step for all cases of it, then the next, so that they and the code of a step
        stay in the processor's cache, here and where they are unpacked."""
        weigher, packed = self._weigher, []
        with localcontext(PRECISION):
            for batch in handfuls(rows):
                cases = [weigher.case_of(row) for row in batch]
                entered = [weigher.enter(case) for case in cases]
                packed.append(_written([_pack(case) for case in entered]))
        return packed


def _written(packed: list[tuple[Any, ...]]) -> bytes:
    try:
        return marshal.dumps(packed)
    except ValueError:  # a word that is more than text, such as a member of an enumeration
        return pickle.dumps(packed, pickle.HIGHEST_PROTOCOL)


class Unpacker:
    """Makes of what workers sent what weighing here would have made."""

    def __init__(self, weigher: Weigher) -> None:
        self._versions = [(version, dict[str, BoundCap]()) for version in weigher.versions]
        self._profiles: dict[Any, Profile] = {}
        self._days = _Days()

    def __call__(self, packed: Iterable[bytes]) -> Iterator[list[Entered]]:
        """The cases of a chunk, a handful at a time."""
        for some in packed:
            read = pickle.loads if some.startswith(pickle.PROTO) else marshal.loads
            yield [
                self._case(one) for one in read(some)
            ]  # from our own child, on a pipe that no one else has

    def _case(self, packed: tuple[Any, ...]) -> Entered:
        case_no, ordinal, stage, application_no, uscc, name, more, granted, batch_no, profile, halves = packed
        known = self._profiles.get(profile)
        if known is None:
            known = self._profiles[profile] = Profile(*profile)
        voucher, score, filed_at = pickle.loads(more) if more else _NOTHING_MORE  # noqa: S301 - as above
        kind, on = _STAGES[stage], self._days[ordinal]
        return Entered(
            case_no,
            on,
            kind,
            application_no,
            uscc,
            name,
            voucher,
            None if granted is None else Decimal(granted),
            batch_no,
            score,
            filed_at,
            known,
            [
                self._half(version, pools, kind, on, half)
                for (version, pools), half in zip(self._versions, halves, strict=True)
            ],
        )

    def _half(
        self, version: Version, pools: dict[str, BoundCap], stage: Stage, on: date, packed: tuple[Any, ...]
    ) -> Half:
        days, requested, other, codes, caps, groups, failed, open_ = packed
        used_on = on
        if days is not None:
            on, used_on = self._days[days[0]], self._days[days[1]]
        compiled = version.of(on.year)
        plan, known = compiled.plan_of(stage, codes), compiled.caps
        bound = {}
        for one in caps:
            cap = known[one[0]]
            if len(one) > 2:
                bound[one[0]] = _cap(cap, on, one)
                continue
            key = one[
                1
            ]  # a cap of its own amount on one account; that of a pool is the same for all cases of a day
            pool = pools.get(key) if cap.subject is _POOL else None
            if pool is None or pool.on != on:
                limit = cap.amount
                pool = BoundCap(cap, on, limit, [Account("", key, limit)])
                if cap.subject is _POOL:
                    pools[key] = pool
            bound[one[0]] = pool
        weighed = Weighed(
            plan,
            on,
            used_on,
            None if requested is None else Decimal(requested),
            Decimal(other) if other else ZERO,
            bound,
            [
                [_unpack_group(rates, group) for group in track]
                for rates, track in zip(plan.rates, groups, strict=True)
            ],
        )
        return Half(weighed, failed, open_)


def _cap(cap: Cap, on: date, packed: tuple[Any, ...]) -> BoundCap:
    _place, limit, accounts, in_full_only = packed
    within = cap.amount if limit == _OWN else None if limit is None else Decimal(limit)
    held = [
        Account(subject, key, None if most is None else Decimal(most), counted)
        for subject, key, most, counted in accounts
    ]
    return BoundCap(cap, on, within, held, in_full_only)


def _unpack_group(rates: TrackRates, packed: tuple[Any, ...]) -> Group:
    ladder, given, amount, contracts = packed
    basis = Decimal(amount)
    known = rates.ladders[ladder].known
    values = tuple([Decimal(value) for value in given]) if given or known is None else known
    if isinstance(contracts, str):
        return Group(ladder, values, basis, {contracts: basis}, [])
    return Group(ladder, values, basis, {no: Decimal(value) for no, value in contracts}, [])


def _pack(case: Entered) -> tuple[Any, ...]:
    on, granted = case.on, case.granted
    more = (case.voucher, case.score, case.filed_at)
    return (
        case.case_no,
        on.toordinal(),
        _NUMBERS[case.stage],
        case.application_no,
        case.uscc,
        case.name,
        b"" if more == _NOTHING_MORE else pickle.dumps(more, pickle.HIGHEST_PROTOCOL),
        None if granted is None else str(granted),
        case.batch_no,
        tuple(case.profile),
        [_pack_half(half, on) for half in case.halves],
    )


def _pack_half(half: Half, on: date) -> tuple[Any, ...]:
    weighed = half.weighed
    requested, other, plan = weighed.requested, weighed.other, weighed.plan
    return (
        None
        if weighed.on == on == weighed.used_on
        else (weighed.on.toordinal(), weighed.used_on.toordinal()),
        None if requested is None else str(requested),
        str(other) if other else "",
        plan.codes,
        [_pack_cap(place, bound) for place, bound in weighed.caps.items()],
        [
            [_pack_group(rates, group) for group in groups]
            for rates, groups in zip(plan.rates, weighed.groups, strict=True)
        ],
        half.failed,
        half.open,
    )


def _pack_cap(place: int, bound: BoundCap) -> tuple[Any, ...]:
    """Nearly always a cap of its own amount on one account, whose subject nobody asks for again; a cap of contracts has no limit
    but those of its accounts."""
    accounts, limit = bound.accounts, bound.limit
    if len(accounts) == 1 and not bound.in_full_only:
        only = accounts[0]
        if only.counted and limit is not None and only.limit is limit and limit is bound.cap.amount:
            return place, only.key
    return (
        place,
        None if limit is None else _OWN if limit is bound.cap.amount else str(limit),
        [
            (one.subject, one.key, None if one.limit is None else str(one.limit), one.counted)
            for one in accounts
        ],
        bound.in_full_only,
    )


def _pack_group(rates: TrackRates, group: Group) -> tuple[Any, ...]:
    known = rates.ladders[group.ladder].known
    values = () if group.values is known else tuple([str(value) for value in group.values])
    weights = group.weights
    if len(weights) == 1:
        return group.ladder, values, str(group.basis), next(iter(weights))
    return group.ladder, values, str(group.basis), [(no, str(value)) for no, value in weights.items()]
