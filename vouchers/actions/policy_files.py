"""A version as a file: a scheme with its examples goes from one installation to another."""

from __future__ import annotations

from django.db import transaction

from vouchers.access import Role, require_role
from vouchers.actions.policies import load_scheme
from vouchers.actions.policy_examples import examples_of
from vouchers.actions.policy_room import without_room
from vouchers.actions.policy_soundness import complete_scheme, run_examples
from vouchers.context import announce
from vouchers.errors import Invalid, Problems
from vouchers.models import PolicyVersion, Program, Publication, User
from vouchers.policy.bundles import Bundle, for_program, read_bundle, write_bundle
from vouchers.policy.checks import check, check_document
from vouchers.policy.documents import write_scheme
from vouchers.policy.plain import Problem, SchemeError

MOST_BYTES = 2 * 1024 * 1024


def export_version(version: PolicyVersion, *, with_examples: bool = True) -> str:
    """The version as YAML, from its publication if it has one. Importing it elsewhere gives the same content.

    Raises Problems (`policy.incomplete`) for a draft that is not complete enough to be a scheme."""
    published = Publication.objects.filter(version=version).first()
    scheme = published.scheme if published else complete_scheme(version)
    return write_bundle(scheme, examples_of(version)) if with_examples else write_scheme(scheme)


@transaction.atomic
def import_version(content: bytes, *, by: User, program: Program | None = None) -> PolicyVersion:
    """A file as a draft, its examples run: of the program that the file names (opened if it is new), or of the one chosen.

    The same content that is there already gives the version that is there. Raises Problems (`policy.file_refused`) with
    every wrong place: line and column, path, reason, what is allowed; Invalid (`policy.file_too_large`,
    `policy.file_not_text`, `policy.region_unknown`).
    """
    announce("policy_version.import")
    if program is not None:
        require_role(by, Role.POLICY_EDITOR, region=program.region)
    version = load_bundle(read_file(content), by=by, program=program)
    if version.editable:
        run_examples(version, by=by)
    return version


def read_file(content: bytes) -> Bundle:
    """The file's scheme and examples. Raises as `import_version` does."""
    if len(content) > MOST_BYTES:
        raise Invalid("policy.file_too_large", f"文件超过 {MOST_BYTES // 1024 // 1024} MB。", field="file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Invalid(
            "policy.file_not_text",
            f"文件不是 UTF-8 编码的文本（第 {line} 行起无法读取）。",
            field="file",
            hint="请上传由本系统“导出 YAML”得到的文件；如经编辑，请存为 UTF-8 编码。",
        ) from None
    try:
        return read_bundle(text)
    except SchemeError as error:
        raise refused(error.problems) from None


def load_bundle(bundle: Bundle, *, by: User, program: Program | None = None) -> PolicyVersion:
    """The bundle as a draft, if it does not contradict itself and its values fit as they are. Raises Problems (`policy.file_refused`)."""
    problems = check_document(bundle.scheme) if program is None else check(bundle.scheme)
    told = {one.path for one in problems}
    problems += [one for one in without_room(bundle.scheme, bundle.examples) if one.path not in told]
    if problems:
        raise refused(bundle.marked.place(problems))
    if program is not None:
        bundle = for_program(bundle, program.code, program.region.code)
    return load_scheme(bundle.scheme, list(bundle.examples), by=by)


def refused(problems: list[Problem]) -> Problems:
    """One refusal of a file, place by place."""
    faults = [
        Invalid(
            "policy.file_unreadable",
            f"{one.place}：{one.message}",
            field=one.path or "file",
            hint=f"可用：{'、'.join(one.allowed)}" if one.allowed else "",
            detail={"line": one.line, "column": one.column, "path": one.path, "allowed": list(one.allowed)},
        )
        for one in problems
    ]
    return Problems(
        faults, code="policy.file_refused", message=f"文件有 {len(faults)} 处不合要求，未载入任何内容。"
    )
