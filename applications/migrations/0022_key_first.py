"""The key of a settlement leads its index: a key is looked up by nothing that all claims of a provider share."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0021_listed_rows")]

    operations = [
        migrations.RemoveConstraint(model_name="claim", name="claim_idempotency"),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("idempotency_key", ""), _negated=True),
                fields=("idempotency_key", "provider"),
                name="claim_idempotency",
            ),
        ),
    ]
