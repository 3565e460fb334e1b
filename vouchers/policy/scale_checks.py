"""Contradictions of schemes that pay by a verified scale: yuan a unit, in a unit and a precision that the text states."""

from __future__ import annotations

from collections.abc import Iterator

from vouchers.policy.plain import Problem
from vouchers.policy.rules import Scheme, Track
from vouchers.policy.terms import FloorMeasure, GateKind, OtherMoneyMode, RateKind, TierMeasure


def check_scales(scheme: Scheme) -> Iterator[Problem]:
    """Units where there is a scale and nowhere else."""
    for track in scheme.tracks:
        yield from _track(scheme, track)
    for floor in scheme.floors:
        yield from _floor(scheme, floor.code, floor.measure, floor.tracks)
    for gate in scheme.gates:
        path = f"gates.{gate.code}"
        if gate.kind is GateKind.PROVIDER_SCALE:
            if gate.scale_from is None or gate.scale_from <= 0:
                yield Problem(f"{path}.scale_from", "“服务商算力规模”必须填写此项，且大于零")
            if gate.scale_unit is None:
                yield Problem(f"{path}.scale_unit", "请选择规模单位，否则没有人能够符合")
        elif gate.scale_from is not None or gate.scale_unit or gate.scale_precision:
            yield Problem(f"{path}.scale_from", "只用于“服务商算力规模”")
        if gate.batches and gate.kind is not GateKind.PROVIDER_ADMITTED:
            yield Problem(f"{path}.batches", "只用于“服务商已入库”")


def _track(scheme: Scheme, track: Track) -> Iterator[Problem]:
    by_scale = track.scale_unit is not None
    path = f"tracks.{track.code}"
    if track.scale_precision is not None and not by_scale:
        yield Problem(f"{path}.scale_unit", "载明计算精度的，须选择规模单位")
    for rate in scheme.rates_of(track.code):
        if rate.unit_amount is not None and rate.unit_amount < 0:
            yield Problem(f"rates.{rate.code}.unit_amount", "每单位补贴不能为负")
        if by_scale and rate.rate is not None:
            yield Problem(f"rates.{rate.code}.rate", "该方向按规模补贴，请填写每单位补贴，比例留空")
        if not by_scale and rate.unit_amount is not None:
            yield Problem(f"rates.{rate.code}.unit_amount", "该方向按金额的比例补贴，每单位补贴应留空")
    if not by_scale:
        return
    if track.tier_measure is TierMeasure.YEAR:
        yield Problem(f"{path}.tier_measure", "按规模补贴的方向只能按本次规模分档")
    if any(row.track == track.code for row in scheme.score_rates):
        kinds = {rate.kind for rate in scheme.rates_of(track.code)}
        which = "由评审直接确定每单位补贴" if RateKind.REVIEWER_SET in kinds else "请删去"
        yield Problem("score_rates", f"评分对应的是比例，不适用于按规模补贴的方向，{which}")
    if scheme.other_money.mode is OtherMoneyMode.COMBINED_RATE and scheme.other_money.switched_on:
        yield Problem("other_money.mode", "合计比例以金额为基数，不适用于按规模补贴的方向")


def _floor(scheme: Scheme, code: str, measure: FloorMeasure, tracks: tuple[str, ...]) -> Iterator[Problem]:
    path = f"floors.{code}.measure"
    held = [track for track in scheme.tracks if not tracks or track.code in tracks]
    of_scale = [track for track in held if track.scale_unit is not None]
    if measure is FloorMeasure.SCALE and len(of_scale) < len(held):
        yield Problem(path, "“核定规模”只用于按规模补贴的方向，请在“适用方向”中选定")
    if measure in (FloorMeasure.BASIS, FloorMeasure.YEAR_BASIS) and of_scale:
        yield Problem(path, f"方向“{of_scale[0].name}”按规模补贴，没有金额基数，请改用“核定规模”")
