"""A line of a list keeps who was counted together when its room was taken; a sum is counted anew when somebody joined since."""

from __future__ import annotations

from django.db import migrations, models

from vouchers.sql import LEDGER, load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0026_tills_let_go")]

    operations = [
        migrations.AlterModelOptions(
            name="ledgeraccount",
            options={
                "base_manager_name": "objects",
                "verbose_name": "科目",
                "verbose_name_plural": "科目",
            },
        ),
        migrations.AddField(
            model_name="paymentline",
            name="cap_members",
            field=models.JSONField(
                blank=True, default=list, editable=False, verbose_name="合并计算的限额科目"
            ),
        ),
        *(migrations.RunSQL(load(name), migrations.RunSQL.noop) for name in LEDGER),
    ]
