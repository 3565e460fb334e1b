from django.db import migrations, models

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0011_issuing_in_parts")]

    operations = [
        migrations.AddIndex(
            model_name="basisitem",
            index=models.Index(
                condition=models.Q(("reference_key", ""), models.Q(("reference", ""), _negated=True)),
                fields=["reference"],
                name="basis_item_plain_reference",
            ),
        ),
        migrations.RunSQL(load("lease_use.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("settlement_filing.sql"), migrations.RunSQL.noop),
    ]
