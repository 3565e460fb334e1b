"""Every change of a row is an event, written by the database, whoever made it."""

from __future__ import annotations

import json

import psycopg
import pytest
from django.db import connection, transaction

from applications.reads import note_read
from audit.actions.trail import log_read, log_refusal
from audit.models import AuditEvent, PendingEvent
from audit.trail import registry
from audit.trail.attach import examine
from vouchers.context import Actor, acting, announce
from vouchers.models import Party, Region, User

ACTOR = Actor(kind="user", name="li.lei", display_name="李雷", roles=("handler",), organisation="市经信局")


def party(number: int = 1, **fields) -> Party:
    return Party(uscc=f"9111000000000{number:05d}", name=f"测试企业{number}", region_code="110000", **fields)


def last_event() -> AuditEvent:
    return AuditEvent.objects.order_by("-id")[0]


@pytest.mark.django_db
def test_an_insert_is_one_event_with_who_and_why():
    before = AuditEvent.objects.count()
    with acting(ACTOR, "party.register", reason="企业入库", request_id="r-1", address="10.0.0.7"):
        party(phone="13800000000").save()
    assert AuditEvent.objects.count() == before + 1
    event = last_event()
    assert (event.actor_kind, event.actor, event.actor_name) == ("user", "li.lei", "李雷")
    assert (event.actor_roles, event.organisation, event.address) == (["handler"], "市经信局", "10.0.0.7")
    assert (event.verb, event.reason, event.request_id) == ("party.register", "企业入库", "r-1")
    assert (event.operation, event.subject_kind, event.subject_no) == (
        "insert",
        "party",
        "911100000000000001",
    )
    assert event.changes["name"] == [None, "测试企业1"]
    assert event.event_no.version == 7
    assert PendingEvent.objects.filter(event_id=event.pk).exists()


@pytest.mark.django_db
def test_an_update_tells_only_what_changed_and_nothing_when_nothing_did():
    one = party()
    with acting(ACTOR, "party.register"):
        one.save()
        announce("party.rename", "更名")
        one.name = "更名后的企业"
        one.save()
        renamed = last_event()
        one.save()
        assert last_event().pk == renamed.pk
    assert renamed.verb == "party.rename"
    assert renamed.changes == {"name": ["测试企业1", "更名后的企业"]}


@pytest.mark.django_db
def test_queryset_update_bulk_insert_and_delete_are_told_row_by_row():
    with acting(ACTOR, "bulk"):
        Party.objects.bulk_create([party(number) for number in range(3)])
        Party.objects.filter(name__startswith="测试企业").update(industry_code="I65")
        Party.objects.filter(name="测试企业2").delete()
    told = list(AuditEvent.objects.filter(verb="bulk").order_by("id").values_list("operation", flat=True))
    assert told == ["insert"] * 3 + ["update"] * 3 + ["delete"]
    assert last_event().changes["name"] == ["测试企业2", None]


@pytest.mark.django_db
def test_a_change_without_context_is_unannounced():
    party().save()
    event = last_event()
    assert (event.actor_kind, event.actor, event.verb) == ("unannounced", "voucher_app", "insert")
    assert event.document["database"]["user"] == "voucher_app"


@pytest.mark.django_db
def test_a_context_that_is_no_json_object_is_none():
    with connection.cursor() as cursor:
        for nonsense in ("", "null", "[1]", "{", "robert'); drop table"):
            cursor.execute("SELECT set_config('voucher.context', %s, true)", [nonsense])
            Region.objects.create(code=f"9{len(nonsense):05d}", name="测试")
            assert last_event().actor_kind == "unannounced"


@pytest.mark.django_db
def test_secrets_and_personal_data_are_in_the_event_as_salted_digest_only():
    with acting(ACTOR, "account.open"):
        one = User.objects.create_user(
            "zhang.san", "correct horse battery", display_name="张三", phone="13912345678"
        )
        two = User.objects.create_user(
            "li.si", "correct horse battery", display_name="李四", phone="13912345678"
        )
    events = AuditEvent.objects.filter(subject_kind="user", subject_no__in=("zhang.san", "li.si")).order_by(
        "id"
    )
    for event, user in zip(events, (one, two), strict=True):
        text = bytes(event.canonical).decode()
        assert "13912345678" not in text
        assert user.password not in text
    first, second = (event.changes["phone"][1]["salted"] for event in events)
    assert first != second  # the same number, but each row has a salt of its own


@pytest.mark.django_db
def test_a_row_belongs_to_the_case_and_region_that_it_names():
    region = Region.objects.create(code="990000", name="试验区")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vouchers_hold (hold_no, subject_kind, subject_no, region_code, ground, sentence, evidence, state,"
            " placed_at, lift_reason) VALUES ('H-1', 'claim', 'C-2025-000001', %s, 'F01', '重复发票', '[]', 'open', now(), '')",
            [region.code],
        )
    event = last_event()
    assert (event.subject_kind, event.subject_no) == ("hold", "H-1")
    assert (event.case_kind, event.case_no, event.region_code) == ("claim", "C-2025-000001", "990000")
    assert list(AuditEvent.objects.story_of("claim", "C-2025-000001")) == [event]


@pytest.mark.django_db
def test_every_table_has_its_triggers_or_a_reason_why_not():
    assert examine(connection) == []
    assert all(len(reason) > 8 for reason in registry.EXCEPTIONS.values())


def test_a_table_without_triggers_is_named(committed_db):
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("CREATE TABLE vouchers_forgotten (id int)")
        superuser.execute("ALTER TABLE vouchers_voucher DISABLE TRIGGER audit_write")
        superuser.execute("DROP TRIGGER audit_insert ON applications_claim")
    sentences = " ".join(fault.sentence for fault in examine(connection))
    assert "vouchers_forgotten" in sentences
    assert "数据表 vouchers_voucher 的留痕触发器 audit_write 已被停用" in sentences
    assert "数据表 applications_claim 的留痕触发器 audit_insert 缺失" in sentences


