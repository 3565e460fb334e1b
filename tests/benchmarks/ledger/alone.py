"""(a) The SQL function alone, driven by pgbench itself, beside ``pgbench`` TPC-B-like at scale 1 on the same server.

A settlement is one chain, as an instant scheme (即领即享) sends it: the voucher is topped up from the one budget of the
year and the same amount is reserved for the payee. "Three caps" adds the enterprise-year's, the contract's and the pool's.
The trail's triggers are as in use, and a message goes to the outbox in the same statement. The id is made by the sender.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import tempfile
import uuid
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from config.embedded import BINARIES
from tests.benchmarks.figures import Figure

CLIENTS = (1, 8, 32, 100)
ROUNDS = 5
SECONDS = 6
WARM_SECONDS = 3  # a session plans each statement once; a platform's connections are kept open
VOUCHERS = 200
PAYEES = 20
ON = date(2025, 7, 15)
GOALS = {"budget alone": 1.0, "three caps": 0.7}
KEPT = 0.8  # of the rate of 8 clients, with 100

# pgbench puts its variables into the text: an id as a platform would make it, in hexadecimal places of decimal digits
VARIABLES = f"""\\set voucher random(0, {VOUCHERS - 1})
\\set payee :voucher % {PAYEES}
\\set a random(10000000, 99999999)
\\set b random(1000, 9999)
\\set c random(100, 999)
\\set d random(100000000000, 999999999999)
"""
ID = ":a-:b-4:c-8:c-:d"


def figures() -> list[Figure]:
    """Medians per number of clients, the ratio of 100 clients to 8, and that nothing was lost or doubled meanwhile."""
    from vouchers.actions.ledger_check import check_ledger

    prepare()
    workloads = {
        "budget alone": (os.environ["DATABASE_URL"], script(caps=False)),
        "three caps": (os.environ["DATABASE_URL"], script(caps=True)),
        "TPC-B-like": (os.environ["MIGRATION_DATABASE_URL"], None),
    }
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for _round in range(ROUNDS):
            for clients in CLIENTS:
                for name, (address, text) in workloads.items():
                    rates[name, clients].append(pgbench(address, text, clients, Path(folder)))
    medians = {key: statistics.median(values) for key, values in rates.items()}
    findings = check_ledger(business_rows=False)
    if findings:
        raise RuntimeError(f"the ledger does not hold after the benchmark: {findings[0]}")
    found = [
        Figure(
            f"settlements, {name}, {clients} clients",
            medians[name, clients],
            "1/s",
            "pgbench TPC-B-like, scale 1",
            medians["TPC-B-like", clients],
            goal if clients in (8, 32) else None,
        )
        for name, goal in GOALS.items()
        for clients in CLIENTS
    ]
    return found + [
        Figure(f"100 clients, {name}", medians[name, 100], "1/s", "8 clients", medians[name, 8], KEPT)
        for name in GOALS
    ]


def prepare() -> None:
    """One budget with plenty in it, vouchers and payees to spread over, and pgbench's own tables."""
    from vouchers.actions import ledger

    budget = ledger.Budget("BENCH", 2025, "110115")
    ledger.appropriate(budget, Decimal(10**12), document_no="bench", on=ON, id=uuid.uuid4()).demand()
    for result in ledger.post_all(
        [ledger.issue_chain(budget, f"V-{n}", Decimal("1"), on=ON, id=uuid.uuid4()) for n in range(VOUCHERS)]
    ):
        result.demand()
    subprocess.run(
        [BINARIES / "bin" / "pgbench", "-i", "-q", "-s", "1", os.environ["MIGRATION_DATABASE_URL"]],
        check=True,
        capture_output=True,
        env=os.environ | {"PGOPTIONS": "-c role=voucher_owner"},
    )


def script(*, caps: bool) -> str:
    """A pgbench script that sends one settlement, its body as the wrappers word it."""
    from vouchers.actions import ledger

    budget = ledger.Budget("BENCH", 2025, "110115")
    payable = budget.payable("P:payee")
    chain = ledger.Chain(uuid.UUID(int=0), ON, "settlement", "S:d").open(
        payable, "payable", returns_to=budget.code
    )
    chain.single("issue", budget.code, "voucher:V-:voucher", Decimal("30.00"))
    chain.pending("reserve", "voucher:V-:voucher", payable, Decimal("30.00"), date(2025, 8, 1))
    if caps:
        plenty = Decimal(10**12)
        taken = [
            ledger.Cap("ab" * 32, "enterprise_year", "V-:voucher", "2025", plenty),
            ledger.Cap("ab" * 32, "contract", "L-:voucher", "all", plenty),
            ledger.Cap("ab" * 32, "pool", "pool", "2025", plenty, shared=True),
        ]
        chain.use(taken, budget.region_code, Decimal("30.00"), reserved=True)
    body = json.dumps(chain.body()).replace(str(chain.id), ID)
    message = (
        "INSERT INTO vouchers_outboxmessage (task, payload, key, attempts, last_error)"
        " VALUES ('bench', '{}', '', 0, '')"
    )
    return f"{VARIABLES}WITH told AS ({message}) SELECT ledger_post('{body}');\n"


def pgbench(address: str, text: str | None, clients: int, folder: Path) -> float:
    """Transactions a second once the sessions are warm; a failed transaction is an error."""
    command: list[str | Path] = [BINARIES / "bin" / "pgbench", "-n", "-c", str(clients), "-j", "2"]
    command += ["-T", str(SECONDS), "-P", "1"]
    if text is None:
        command += ["-b", "tpcb-like"]
    else:
        file = folder / "settle.sql"
        file.write_text(text)
        command += ["-f", file]
    environment = os.environ | ({"PGOPTIONS": "-c role=voucher_owner"} if text is None else {})
    done = subprocess.run([*command, address], check=True, capture_output=True, text=True, env=environment)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    seconds = [float(rate) for rate in re.findall(r"progress: [0-9.]+ s, ([0-9.]+) tps", done.stderr)]
    if len(seconds) <= WARM_SECONDS or (failed and failed[1] != "0"):
        raise RuntimeError(done.stdout + done.stderr)
    return statistics.mean(seconds[WARM_SECONDS:])
