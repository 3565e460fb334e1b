"""What the register holds has a number of its own: grants, accounts, lists, holdings, admissions and connections."""

from django.db import migrations, models

import vouchers.models.recorded
from vouchers.sql import load

PREFIXES = {
    "bankaccount": "BA",
    "declaredaffiliation": "DA",
    "listing": "LS",
    "platformconnection": "PL",
    "provideradmission": "AD",
    "rolegrant": "RG",
    "shareholding": "SH",
}


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0007_editors_and_codes"),
    ]

    operations = [
        migrations.RunSQL(load("numbers.sql"), migrations.RunSQL.noop),
        *(
            migrations.AddField(
                model_name=model,
                name="entry_no",
                field=models.CharField(
                    db_default=vouchers.models.recorded.NextEntryNo(prefix),
                    editable=False,
                    max_length=20,
                    unique=True,
                    verbose_name="登记号",
                ),
            )
            for model, prefix in PREFIXES.items()
        ),
    ]
