"""A version as a file: exported with its examples, taken in elsewhere, or refused line by line."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from vouchers.actions import policies, policy_examples, policy_files
from vouchers.actions.policy_drafts import scheme_of
from vouchers.actions.programs import open_program
from vouchers.errors import Forbidden, Invalid, Problems
from vouchers.models import PolicyVersion, Program
from vouchers.policy.canonical import canonical_bytes
from vouchers.policy.documents import SHIPPED, shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.rules import render

pytestmark = pytest.mark.django_db
BEIJING = (SHIPPED / "BJ-AIQ.yaml").read_text(encoding="utf-8")


@pytest.fixture
def version(cast: Cast) -> PolicyVersion:
    return policies.load_scheme(shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor)


def taken(cast: Cast, text: str, **more: Any) -> PolicyVersion:
    return policy_files.import_version(text.encode(), by=cast.policy_editor, **more)


def refusal(cast: Cast, text: str) -> dict[str, tuple[int, str, str]]:
    with pytest.raises(Problems) as refused:
        taken(cast, text)
    assert refused.value.code == "policy.file_refused"
    return {one.field: (one.detail["line"], one.message, one.hint) for one in refused.value.problems}


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_an_exported_version_goes_into_another_program_with_the_same_rules_and_examples(
    cast: Cast, version: PolicyVersion
):
    other = open_program(code="BJ-TWO", name="另一专项", region=version.program.region, by=cast.policy_editor)
    copy = taken(cast, policy_files.export_version(version), program=other)
    assert (copy.program, copy.state, copy.version_no) == (other, "draft", "BJ-TWO-1")
    there = dataclasses.replace(scheme_of(copy), program="BJ-AIQ")
    assert canonical_bytes(render(there)) == canonical_bytes(render(scheme_of(version)))
    results = policy_examples.try_examples(copy).results
    assert len(results) == len(shipped_examples("BJ-AIQ"))
    assert all(one.passed for one in results)
    assert all(row.result["passed"] for row in copy.policyexample_rows.all())


def test_a_file_opens_its_program_and_taking_it_again_changes_nothing(cast: Cast):
    first = taken(cast, BEIJING)
    assert Program.objects.get().code == "BJ-AIQ"
    assert taken(cast, BEIJING) == first
    assert PolicyVersion.objects.count() == 1


def test_an_export_without_examples_carries_the_rules_alone(cast: Cast, version: PolicyVersion):
    other = open_program(code="BJ-TWO", name="另一专项", region=version.program.region, by=cast.policy_editor)
    copy = taken(cast, policy_files.export_version(version, with_examples=False), program=other)
    assert not copy.policyexample_rows.exists()


def test_wrong_values_are_told_with_line_path_reason_and_what_is_allowed(cast: Cast):
    text = (
        BEIJING.replace('rate: "0.2"', 'rate: "两成"')
        .replace("period: calendar_year", "period: fortnight")
        .replace("office:", "colour:")
    )
    told = refusal(cast, text)
    assert told["rates.standard.rate"][0] == line_of(text, 'rate: "两成"')
    assert told["caps.enterprise_year.period"][0] == line_of(text, "period: fortnight")
    assert "calendar_year" in told["caps.enterprise_year.period"][2]
    assert told["colour"][0] == line_of(text, "colour:")
    assert not Program.objects.exists()


def test_a_contradiction_is_told_with_its_line(cast: Cast):
    text = BEIJING.replace('rate: "0.2"', 'rate: "1.2"')
    line = line_of(text, 'rate: "1.2"')
    assert refusal(cast, text)["rates.standard.rate"][:2] == (
        line,
        f"第 {line} 行第 5 列（rates.standard.rate）：比例应在 0 与 1 之间（20% 写作 0.2）",
    )


def test_a_wrong_example_is_told_with_its_line(cast: Cast, version: PolicyVersion):
    text = policy_files.export_version(version).replace("outcome: eligible", "outcome: perhaps", 1)
    told = refusal(cast, text)
    (path,) = told
    assert path.startswith("examples.") and path.endswith(".expected.outcome")
    assert told[path][0] == line_of(text, "outcome: perhaps")
    assert "eligible" in told[path][2]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("program: X\ntitle: [", 2, "不是合格的 YAML"),
        ("program: X\nprogram: Y\n", 2, "重复"),
        ("a: &x [1]\nb: *x\n", 1, "锚点"),
        ("[" * 100, 1, "层级"),
        ("? [a]\n: b\n", 1, "名称应为文字"),
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_line(cast: Cast, text: str, line: int, why: str):
    ((found, message, _),) = refusal(cast, text).values()
    assert found == line
    assert why in message


def test_strange_files_are_refused(cast: Cast):
    for content, code in (
        (b"\xff\xfe\x00", "policy.file_not_text"),
        (b"x" * (policy_files.MOST_BYTES + 1), "policy.file_too_large"),
    ):
        with pytest.raises(Invalid) as refused:
            policy_files.import_version(content, by=cast.policy_editor)
        assert refused.value.code == code


def test_only_an_editor_of_the_region_takes_a_file_in(cast: Cast, version: PolicyVersion):
    for person in (cast.publisher, cast.other_policy_editor, cast.stranger):
        with pytest.raises(Forbidden):
            policy_files.import_version(BEIJING.encode(), by=person, program=version.program)
        with pytest.raises(Forbidden):
            policy_files.import_version(BEIJING.encode(), by=person)


def test_the_command_tells_the_same_lines(cast: Cast, tmp_path):
    broken = tmp_path / "X.yaml"
    broken.write_text(BEIJING.replace("period: calendar_year", "period: fortnight"), encoding="utf-8")
    with pytest.raises(CommandError, match=r"第 \d+ 行.*caps\.enterprise_year\.period.*\n?.*calendar_year"):
        call_command("load_schemes", str(broken))


# ---- the page


def sent(person: Any, text: str, **more: str) -> Any:
    client = Client()
    client.force_login(person)
    file = SimpleUploadedFile("政策.yaml", text.encode())
    return client.post(reverse("admin:vouchers_policyversion_import"), {"file": file, **more})


def test_the_editor_takes_a_file_in_and_is_led_to_the_draft(cast: Cast):
    answer = sent(cast.policy_editor, BEIJING)
    version = PolicyVersion.objects.get()
    assert answer.status_code == 302
    assert version.version_no in answer["Location"]
    assert sent(cast.policy_editor, BEIJING)["Location"] == answer["Location"]


def test_a_refused_file_is_shown_line_by_line(cast: Cast):
    text = BEIJING.replace("period: calendar_year", "period: fortnight")
    answer = sent(cast.policy_editor, text)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "caps.enterprise_year.period" in said
    assert f">{line_of(text, 'period: fortnight')}<" in said
    assert "calendar_year" in said
    assert not Program.objects.exists()


def test_a_program_of_another_region_cannot_be_chosen(cast: Cast, version: PolicyVersion):
    answer = sent(cast.other_policy_editor, BEIJING, program=str(version.program.pk))
    assert answer.status_code == 422
    assert answer.context["form"].errors["program"]
    assert sent(cast.publisher, BEIJING).status_code == 403


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (("label: ", "label: '" + "长" * 500 + "' #"), "label", "60"),
        (("amount: ", 'amount: "2000000.005" #'), "caps.enterprise_year.amount", "2"),
        (("amount: ", 'amount: "1E+20" #'), "caps.enterprise_year.amount", "不是数字"),
        (("amount: ", 'amount: "1E+900000000" #'), "caps.enterprise_year.amount", "不是数字"),
        (("amount: ", "amount: 1" + "0" * 90 + " #"), "caps.enterprise_year.amount", "位数过多"),
        (("amount: ", "amount: 1" + "0" * 9000 + " #"), "file", "整数超过"),
        (("rate: ", 'rate: "0.3333333" #'), "rates.", "6"),
        (("title: ", "title: !!int zz #"), "file", "不能读作 int"),
        (("title: ", "title: !!timestamp zz #"), "file", "不能读作 timestamp"),
        (("title: ", 'title: "a\\0b" #'), "file", "不能保存的字符"),
        (("title: ", 'title: "a\\uD800b" #'), "file", "不能保存的字符"),
        (("notice_working_days: ", "notice_working_days: -5 #"), "issue.notice_working_days", "0"),
        (
            ("notice_working_days: ", "notice_working_days: 99999999999 #"),
            "issue.notice_working_days",
            "32767",
        ),
    ],
)
def test_what_would_not_fit_is_refused_with_its_line_and_never_rounded_or_cut(
    cast: Cast, change: tuple[str, str], path: str, words: str
):
    old, new = change
    at = BEIJING.index(f" {old}", BEIJING.index("\ncaps:")) + 1 if old == "amount: " else BEIJING.index(old)
    text = BEIJING[:at] + new + BEIJING[at + len(old) :]
    found = refusal(cast, text)
    field, (line, message, _hint) = next(iter(found.items()))
    assert field.startswith(path) and words in message
    assert line == text[:at].count("\n") + 1
    assert not PolicyVersion.objects.exists() and not Program.objects.filter(code="BJ-AIQ").exists()


def test_the_page_answers_a_file_that_cannot_be_read_and_never_breaks(cast: Cast):
    client = Client()
    client.force_login(cast.policy_editor)
    for body in (b"a: !!int zz", BEIJING.replace("label: ", "label: '" + "长" * 500 + "' #", 1).encode()):
        answer = client.post(
            reverse("admin:vouchers_policyversion_import"), {"file": SimpleUploadedFile("x.yaml", body)}
        )
        assert answer.status_code in (200, 422)
