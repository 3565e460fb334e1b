"""A line of a list keeps what the register said of its groups when its room was taken; of a frozen list that stays as it is."""

from __future__ import annotations

from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0027_group_recount")]

    operations = [
        migrations.AddField(
            model_name="paymentline",
            name="cap_register",
            field=models.CharField(
                blank=True, default="", editable=False, max_length=64, verbose_name="合并计算时的关联登记"
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(load("payment_guards.sql"), migrations.RunSQL.noop),
    ]
