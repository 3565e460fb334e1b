"""Caps that count at payment, and which date decides a cap's year; carry-overs and accounts as those who decide on them saw them."""

from __future__ import annotations

from django.db import migrations, models

from vouchers.sql import load


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0019_decisions_kept")]

    operations = [
        migrations.AlterField(
            model_name="policycap",
            name="counts_at",
            field=models.CharField(
                choices=[
                    ("issue", "发券时计入"),
                    ("claim", "兑付时计入"),
                    ("both", "发券、兑付分别计入"),
                    ("payment", "拨付时计入"),
                ],
                default="both",
                max_length=10,
                verbose_name="计入环节",
            ),
        ),
        migrations.AddField(
            model_name="policycap",
            name="year_by",
            field=models.CharField(
                choices=[("event", "按计入环节之日"), ("filing", "按申请兑付之日")],
                db_default="event",
                default="event",
                max_length=10,
                verbose_name="年度按哪一日",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="cap_terms",
            field=models.JSONField(blank=True, db_default=[], default=list, verbose_name="拨付限额"),
        ),
        migrations.AddField(
            model_name="paymentline",
            name="cap_chain",
            field=models.UUIDField(blank=True, editable=False, null=True, verbose_name="拨付限额预占"),
        ),
        migrations.RunSQL(load("imports.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("entries_kept.sql"), migrations.RunSQL.noop),
    ]
