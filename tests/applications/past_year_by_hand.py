"""By hand only: a whole folder of the bulk format, ``DATASET=/path/to/folder bin/test tests/applications/past_year_by_hand.py``.

Its name keeps it out of the suite, which needs no folder but its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from applications.actions.imports import import_folder

DATASET = os.environ["DATASET"]


@pytest.mark.django_db
def test_the_folder_loads_to_the_last_row_in_under_thirty_seconds(tmp_path):
    report = import_folder(Path(DATASET), out=tmp_path)
    assert report.refused == 0
    assert sum(one.rows_read for one in report.files) == report.taken
    assert report.seconds < 30
