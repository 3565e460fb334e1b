"""算力租用合同: whose hands may change what was let, and until when."""

from __future__ import annotations

import pytest

from applications.actions.leases import set_devices, update_lease, verify_lease
from applications.models import Application, Lease
from tests import casework
from vouchers.context import acting
from vouchers.errors import Forbidden, NotNow


@pytest.fixture
def lease(cast) -> Lease:
    """A contract as filed with its application."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.fit_for_beijing(cast.alpha)
    return casework.submitted(cast, publication, casework.lease_fields(cast.provider, "5000000.00")).lease


@pytest.mark.parametrize("person", ["filer", "other_filer", "platform", "other_handler", "approver"])
def test_only_a_handler_of_the_region_corrects_the_devices_of_a_filed_contract(cast, lease, person):
    by = getattr(cast, person)
    with acting(by, "test"), pytest.raises(Forbidden):
        set_devices(lease, ["SN-1"], by=by)
    with acting(cast.handler, "test"):
        assert [device.serial for device in set_devices(lease, ["sn-1 "], by=cast.handler)] == ["SN-1"]


def test_the_devices_of_a_verified_contract_stand(cast, lease):
    with acting(cast.handler, "test"):
        verify_lease(lease, by=cast.handler)
        with pytest.raises(NotNow) as refused:
            set_devices(lease, ["SN-1"], by=cast.handler)
    assert refused.value.code == "lease.devices_fixed"


def test_a_contract_is_not_changed_from_a_screen_that_is_older_than_its_filing(cast):
    publication = casework.published(cast, "BJ-AIQ")
    casework.fit_for_beijing(cast.alpha)
    fields = casework.lease_fields(cast.provider, "5000000.00")
    application = casework.drafted(cast, publication, fields)
    stale = Lease.objects.get()
    from applications.actions.applications import submit_application

    with acting(cast.filer, "test"):
        submit_application(Application.objects.get(pk=application.pk), by=cast.filer)
        cheaper = casework.lease_fields(cast.provider, "4000000.00")
        with pytest.raises(NotNow) as refused:
            update_lease(stale, cheaper, by=cast.filer)
    assert refused.value.code == "lease.not_editable"
