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
from vouchers.policy.caps import Account, BoundCap, stops_at
from vouchers.policy.entered import Entered, Half, Profile, Version, Weigher
from vouchers.policy.ladders import Group, TrackRates
from vouchers.policy.rules import Cap
from vouchers.policy.terms import CapSubject, Stage
from vouchers.policy.weighing import Weighed
from vouchers.policy.working import ZERO

_APPLICATION = Stage.APPLICATION
_POOL = CapSubject.POOL
_STAGES = tuple(Stage)
_NUMBERS = {stage: number for number, stage in enumerate(_STAGES)}
_NOTHING_MORE = (None, None, None)
_OWN = ""
"""Stands for the cap's own amount, which the other side knows."""


class Packer:
    """What a worker does with a chunk of rows: reads, weighs and packs them. Sent to it whole."""

    def __init__(self, weigher: Weigher) -> None:
        self._weigher = weigher

    def __call__(self, rows: Iterable[Any]) -> bytes:
        """The chunk, packed."""
        weigher = self._weigher
        with localcontext(PRECISION):
            packed = [_pack(weigher.enter(weigher.case_of(row))) for row in rows]
        try:
            return marshal.dumps(packed)
        except ValueError:  # a word that is more than text, such as a member of an enumeration
            return pickle.dumps(packed, pickle.HIGHEST_PROTOCOL)


class Unpacker:
    """Makes of what workers sent what weighing here would have made."""

    def __init__(self, weigher: Weigher) -> None:
        self._versions = weigher.versions
        self._profiles: dict[Any, Profile] = {}
        self._days: dict[int, date] = {}
        self._pools: dict[tuple[str, date, Version], BoundCap] = {}

    def __call__(self, packed: bytes) -> Iterator[Entered]:
        """The cases of a chunk."""
        read = pickle.loads if packed.startswith(pickle.PROTO) else marshal.loads
        for one in read(packed):  # from our own child, on a pipe that no one else has
            yield self._case(one)

    def _case(self, packed: tuple[Any, ...]) -> Entered:
        case_no, on, stage, application_no, uscc, more, granted, batch_no, profile, halves = packed
        known = self._profiles.get(profile)
        if known is None:
            known = self._profiles[profile] = Profile(*profile)
        voucher, score, filed_at = pickle.loads(more) if more else _NOTHING_MORE  # noqa: S301 - as above
        kind = _STAGES[stage]
        return Entered(
            case_no,
            self._day(on),
            kind,
            application_no,
            uscc,
            voucher,
            None if granted is None else Decimal(granted),
            batch_no,
            score,
            filed_at,
            known,
            [self._half(version, kind, half) for version, half in zip(self._versions, halves, strict=True)],
        )

    def _day(self, ordinal: int) -> date:
        day = self._days.get(ordinal)
        if day is None:
            day = self._days[ordinal] = date.fromordinal(ordinal)
        return day

    def _half(self, version: Version, stage: Stage, packed: tuple[Any, ...]) -> Half:
        ordinal, used_on, requested, other, codes, caps, groups, failed, open_ = packed
        on = self._day(ordinal)
        compiled = version.of(on.year)
        plan = compiled.plan_of(stage, codes)
        bound = {}
        for place, limit, accounts in caps:
            cap = compiled.caps[place]
            if limit == _OWN and isinstance(accounts, str):
                bound[place] = self._plain_cap(version, stage, cap, on, accounts)
                continue
            within = cap.amount if limit == _OWN else None if limit is None else Decimal(limit)
            if isinstance(accounts, str):
                held = [Account("", accounts, within)]
            else:
                held = [
                    Account(subject, key, None if most is None else Decimal(most), counted)
                    for subject, key, most, counted in accounts
                ]
            bound[place] = BoundCap(cap, on, within, held, _is_in_full_only(version, stage, cap))
        weighed = Weighed(
            plan,
            on,
            self._day(used_on),
            None if requested is None else Decimal(requested),
            Decimal(other) if other else ZERO,
            bound,
            [
                [_unpack_group(rates, group) for group in track]
                for rates, track in zip(plan.rates, groups, strict=True)
            ],
        )
        return Half(weighed, failed, open_)

    def _plain_cap(self, version: Version, stage: Stage, cap: Cap, on: date, key: str) -> BoundCap:
        """A cap of its own amount on one account; that of a pool is one and the same for all cases of a day."""
        if cap.subject is not _POOL:
            held = [Account("", key, cap.amount)]
            return BoundCap(cap, on, cap.amount, held, _is_in_full_only(version, stage, cap))
        place = (key, on, version)
        pool = self._pools.get(place)
        if pool is None:
            held = [Account("", key, cap.amount)]
            pool = self._pools[place] = BoundCap(
                cap, on, cap.amount, held, _is_in_full_only(version, stage, cap)
            )
        return pool


