"""The trail's functions and guards; the triggers are attached after each migrate (audit/trail/attach.py)."""

from __future__ import annotations

from django.db import migrations

from audit.sql import load


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_relations")]

    operations = [migrations.RunSQL(load("trail.sql"), migrations.RunSQL.noop)]
