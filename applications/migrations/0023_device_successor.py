"""A machine's successor is looked up at every screening: among a million machines it was looked for in all of them."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0022_key_first")]

    operations = [
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                condition=models.Q(("replaces_serial", ""), _negated=True),
                fields=["replaces_serial"],
                name="device_successor",
            ),
        ),
    ]