def _is_in_full_only(version: Version, stage: Stage, cap: Cap) -> bool:
    return stage is _APPLICATION and stops_at(version.scheme, cap)


def _pack(case: Entered) -> tuple[Any, ...]:
    more = (case.voucher, case.score, case.filed_at)
    return (
        case.case_no,
        case.on.toordinal(),
        _NUMBERS[case.stage],
        case.application_no,
        case.uscc,
        b"" if more == _NOTHING_MORE else pickle.dumps(more, pickle.HIGHEST_PROTOCOL),
        None if case.granted is None else str(case.granted),
        case.batch_no,
        tuple(case.profile),
        [_pack_half(half) for half in case.halves],
    )


def _pack_half(half: Half) -> tuple[Any, ...]:
    weighed = half.weighed
    return (
        weighed.on.toordinal(),
        weighed.used_on.toordinal(),
        None if weighed.requested is None else str(weighed.requested),
        str(weighed.other) if weighed.other else "",
        weighed.plan.codes,
        [(place, _pack_limit(bound), _pack_accounts(bound)) for place, bound in weighed.caps.items()],
        [
            [_pack_group(rates, group) for group in groups]
            for rates, groups in zip(weighed.plan.rates, weighed.groups, strict=True)
        ],
        half.failed,
        half.open,
    )


def _pack_limit(bound: BoundCap) -> str | None:
    """Nearly always the cap's own amount; a cap of contracts has no limit but those of its accounts."""
    limit = bound.limit
    if limit is None:
        return None
    return _OWN if limit is bound.cap.amount else str(limit)


def _pack_accounts(bound: BoundCap) -> str | list[tuple[str, str, str | None, bool]]:
    """Nearly always one account, of the cap's own limit, whose subject nobody asks for again."""
    accounts = bound.accounts
    if len(accounts) == 1 and bound.limit is not None:
        only = accounts[0]
        if only.limit is bound.limit and only.counted:
            return only.key
    return [
        (subject, key, None if limit is None else str(limit), counted)
        for subject, key, limit, counted in accounts
    ]


def _pack_group(rates: TrackRates, group: Group) -> tuple[Any, ...]:
    known = rates.ladders[group.ladder].known
    values = () if group.values is known else tuple([str(value) for value in group.values])
    weights = group.weights
    if len(weights) == 1:
        return group.ladder, values, str(group.basis), next(iter(weights))
    return group.ladder, values, str(group.basis), [(no, str(value)) for no, value in weights.items()]


def _unpack_group(rates: TrackRates, packed: tuple[Any, ...]) -> Group:
    ladder, given, amount, contracts = packed
    basis = Decimal(amount)
    known = rates.ladders[ladder].known
    values = tuple([Decimal(value) for value in given]) if given or known is None else known
    if isinstance(contracts, str):
        return Group(ladder, values, basis, {contracts: basis}, [])
    return Group(ladder, values, basis, {no: Decimal(value) for no, value in contracts}, [])
