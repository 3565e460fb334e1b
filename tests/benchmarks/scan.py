"""A full scan beside a naive one, and one case beside the many: the demonstration's year, multiplied.

The past year that the project ships is imported and copied under other keys, so that each copy has its own parties, leases,
machines and frauds. ``SCAN_CLAIMS`` (environment) sets how many claims; 50,000 unless told. Time grows with the claims: the
scan of a quarter of them stands beside the whole, four times its time being linear.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from tests.benchmarks.figures import Figure

CLAIMS = int(os.environ.get("SCAN_CLAIMS", "50000"))
STEP = 10_000_000
TABLES = (
    "vouchers_party", "vouchers_bankaccount", "vouchers_shareholding", "vouchers_declaredaffiliation", "vouchers_listing",
    "applications_device", "applications_capacity", "applications_lease", "applications_leasedevice",
    "applications_meteringday", "applications_invoice", "applications_invoiceline", "applications_banktransfer",
    "vouchers_provideradmission", "applications_application", "vouchers_voucher", "applications_claim", "applications_basisitem",
)  # fmt: skip
KEYS = frozenset(
    {
        "uscc", "lease_no", "claim_no", "voucher_no", "application_no", "bank_ref", "serial", "replaces_serial", "number_key",
        "seller_uscc", "buyer_uscc", "holder_id", "legal_rep_id", "phone", "email", "address", "account_no",
        "document_sha256", "file_sha256", "receipt_sha256", "verification_code", "filer_device", "filer_phone",
    }
)  # fmt: skip
OWN = frozenset(
    {
        "party_id", "company_id", "other_id", "provider_id", "lessee_id", "lessor_id", "lease_id", "invoice_id",
        "bank_transfer_id", "voucher_id", "claim_id", "enterprise_id", "payee_id", "payer_id", "owner_id",
    }
)  # fmt: skip


def run() -> list[Figure]:
    """Time and memory of a scan, its growth, and the time of one screening beside the many."""
    from django.db import connection

    from applications.actions.imports import import_folder
    from audit import screener
    from audit.actions.rules import load_rules
    from config.embedded import REPOSITORY, Cluster
    from vouchers.context import Actor, acting

    with TemporaryDirectory() as refused, acting(Actor.service("bench"), "import_dataset"):
        import_folder(REPOSITORY / "applications" / "demo" / "dataset", out=Path(refused))
        load_rules()
    name = str(connection.settings_dict["NAME"])
    one_year = _count(connection)
    with psycopg.connect(Cluster("postgres-bench").url("postgres", name), autocommit=True) as owner:
        _loosen(owner)
        _multiply(owner, 1, max(1, CLAIMS // 4 // one_year))
        few, few_seconds = _scan()
        _multiply(owner, max(1, CLAIMS // 4 // one_year), max(1, CLAIMS // one_year))
    many, many_seconds = _scan()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    case = "C-2025-800316"
    screener.screen("claim", case, "filing")
    times = []
    for _turn in range(20):
        begun = time.perf_counter()
        screener.screen("claim", case, "filing")
        times.append(time.perf_counter() - begun)
    times.sort()
    return [
        Figure(f"full scan of {many:,} claims", many_seconds, "s", goal=60 * many / 200_000, better="less"),
        Figure(
            "growth of the scan",
            many_seconds,
            "s",
            f"{few:,} claims, in proportion",
            few_seconds * many / few,
            1.3,
            "less",
        ),
        Figure("memory at most", peak, "MB", goal=4096, better="less"),
        Figure("one screening beside them, 19 of 20 within", times[18] * 1000, "ms", goal=300, better="less"),
    ]


def _count(connection: object) -> int:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT count(*) FROM applications_claim")
        return int(cursor.fetchone()[0])


def _scan() -> tuple[int, float]:
    from audit.scan import scan

    begun = time.perf_counter()
    _facts, _answers, found = scan()
    return sum(one.kind == "claim" for one in found), time.perf_counter() - begun


def _loosen(owner: psycopg.Connection) -> None:
    """Copies need no trail, and repeat what is unique in one year: for this database only."""
    owner.execute("SET client_min_messages = warning")
    # What was unique is an index all the same: it is looked up by.
    there = (
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND indisunique AND NOT indisprimary"
    )
    unique = {table: owner.execute(there, [table]).fetchall() for table in TABLES}
    for table in TABLES:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        names = (
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('f', 'c', 'u')"
        )
        for (name,) in owner.execute(names, [table]).fetchall():
            owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        for name, made in unique[table]:
            owner.execute(f"DROP INDEX IF EXISTS {name}")
            owner.execute(made.replace("CREATE UNIQUE INDEX", "CREATE INDEX", 1))


def _multiply(owner: psycopg.Connection, first: int, last: int) -> None:
    """Copies ``first`` up to ``last`` (exclusive) of the first year."""
    columns = (
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    for table in TABLES:
        names, values = [], []
        for name, kind in owner.execute(columns, [table]).fetchall():
            names.append(f'"{name}"')
            if name == "id" or name in OWN:
                values.append(f's."{name}" + g::bigint * {STEP}')
            elif kind == "uuid":
                values.append("gen_random_uuid()")
            elif name in KEYS and kind.startswith("character"):
                width = int(kind.partition("(")[2].rstrip(")"))
                values.append(
                    f"CASE WHEN s.\"{name}\" = '' THEN '' ELSE right(s.\"{name}\", {width - 4}) || '.' || lpad(g::text, 3, '0') END"
                )
            else:
                values.append(f's."{name}"')
        owner.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
            f"FROM {table} s, generate_series({first}, {last - 1}) g WHERE s.id < {STEP}"
        )
    owner.execute("ANALYZE")
