"""An application is issued one voucher; imported history is as it was."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0017_plain_ledger")]

    operations = [
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.UniqueConstraint(
                condition=models.Q(("origin", "live")),
                fields=("application_no",),
                name="voucher_once_an_application",
            ),
        )
    ]
