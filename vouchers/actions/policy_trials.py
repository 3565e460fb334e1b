"""A tried case (试算) kept as a worked example of a draft, with what a person says must come out."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from vouchers.access import Role, require_role
from vouchers.actions.policy_drafts import note_editor
from vouchers.actions.policy_soundness import complete_scheme
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import PolicyExample, PolicyVersion, User
from vouchers.policy.examples import Example, ExampleResult, plain_example, run


@transaction.atomic
def keep_trial(version: PolicyVersion, example: Example, *, by: User) -> ExampleResult:
    """Add the case to the draft's worked examples, and say how it comes out. One that does not come out as expected is kept
    all the same: it is what the draft has to be mended by.

    Raises Forbidden, NotNow (`examples.not_a_draft`), Invalid (`examples.code_repeated`).
    """
    announce("policy_version.keep_trial")
    require_role(by, Role.POLICY_EDITOR, region=version.program.region)
    version = PolicyVersion.objects.select_for_update().select_related("program__region").get(pk=version.pk)
    if not version.editable:
        raise NotNow(
            "examples.not_a_draft",
            f"版本 {version.version_no} 已不是草稿，不能增加算例。",
            hint="请先退回修改，或复制为新版本。",
        )
    rows = PolicyExample.objects.filter(version=version)
    if rows.filter(code=example.code).exists():
        raise Invalid(
            "examples.code_repeated", f"已有编号为“{example.code}”的算例，请换一个编号。", field="keep_code"
        )
    result = run(complete_scheme(version), example)
    plain = plain_example(example)
    last = rows.aggregate(last=Max("position"))["last"]
    PolicyExample.objects.create(
        version=version,
        position=0 if last is None else last + 1,
        code=example.code,
        title=example.title,
        facts=plain["facts"],
        expected=plain["expected"],
        **({"note": example.note} if example.note else {}),
    )
    note_editor(version, by)
    return result
