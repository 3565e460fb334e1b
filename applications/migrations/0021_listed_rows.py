"""A row of an office's list is known by whom and what it lists: the same list sent again adds nothing twice."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0020_filing_holds_contract")]

    operations = [
        migrations.AddField(
            model_name="batchmember",
            name="row_key",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=64, verbose_name="名单行标识"
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="batchmember",
            constraint=models.UniqueConstraint(
                condition=models.Q(("row_key", ""), _negated=True),
                fields=("batch", "row_key"),
                name="batch_member_row_once",
            ),
        ),
    ]
