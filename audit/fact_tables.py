"""What the rules may know, column by column, as SQL: each column is a bigint that is never null (``audit.loading`` sees to it).

Money in fen, unit prices in millionths of a yuan, dates in days and instants in microseconds since 1970; a text that is only
compared is hashed to 64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.rules.facts import COLUMNS, FAR, LABELS, RELATIONS, STATUS

# How a line of an invoice names computing power.
_COMPUTE = "算力|智算|GPU|加速卡|云主机|云服务器|裸金属"
_DEAD = "('withdrawn', 'rejected', 'lapsed', 'draft')"


def _day(column: str) -> str:
    return f"({column} - DATE '1970-01-01')"


def _hash(column: str) -> str:
    return f"CASE WHEN {column} <> '' THEN hashtextextended({column}, 0) END"


def _fen(column: str) -> str:
    return f"({column} * 100)"


def _normal(column: str) -> str:
    """An invoice number as ``number_key`` is made, without the code. Nearly all are digits already."""
    return (
        f"CASE WHEN {column} ~ '^[0-9]*$' THEN {column} ELSE "
        f"translate(upper(regexp_replace(normalize({column}, NFKC), '[[:space:]-]', '', 'g')), 'OIL', '011') END"
    )


def _digits(text: str) -> str:
    """How many digits the text has; -1 when it holds anything else."""
    return f"CASE WHEN {text} ~ '^[0-9]*$' THEN length({text}) ELSE -1 END"


def _switch(column: str, values: dict[str, int]) -> str:
    whens = " ".join(f"WHEN '{word}' THEN {value}" for word, value in values.items())
    return f"CASE {column} {whens} END"


# History names its reviewer; of a live claim it is the person who approved or rejected it.
_REVIEWER = (
    "coalesce(nullif(c.reviewer, ''), (SELECT r.actor_name FROM applications_review r WHERE r.subject_kind = 'claim' "
    "AND r.subject_no = c.claim_no AND r.verb IN ('approve', 'reject') ORDER BY r.id DESC LIMIT 1))"
)
_SUBMITTED_ON = "((c.submitted_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '1970-01-01')"


@dataclass(frozen=True)
class Spec:
    """How one table is read: columns, FROM, when a row is in a neighbourhood, when it was recorded, which rows count; ``asked``: when
    no row at all means that there is nothing to tell."""

    columns: dict[str, str]
    source: str
    near: str
    recorded: str = ""
    counts: str = "TRUE"
    group: str = ""
    asked: str = ""


TABLES: dict[str, Spec] = {
    "claims": Spec(
        {
            "id": "c.id",
            # A contract of another kind (a data product, a purchase) is no lease to the rules, as in the table of leases.
            "lease": "cl.id",
            "enterprise": "c.enterprise_id",
            "provider": "c.provider_id",
            "live": f"(c.state NOT IN {_DEAD} OR c.id = ANY(%(subject_claims)s))::int",
            "submitted_at": "(extract(epoch FROM c.submitted_at) * 1000000)",
            "submitted_on": _SUBMITTED_ON,
            "paid_on": _day("c.paid_on"),
            "amount": _fen("coalesce(c.approved_amount, c.claimed_amount)"),
            "program": _hash("regexp_replace(c.program_code, '^EX-', '')"),
            "decided_at": "(extract(epoch FROM c.decided_at) * 1000000)",
            "approved": "(c.state IN ('approved', 'paid'))::int",
            "reviewer": _hash(_REVIEWER),
            "voucher_on": _day("v.issued_on"),
        },
        "applications_claim c LEFT JOIN applications_lease cl ON cl.id = c.lease_id AND cl.kind = 'compute_lease' "
        "LEFT JOIN vouchers_voucher v ON v.id = c.voucher_id",
        "c.id = ANY(%(claims)s)",
        "c.recorded_at",
    ),
    "items": Spec(
        {
            "id": "i.id",
            "claim": "i.claim_id",
            "invoice": "coalesce(i.invoice_id, n.id)",
            "key": _hash("coalesce(nullif(i.number_key, ''), n.number_key)"),
            "net": _fen("i.net_amount"),
            "transfer": "i.bank_transfer_id",
        },
        "applications_basisitem i LEFT JOIN applications_invoice n ON n.id = i.invoice_id",
        "i.claim_id = ANY(%(claims)s)",
        "i.recorded_at",
        counts="i.kind = 'invoice_line'",
    ),
    "invoices": Spec(
        {
            "id": "n.id",
            "key": _hash("n.number_key"),
            "number": _hash("w.no"),
            "net": _fen("n.net_amount"),
            "gross": _fen("n.gross_amount"),
            "issued_on": _day("n.issued_on"),
            "status": _switch("n.status", STATUS),
            "changed_on": _day("n.status_changed_on"),
            "seller": _hash("n.seller_uscc"),
            "buyer": _hash("n.buyer_uscc"),
            "lease": "n.lease_id",
            "period_from": _day("n.period_from"),
            "period_to": _day("n.period_to"),
            "red_of": _hash("w.red_of"),
            "file": _hash("n.file_sha256"),
            "digital": "(n.kind IN ('digital_special', 'digital_ordinary'))::int",
            # -1: it holds something that is no digit.
            "code_length": _digits("w.code"),
            "number_length": _digits("w.no"),
            "number_year": "substring(w.no FROM '^[0-9]{2}')::int",
            "number_province": "substring(w.no FROM '^[0-9]{2}([0-9]{2})')::int",
            "compute": f"CASE WHEN n.lease_id IS NOT NULL THEN 1 ELSE (EXISTS (SELECT FROM applications_invoiceline x "
            f"WHERE x.invoice_id = n.id AND x.description ~ '{_COMPUTE}'))::int END",
        },
        "applications_invoice n CROSS JOIN LATERAL ("
        f"SELECT {_normal('n.invoice_no')} AS no, {_normal('n.invoice_code')} AS code, {_normal('n.red_of')} AS red_of OFFSET 0"
        ") w",
        "n.id = ANY(%(invoices)s)",
        "n.recorded_at",
    ),
    "leases": Spec(
        {
            "id": "l.id",
            "lessee": "l.lessee_id",
            "lessor": "l.lessor_id",
            "live": "(l.state NOT IN ('draft', 'voided') OR l.id = ANY(%(subject_leases)s))::int",
            "signed_on": _day("l.signed_on"),
            "starts_on": _day("l.starts_on"),
            "ends_before": _day("l.ends_before"),
            "amount": _fen("l.amount"),
            "exclusive": "l.exclusive::int",
            "cards": "l.cards",
            "unit_price": "(l.unit_price * 1000000)",
            "by_card_hour": "(l.unit = 'card_hour')::int",
            "accelerator": _hash("l.accelerator"),
            "document": _hash("l.document_sha256"),
            "program": _hash("regexp_replace(l.program_code, '^EX-', '')"),
        },
        "applications_lease l",
        "l.id = ANY(%(leases)s)",
        "l.recorded_at",
        counts="l.kind = 'compute_lease'",
    ),
    "lease_devices": Spec(
        {
            "id": "d.id",
            "lease": "d.lease_id",
            "serial": _hash("d.serial"),
            "starts": _day("d.effective_from"),
            "ends": _day("d.effective_to"),
            "share": "(d.share * 1000000)",
        },
        "applications_leasedevice d",
        "(d.serial = ANY(%(serials)s) OR d.lease_id = ANY(%(leases)s))",
        "d.recorded_at",
    ),
    "devices": Spec(
        {
            "id": "d.id",
            "serial": _hash("d.serial"),
            "provider": "d.provider_id",
            "accelerator": _hash("d.accelerator"),
            "site": _hash("d.site"),
            "in_service_on": _day("d.in_service_on"),
            "retired_on": _day("d.retired_on"),
            "replaces": _hash("d.replaces_serial"),
        },
        "applications_device d",
        "d.serial = ANY(%(serials)s)",
        "d.recorded_at",
    ),
    "parties": Spec(
        {
            "id": "p.id",
            "uscc": _hash("p.uscc"),
            "legal_rep": _hash("p.legal_rep_id"),
            "phone": _hash("p.phone"),
            "email": _hash("lower(p.email)"),
            "address": _hash("regexp_replace(p.address, '[[:space:]]', '', 'g')"),
            "registered_on": _day("p.registered_on"),
            "province": "substring(p.region_code FROM '^[0-9]{2}')::int",
        },
        "vouchers_party p",
        "p.id = ANY(%(parties)s)",
        "p.recorded_at",
    ),
    "accounts": Spec(
        {"id": "a.id", "party": "a.party_id", "account": _hash("a.account_no")},
        "vouchers_bankaccount a",
        "a.party_id = ANY(%(parties)s)",
        "a.recorded_at",
    ),
    "shareholdings": Spec(
        {
            "id": "s.id",
            "company": "s.company_id",
            "holder": _hash("s.holder_id"),
            "holder_is_company": "(s.holder_kind = 'company')::int",
            "percent": "(s.percent * 10000)",
            "starts": _day("s.effective_from"),
            "ends": f"coalesce({_day('s.effective_to')}, {FAR})",
            # 统一社会信用代码 that begin with 1 are given to public bodies (机构编制); the names are those of state capital.
            "public_body": "(s.holder_kind = 'company' AND (s.holder_id LIKE '1%%' OR s.holder_name ~ "
            "'国有资本|国有资产|国资委|财政[厅局部]|人民政府|管理委员会'))::int",
        },
        "vouchers_shareholding s",
        "(s.company_id = ANY(%(parties)s) OR s.holder_id = ANY(%(holders)s))",
        "s.recorded_at",
    ),
    "declared": Spec(
        {
            "id": "d.id",
            "party": "d.party_id",
            "other": "d.other_id",
            "relation": _switch("d.relation", RELATIONS),
            "declared_on": _day("d.declared_on"),
        },
        "vouchers_declaredaffiliation d",
        "(d.party_id = ANY(%(parties)s) OR d.other_id = ANY(%(parties)s))",
        "d.recorded_at",
        # The desk asks everybody; a past year's folder holds the file, or nobody knows.
        asked="NOT EXISTS (SELECT FROM applications_importedfile)",
    ),
    "transfers": Spec(
        {
            "id": "t.id",
            "payer": "t.payer_id",
            "payee": "t.payee_id",
            "paid_on": _day("t.paid_on"),
            "amount": _fen("t.amount"),
            "receipt": _hash("t.receipt_sha256"),
        },
        "applications_banktransfer t",
        "t.id = ANY(%(transfers)s)",
        "t.recorded_at",
    ),
    "metering": Spec(
        {
            "id": "m.lease_id",
            "lease": "m.lease_id",
            "days": "count(DISTINCT m.day)",
            "hours": "(sum(m.card_hours) * 10000)",
            "platform_days": "count(*) FILTER (WHERE m.source = 'platform')",
            "platform_hours": "(coalesce(sum(m.card_hours) FILTER (WHERE m.source = 'platform'), 0) * 10000)",
        },
        "applications_meteringday m",
        "m.lease_id = ANY(%(leases)s)",
        group="GROUP BY m.lease_id",
    ),
    "daily": Spec(
        {"id": "m.id", "lease": "m.lease_id", "day": _day("m.day"), "hours": "(m.card_hours * 10000)"},
        "applications_meteringday m",
        "m.lease_id = ANY(%(leases)s)",
    ),
    "filings": Spec(
        {
            "id": "f.id",
            "enterprise": "f.enterprise_id",
            "filed_at": "(extract(epoch FROM f.submitted_at) * 1000000)",
            "device": _hash("f.filer_device"),
            "phone": _hash("f.filer_phone"),
            "program": _hash("regexp_replace(f.program_code, '^EX-', '')"),
            "claim": "f.claim_id",
        },
        # An application has a negative id beside the claims' own.
        "(SELECT id, enterprise_id, submitted_at, filer_device, '' AS filer_phone, program_code, id AS claim_id, recorded_at "
        "FROM applications_claim WHERE state <> 'draft' UNION ALL "
        "SELECT -id, enterprise_id, submitted_at, filer_device, filer_phone, program_code, NULL, recorded_at "
        "FROM applications_application WHERE state <> 'draft') f",
        "f.claim_id = ANY(%(claims)s)",
        "f.recorded_at",
        counts="f.submitted_at IS NOT NULL",
    ),
    "capacity": Spec(
        {
            "id": "k.id",
            "provider": "k.provider_id",
            "accelerator": _hash("k.accelerator"),
            "cards": "k.cards",
            "starts": _day("k.effective_from"),
            "ends": f"coalesce({_day('k.effective_to')}, {FAR})",
        },
        "applications_capacity k",
        "k.provider_id = ANY(%(parties)s)",
        "k.recorded_at",
    ),
    "listings": Spec(
        {
            "id": "g.id",
            "party": "g.party_id",
            "kind": "CASE g.kind WHEN 'serious_dishonesty' THEN 1 ELSE 2 END",
            "starts": _day("g.effective_from"),
            "ends": f"coalesce({_day('g.effective_to')}, {FAR})",
        },
        "vouchers_listing g",
        "g.party_id = ANY(%(parties)s)",
        "g.recorded_at",
    ),
    "offers": Spec(
        {
            "id": "o.id",
            "party": "o.party_id",
            "source": _hash("o.source_key"),
            "seen_on": _day("o.observed_on"),
            "accelerator": _hash("o.accelerator"),
            "tier": _hash("o.tier"),
            "months": "o.term_months",
            "price": "(o.normalised_price * 1000000)",
        },
        "vouchers_priceobservation o",
        "o.party_id = ANY(%(parties)s)",
        "o.recorded_at",
        counts="o.state = 'admitted' AND o.normalised_price > 0 AND o.term_months IS NOT NULL AND o.market = 'china'",
    ),
    "tiers": Spec(
        {"id": "t.provider_id", "provider": "t.provider_id", "tier": _hash("t.tier")},
        # Whoever is admitted in two tiers has none that a price could be held against.
        "(SELECT provider_id, min(tier) AS tier FROM vouchers_provideradmission WHERE tier <> '' "
        "GROUP BY provider_id HAVING count(DISTINCT tier) = 1) t",
        "t.provider_id = ANY(%(parties)s)",
    ),
    "price_checks": Spec(
        {
            "id": "p.id",
            "lease": "l.id",
            "above": "(p.position = 'above')::int",
            "grade": "nullif(strpos('ABCDE', p.grade), 0)",
            "unit_price": "(p.unit_price * 1000000)",
            "base": "(p.base * 1000000)",
            "upper": "(p.upper * 1000000)",
            # How far above in robust standard deviations, in thousandths: (ln p - ln B) / (1.4826 MAD), as the method has it.
            "excess": "(1000 * ln(p.unit_price / p.base) / (1.4826 * nullif((p.row ->> 'mad')::numeric, 0)))",
            "groups": "(p.row ->> 'n_groups')::int",
        },
        "(SELECT DISTINCT ON (subject_no) * FROM vouchers_pricecheck WHERE subject_kind = 'lease' ORDER BY subject_no, id DESC) p "
        "JOIN applications_lease l ON l.lease_no = p.subject_no",
        "l.id = ANY(%(leases)s)",
        "p.recorded_at",
        counts="p.unit_price > 0 AND p.base > 0",
    ),
}

LABEL_QUERIES: dict[str, str] = {
    "claim": f"SELECT c.id, c.claim_no, c.program_code, c.program_region_code, c.state, {_REVIEWER} "  # noqa: S608
    "FROM applications_claim c WHERE c.id = ANY(%s)",
    "item": "SELECT i.id, c.claim_no, i.position::text FROM applications_basisitem i "
    "JOIN applications_claim c ON c.id = i.claim_id WHERE i.id = ANY(%s)",
    "lease": "SELECT id, lease_no, program_code, program_region_code FROM applications_lease WHERE id = ANY(%s)",
    "invoice": "SELECT id, number_key, invoice_no, seller_name, buyer_name FROM applications_invoice WHERE id = ANY(%s)",
    "lease_device": "SELECT d.id, l.lease_no, d.serial, d.effective_from::text FROM applications_leasedevice d "
    "JOIN applications_lease l ON l.id = d.lease_id WHERE d.id = ANY(%s)",
    "device": "SELECT id, serial FROM applications_device WHERE id = ANY(%s)",
    "party": "SELECT id, uscc, name FROM vouchers_party WHERE id = ANY(%s)",
    "shareholding": "SELECT s.id, p.uscc, s.holder_id, s.effective_from::text, s.holder_name FROM vouchers_shareholding s "
    "JOIN vouchers_party p ON p.id = s.company_id WHERE s.id = ANY(%s)",
    "declared": "SELECT d.id, p.uscc, o.uscc, d.relation, d.declared_on::text FROM vouchers_declaredaffiliation d "
    "JOIN vouchers_party p ON p.id = d.party_id JOIN vouchers_party o ON o.id = d.other_id WHERE d.id = ANY(%s)",
    "transfer": "SELECT id, bank_ref FROM applications_banktransfer WHERE id = ANY(%s)",
    "price_check": "SELECT id, check_no FROM vouchers_pricecheck WHERE id = ANY(%s)",
    "document": "SELECT id, document_text FROM applications_lease WHERE id = ANY(%s) AND document_text <> ''",
}

assert all(tuple(spec.columns) == COLUMNS[name] for name, spec in TABLES.items()) and set(TABLES) == set(
    COLUMNS
)
assert set(LABEL_QUERIES) == set(LABELS)
