"""An imported row is taken into JSON once for its digest, not once for every time that it is named; the digest is the same."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_saved_filters")]

    operations = [migrations.RunSQL(load("trail.sql"), migrations.RunSQL.noop)]
