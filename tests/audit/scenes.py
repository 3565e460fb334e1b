"""Cases for the tests of the observer: a published scheme, a voucher, leases with devices, invoices and claims.

Claims are brought to a state by the same steps as the lifecycle knows; what their assessment says is not the matter here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count

from applications.models import BasisItem, Claim, Device, Invoice, Lease, LeaseDevice
from tests.cast import Cast
from vouchers.actions import policies
from vouchers.actions.vouchers import make_voucher
from vouchers.dates import SHANGHAI
from vouchers.models import Party, Publication, Voucher
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.states import advance

DAY = timedelta(days=1)


@dataclass
class Scene:
    """A region's scheme in force, and makers for what stands under it."""

    cast: Cast
    publication: Publication
    numbers: count = field(default_factory=lambda: count(1))

    def party(self, uscc: str, name: str, **more: object) -> Party:
        """A party beside the cast's."""
        return Party.objects.create(uscc=uscc, name=name, region_code="110108", is_enterprise=True, **more)

    def voucher(self, enterprise: Party | None = None) -> Voucher:
        """A voucher of 2,000,000 yuan."""
        return make_voucher(
            publication=self.publication,
            enterprise=enterprise or self.cast.alpha,
            application_no=f"A-2025-{next(self.numbers):08d}",
            amount=Decimal("2000000.00"),
            on=date(2025, 1, 2),
        )

    def lease(
        self,
        lessee: Party | None = None,
        lessor: Party | None = None,
        *,
        starts: date = date(2025, 3, 1),
        last: date = date(2025, 5, 31),
        signed: date = date(2025, 2, 20),
        amount: str = "300000.00",
        exclusive: bool = True,
        serials: tuple[str, ...] = (),
        filed: bool = True,
        region: str = "110000",
    ) -> Lease:
        """A filed lease with devices for its whole time."""
        lease = Lease.objects.create(
            lease_no=f"L-2025-{next(self.numbers):08d}",
            lessee=lessee or self.cast.alpha,
            lessor=lessor or self.cast.provider,
            program_code=self.publication.program.code,
            program_region_code=region,
            region_code="110115",
            signed_on=signed,
            starts_on=starts,
            ends_before=last + DAY,
            accelerator="H800",
            cards=len(serials) or 8,
            amount=Decimal(amount),
            exclusive=exclusive,
        )
        for serial in serials:
            Device.objects.get_or_create(
                serial=serial, defaults={"provider": lease.lessor, "accelerator": "H800"}
            )
            LeaseDevice.objects.create(
                lease=lease, serial=serial, effective_from=starts, effective_to=last + DAY
            )
        if filed:
            advance(lease, "file", by=self._filer(lease.lessee), party=lease.lessee)
        return lease

    def invoice(
        self, lease: Lease, no: str, net: str = "100000.00", issued: date = date(2025, 3, 31), **more: object
    ) -> Invoice:
        """An invoice between the parties of the lease."""
        fields: dict[str, object] = {
            "invoice_no": no,
            "number_key": no,
            "kind": "digital_special",
            "issued_on": issued,
            "seller_uscc": lease.lessor.uscc,
            "seller_name": lease.lessor.name,
            "buyer_uscc": lease.lessee.uscc,
            "buyer_name": lease.lessee.name,
            "net_amount": Decimal(net),
            "tax_amount": Decimal("0.00"),
            "gross_amount": Decimal(net),
            "lease": lease,
            "owner": lease.lessee,
        }
        return Invoice.objects.create(**{**fields, **more})

    def claim(
        self,
        lease: Lease,
        uses: list[tuple[Invoice, str]],
        *,
        voucher: Voucher | None = None,
        on: date = date(2025, 6, 2),
        submitted: bool = True,
        region: str = "110000",
    ) -> Claim:
        """A claim on parts of invoices."""
        total = sum((Decimal(net) for _invoice, net in uses), Decimal("0.00"))
        claim = Claim.objects.create(
            claim_no=f"C-2025-{next(self.numbers):08d}",
            voucher=voucher or self.voucher(lease.lessee),
            publication=self.publication,
            program_code=self.publication.program.code,
            program_region_code=region,
            enterprise=lease.lessee,
            provider=lease.lessor,
            lease=lease,
            claimed_amount=(total / 5).quantize(Decimal("0.01")),
        )
        for position, (invoice, net) in enumerate(uses, start=1):
            BasisItem.objects.create(
                claim=claim,
                position=position,
                kind="invoice_line",
                invoice=invoice,
                number_key=invoice.number_key,
                net_amount=Decimal(net),
            )
        if submitted:
            at = datetime(on.year, on.month, on.day, 10, tzinfo=SHANGHAI) + timedelta(
                seconds=next(self.numbers)
            )
            advance(
                claim, "submit", by=self._filer(lease.lessee), party=lease.lessee, update={"submitted_at": at}
            )
        return claim

    def _filer(self, party: Party):
        if party.pk == self.cast.beta.pk:
            return self.cast.other_filer
        if party.pk != self.cast.alpha.pk:
            from vouchers.models import RoleGrant, User

            user, made = User.objects.get_or_create(
                username=f"filer-{party.uscc[-4:]}", defaults={"display_name": "经办"}
            )
            if made:
                RoleGrant.objects.create(
                    user=user, role="filer", party=party, effective_from=date(2020, 1, 1)
                )
            return user
        return self.cast.filer


def build(cast: Cast) -> Scene:
    """Beijing's scheme, published by two persons."""
    version = policies.load_scheme(
        shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor
    )
    policies.propose_version(version, by=cast.policy_editor)
    return Scene(cast, policies.publish_version(version, by=cast.publisher))
