from django.db import migrations

from vouchers.sql import load


class Migration(migrations.Migration):
    """The lifecycle trigger function and the sequences of the business numbers."""

    dependencies = (("vouchers", "0001_initial"),)

    operations = (
        migrations.RunSQL(load("lifecycle.sql"), migrations.RunSQL.noop),
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
    )
