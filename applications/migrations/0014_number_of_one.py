"""A registration number is one project's; a merging that moves money is another person's, never nobody's."""

from django.db import migrations, models
from django.db.models import F, Q

from applications.sql import load


class Migration(migrations.Migration):
    dependencies = [("applications", "0013_undertaking_merges")]

    operations = [
        migrations.RemoveConstraint(model_name="undertakingmerge", name="undertaking_merge_by_two_persons"),
        migrations.AddConstraint(
            model_name="undertakingmerge",
            constraint=models.CheckConstraint(
                condition=~Q(state="merged")
                | Q(moves_money=False)
                | Q(decided_by__isnull=False) & ~Q(proposed_by=F("decided_by")),
                name="undertaking_merge_by_two_persons",
            ),
        ),
        migrations.RunSQL(load("undertakings.sql"), migrations.RunSQL.noop),
    ]
