"""What a voided voucher gave back is read from the ledger, which booked it; its step was written after the ledger for it."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0029_tills_by_key")]

    operations = [migrations.RemoveField(model_name="voucherstep", name="amount")]
