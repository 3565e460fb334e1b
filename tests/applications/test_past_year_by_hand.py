"""By hand only: a whole folder of the bulk format, ``DATASET=/path/to/folder bin/test tests/applications/test_past_year_by_hand.py``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from applications.actions.imports import import_folder

DATASET = os.environ.get("DATASET", "")


@pytest.mark.skipif(not DATASET, reason="DATASET names no folder")
@pytest.mark.django_db
def test_the_folder_loads_to_the_last_row_in_under_thirty_seconds(tmp_path):
    report = import_folder(Path(DATASET), out=tmp_path)
    assert report.refused == 0
    assert sum(one.rows_read for one in report.files) == report.taken
    assert report.seconds < 30
