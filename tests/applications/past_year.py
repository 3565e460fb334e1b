"""A past year in miniature: two companies, one lease, one claim, in all eighteen files; tests change what they are about."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

LESSEE, LESSOR = "91110108MA01ALPH0Y", "91110302MA0GAMMA0X"
INVOICE = "24110000000000000077"

Rows = dict[str, list[dict[str, Any]]]


def rows() -> Rows:
    """The rows of every file, by its name without ``.csv``."""
    return {
        "parties": [
            {
                "uscc": LESSEE, "name": "甲智能科技（北京）有限公司", "roles": "enterprise", "region_code": "110108",
                "registered_on": "2019-03-01", "ownership": "private", "size": "small", "industry_code": "6513",
                "registered_capital": "1000000.00", "legal_rep_name": "张三", "legal_rep_id": "a" * 64,
                "address": "北京市海淀区", "phone": "13800000001", "email": "a@alpha.example",
                "bank_account": "6222000000000001", "status": "active",
            },
            {
                "uscc": LESSOR, "name": "丙算力服务有限公司", "roles": "provider;enterprise", "region_code": "110115",
                "registered_on": "2018-01-01", "ownership": "state", "size": "large", "industry_code": "6550",
                "registered_capital": "", "legal_rep_name": "李四", "legal_rep_id": "b" * 64, "address": "北京市大兴区",
                "phone": "13800000002", "email": "b@gamma.example", "bank_account": "6222000000000002", "status": "active",
            },
        ],
        "shareholdings": [
            {
                "company_uscc": LESSEE, "holder_kind": "person", "holder_id": "a" * 64, "holder_name": "张三",
                "percent": "60.00", "from_on": "2019-03-01", "to_on": "2024-12-31",
            }
        ],
        "declared_affiliations": [
            {"uscc": LESSEE, "other_uscc": LESSOR, "relation": "sister", "declared_on": "2024-01-01"}
        ],
        "provider_admissions": [
            {
                "provider_uscc": LESSOR, "program_code": "BJ-AIQ", "batch": "2024年第一批", "service_item": "智能算力租用",
                "tier": "specialist", "admitted_on": "2024-03-01", "ended_on": "",
            }
        ],
        "capacity": [
            {
                "provider_uscc": LESSOR, "accelerator": "H20", "cards": "64", "from_on": "2024-01-01",
                "to_on": "2024-06-30", "site": "北京一号机房",
            }
        ],
        "devices": [
            {
                "serial": "NVA000000001", "provider_uscc": LESSOR, "accelerator": "H20", "site": "北京一号机房",
                "in_service_on": "2024-01-01", "retired_on": "", "replaces_serial": "",
            }
        ],
        "listings": [
            {
                "uscc": LESSOR, "kind": "serious_dishonesty", "from_on": "2021-01-01", "to_on": "2021-12-31",
                "document_no": "信监〔2021〕1号", "reason": "已移出",
            }
        ],
        "leases": [
            {
                "lease_no": "L-2024-000001", "lessee_uscc": LESSEE, "lessor_uscc": LESSOR, "program_code": "BJ-AIQ",
                "region_code": "110000", "signed_on": "2024-04-01", "starts_on": "2024-04-01", "ends_on": "2024-06-30",
                "accelerator": "H20", "form_factor": "SXM", "cards": "8", "unit": "card_hour", "quantity": "17472",
                "unit_price": "8.50", "vat_rate": "0.06", "amount": "148512.00", "purpose": "training", "exclusive": "true",
                "document_sha256": "", "document": "",
            }
        ],
        "lease_devices": [
            {
                "lease_no": "L-2024-000001", "serial": "NVA000000001", "from_on": "2024-04-01", "to_on": "2024-06-30",
                "share": "1",
            }
        ],
        "metering": [
            {"lease_no": "L-2024-000001", "day": "2024-04-02", "card_hours": "180.25", "source": "platform"}
        ],
        "invoices": [
            {
                "invoice_code": "", "invoice_no": INVOICE, "kind": "digital_special", "status": "normal",
                "status_changed_on": "", "red_of": "", "issued_on": "2024-05-06", "seller_uscc": LESSOR,
                "seller_name": "丙算力服务有限公司", "buyer_uscc": LESSEE, "buyer_name": "甲智能科技（北京）有限公司",
                "net_amount": "100000.00", "tax_amount": "6000.00", "gross_amount": "106000.00",
                "lease_no": "L-2024-000001", "period_from": "2024-04-01", "period_to": "2024-04-30", "file_sha256": "",
            }
        ],
        "invoice_lines": [
            {
                "invoice_code": "", "invoice_no": INVOICE, "line_no": "1", "description": "*信息系统服务*算力服务费",
                "unit": "卡时", "quantity": "11764.7", "unit_price": "8.50", "net_amount": "100000.00", "tax_rate": "0.06",
                "tax_amount": "6000.00",
            }
        ],
        "payments": [
            {
                "bank_ref": "20240510000000000001", "payer_uscc": LESSEE, "payer_account": "6222000000000001",
                "payee_uscc": LESSOR, "payee_account": "6222000000000002", "paid_on": "2024-05-10", "amount": "106000.00",
                "receipt_sha256": "",
            }
        ],
        "applications": [
            {
                "application_no": "A-2024-000001", "program_code": "BJ-AIQ", "enterprise_uscc": LESSEE,
                "submitted_at": "2024-04-02T09:00:00+08:00", "requested_amount": "30000.00", "filer_phone": "13800000001",
                "filer_ip": "203.0.113.7", "filer_device": "abc",
            },
            {
                "application_no": "A-2024-000002", "program_code": "BJ-AIQ", "enterprise_uscc": LESSEE,
                "submitted_at": "2024-04-03T09:00:00+08:00", "requested_amount": "1.00", "filer_phone": "", "filer_ip": "",
                "filer_device": "",
            },
        ],
        "vouchers": [
            {
                "voucher_no": "V-2024-000001", "application_no": "A-2024-000001", "program_code": "BJ-AIQ",
                "enterprise_uscc": LESSEE, "face_value": "30000.00", "issued_on": "2024-04-20", "expires_on": "2025-04-20",
            }
        ],
        "claims": [
            {
                "claim_no": "C-2024-000001", "voucher_no": "V-2024-000001", "lease_no": "L-2024-000001",
                "submitted_at": "2024-05-20T10:00:00+08:00", "claimed_amount": "20000.00", "filer_ip": "203.0.113.7",
                "filer_device": "abc", "status": "paid", "decided_at": "2024-05-25T10:00:00+08:00", "reviewer": "R001",
                "paid_on": "2024-06-10",
            }
        ],
        "claim_invoices": [
            {
                "claim_no": "C-2024-000001", "invoice_code": "", "invoice_no": INVOICE, "claimed_net": "100000.00",
                "bank_ref": "20240510000000000001",
            }
        ],
        "price_observations": [
            {
                "observed_on": "2024-04-01", "source": LESSOR, "kind": "quote", "region_code": "110000",
                "tier": "specialist", "accelerator": "H20", "form_factor": "SXM", "term_months": "3", "unit": "card_hour",
                "cards": "1", "precision": "", "unit_price": "8.50", "currency": "CNY", "vat_rate": "0.06",
                "tax_included": "false", "bookable_since": "2024-03-01", "reference": "",
            }
        ],
    }  # fmt: skip


def write(folder: Path, given: Rows) -> Path:
    """Write the folder; the header of a file is that of its first row."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in given.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file of refused rows."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
