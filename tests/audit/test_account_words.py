"""An account of the ledger is called by words: its treasury and its cap as the published versions call them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

from audit.account_words import account_words
from tests import casework
from vouchers.policy.rules_of_process import TreasuryShare


def shared(scheme):
    """Sixty to forty."""
    rows = (("province", "省财政", "0.6", False), ("city", "市财政", "0.4", True))
    return replace(
        scheme,
        treasury_shares=tuple(
            TreasuryShare(cite=scheme.cite, code=code, treasury=name, share=Decimal(share), takes_rest=rest)
            for code, name, share, rest in rows
        ),
    )


def test_a_treasurys_part_is_told_by_the_treasurys_name(db, cast):
    assert account_words("voucher:V-2025-00000001:city").text == "算力券 V-2025-00000001（city承担部分）"
    casework.published(cast, "BJ-AIQ", change=shared)
    told = {
        "voucher:V-2025-00000001:city": "算力券 V-2025-00000001（市财政承担部分）",
        "payment:P-2025-00000001:province": "拨付在途 P-2025-00000001（省财政承担部分）",
        "payable:BJ-AIQ:2025:91110108MA01ALPH0Y:city": "应付补贴 BJ-AIQ 2025 年度 · 91110108MA01ALPH0Y（市财政承担部分）",
        "receivable:CB-2025-00000001:city": "应追回款 CB-2025-00000001（市财政承担部分）",
        "receivable:CB-2025-00000001:levy": "应追回款 CB-2025-00000001加收部分",
        "budget:BJ-AIQ:2025:city": "预算指标 BJ-AIQ 2025 年度（市财政承担部分）",
        "treasury:110000:BJ-AIQ:province": "财政拨入 110000 BJ-AIQ（省财政承担部分）",
    }
    assert {code: account_words(code).text for code in told} == told


def test_a_cap_is_told_by_its_name_its_event_and_its_period(db, cast):
    publication = casework.published(cast, "BJ-AIQ")
    short = hashlib.sha256(b"BJ-AIQ").hexdigest()[:12]
    cap = publication.scheme.caps[0]
    for event, words in (("issue", "按发放计"), ("claim", "按兑付计"), ("payment", "按拨付计")):
        told = account_words(f"cap:{short}:{cap.code}.{event}:91110108MA01ALPH0Y:2025").text
        assert told == f"限额 {cap.name}（{words}） · 91110108MA01ALPH0Y · 2025年"
    assert account_words(f"cap:{short}:gone.issue:B-1:total").text == "限额 gone（按发放计） · B-1 · 全期"
