"""Worked examples of a version (算例): taken from the office's workbook, replaced as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from vouchers.access import Role, require_role
from vouchers.actions.policy_drafts import note_editor, read_example, write_examples
from vouchers.actions.policy_soundness import complete_scheme, refusal, run_examples
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, Problems
from vouchers.models import PolicyVersion, User
from vouchers.policy.example_columns import MAIN, layout_of
from vouchers.policy.example_reading import read_sheets
from vouchers.policy.example_sheets import Fault, SheetError, branches_of
from vouchers.policy.examples import Example, ExampleResult, run
from vouchers.policy.plain import Problem, SchemeError
from vouchers.policy.rules import Scheme
from vouchers.workbooks.examples import write_examples as write_workbook
from vouchers.workbooks.opening import open_workbook

MOST_TOLD = 200
"""Wrong places that one refusal names; the rest is counted."""


@transaction.atomic
def import_examples(version: PolicyVersion, workbook: bytes, *, by: User) -> list[ExampleResult]:
    """Take the workbook's examples in place of the draft's, run them, and say how each came out.

    The workbook is taken whole or refused whole; refused, the draft keeps the examples that it had. Raises NotNow
    (`examples.not_a_draft`), Invalid for a file that cannot be opened (`examples.not_a_workbook`, `examples.macros`,
    `examples.file_too_large`, `examples.too_much_inside`), and Problems (`examples.refused`) with every wrong cell.
    """
    announce("policy_version.import_examples")
    require_role(by, Role.POLICY_EDITOR, region=version.program.region)
    version = PolicyVersion.objects.select_for_update().select_related("program__region").get(pk=version.pk)
    if not version.editable:
        raise NotNow(
            "examples.not_a_draft",
            f"版本 {version.version_no} 已不是草稿，不能更换算例。",
            hint="请先退回修改，或复制为新版本。",
        )
    scheme = _with_tracks(version)
    write_examples(version, read_workbook(scheme, workbook))
    note_editor(version, by)
    return run_examples(version, by=by)


def read_workbook(scheme: Scheme, workbook: bytes) -> list[Example]:
    """The examples of a workbook. Raises as `import_examples` does."""
    wanted = {MAIN, *(branch.title for _, branch in branches_of(layout_of(scheme)))}
    try:
        return read_sheets(scheme, open_workbook(workbook, wanted))
    except SheetError as error:
        raise _refused(error.faults) from None


def _refused(faults: list[Fault]) -> Problems:
    told = [
        Invalid(
            fault.code,
            fault.sentence,
            field=fault.place,
            hint="、".join(fault.allowed),
            detail={
                "sheet": fault.sheet,
                "cell": fault.cell,
                "column": fault.heading,
                "read": fault.read,
                "why": fault.why,
                "allowed": list(fault.allowed),
            },
        )
        for fault in faults[:MOST_TOLD]
    ]
    more = f"（以下列出前 {MOST_TOLD} 处）" if len(faults) > MOST_TOLD else ""
    return Problems(
        told,
        code="examples.refused",
        message=f"工作簿有 {len(faults)} 处读不懂，整本未收，原有算例不变{more}。",
    )


def examples_of(version: PolicyVersion) -> list[Example]:
    """The version's examples. Raises Problems (`policy.example_unreadable`) when one cannot be read."""
    examples, problems = _read_rows(version)
    if problems:
        raise refusal(problems, "policy.example_unreadable", "算例的内容有误，请更正。")
    return examples


def _read_rows(version: PolicyVersion) -> tuple[list[Example], list[Problem]]:
    examples: list[Example] = []
    problems: list[Problem] = []
    for row in version.policyexample_rows.all():
        try:
            examples.append(read_example(row))
        except SchemeError as error:
            problems.extend(error.problems)
    return examples, problems


def examples_workbook(version: PolicyVersion) -> bytes:
    """The workbook to fill in, with the version's examples that can be read. Raises Problems (`policy.incomplete`)."""
    examples, _ = _read_rows(version)
    return write_workbook(_with_tracks(version), examples, version_no=version.version_no)


@dataclass(frozen=True)
class Trial:
    """How the examples come out as the version stands now, and what of them cannot be read or run."""

    scheme: Scheme
    results: tuple[ExampleResult, ...]
    problems: tuple[Problem, ...]


def try_examples(version: PolicyVersion) -> Trial:
    """Run the examples; nothing is kept. Raises Problems (`policy.incomplete`)."""
    scheme = _with_tracks(version)
    examples, problems = _read_rows(version)
    results = []
    for example in examples:
        try:
            results.append(run(scheme, example))
        except SchemeError as error:
            problems.extend(error.problems)
    return Trial(scheme, tuple(results), tuple(problems))


def _with_tracks(version: PolicyVersion) -> Scheme:
    scheme = complete_scheme(version)
    if not scheme.tracks:
        none = [Problem("tracks", "至少要有一个补贴方向")]
        raise refusal(none, "policy.incomplete", "政策版本尚不完整，请按提示补充。")
    return scheme
