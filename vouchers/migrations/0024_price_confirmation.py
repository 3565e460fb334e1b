"""The second person's own text on prices that moved far."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0022_ledger_runs")]

    operations = [
        migrations.AddField(
            model_name="priceindexissue",
            name="jump_confirmation",
            field=models.TextField(blank=True, verbose_name="复核意见"),
        ),
    ]
