"""How an example was worked out by hand, beside it; and examples numbered as the office numbers them."""

from __future__ import annotations

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0004_connections")]

    operations = [
        migrations.AddField(
            model_name="policyexample",
            name="note",
            field=models.TextField(
                blank=True, default="", help_text="应得金额是怎样手工算出来的。", verbose_name="计算依据"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="policyexample",
            name="code",
            field=models.CharField(
                max_length=60,
                validators=[
                    django.core.validators.RegexValidator(
                        r"^\w[\w\-.]*$", "算例编号只能用文字、数字、点、连字符和下划线。"
                    )
                ],
                verbose_name="算例编号",
            ),
        ),
    ]
