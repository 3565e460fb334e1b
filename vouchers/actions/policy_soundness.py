"""Whether a draft can stand: complete, without contradiction, and every worked example comes out."""

from __future__ import annotations

from vouchers.access import Role, require_role
from vouchers.actions.policy_drafts import read_example, scheme_of
from vouchers.context import announce
from vouchers.errors import Invalid, Problems
from vouchers.models import PolicyExample, PolicyVersion, Publication, User
from vouchers.policy.checks import check, missing
from vouchers.policy.examples import ExampleResult, run
from vouchers.policy.plain import Problem, SchemeError, to_plain
from vouchers.policy.rules import Scheme


def complete_scheme(version: PolicyVersion) -> Scheme:
    """The draft as a scheme. Raises Problems (`policy.incomplete`) naming every place that is missing or wrong."""
    try:
        scheme = scheme_of(version)
    except SchemeError as error:
        raise refusal(error.problems, "policy.incomplete", "政策版本尚不完整，请按提示补充。") from None
    return scheme


def scheme_to_read(version: PolicyVersion) -> Scheme:
    """The version as it reads: what was published, else the draft as it stands. Raises as `complete_scheme` does."""
    published = Publication.objects.filter(version=version).first()
    return published.scheme if published else complete_scheme(version)


def run_examples(version: PolicyVersion, *, by: User) -> list[ExampleResult]:
    """Run the worked examples and keep how each came out beside it. Raises Problems when one cannot be read."""
    announce("policy_version.run_examples")
    require_role(by, Role.POLICY_EDITOR, Role.PUBLISHER, region=version.program.region)
    scheme = complete_scheme(version)
    results = []
    for row, result in _examples_of(version, scheme):
        row.result = {
            "passed": result.passed,
            "differences": list(result.differences),
            "assessment": to_plain(result.assessment),
        }
        row.save(update_fields=["result"])
        results.append(result)
    return results


def _examples_of(version: PolicyVersion, scheme: Scheme) -> list[tuple[PolicyExample, ExampleResult]]:
    pairs: list[tuple[PolicyExample, ExampleResult]] = []
    problems: list[Problem] = []
    for row in version.policyexample_rows.all():
        try:
            pairs.append((row, run(scheme, read_example(row))))
        except SchemeError as error:
            problems.extend(error.problems)
    if problems:
        raise refusal(problems, "policy.example_unreadable", "算例的内容有误，请更正。")
    return pairs


def sound_scheme(version: PolicyVersion) -> Scheme:
    """The scheme, once it is complete, without contradiction, and every worked example comes out."""
    scheme = complete_scheme(version)
    problems = [*missing(scheme), *check(scheme)]
    if problems:
        raise refusal(problems, "policy.unsound", "政策版本有缺漏或矛盾之处，不能提请发布。")
    pairs = _examples_of(version, scheme)
    if not pairs:
        raise Problems(
            [Invalid("policy.no_examples", "请至少录入一个算例。", field="examples")],
            code="policy.no_examples",
            message="没有算例，不能提请发布。请录入文件所附或主管部门核定的算例。",
        )
    failed = [
        Invalid(
            "policy.example_failed",
            f"算例“{row.title}”：{'；'.join(result.differences)}",
            field=f"examples.{row.code}",
        )
        for row, result in pairs
        if not result.passed
    ]
    if failed:
        raise Problems(
            failed,
            code="policy.examples_failed",
            message=f"有 {len(failed)} 个算例与应得结果不符，不能提请发布。",
        )
    return scheme


def refusal(problems: list[Problem], code: str, message: str) -> Problems:
    """One refusal of several places, each with its own sentence."""
    faults = [
        Invalid(code, f"{one.path}：{one.message}", field=one.path, hint="、".join(one.allowed))
        for one in problems
    ]
    return Problems(faults, code=code, message=f"{message}{'；'.join(fault.message for fault in faults[:3])}")