def test_a_change_by_psql_is_in_the_trail_with_the_database_user(committed_db):
    with psycopg.connect(committed_db.superuser_dsn, autocommit=True) as superuser:
        superuser.execute(
            "SET session_replication_role = replica"
        )  # switches off ordinary triggers, not these
        superuser.execute("INSERT INTO vouchers_region (code, name) VALUES ('980000', '悄悄')")
        superuser.execute("TRUNCATE applications_meteringday")
    inserted, emptied = AuditEvent.objects.order_by("-id")[:2][::-1]
    assert (inserted.actor_kind, inserted.actor) == ("unannounced", "postgres")
    assert inserted.document["database"] == {"user": "postgres", "address": "127.0.0.1"}
    assert (emptied.verb, emptied.subject_kind, emptied.operation) == ("truncate", "metering_day", "delete")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET verb = ''",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
        "INSERT INTO audit_pendingevent VALUES (99)",
        "DELETE FROM audit_pendingevent",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_trailleaf SET leaf_hash = ''",
        "SELECT * FROM audit_personalsalt",
        "SELECT audit_record('insert', 'x', 'claim', 'C-1', '', '', '', '', NULL, NULL)",
        "SELECT audit_log_event('insert', 'x', 'claim', 'C-1')",
        "ALTER TABLE vouchers_voucher DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_may_not_touch_the_trail(committed_db, statement):
    with psycopg.connect(committed_db.dsn) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_auditevent SET verb = ''", "DELETE FROM audit_checkpoint", "TRUNCATE audit_trailleaf"],
)
def test_even_the_owner_is_refused_by_the_trigger(committed_db, statement):
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        if "checkpoint" in statement:
            owner.execute(
                "INSERT INTO audit_checkpoint (size, origin, root_hash, hash_algorithm, sealed_at, previous, body, key_id,"
                " signature, frontier) VALUES (1, '', '', '', now(), '', '', '', '', '')"
            )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="只增不改"):
            owner.execute(statement)


@pytest.mark.django_db
def test_reads_are_events_in_the_same_transaction():
    with acting(ACTOR, "paper.open"):
        log_read("paper.open", "paper", "P-1", region="110000", facts={"sha256": "ab"}, case=("claim", "C-1"))
    event = last_event()
    assert (event.operation, event.actor, event.case_no) == ("read", "li.lei", "C-1")
    assert event.document["changes"] == {"sha256": "ab"}


@pytest.mark.django_db
def test_who_opens_a_paper_is_told_by_the_casework_without_knowing_the_trail(cast):
    facts = {"sha256": "ab", "kind": "contract", "subject_kind": "claim", "subject_no": "C-2025-000001"}
    with acting(cast.handler, "GET /papers/P-1/"):
        note_read("paper", "P-1", by=cast.handler, region_code="110000", facts=facts)
    event = AuditEvent.objects.story_of("claim", "C-2025-000001").get()
    assert (event.operation, event.verb, event.actor, event.subject_no) == (
        "read",
        "paper.open",
        "handler",
        "P-1",
    )
    assert event.document["changes"] == {"sha256": "ab", "kind": "contract"}


def test_a_refusal_outlives_the_rollback(committed_db):
    with pytest.raises(RuntimeError), transaction.atomic():
        party().save()
        raise RuntimeError
    log_refusal("claim.not_now", actor=ACTOR, verb="claim.approve", subject_kind="claim", subject_no="C-1")
    assert not Party.objects.filter(uscc=party().uscc).exists()
    event = last_event()
    assert (event.operation, event.verb, event.document["changes"]) == (
        "refusal", "claim.approve", {"code": "claim.not_now"},
    )  # fmt: skip


def test_imported_history_is_one_event_a_statement_and_only_the_owner_can_import(committed_db):
    columns = (
        "(origin, uscc, name, is_enterprise, is_provider, region_code, ownership, size, industry_code, legal_rep_name,"
        " legal_rep_id, address, phone, email, status)"
    )
    rows = (
        "SELECT 'imported', 'IMPORTED' || n, '历史' || n, true, false, '110000', '', '', '', '', '', '', '', '', 'active'"
        " FROM generate_series(1, 50) n"
    )
    with psycopg.connect(committed_db.migrator_dsn) as owner:
        owner.execute("SET ROLE voucher_owner")
        before = AuditEvent.objects.count()
        owner.execute(f"INSERT INTO vouchers_party {columns} {rows}")
    assert AuditEvent.objects.count() == before + 1
    event = last_event()
    facts = event.document["changes"]
    assert (event.operation, event.subject_kind, facts["rows"]) == ("import", "party", 50)
    imported = Party.objects.filter(origin="imported").order_by("pk").values_list("pk", flat=True)
    assert (facts["first"], facts["last"]) == (imported[0], imported[49])
    with psycopg.connect(committed_db.dsn) as app:  # the same by the application is told row by row
        app.execute(f"INSERT INTO vouchers_party {columns} {rows.replace('IMPORTED', 'SMUGGLED')}")
    assert AuditEvent.objects.count() == before + 51


@pytest.mark.django_db
def test_the_canonical_form_is_one_line_and_says_what_the_columns_say():
    with acting(ACTOR, "party.register", reason="第一行\n第二行"):
        party(address='换行\n制表\t引号"').save()
    event = last_event()
    assert b"\n" not in bytes(event.canonical)
    document = json.loads(bytes(event.canonical))
    assert document["id"] == event.pk
    assert document["event"] == str(event.event_no)
    assert document["reason"] == "第一行\n第二行"
