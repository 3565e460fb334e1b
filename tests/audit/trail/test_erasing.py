"""Personal data is erased when the law asks for it: from the row and from the meaning of its digests; the tree stays whole."""

from __future__ import annotations

import hashlib
from io import StringIO

import psycopg
from django.core.management import call_command

from audit.models import AuditEvent
from audit.trail.live import examine_log
from audit.trail.replay import replay
from audit.trail.sealer import seal_all
from vouchers.context import Actor, acting
from vouchers.models import Party


def salt_of(committed_db, party: Party) -> bytes | None:
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        row = owner.execute(
            "SELECT salt FROM audit_personalsalt WHERE subject_kind = 'party' AND subject_pk = %s",
            [str(party.pk)],
        ).fetchone()
    return bytes(row[0]) if row else None


def test_erasing_leaves_the_tree_whole_and_the_digests_without_meaning(committed_db):
    with acting(Actor.service("test"), "party.register"):
        party = Party.objects.create(
            uscc="91110108MA01ERASE0", name="丁公司", phone="13800138000", legal_rep_name="王某"
        )
    (first,) = AuditEvent.objects.filter(subject_kind="party", subject_no=party.uscc)
    salt = salt_of(committed_db, party)
    assert salt is not None
    digest = hashlib.sha256(salt + b"13800138000").hexdigest()
    assert first.changes["phone"][1] == {
        "salted": digest
    }  # whoever holds the salt could hold a number against it
    seal_all()
    said = StringIO()
    call_command("erase_personal", "party", party.uscc, reason="个人信息删除申请〔2025〕1号", stdout=said)
    assert "phone" in said.getvalue()
    party.refresh_from_db()
    assert (party.phone, party.legal_rep_name, party.name) == ("", "", "丁公司")
    assert salt_of(committed_db, party) is None
    event = AuditEvent.objects.filter(subject_no=party.uscc).order_by("-pk")[0]
    assert (event.verb, event.reason) == ("personal.erase", "个人信息删除申请〔2025〕1号")
    assert "13800138000" not in bytes(event.canonical).decode()
    # the row goes on living under a salt of its own
    with acting(Actor.service("test"), "party.correct"):
        Party.objects.filter(pk=party.pk).update(phone="13900139000")
        Party.objects.filter(pk=party.pk).update(address="海淀区")
    seal_all()
    assert list(examine_log()) == []
    assert list(replay(kinds=frozenset({"party"}))) == []
    call_command("erase_personal", "party", party.uscc, reason="再次申请", stdout=said)
    seal_all()
    assert list(examine_log()) == []
    assert list(replay(kinds=frozenset({"party"}))) == []
