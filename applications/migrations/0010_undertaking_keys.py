"""A project is found by every number and name that applications state for it, no longer by the first one only."""

from __future__ import annotations

import unicodedata
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

NOT_GRANTED = ("rejected", "withdrawn")


def _bare(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).upper() if sign.isalnum())


def take_over(apps: Any, schema_editor: Any) -> None:
    """What each application that has a project stated of it becomes its keys."""
    alias = schema_editor.connection.alias
    Application = apps.get_model("applications", "Application")
    UndertakingKey = apps.get_model("applications", "UndertakingKey")
    rows = Application.objects.using(alias).filter(undertaking__isnull=False).exclude(state__in=NOT_GRANTED)
    for one in rows.select_related("enterprise").iterator():
        number, name = one.facts.get("project_registration") or "", one.facts.get("project_name") or ""
        keys = {}
        if _bare(number):
            keys[f"registration:{_bare(number)}"] = number
        if _bare(name):
            keys[f"party:{one.enterprise.uscc}:{_bare(name)}"] = name
        UndertakingKey.objects.using(alias).bulk_create(
            UndertakingKey(
                undertaking_id=one.undertaking_id, application=one, key=key[:320], stated=stated[:200]
            )
            for key, stated in keys.items()
        )
    # The references are checked now: the table is altered in this same transaction.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("applications", "0009_import_bearers")]

    operations = [
        migrations.CreateModel(
            name="UndertakingKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        db_index=True, editable=False, max_length=320, verbose_name="项目比对键"
                    ),
                ),
                ("stated", models.CharField(max_length=200, verbose_name="填报的名称或编号")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undertaking_keys",
                        to="applications.application",
                        verbose_name="填报的申领",
                    ),
                ),
                (
                    "undertaking",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="applications.undertaking",
                        verbose_name="所属项目",
                    ),
                ),
            ],
            options={
                "verbose_name": "立项项目比对键",
                "verbose_name_plural": "立项项目比对键",
            },
        ),
        migrations.AddConstraint(
            model_name="undertakingkey",
            constraint=models.UniqueConstraint(
                fields=("application", "key"), name="undertaking_key_once_a_case"
            ),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop),
        migrations.RemoveField(model_name="undertaking", name="key"),
        migrations.RemoveField(model_name="undertaking", name="registration_no"),
    ]
