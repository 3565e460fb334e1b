"""A large batch is issued in parts; a member remembers what it counts in its enterprise's year."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0010_undertaking_keys"),
        ("vouchers", "0012_fast_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="issuebatch",
            name="issue_batch_one_at_a_time",
        ),
        migrations.AddField(
            model_name="batchmember",
            name="year_basis",
            field=models.JSONField(default=dict, verbose_name="计入年度累计的基数"),
        ),
        migrations.AlterField(
            model_name="issuebatch",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "归集中"),
                    ("shared_out", "已分配待批"),
                    ("approved", "已批准待公示"),
                    ("noticed", "公示中"),
                    ("issuing", "发放中"),
                    ("issued", "已发放"),
                    ("cancelled", "已撤销"),
                ],
                default="open",
                max_length=12,
                verbose_name="状态",
            ),
        ),
        migrations.AddConstraint(
            model_name="issuebatch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("open", "shared_out", "approved", "noticed", "issuing"))),
                fields=("program",),
                name="issue_batch_one_at_a_time",
            ),
        ),
    ]
