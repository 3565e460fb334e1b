"""Beijing's scheme published and funded, 甲公司 fit for it, and its filer signed in."""

from __future__ import annotations

import pytest

from tests import casework
from vouchers.actions.price_tables import load_price_tables
from vouchers.context import acting


@pytest.fixture
def beijing(cast):
    """北京市人工智能算力券, in force, with money; the price tables are there."""
    publication = casework.published(cast, "BJ-AIQ")
    casework.funded(cast, publication.program)
    casework.fit_for_beijing(cast.alpha)
    with acting(cast.price_publisher, "test"):
        load_price_tables()
    return publication


@pytest.fixture
def filer(client, cast):
    """The browser of 甲公司's filer."""
    client.force_login(cast.filer)
    return client
