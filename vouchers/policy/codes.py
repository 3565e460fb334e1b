"""Codes: what the names of programs and of a version's parts may be made of.

They go into keys of caps and into accounts of the ledger, whose pieces stand between colons and dots, and into addresses.
The patterns are held by the model's validators, the database, the files that are taken in and the actions alike.
"""

from __future__ import annotations

import re

PROGRAM_CODE = r"\A[A-Z0-9][A-Z0-9-]{1,29}\Z"
PART_CODE = r"\A[a-z][a-z0-9_]{0,39}\Z"
PROGRAM_CODE_WORDS = "专项代码为 2 至 30 个大写字母、数字和连字符，以字母或数字开头"
PART_CODE_WORDS = "代码为不超过 40 个小写字母、数字和下划线，以字母开头"

_PROGRAM, _PART = re.compile(PROGRAM_CODE), re.compile(PART_CODE)


def is_program_code(text: str) -> bool:
    """`BJ-AIQ`."""
    return _PROGRAM.match(text) is not None


def is_part_code(text: str) -> bool:
    """`enterprise_year`."""
    return _PART.match(text) is not None


__all__ = [
    "PART_CODE",
    "PART_CODE_WORDS",
    "PROGRAM_CODE",
    "PROGRAM_CODE_WORDS",
    "is_part_code",
    "is_program_code",
]
