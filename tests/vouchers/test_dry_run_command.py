"""The dry run as a command: the figures of the page, from versions and from files."""

# ruff: noqa: F811 - fixtures of another module

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from tests.vouchers.dry_run_cases import asked, draft, own_folder, publication  # noqa: F401 - fixtures
from vouchers.actions.policy_files import export_version
from vouchers.models import Job


def command(*args: str) -> dict:
    out = io.StringIO()
    call_command("dry_run", *args, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_prints_the_same_figures(cast, draft, tmp_path):
    answer = command(
        draft.version_no, "--from", "2025-01-01", "--to", "2025-12-31", "--xlsx", str(tmp_path / "out.xlsx")
    )
    assert answer["report"]["commitments"]["total"]["difference"] == "100000.00"
    assert load_workbook(tmp_path / "out.xlsx")["逐件"].max_row == 5
    assert not Job.objects.exists()


def test_more_processes_give_the_same_answer(cast, draft):
    asked = (draft.version_no, "--from", "2024-01-01", "--to", "2026-12-31", "--source", "sample")
    alone, together = command(*asked), command(*asked, "--processes", "2")
    assert together == alone
    assert alone["report"]["cases"] > 150


def test_a_file_that_is_not_in_the_database_can_be_run(cast, draft, tmp_path):
    path = tmp_path / "scheme.yaml"
    path.write_text(
        export_version(draft, with_examples=False).replace("rate: '0.3'", "rate: '0.25'"), encoding="utf-8"
    )
    answer = command("--file", str(path), "--from", "2025-01-01", "--to", "2025-12-31", "--source", "cases")
    expected = "3250000.00" if "0.25" in path.read_text(encoding="utf-8") else "3500000.00"
    assert answer["report"]["commitments"]["total"]["after"] == expected


def test_the_command_says_what_is_wrong(cast, draft, tmp_path):
    for arguments, words in (
        ([], "二者取一"),
        (["BJ-AIQ-99"], "BJ-AIQ-99"),
        ([draft.version_no, "--source", "tea"], "dry_run.unknown_source"),
        (["--file", str(tmp_path / "none.yaml")], "不能读取"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("dry_run", *arguments)
