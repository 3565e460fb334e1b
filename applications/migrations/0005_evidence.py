"""The numbers that evidence goes by: what cases hold, each in one place at a time."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0004_projects"),
        ("vouchers", "0006_rule_breadth"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="application",
            name="evidence_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=200,
                verbose_name="占用的凭证",
            ),
        ),
        migrations.AddField(
            model_name="basisitem",
            name="evidence_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=200,
                verbose_name="占用的凭证",
            ),
        ),
        migrations.AddField(
            model_name="basisitem",
            name="reference_key",
            field=models.CharField(
                blank=True,
                db_default="",
                db_index=True,
                default="",
                max_length=200,
                verbose_name="凭证号比对键",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="document_key",
            field=models.CharField(
                blank=True,
                db_default="",
                db_index=True,
                default="",
                max_length=200,
                verbose_name="文号比对键",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(("evidence_key", ""), _negated=True),
                fields=("evidence_key",),
                name="application_evidence_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="basisitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("evidence_key", ""), _negated=True),
                fields=("kind", "evidence_key"),
                name="basis_item_evidence_once",
            ),
        ),
    ]
