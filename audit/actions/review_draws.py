"""随机抽查 of what passed: a list, then a seed, then the claims with the least hash of both. Anybody can draw again.

A claim is in one list only: the first night on which it passed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping

import numpy as np

from audit import scoring
from audit.models import ReviewDraw, ReviewPick, ScanRun
from audit.rules import SCORING
from audit.rules.facts import Facts
from audit.scan import Standing, Version
from vouchers import dates
from vouchers.context import announce
from vouchers.numbers import next_no


def draw_reviews(
    run: ScanRun, facts: Facts, found: Iterable[Standing], versions: Mapping[str, Version]
) -> ReviewDraw | None:
    """Draw among the live claims that passed and stood in no list before; None when there are none."""
    live = set(facts.claims.id[np.flatnonzero(facts.claims.live == 1)].tolist())
    listed: set[str] = set()
    for lot in ReviewDraw.objects.values_list("lot", flat=True):
        listed.update(lot.split("\n"))
    passed = {
        one.number: one
        for one in found
        if one.kind == "claim"
        and one.outcome == scoring.PASS
        and one.identity in live
        and one.number not in listed
    }
    if not passed:
        return None
    terms = versions[SCORING.id].parameters if SCORING.id in versions else SCORING.defaults
    per_mille = int(terms["review_per_mille"])
    lot = "\n".join(sorted(passed))
    seed = secrets.token_hex(32)
    announce("review.draw", f"{len(passed)} 件中抽取 {per_mille}‰")
    draw = ReviewDraw.objects.create(
        draw_no=next_no("RV", dates.today()),
        scan_run=run,
        seed=seed,
        lot=lot,
        lot_digest=lot_digest(lot),
        lot_size=len(passed),
        per_mille=per_mille,
        drawn_at=dates.now(),
    )
    picks = [
        ReviewPick(
            draw=draw,
            position=position,
            claim_no=number,
            program_code=passed[number].program_code,
            region_code=passed[number].region_code,
            amount=passed[number].amount,
        )
        for position, number in enumerate(drawn(lot, seed, per_mille), start=1)
    ]
    ReviewPick.objects.bulk_create(picks, batch_size=1000)
    announce("scan.run", run.kind)
    return draw


def lot_digest(lot: str) -> str:
    """SHA-256 of the list as it is stored: a number a line, in ascending order, UTF-8, no newline at the end."""
    return hashlib.sha256(lot.encode()).hexdigest()


def drawn(lot: str, seed: str, per_mille: int) -> list[str]:
    """The claims that this seed draws of the list: those with the least SHA-256 of ``seed:claim_no``, rounded up to whole ones."""
    numbers = lot.split("\n")
    size = -(-len(numbers) * per_mille // 1000)
    return sorted(numbers, key=lambda number: hashlib.sha256(f"{seed}:{number}".encode()).digest())[:size]
