"""The cast holds together: roles that may be held, codes that check, a token that signs in."""

from __future__ import annotations

from stdnum.cn import uscc

from tests.cast import PASSWORD
from vouchers.access import Role, has_role


def test_everyone_holds_the_role_of_the_part(cast):
    assert has_role(cast.handler, Role.HANDLER, region=cast.beijing)
    assert not has_role(cast.other_handler, Role.HANDLER, region=cast.beijing)
    assert has_role(cast.filer, Role.FILER, party=cast.alpha)
    assert not any(has_role(cast.stranger, role) for role in Role)


def test_companies_have_codes_whose_check_digit_is_right(cast):
    assert all(uscc.is_valid(party.uscc) for party in (cast.alpha, cast.beta, cast.provider))


def test_people_sign_in_with_their_password(cast, client):
    assert client.login(username="filer", password=PASSWORD)
    assert not client.login(username="filer", password="wrong")
