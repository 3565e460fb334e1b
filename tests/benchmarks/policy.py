"""The engine: assessments a second, and a dry run of a million cases in time and memory.

The scheme has bands of the year's base by chip origin, three caps (enterprise and year, group and year, the pool of the
year) and six gates; two fifths of the cases are claims on vouchers that the same run issued. Cases are compact rows, made
into facts by the workers; making them is part of the time. Each dry run is measured in a process of its own and three times,
the sizes in turn; medians count, every run is told on stderr as it ends.

On two idle cores it takes some five minutes: three times a tenth, three tenths and all of a million cases, which is 70 s a
turn, the other figures half a minute, and the server that every benchmark is given. Less: ``POLICY_RUNS=1`` (two minutes), or
fewer cases by ``POLICY_CASES``; ``POLICY_PROCESSES`` is how many workers, two unless told. One million alone:
``.venv/bin/python -m tests.benchmarks.policy 1000000 2 recorded``. Beside others' work look at processor time and not at seconds.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from tests.benchmarks.figures import Figure
from vouchers.policy import assess
from vouchers.policy import facts as f
from vouchers.policy import rules as r
from vouchers.policy import terms as t
from vouchers.policy.dry_run import dry_run
from vouchers.policy.replay import ReplayCase

CASES = int(os.environ.get("POLICY_CASES", "1000000"))
PROCESSES = int(os.environ.get("POLICY_PROCESSES", "2"))
RUNS = int(os.environ.get("POLICY_RUNS", "3"))
ROOT = Path(__file__).parents[2]
D = Decimal
CITE = r.Citation("算力券管理办法（测速用）", "第三条")
REGIONS = ("110108", "110105", "310115", "440305", "500112", "520115")
SIZES = ("micro", "small", "medium", "large")
OWNERSHIPS = ("private", "state", "foreign", "mixed")
DAY_ONE = date(2025, 1, 1)
_DAYS = [DAY_ONE + timedelta(days=day) for day in range(-20, 700)]
CASES_EACH = 25
"""Cases of an enterprise: so of more cases the same is asked of caps and pools."""
PROVIDERS = 200

Row = tuple[int, int, int, int, int, int]
"""Number of the case, day of the year, enterprise, amount in fen, provider, and the case claimed on (0: an application)."""


def scheme(rate: str = "0.3", pool: int = 30_000_000_000) -> r.Scheme:
    """Tiers, three caps, six gates."""

    def gate(code: str, kind: t.GateKind, **changes: object) -> r.Gate:
        return r.Gate(cite=CITE, code=code, kind=kind, text=kind.label, cure="请核对后再报。", **changes)  # type: ignore[arg-type]

    def cap(subject: t.CapSubject, amount: int, counts_at: t.CountsAt) -> r.Cap:
        return r.Cap(
            cite=CITE, code=subject.value, name=f"{subject.label}年度限额", subject=subject, amount=D(amount),
            period=t.CapPeriod.CALENDAR_YEAR, counts_at=counts_at,
        )  # fmt: skip

    def band(origin: t.ChipOrigin, number: int, low: int | None, high: int | None, less: str) -> r.Rate:
        more = D("0.1") if origin is t.ChipOrigin.DOMESTIC else D(0)
        return r.Rate(
            cite=CITE, code=f"{origin.value}_{number}", track="rent", rate=D(rate) + more - D(less),
            chip_origins=(origin,), band_from=D(low) if low else None, band_to=D(high) if high else None,
        )  # fmt: skip

    track = r.Track(
        cite=CITE, code="rent", name="算力租用", side=t.Side.DEMAND, pay_to=t.PayTo.REIMBURSE_APPLICANT,
        basis_kinds=(t.BasisKind.INVOICE_LINE,), excluded_components=(t.Component.STORAGE,),
        tier_mode=t.TierMode.MARGINAL, tier_measure=t.TierMeasure.YEAR,
    )  # fmt: skip
    both = t.CountsAt.BOTH
    return r.Scheme(
        cite=CITE, program="BENCH", label=rate, title="测速用", region="000000", side=t.Side.DEMAND, tracks=(track,),
        rates=tuple(
            band(origin, number, low, high, less)
            for origin in t.ChipOrigin
            for number, (low, high, less) in enumerate(
                [(None, 1_000_000, "0"), (1_000_000, 5_000_000, "0.05"), (5_000_000, None, "0.1")], 1
            )
        ),
        caps=(
            cap(t.CapSubject.ENTERPRISE, 2_000_000, both),
            cap(t.CapSubject.GROUP, 5_000_000, both),
            cap(t.CapSubject.POOL, pool, t.CountsAt.ISSUE),
        ),
        gates=(
            gate("place", t.GateKind.REGISTERED_IN, regions=("11", "31", "44", "50")),
            gate("credit", t.GateKind.NO_DISHONESTY, years=3),
            gate("age", t.GateKind.AGE_AT_LEAST, months=6),
            gate("affiliation", t.GateKind.NON_AFFILIATED),
            gate("admitted", t.GateKind.PROVIDER_ADMITTED),
            gate("purpose", t.GateKind.PURPOSE, values=("training", "finetuning"), effect=t.GateEffect.EXCLUDE),
        ),
        price=r.PriceRule(cite=CITE), other_money=r.OtherPublicMoney(cite=CITE),
        voucher=r.VoucherKind(cite=CITE, validity_months=12),
        issue=r.WayOfIssue(cite=CITE, shortage=t.Shortage.FIRST_COME), rounding=r.Rounding(cite=CITE),
        effective_from=DAY_ONE,
    )  # fmt: skip


def rows(count: int) -> Iterator[Row]:
    """So many cases of one year, in the order of their days; the same each time."""
    chance = random.Random(20250715)
    enterprises = max(1, count // CASES_EACH)
    applications: list[int] = []
    who: dict[int, int] = {}
    for number in range(1, count + 1):
        day = (number - 1) * 365 // count
        if number % 5 < 2 and applications:
            claimed = applications[chance.randrange(max(0, len(applications) - 5000), len(applications))]
            yield (
                number,
                day,
                who[claimed],
                chance.randrange(1_000_00, 600_000_00),
                claimed % PROVIDERS,
                claimed,
            )
        else:
            enterprise = chance.randrange(enterprises)
            applications.append(number)
            who[number] = enterprise
            yield number, day, enterprise, chance.randrange(10_000_00, 3_000_000_00), number % PROVIDERS, 0
            if len(applications) > 10_000:
                for old in applications[:5000]:
                    del who[old]
                del applications[:5000]


@cache
def _party(number: int) -> f.PartyFacts:
    return f.PartyFacts(
        uscc=f"U{number:017d}", name=f"第{number}号科技有限公司", kind=t.PartyKind.ENTERPRISE,
        region_code=REGIONS[number % 6], registered_on=date(2010 + number % 15, 1 + number % 12, 1),
        ownership=OWNERSHIPS[number % 4], size=SIZES[number // 4 % 4], industry_code="I6513",
        group_no=f"G{number // 8}" if number % 3 == 0 else "",
        listings=(f.ListingFacts(from_on=date(2024, 6, 1), document_no="失信〔2024〕1号"),) if number % 97 == 0 else (),
    )  # fmt: skip


@cache
def _provider(number: int) -> f.ProviderFacts:
    return f.ProviderFacts(
        uscc=f"P{number:017d}", name=f"第{number}号算力服务有限公司", region_code="520115",
        admissions=(f.AdmissionFacts(batch="第一批", from_on=date(2024, 1, 1)),) if number % 50 else (),
        affiliated=False if number % 40 else None,
    )  # fmt: skip


def read(row: Row) -> ReplayCase:
    """The case of a row: what a program's own rows are turned into, of the same size."""
    number, day, enterprise, fen, provider, claimed = row
    on = _DAYS[day + 20]
    net = D(fen).scaleb(-2)
    of = claimed or number
    contract = f.ContractFacts(
        contract_no=f"L-2025-{of:07d}", net_amount=net, tax_amount=D(fen * 6 // 100).scaleb(-2), signed_on=_DAYS[day],
        period_from=on, period_to=_DAYS[day + 320],
        purpose=t.Purpose.TRAINING if of % 10 else t.Purpose.OTHER,
        chip_origin=t.ChipOrigin.DOMESTIC if of % 3 else t.ChipOrigin.FOREIGN, provider=_provider(provider), other_money=(),
    )  # fmt: skip
    items: tuple[f.BasisItemFacts, ...] = ()
    if claimed:
        items = tuple(
            f.BasisItemFacts(
                item_no=str(place), kind=t.BasisKind.INVOICE_LINE, net_amount=net / 2, contract_no=contract.contract_no,
                component=component, evidence_no=f"2511{number:015d}{place}",
            )
            for place, component in ((1, None), (2, t.Component.STORAGE if number % 7 == 0 else None))
        )  # fmt: skip
    facts = f.Facts(
        stage=t.Stage.CLAIM if claimed else t.Stage.APPLICATION, on=on, applied_on=on, applicant=_party(enterprise),
        contracts=(contract,), items=items,
    )  # fmt: skip
    return ReplayCase(
        case_no=f"2025-{number:07d}", on=on, facts=facts, application_no=f"2025-{claimed:07d}" if claimed else "",
        granted=D(fen * 25 // 100 if number % 4 else 0).scaleb(-2),
    )  # fmt: skip


def run() -> list[Figure]:
    """Assessments a second; a dry run of a tenth, three tenths and all of the cases: time, growth, memory."""
    singles = _single()
    parts = [max(1000, CASES // 10), max(1000, CASES * 3 // 10), CASES]
    taken: dict[int, list[Taken]] = {count: [] for count in parts}
    for _turn in range(
        RUNS
    ):  # interleaved, so that a busy minute of the machine does not fall on one size alone
        for count in parts:
            taken[count].append(_measured(count, PROCESSES, "recorded"))
    alone = _measured(parts[0], 1, "recorded")
    compared = _measured(parts[0], PROCESSES, "version")
    seconds = {count: statistics.median(one.seconds for one in taken[count]) for count in parts}
    whole = sorted(taken[CASES], key=lambda one: one.processor)[RUNS // 2]
    memory = max(one.memory for one in taken[CASES])
    per_second = parts[0] / alone.seconds
    print(
        f"{CASES:,} cases: {whole.spent_on} the pool is spent; {whole.processor:.0f} s of processor time, "
        f"{whole.processor / CASES * 1e6:.0f} µs a case, of which the ordered pass {whole.own / CASES * 1e6:.0f} µs\n"
    )
    return [
        Figure("assessments, single, with lines", singles[True], "1/s"),
        Figure("assessments, single, without lines", singles[False], "1/s"),
        Figure("assessments in bulk, one process", per_second, "1/s", "single, with lines", singles[True]),
        Figure(
            f"dry run of {CASES:,} cases, {PROCESSES} processes", seconds[CASES], "s", goal=60 * CASES / 1e6, better="less"
        ),
        Figure(
            f"growth, {parts[1]:,} cases", seconds[parts[1]], "s", f"{parts[0]:,} in proportion",
            seconds[parts[0]] * parts[1] / parts[0], 1.15, "less",
        ),
        Figure(
            f"growth, {CASES:,} cases", seconds[CASES], "s", f"{parts[1]:,} in proportion",
            seconds[parts[1]] * CASES / parts[1], 1.15, "less",
        ),
        Figure(f"processor time, {CASES:,} cases", whole.processor, "s", better="less"),
        Figure("memory at most, all processes", memory, "MB", goal=2048, better="less"),
        Figure(
            f"{PROCESSES} processes, {parts[0]:,} cases", statistics.median(one.seconds for one in taken[parts[0]]), "s",
            "one process", alone.seconds, better="less",
        ),
        Figure(
            f"two versions, {parts[0]:,} cases", compared.seconds, "s", "one version", seconds[parts[0]], better="less"
        ),
    ]  # fmt: skip


def _single() -> dict[bool, float]:
    """Assessments a second, one after the other, as a page asks for them: with lines and without, hashes and all."""
    rules = scheme()
    facts = [read(row).facts for row in rows(2000)]
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _turn in range(5):
        for with_lines, found in rates.items():
            begun = time.perf_counter()
            for one in facts:
                assess(rules, one, with_lines=with_lines)
            found.append(len(facts) / (time.perf_counter() - begun))
    return {with_lines: statistics.median(found) for with_lines, found in rates.items()}


@dataclass(frozen=True)
class Taken:
    """What one dry run took: wall-clock seconds, processor seconds (all and this process's own), and MB of all processes."""

    seconds: float
    processor: float
    own: float
    memory: float
    spent_on: str


def _measured(count: int, processes: int, before: str) -> Taken:
    """A dry run in a process of its own, so that nothing else is counted."""
    command = [sys.executable, "-m", "tests.benchmarks.policy", str(count), str(processes), before]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    taken = Taken(**json.loads(done.stdout))
    print(
        f"{count:,} cases, {processes} processes, against {before}: {taken.seconds:.1f} s, processor {taken.processor:.1f} s "
        f"(ordered pass {taken.own:.1f} s), {taken.memory:.0f} MB, load {os.getloadavg()[0]:.1f}",
        file=sys.stderr,
        flush=True,
    )
    return taken


def _dry_run(count: int, processes: int, before: str) -> Taken:
    # Spent in autumn, so that the pool's order matters and all that follows is held to it.
    pool = count * 60_000
    begun = time.perf_counter()
    report = dry_run(
        scheme(pool=pool),
        rows(count),
        before=scheme("0.25", pool) if before == "version" else None,
        read=read,
        processes=processes,
    )
    seconds = time.perf_counter() - begun
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    used = own.ru_utime + own.ru_stime
    at_work = processes if processes > 1 else 0
    assert report.cases == count
    return Taken(
        seconds=seconds,
        processor=used + workers.ru_utime + workers.ru_stime,
        own=used,
        memory=(own.ru_maxrss + at_work * workers.ru_maxrss) / 1024,
        spent_on=str(report.pools_after[0].spent_on),
    )


if __name__ == "__main__":
    from tests.benchmarks import policy  # by its name, under which workers find `read`

    print(json.dumps(asdict(policy._dry_run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))))
