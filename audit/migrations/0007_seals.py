"""Changes of the key that signs checkpoints, and the signatures of the witness outside (audit/models/seals.py)."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_changes_as_text")]

    operations = [
        migrations.CreateModel(
            name="KeyRotation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="换钥时的事件数")),
                ("old_key_id", models.CharField(max_length=16, verbose_name="原密钥")),
                ("new_key_id", models.CharField(max_length=16, unique=True, verbose_name="新密钥")),
                ("public_key", models.CharField(max_length=44, verbose_name="新公钥")),
                ("rotated_at", models.DateTimeField(verbose_name="换钥时间")),
                ("body", models.TextField(verbose_name="换钥声明")),
                ("signature", models.CharField(max_length=88, verbose_name="原密钥的签名")),
            ],
            options={"verbose_name": "留痕换钥", "verbose_name_plural": "留痕换钥", "ordering": ("pk",)},
        ),
        migrations.CreateModel(
            name="WitnessSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="事件数")),
                ("witness_key_id", models.CharField(max_length=16, verbose_name="见证密钥")),
                ("witnessed_at", models.CharField(max_length=40, verbose_name="见证时间")),
                ("cosignature", models.CharField(max_length=88, verbose_name="见证签名")),
            ],
            options={
                "verbose_name": "见证签名",
                "verbose_name_plural": "见证签名",
                "ordering": ("size",),
                "constraints": [
                    models.UniqueConstraint(fields=("size", "witness_key_id"), name="audit_witnessed_once")
                ],
            },
        ),
    ]
