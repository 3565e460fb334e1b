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
    verbs |= {"application.answer_check", "claim.answer_check"}  # put together from the case's kind
    assert {verb for verb in verbs if verb_label(verb).isascii()} == set()


def test_a_list_of_accounts_and_transfers_has_no_raw_code(client, cast):
    from vouchers.models import LedgerAccount

    words = {
        "voucher:V-2025-00000001": "算力券 V-2025-00000001",
        "voucher:V-2025-00000001:pool": "算力券 V-2025-00000001（pool承担部分）",
        "voucher:E-2025-00000001": "核定额度 E-2025-00000001",
        "payment:P-2025-00000001": "拨付在途 P-2025-00000001",
        "receivable:CB-2025-00000001:levy": "应追回款 CB-2025-00000001加收部分",
        "payable:BJ-AIQ:2025:91110108MA01ALPH0Y": "应付补贴 BJ-AIQ 2025 年度 · 91110108MA01ALPH0Y",
        "budget:BJ-AIQ:2025": "预算指标 BJ-AIQ 2025 年度",
        "treasury:110000": "财政拨入 110000",
        "paid:BJ-AIQ:2025:pool": "已拨付 BJ-AIQ 2025 年度（pool承担部分）",
        "cap:0123456789ab:enterprise_year:91110108MA01ALPH0Y:2025": "限额 enterprise_year · 91110108MA01ALPH0Y · 2025年",
    }
    from audit.account_words import account_words

    assert {code: account_words(code).text for code in words} == words
    assert not LedgerAccount.objects.exists()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"source": "unannounced", "kind": "region"}, 1),
        ({"source": "user", "kind": "region"}, 0),
        ({"person": "核查", "kind": "hold"}, 2),  # a part of the name
        ({"operation": "update", "kind": "hold"}, 1),
    ],
)
def test_more_filters_narrow(client, cast, held, asked, found):
    Region.objects.filter(code="110000").update(name="北京")
    if asked.get("kind") == "region":
        asked = {**asked, "operation": "update"}
    assert len(page(client, cast.auditor, "audit:trail", **asked).context["rows"]) == found


def test_a_search_that_finds_little_says_how_far_it_looked(client, cast, monkeypatch):
    from audit.trail import search

    with acting(Actor.service("load"), "party.register"):
        Party.objects.bulk_create([Party(uscc=f"FAR{n:015d}", name=f"企业{n}") for n in range(300)])
    monkeypatch.setattr(search, "PATIENCE", -1.0)
    first = page(client, cast.auditor, "audit:trail", kind="receiving_account")
    assert first.context["rows"] == []
    assert "继续往前查" in text(first)
    found, older = [], first.context["older"]
    for _step in range(50):
        if older is None:
            break
        then = page(client, cast.auditor, "audit:trail", kind="receiving_account", before=str(older))
        found += then.context["rows"]
        older = then.context["older"]
    assert len(found) == 1  # 北京's of the cast, though it lies far back


def test_a_filter_is_kept_under_a_name_by_its_person_alone(client, cast, held):
    from audit.models import SavedFilter

    client.force_login(cast.auditor)
    keep = reverse("audit:trail-filters")
    client.post(keep, {"name": "  暂缓  变动 ", "kind": "hold", "operation": "update"})
    kept = SavedFilter.objects.get()
    assert (kept.owner, kept.name, kept.query) == (cast.auditor, "暂缓 变动", "kind=hold&operation=update")
    shown = page(client, cast.auditor, "audit:trail", kind="hold", operation="update")
    assert "暂缓 变动" in text(shown) and "移除常用筛选" in text(shown)
    assert "暂缓 变动" not in text(page(client, cast.investigator, "audit:trail"))
    client.post(keep, {"deed": "remove", "name": "暂缓 变动"})  # the investigator is signed in: not theirs
    assert SavedFilter.objects.exists()
    client.force_login(cast.auditor)
    client.post(keep, {"deed": "remove", "name": "暂缓 变动"})
    assert not SavedFilter.objects.exists()
    assert AuditEvent.objects.filter(verb="saved_filter.remove", subject_kind="saved_filter").exists()
    client.post(keep, {"name": "", "kind": "hold"})
    client.post(keep, {"name": "空"})
    assert not SavedFilter.objects.exists()


def test_the_front_page_says_what_to_look_at_next(client, cast, held):
    Hold.objects.filter(pk=held.pk).update(sentence="悄悄改写")
    client.post(reverse("accounts:login"), {"username": "auditor", "password": "wrong"})
    response = page(client, cast.auditor, "audit:home")
    tasks = {task.label: (task.count, task.url) for task in response.context["tasks"]}
    assert tasks["登录失败"][0] == 1
    assert tasks["待复核解除的暂缓"][0] == 1
    assert tasks["未经系统的改动"][0] >= 1
    for _count, url in tasks.values():
        assert client.get(url).status_code == 200
    signs = {sign.label: (sign.word, sign.tone) for sign in response.context["signs"]}
    assert signs["封存"] == (
        "封存迟延",
        "refused",
    )  # no sealer runs here, and the tables were made a while ago
    assert signs["库外见证"] == ("未设置", "waiting")
    assert signs["最近一次验证"] == ("尚未验证", "waiting")
    assert signs["留痕触发器"] == ("齐全", "granted")
    assert signs["台账核对"] == ("尚未核对", "waiting")


def test_the_front_page_tells_the_last_verification(client, cast):
    from audit.trail.live import Finding
    from audit.trail.verification import record_verification

    record_verification([], events=12, tables=True)
    response = page(client, cast.auditor, "audit:home")
    assert "共 12 条，没有问题" in text(response)
    record_verification([Finding("row.altered", "某行被绕过系统改动。")], events=13, tables=True)
    response = page(client, cast.auditor, "audit:home")
    assert "发现 1 处问题：某行被绕过系统改动。" in text(response)
    signs = {sign.label: (sign.word, sign.tone) for sign in response.context["signs"]}
    assert signs["最近一次验证"] == ("发现问题", "refused")
