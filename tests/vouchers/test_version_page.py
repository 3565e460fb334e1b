"""The page on which a version is written: what it tells, what it keeps, what it reads, and that no editor overwrites another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast
from tests.vouchers.test_policy_admin import act, page, signed_in, typed, values_of
from vouchers.actions import policies, policy_editing
from vouchers.actions.policy_drafts import scheme_of
from vouchers.admin.policy_fields import MonthDayField
from vouchers.admin.policy_gates import GATE_FIELDS, GATE_GUIDE
from vouchers.admin.scoped import admin_address
from vouchers.admin.version_pages import version_address
from vouchers.models import (
    PolicyApplicantClass,
    PolicyCap,
    PolicyDocument,
    PolicyExample,
    PolicyGate,
    PolicyRate,
    PolicyVersion,
    PolicyWayOfIssue,
    Program,
    ValueCitation,
)
from vouchers.policy.checks import check
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.rules import Gate, Scheme
from vouchers.policy.terms import GateKind, IssueWay, PayTo, Shortage

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    """An empty draft, as it begins."""
    program = Program.objects.create(
        code="LS-SLQ", name="例示市算力券", region=cast.beijing, office="例示市经济和信息化局"
    )
    return policy_editing.begin_draft(
        program,
        by=cast.policy_editor,
        title="例示市算力券管理办法",
        label="试行",
        document_no="例政发〔2025〕8号",
    )


@pytest.fixture
def version(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor)


@pytest.fixture
def editor(cast: Cast) -> Client:
    return signed_in(cast.policy_editor)


def more(shown: Any, data: dict[str, Any], table: str, **fields: Any) -> dict[str, Any]:
    """The page's data with one more row, as the page's script adds it: the empty row with what was typed into it."""
    number = int(data[f"{table}-TOTAL_FORMS"])
    formsets = {inline.formset.prefix: inline.formset for inline in shown.context["inline_admin_formsets"]}
    row = {
        key.replace("__prefix__", str(number)): value
        for key, value in values_of(formsets[table].empty_form).items()
    }
    row |= {f"{table}-{number}-{name}": value for name, value in fields.items()}
    return data | row | {f"{table}-TOTAL_FORMS": str(number + 1)}


def beside(response: Any, table: str, place: int, field: str) -> list[str]:
    """What stands beside a field of a row."""
    formsets = {inline.formset.prefix: inline.formset for inline in response.context["inline_admin_formsets"]}
    bound = formsets[table].forms[place][field]
    return [*bound.errors, *getattr(bound, "notes", [])]


def test_every_field_says_what_it_means(cast: Cast, draft: PolicyVersion, editor: Client):
    shown = editor.get(page(draft))
    silent = [
        f"{form._meta.model._meta.model_name}.{name}"
        for form in [
            shown.context["adminform"].form,
            *(inline.formset.empty_form for inline in shown.context["inline_admin_formsets"]),
        ]
        for name, field in form.fields.items()
        if not field.widget.is_hidden and name not in ("DELETE", "id") and not field.help_text
    ]
    assert silent == [], (
        "say in vouchers/admin/policy_help.py what it means, an example, and where a text says it"
    )


def test_every_field_is_one_that_the_page_asks_for(cast: Cast, draft: PolicyVersion, editor: Client):
    """A column that no line of the page has would be set by nobody."""
    shown = editor.get(page(draft))
    own = {"id", "version", "created_by", "created_at", "result"}
    for inline in shown.context["inline_admin_formsets"]:
        if inline.formset.model is PolicyExample:  # they come by the workbook
            continue
        columns = {field.name for field in inline.formset.model._meta.fields} - own
        missing = columns - set(inline.formset.empty_form.fields)
        assert not missing, f"{inline.formset.model.__name__}: {missing}"


def test_every_kind_of_condition_is_told_and_its_fields_are_those_that_are_checked(version: PolicyVersion):
    scheme = scheme_of(version)
    for kind in GateKind:
        gate = Gate(code="one", kind=kind, text="条件", cite=scheme.cite)
        bare = Scheme(
            **{**{name: getattr(scheme, name) for name in scheme.__dataclass_fields__}, "gates": (gate,)}
        )
        wanted = {
            problem.path.split(".")[2] for problem in check(bare) if problem.path.startswith("gates.one.")
        }
        assert wanted <= set(GATE_FIELDS.get(kind.value, ())), kind
        assert GATE_GUIDE[kind.value]


def test_a_version_begins_with_what_every_version_needs(draft: PolicyVersion):
    assert draft.policydocument_rows.get().document_no == "例政发〔2025〕8号"
    assert [problem.path for problem in policy_editing.find_problems(draft)] == ["effective_from"]


def test_a_half_finished_draft_is_kept_and_each_gap_stands_beside_its_field(
    draft: PolicyVersion, editor: Client
):
    shown = editor.get(page(draft))
    data = more(shown, typed(shown), "policycap_rows")
    data = more(shown, data, "policygate_rows", text="申领单位在本市注册", kind="registered_in")
    saved = editor.post(page(draft), data, follow=True)
    assert "草稿已保存" in saved.content.decode()
    assert PolicyCap.objects.filter(version=draft).count() == 0, "a row in which nothing was typed is none"
    gate = PolicyGate.objects.get(version=draft)
    assert (gate.code, gate.position, gate.cite_document) == ("registered_in", 1, "例政发〔2025〕8号")
    assert "“注册地”必须填写此项，否则没有人能够符合" in beside(saved, "policygate_rows", 0, "regions")
    assert 'href="#id_policygate_rows-0-regions"' in saved.content.decode()


def test_every_contradiction_is_told_whatever_else_is_missing(draft: PolicyVersion, editor: Client):
    PolicyRate.objects.filter(version=draft).update(rate=Decimal("0.2"), band_to=Decimal(100))
    data = typed(shown := editor.get(page(draft)))
    data = more(shown, data, "policyrate_rows", track="support", rate="10%", band_from="50", kind="fixed")
    data = more(shown, data, "policycap_rows", name="限额", subject="use", amount="1万", share="")
    data = more(
        shown, data, "policyfloor_rows", name="起补", measure="amount", amount="2万", stages=["application"]
    )
    data = more(
        shown,
        data,
        "policygate_rows",
        text="",
        kind="signed_between",
        from_on="2025-05-01",
        to_on="2025-04-01",
    )
    saved = editor.post(page(draft), data, follow=True)
    assert beside(saved, "policyrate_rows", 1, "band_from"), "bands overlap, and the track has none"
    assert "没有人能够申领" in " ".join(beside(saved, "policycap_rows", 0, "amount"))
    assert "截止日应晚于起始日" in " ".join(beside(saved, "policygate_rows", 0, "to_on"))
    assert beside(saved, "policygate_rows", 0, "text") == ["请填写此项。"]


def test_what_cannot_be_stored_is_told_and_nothing_typed_is_lost(version: PolicyVersion, editor: Client):
    data = typed(editor.get(page(version))) | {"note": "新写的一段说明", "policycap_rows-0-amount": "二百万"}
    refused = editor.post(page(version), data)
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "“二百万”不是金额。请写作“2,000,000.00”，也可以写“200万”“1亿”。" in text
    assert "新写的一段说明" in text and 'value="二百万"' in text
    assert PolicyVersion.objects.get(pk=version.pk).note != "新写的一段说明"
    mended = editor.post(page(version), typed(refused) | {"policycap_rows-0-amount": "300万元"})
    assert mended.status_code == 302
    assert PolicyCap.objects.get(version=version).amount == Decimal("3000000.00")


def test_dates_that_cross_are_told_at_the_later_one(version: PolicyVersion, editor: Client):
    data = typed(editor.get(page(version))) | {"effective_to": "2020-01-01"}
    refused = editor.post(page(version), data)
    assert refused.status_code == 422
    assert "失效日期应晚于施行日期" in refused.content.decode()


@pytest.mark.parametrize(
    ("written", "stored"),
    [("20%", "0.2"), ("0.2", "0.2"), ("１２.５％", "0.125"), ("33.3333%", "0.333333"), ("100%", "1")],
)
def test_a_rate_is_read_as_the_text_writes_it(
    version: PolicyVersion, editor: Client, written: str, stored: str
):
    data = typed(editor.get(page(version))) | {"policyrate_rows-0-rate": written}
    assert editor.post(page(version), data).status_code == 302
    assert PolicyRate.objects.get(version=version).rate == Decimal(stored)


def test_places_and_industries_are_read_by_name_and_letter(version: PolicyVersion, editor: Client):
    data = typed(editor.get(page(version)))
    rows = PolicyGate.objects.filter(version=version).order_by("position")
    places = {row.code: number for number, row in enumerate(rows)}
    data[f"policygate_rows-{places['registered_in_city']}-regions"] = "北京市、4403"
    data[f"policygate_rows-{places['sector']}-industries"] = "I、C39"
    assert editor.post(page(version), data).status_code == 302
    assert rows.get(code="registered_in_city").regions == ["11", "4403"]
    assert rows.get(code="sector").industries == ["63", "64", "65", "39"]


def test_a_second_editor_overwrites_nothing_unseen(cast: Cast, version: PolicyVersion, editor: Client):
    opened = typed(editor.get(page(version)))
    other = signed_in(cast.policy_editor)
    theirs = typed(other.get(page(version))) | {"policyrate_rows-0-rate": "25%", "note": "他人的说明"}
    assert other.post(page(version), theirs).status_code == 302

    refused = editor.post(page(version), opened | {"policycap_rows-0-amount": "150万"})
    assert refused.status_code == 409
    text = refused.content.decode()
    assert "另一位工作人员修改了这份草稿" in text
    assert PolicyRate.objects.get(version=version).rate == Decimal("0.25"), "what the other saved stands"
    assert "现存的草稿为：25%" in beside(refused, "policyrate_rows", 0, "rate")
    assert 'value="150万"' in text, "what was typed stands too"

    again = editor.post(page(version), typed(refused) | {"policyrate_rows-0-rate": "25%"})
    assert again.status_code == 302
    assert PolicyCap.objects.get(version=version).amount == Decimal("1500000.00")
    assert PolicyRate.objects.get(version=version).rate == Decimal("0.25")


def test_a_row_that_another_editor_removed_is_not_brought_back_unseen(
    cast: Cast, version: PolicyVersion, editor: Client
):
    opened = typed(editor.get(page(version)))
    PolicyCap.objects.filter(version=version).delete()
    refused = editor.post(page(version), opened)
    assert refused.status_code == 409
    still = editor.post(page(version), typed(refused))
    assert still.status_code == 422
    assert "这一条已被另一位工作人员删除" in still.content.decode()
    assert not PolicyCap.objects.filter(version=version).exists()


def test_what_is_proposed_is_not_edited(cast: Cast, version: PolicyVersion, editor: Client):
    data = typed(editor.get(page(version)))
    policies.propose_version(version, by=cast.policy_editor)
    refused = editor.post(page(version), data | {"note": "迟到的修改"})
    assert refused.status_code == 409
    assert "policy.not_a_draft" in refused.content.decode()


def test_a_document_that_is_renumbered_is_cited_by_its_new_number(draft: PolicyVersion, editor: Client):
    data = typed(editor.get(page(draft))) | {"policydocument_rows-0-document_no": "例政发〔2025〕18号"}
    assert editor.post(page(draft), data).status_code == 302
    assert PolicyDocument.objects.get(version=draft).document_no == "例政发〔2025〕18号"
    assert PolicyRate.objects.get(version=draft).cite_document == "例政发〔2025〕18号"
    assert ValueCitation.objects.get(version=draft, target="").cite_document == "例政发〔2025〕18号"


def test_without_script_adding_saves_and_brings_an_empty_row(draft: PolicyVersion, editor: Client):
    data = typed(editor.get(page(draft))) | {"_more": "policycap_rows"}
    shown = editor.post(page(draft), data, follow=True)
    formsets = {one.formset.prefix: one.formset for one in shown.context["inline_admin_formsets"]}
    assert formsets["policycap_rows"].total_form_count() == 1
    assert PolicyCap.objects.filter(version=draft).count() == 0


def test_what_is_published_is_read_in_words(cast: Cast, version: PolicyVersion, editor: Client):
    policies.propose_version(version, by=cast.policy_editor)
    publication = policies.publish_version(PolicyVersion.objects.get(), by=cast.publisher)
    text = editor.get(page(version)).content.decode()
    for words in ("训练、微调、推理", "20%", "2,000,000.00 元", "2023年10月16日", "公开文件载明", "已发布"):
        assert words in text
    assert "finetuning" not in text
    assert "保存草稿" not in text
    read = editor.get(admin_address(publication)).content.decode()
    assert admin_address(version) in read and "BJ-AIQ" in read


def test_the_page_tells_what_is_missing_before_each_step(cast: Cast, draft: PolicyVersion, editor: Client):
    text = editor.get(page(draft)).content.decode()
    assert "还有 1 处待补" in text
    assert "照此发布后暂不开放申领：“算力费用补贴”的补贴比例未公布" in text
    assert "还没有算例" in text
    refused = editor.post(act(draft, "propose"))
    assert refused.status_code == 422
    assert "施行日期：请填写施行日期" in refused.content.decode()
    assert "effective_from" not in refused.content.decode()
    assert PolicyVersion.objects.get(pk=draft.pk).state == "draft"


def test_the_programs_page_lists_its_versions_and_begins_new_ones(
    cast: Cast, version: PolicyVersion, editor: Client
):
    address = admin_address(version.program)
    assert "BJ-AIQ-1" in editor.get(address).content.decode()
    given = {"version": version.pk, "label": "2026年"}
    cloned = editor.post(admin_address(version.program, "act", "from-version"), given)
    assert cloned.status_code == 302 and cloned.url.endswith("/BJ-AIQ-2/change/")
    given = {
        "title": "新办法",
        "label": "2027年",
        "document_no": "京经信发〔2025〕1号",
        "pay_to": "direct_subsidy",
        "basis_kind": "payment",
    }
    begun = editor.post(admin_address(version.program, "act", "new-version"), given)
    assert begun.status_code == 302 and begun.url.endswith("/BJ-AIQ-3/change/")
    twice = editor.post(admin_address(version.program, "act", "new-version"), given)
    assert twice.status_code == 422
    assert PolicyVersion.objects.get(number=3).policytrack_rows.get().basis_kinds == ["payment"]


def test_a_page_of_thirty_conditions_can_be_sent(draft: PolicyVersion, editor: Client):
    PolicyGate.objects.bulk_create(
        PolicyGate(
            version=draft,
            code=f"gate_{n}",
            kind="attested",
            text="条件",
            question="是否？",
            cite_document="甲",
        )
        for n in range(60)
    )
    data = typed(editor.get(page(draft)))
    sent = sum(len(value) if isinstance(value, list) else 1 for value in data.values())
    assert sent > 1000, "more than the framework takes unless it is told"
    assert sent < settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    assert editor.post(page(draft), data).status_code == 302


def test_more_rows_ask_the_database_no_more(version: PolicyVersion, editor: Client):
    editor.get(page(version))
    with CaptureQueriesContext(connection) as few:
        editor.get(page(version))
    PolicyGate.objects.bulk_create(
        PolicyGate(version=version, code=f"gate_{n}", kind="attested", text="条件", cite_document="甲")
        for n in range(30)
    )
    with CaptureQueriesContext(connection) as many:
        assert editor.get(page(version)).status_code == 200
    assert len(many) == len(few)


def test_primary_keys_are_no_addresses(version: PolicyVersion, editor: Client):
    for row in (version, version.program):
        gone = editor.get(
            admin_address(row).replace(admin.site._registry[type(row)].public_key(row), str(row.pk))
        )
        assert gone.status_code == 302


def test_a_scheme_that_pays_without_vouchers_begins_without_them(cast: Cast, draft: PolicyVersion):
    direct = policy_editing.begin_draft(
        draft.program,
        by=cast.policy_editor,
        title="例示市算力补贴办法",
        label="直补",
        document_no="例政发〔2025〕9号",
        pay_to=PayTo.DIRECT_SUBSIDY.value,
    )
    assert not direct.policyvoucherkind_row.issues_voucher
    assert draft.policyvoucherkind_row.issues_voucher
    assert "voucher.issues_voucher" not in {problem.path for problem in policy_editing.find_problems(direct)}


def test_other_rows_are_chosen_by_their_names_and_by_their_codes_only_where_names_clash(
    editor: Client, draft: PolicyVersion
):
    def offered() -> list[str]:
        shown = editor.get(version_address(draft))
        rows = {inline.formset.prefix: inline.formset for inline in shown.context["inline_admin_formsets"]}
        return [str(label) for _code, label in rows["policycap_rows"].empty_form.fields["classes"].choices]

    PolicyApplicantClass.objects.create(version=draft, code="class", name="初创企业")
    assert offered() == ["初创企业"]
    PolicyApplicantClass.objects.create(version=draft, code="class_2", name="初创企业")
    assert offered() == ["初创企业（class）", "初创企业（class_2）"]


@pytest.mark.parametrize("typed_as", ["4月1日", "4-1", "04/01", "０４-０１", " 04-01 "])
def test_a_day_of_the_year_is_read_as_people_write_it(typed_as: str):
    assert MonthDayField().clean(typed_as) == "04-01"


def test_what_is_no_day_stays_as_typed_for_the_column_to_refuse():
    assert MonthDayField().clean("四月一日") == "四月一日"


def test_what_would_keep_it_closed_is_said_while_it_is_a_draft_and_before_it_is_proposed(
    editor: Client, draft: PolicyVersion
):
    PolicyVersion.objects.filter(pk=draft.pk).update(effective_from=date(2025, 2, 1))
    PolicyWayOfIssue.objects.filter(version=draft).update(
        way=IssueWay.WITHOUT_APPLICATION.value, shortage=Shortage.BY_SCORE.value
    )
    why = "名单不经评审、没有得分，不能按评分先后分配"
    for address in (version_address(draft), version_address(draft, "act", "propose")):
        assert why in editor.get(address).content.decode()
