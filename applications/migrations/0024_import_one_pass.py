"""Rows of history are moved in one pass: each beside the one that is there already under its key."""

from __future__ import annotations

from django.db import migrations

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0023_device_successor")]

    operations = [migrations.RunSQL(load("import.sql"), migrations.RunSQL.noop)]
