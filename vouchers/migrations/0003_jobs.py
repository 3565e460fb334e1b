"""Jobs: which run may write, when it last showed itself, one of a kind at a time, and how they end."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0002_functions"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AlterModelOptions(
            name="job",
            options={"ordering": ("-pk",), "verbose_name": "后台任务", "verbose_name_plural": "后台任务"},
        ),
        migrations.AddField("job", "key", models.CharField(blank=True, max_length=120, default=""), False),
        migrations.AddField("job", "runs", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField("job", "beat_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "job", "outcome_code", models.CharField(blank=True, max_length=60, default=""), False
        ),
        migrations.AddField("job", "seen_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "job",
            models.Index(
                condition=models.Q(("state__in", ("waiting", "running"))),
                fields=["state", "id"],
                name="job_queue",
            ),
        ),
        migrations.AddIndex("job", models.Index(fields=["asked_by", "-id"], name="job_by_person")),
        migrations.AddIndex("job", models.Index(fields=["kind", "region_code", "-id"], name="job_by_kind")),
        migrations.AddConstraint(
            "job",
            models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ("waiting", "running")), models.Q(("key", ""), _negated=True)
                ),
                fields=("kind", "key"),
                name="job_once_at_a_time",
            ),
        ),
    ]
