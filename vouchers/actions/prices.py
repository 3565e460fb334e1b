"""Prices: the verbs, from observation to index to check. One place to import from; the rooms are beside it."""

from vouchers.actions.price_checks import (
    ContractPrice,
    PriceFinding,
    check_price,
    contract_of_lease,
    price_finding,
    verify_check,
)
from vouchers.actions.price_entries import record_observation
from vouchers.actions.price_grounds import registered_tier
from vouchers.actions.price_issues import (
    compute_index,
    correct_index,
    discard_index,
    propose_index,
    publish_index,
    send_back_index,
    verify_issue,
)
from vouchers.actions.price_observations import (
    LoadReport,
    import_prices,
    load_observations,
    load_reference_prices,
)
from vouchers.actions.price_published import published_issue
from vouchers.actions.price_quarantine import (
    admit_many,
    admit_observation,
    confirm_admission,
    decline_admission,
    dismiss_many,
    dismiss_observation,
)
from vouchers.actions.price_removals import confirm_removal, set_aside_observations
from vouchers.actions.price_tables import chip_origin, load_price_tables

__all__ = [
    "ContractPrice",
    "LoadReport",
    "PriceFinding",
    "admit_many",
    "admit_observation",
    "check_price",
    "chip_origin",
    "compute_index",
    "confirm_admission",
    "confirm_removal",
    "contract_of_lease",
    "correct_index",
    "decline_admission",
    "discard_index",
    "dismiss_many",
    "dismiss_observation",
    "import_prices",
    "load_observations",
    "load_price_tables",
    "load_reference_prices",
    "price_finding",
    "propose_index",
    "publish_index",
    "published_issue",
    "record_observation",
    "registered_tier",
    "send_back_index",
    "set_aside_observations",
    "verify_check",
    "verify_issue",
]
