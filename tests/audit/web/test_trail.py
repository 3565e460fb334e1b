"""The trail for people: who may see it, what it says, and that reading it is itself in it."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse

from audit.models import AuditEvent
from audit.trail import registry
from audit.web.event_words import SILENT, column_label, kind_label, models_by_kind, verb_label
from vouchers.context import Actor, acting
from vouchers.models import Hold, Party, Region

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(cast):
    """A hold on a claim in 北京, placed and then asked to be lifted."""
    from vouchers import dates

    with acting(cast.investigator, "hold.place", reason="同一发票两次申报", address="10.1.1.9"):
        hold = Hold.objects.create(
            hold_no="H-2025-000001",
            subject_kind="claim",
            subject_no="C-2025-000001",
            region_code="110000",
            party=cast.alpha,
            ground="F01",
            sentence="发票已在另一件中使用。",
            placed_at=dates.now(),
            placed_by=cast.investigator,
        )
    with acting(cast.investigator, "hold.request_lift", reason="已核实为录入错误"):
        Hold.objects.filter(pk=hold.pk).update(
            state="lift_requested", lift_reason="已核实为录入错误", lift_requested_by=cast.investigator
        )
    return hold


def page(client, reader, name, *args, **asked):
    client.force_login(reader)
    return client.get(reverse(name, args=args), asked)


def text(response) -> str:
    return response.content.decode()


@pytest.mark.parametrize(
    "account", ["filer", "handler", "approver", "finance", "stranger", "system_admin", "publisher"]
)
def test_only_people_of_inspection_may_look(client, cast, held, account):
    event = AuditEvent.objects.get(subject_no=held.hold_no, operation="insert")
    for name, args in (
        ("audit:home", ()),
        ("audit:trail", ()),
        ("audit:trail-event", (event.event_no,)),
        ("audit:trail-story", ("claim", "C-2025-000001")),
    ):
        assert page(client, getattr(cast, account), name, *args).status_code == 403


def test_whoever_is_not_signed_in_is_asked_to(client):
    assert client.get(reverse("audit:trail")).status_code == 302


@pytest.mark.parametrize("account", ["auditor", "audit_admin", "investigator"])
def test_people_of_inspection_see_their_region(client, cast, held, account):
    response = page(client, getattr(cast, account), "audit:trail")
    assert response.status_code == 200
    assert "C-2025-000001" in text(response)


def test_another_region_sees_nothing_of_it_and_is_not_told_that_there_is(client, cast, held):
    event = AuditEvent.objects.get(subject_no=held.hold_no, operation="insert")
    assert page(client, cast.other_auditor, "audit:trail", q="C-2025-000001").context["rows"] == []
    assert page(client, cast.other_auditor, "audit:trail-event", event.event_no).status_code == 404
    assert page(client, cast.other_auditor, "audit:trail-story", "claim", "C-2025-000001").status_code == 404


def test_a_case_is_one_page_with_the_differences_in_words(client, cast, held):
    said = text(page(client, cast.auditor, "audit:trail-story", "claim", "C-2025-000001"))
    assert "兑付申请的全部经过" in said
    assert "提请解除" in said  # the verb's word, from the lifecycle
    assert "暂缓中" in said  # the state's words, before
    assert "已提请解除" in said  # and after
    assert "理由：已核实为录入错误" in said
    assert "京核查" in said
    assert "甲智能科技（北京）有限公司" in said  # what a foreign key points to, by name
    assert "lift_requested" not in said
    assert "{" not in said.split("<main")[1].replace("{}", "")


def test_reading_a_case_is_in_its_story(client, cast, held):
    page(client, cast.auditor, "audit:trail-story", "claim", "C-2025-000001")
    read = AuditEvent.objects.get(verb="trail.story")
    assert (read.operation, read.actor, read.region_code) == ("read", "auditor", "110000")
    said = text(page(client, cast.investigator, "audit:trail-story", "claim", "C-2025-000001"))
    assert "京审计" in said.split("谁查阅过")[1]


def test_a_change_around_the_application_stands_out(client, cast, held):
    Hold.objects.filter(pk=held.pk).update(sentence="悄悄改写")
    said = text(page(client, cast.auditor, "audit:trail-story", "claim", "C-2025-000001"))
    assert "其中 1 次改动没有经过本系统的办理程序" in said
    assert "悄悄改写" in said
    event = AuditEvent.objects.filter(subject_no=held.hold_no).order_by("-pk")[0]
    assert "直接在数据库中进行" in text(page(client, cast.auditor, "audit:trail-event", event.event_no))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "C-2025-000001"}, 2),
        ({"q": "H-2025-000001"}, 2),
        ({"q": "C-2025-00000"}, 0),
        ({"person": "京核查", "kind": "hold"}, 2),
        ({"person": "investigator", "kind": "hold"}, 2),
        ({"person": "无此人"}, 0),
        ({"verb": "提请解除"}, 1),
        ({"verb": "hold.place"}, 1),
        ({"operation": "insert", "kind": "hold"}, 1),
        ({"region": "110000", "kind": "hold"}, 2),
        ({"since": "2099-12-31"}, 0),
        ({"until": "2099-12-31", "kind": "hold"}, 2),
        ({"q": "H-2025-000001", "before": "1"}, 0),
    ],
)
def test_filters_narrow(client, cast, held, asked, found):
    assert len(page(client, cast.auditor, "audit:trail", **asked).context["rows"]) == found


def test_what_cannot_be_read_as_a_filter_is_said_and_narrows_nothing(client, cast, held):
    response = page(
        client, cast.auditor, "audit:trail", since="前天", region="999999", before="x", kind="nothing"
    )
    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"since", "region", "kind"}
    assert response.context["rows"]


def test_pages_go_on_without_counting(client, cast, django_assert_max_num_queries):
    with acting(Actor.service("load"), "party.register"):
        Party.objects.bulk_create(
            [Party(uscc=f"PAGE{n:014d}", name=f"企业{n}", region_code="110000") for n in range(120)]
        )
    client.force_login(cast.auditor)
    with django_assert_max_num_queries(25):
        first = client.get(reverse("audit:trail"), {"kind": "party"})
    assert len(first.context["rows"]) == 50
    second = client.get(reverse("audit:trail"), {"kind": "party", "before": first.context["older"]})
    assert second.context["rows"][0].event.pk < first.context["rows"][-1].event.pk
    assert "更早" in text(first)


def test_refusals_and_sign_ins_are_there(client, cast):
    Region.objects.filter(code="110000").update(name="北京")
    page(client, cast.handler, "audit:trail")
    said = text(page(client, cast.auditor, "audit:trail"))
    assert "audit.staff_only" in said
    assert "登录" in said


def test_every_column_and_table_has_a_word():
    wordless = {
        f"{tracked.table}.{column}"
        for tracked in registry.tracked_tables()
        for column in tracked.watched
        if column not in SILENT and column_label(tracked.model, column).isascii()
    }
    # Django's own tables between people and its permissions are never used; lists of rules have English names only.
    assert {name for name in wordless if "_user_" not in name} == set()
    assert not [
        kind for kind in models_by_kind() if kind_label(kind).isascii() and not kind.startswith("user_")
    ]


def test_every_verb_that_the_code_announces_has_a_word():
    spoken = re.compile(r'(?:announce|log_read|log_export|log_sign_in)\(\s*"([a-z_.]+)"')
    sources = [path for app in registry.APPS for path in (settings.BASE_DIR / app).rglob("*.py")]
    verbs = {verb for path in sources for verb in spoken.findall(path.read_text(encoding="utf-8"))}
    assert len(verbs) > 20
    assert {verb for verb in verbs if verb_label(verb).isascii()} == set()
