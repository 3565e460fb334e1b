"""Every address of the site × one's own person, the same role elsewhere, a stranger, and nobody (tests.config.route_table)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver, reverse

from applications.web.desk.cases import APPLICATION_DEEDS, CLAIM_DEEDS
from tests.cast import build as build_cast
from tests.config import world as worlds
from tests.config.admin_routes import NOUNS
from tests.config.route_rows import Row, parts
from tests.config.route_table import SETTLEMENT, TABLE, WAITING
from tests.config.world import World
from vouchers import dates
from vouchers.models import PaymentBatch

WHO = ("own", "other", "stranger", "nobody")
REFUSED = {302, 401, 403, 404, 405}


def routes(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name as in the table, address pattern) of every route that the site has."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        whole = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            name = pattern.name or whole.removeprefix("admin/")
            yield (f"{space}:{name}" if space else name), whole
        else:
            inner = ":".join(part for part in (space, pattern.namespace) if part)
            yield from routes(pattern.url_patterns, whole, inner)


def test_every_route_has_an_expectation_and_every_expectation_a_route():
    known = {name for name, _address in routes()}
    assert known - set(TABLE) == set(), "new route without expectation: say who may open it in route_table.py"
    assert set(TABLE) - known == set(), "the table names a route that is no more"


@pytest.fixture(scope="module")
def uploads(tmp_path_factory) -> Any:
    """The uploads of the one world."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(autouse=True)
def own_uploads(uploads) -> None:
    """Takes the place of the directory that each test has of its own: the world's papers lie in the world's."""


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, uploads) -> Iterator[World]:
    """Built once for all tests here, which leave it as it was; gone at the end."""
    kept = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": uploads}}
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=uploads, STORAGES=settings.STORAGES | {"default": kept}),
        dates.fixed(worlds.TODAY),
        transaction.atomic(),
    ):
        yield worlds.build(build_cast(), uploads)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def frozen_clock(world) -> Iterator[date]:
    """The world's day, instead of the day of the other tests."""
    with dates.fixed(worlds.TODAY):
        yield worlds.TODAY


@pytest.fixture(scope="module")
def callers(world: World) -> dict[str, Client]:
    """A browser (or a platform) for everybody that the table names."""
    made: dict[str, Client] = {"nobody": Client(raise_request_exception=False)}
    named = {person for row in TABLE.values() for person in (row.own, row.other)}
    for name in named | {"stranger", "second_handler", "expert", "second_finance"}:
        kind, _colon, account = name.rpartition(":")
        if kind:
            made[name] = Client(
                raise_request_exception=False,
                headers={"authorization": f"Bearer {world.tokens[account]}"},
            )
        else:
            made[name] = Client(raise_request_exception=False)
            made[name].force_login(world.person(account))
    return made


def address_of(name: str, row: Row, world: World) -> str:
    """The address with the world's own numbers in it."""
    arguments = row.arguments(world)
    space, _colon, last = name.partition(":")
    if space == "admin" and "/" in last:  # has no name of its own
        return f"/admin/{last.replace('<path:object_id>', str(arguments[0]))}"
    if space == "admin" and "?P<url>" in last:
        return f"/admin/{arguments[0]}"
    return reverse(name, args=arguments)


def asked(client: Client, method: str, address: str, query: dict[str, str] | None = None) -> Any:
    """One request, undone as a whole afterwards, so that each finds the same world."""
    client.cookies.pop("messages", None)
    session = client.cookies.get(settings.SESSION_COOKIE_NAME)
    with transaction.atomic():
        answer = client.get(address, query or {}) if method == "GET" else client.post(address, query or {})
        list(getattr(answer, "streaming_content", ()))
        transaction.set_rollback(True)
    if session is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = session.value
    return answer


def everybody(row: Row) -> Iterator[tuple[str, str, int]]:
    """(who, which caller, expected status)."""
    yield from zip(WHO, (row.own, row.other, "stranger", "nobody"), row.statuses, strict=True)


def test_every_route_answers_each_as_the_table_says(world: World, callers: dict[str, Client]):
    wrong = []
    for name, row in TABLE.items():
        address = address_of(name, row, world)
        for who, caller, expected in everybody(row):
            answer = asked(callers[caller], row.method, address, row.query)
            if answer.status_code != expected:
                wrong.append(
                    f"{name} {who} ({caller}): {answer.status_code}, expected {expected} — {address}"
                )
            elif who == "nobody" and expected == 302 and not row.public:
                if not answer["Location"].startswith((reverse("accounts:login"), reverse("admin:login"))):
                    wrong.append(f"{name} nobody: led to {answer['Location']}")
    assert not wrong, "\n".join(wrong)


def test_an_empty_post_breaks_nothing_and_gets_strangers_nowhere(world: World, callers: dict[str, Client]):
    wrong = []
    for name, row in TABLE.items():
        if name.endswith(("_changelist", "_history", "_text", "_yaml")):
            continue  # pages of the configuration that only show
        address = address_of(name, row, world)
        for who, caller, expected in everybody(row):
            if who == "other" and row.method == "POST":
                continue  # asked so already
            answer = asked(callers[caller], "POST", address)
            outsider = who in ("stranger", "nobody") and not row.public
            if answer.status_code >= 500 and answer.status_code != expected:
                wrong.append(f"{name} {who} ({caller}): {answer.status_code} — {address}")
            elif outsider and row.statuses[WHO.index(who)] in REFUSED and answer.status_code not in REFUSED:
                wrong.append(f"{name} {who}: {answer.status_code} for an empty POST — {address}")
    assert not wrong, "\n".join(wrong)


def test_numbers_that_are_none_are_not_found_and_break_nothing(world: World, callers: dict[str, Client]):
    """Every number in an address changed into one that nobody has, and into one that is no number at all."""
    wrong = []
    for name, pattern in routes():
        row = TABLE[name]
        if not re.search(r"<|\(\?P", pattern) or name.startswith("admin:"):
            continue
        real = address_of(name, row, world)
        last = [str(argument) for argument in row.arguments(world)]
        for odd in ("X-0000-00000000", "%00", "a" * 300):
            address = real
            for part in last:
                if re.search(r"\d", part) and len(part) < 36:
                    address = address.replace(part, odd)
            if address == real:
                continue
            answer = asked(callers[row.own], row.method, address)
            if answer.status_code not in (302, 400, 404, 405):
                wrong.append(f"{name}: {answer.status_code} — {address[:80]}")
    assert not wrong, "\n".join(wrong)


def test_the_configuration_addresses_rows_by_their_numbers_and_never_by_primary_keys(
    world: World, callers: dict[str, Client]
):
    """Every registered noun: the lists' links carry the number, and the primary key in its place finds nothing."""
    wrong = []
    for model in admin.site._registry:
        noun = model._meta.model_name or ""
        keeper, row = callers[NOUNS[noun].own], world.rows[noun]
        listed = asked(keeper, "GET", reverse(f"admin:vouchers_{noun}_changelist")).content.decode()
        keys = set(re.findall(rf"/admin/vouchers/{noun}/([^/\"?]+)/change/", listed))
        if not keys:
            wrong.append(f"{noun}: the list links to no row")
        wrong += [f"{noun}: linked as {key}" for key in keys if key.isdigit() and noun != "region"]
        if noun == "region":
            wrong += [f"region: linked as {key}" for key in keys if len(key) != 6]
        by_key = asked(keeper, "GET", reverse(f"admin:vouchers_{noun}_change", args=[row.pk]))
        if by_key.status_code == 200:
            wrong.append(f"{noun}: its primary key is an address")
    assert not wrong, "\n".join(wrong)


def test_a_number_of_the_configuration_that_is_put_together_may_be_written_wrongly(
    world: World, callers: dict[str, Client]
):
    for noun, odd in (
        ("chipmodel", "H100~SXM~first"),
        ("chipmodel", "H100"),
        ("fxrate", "USD~yesterday"),
        ("pricemethod", "china~99999999999999999999"),
        ("priceindexrow", "nothing~nothing~nothing"),
        ("listing", "LS-00000000"),
        ("bankaccount", "_00"),
    ):
        address = reverse(f"admin:vouchers_{noun}_change", args=[odd])
        assert asked(callers[NOUNS[noun].own], "GET", address).status_code == 302, odd


ODD = ("\x00", "９" * 40)
PARAMETERS = (
    "q", "page", "state", "view", "program", "region", "month", "market", "accelerator", "tier", "region_group",
    "term_bucket", "grade", "outcome", "rule", "since", "until", "before", "person", "verb", "kind", "operation",
    "voucher_no", "code", "paper", "invoice", "enterprise", "key", "waiting", "limit", "offset", "enterprise_uscc",
    "program_code", "submitted_from", "month_from", "origin", "o", "p", "e", "id__exact", "issue__issue_no", "next",
    "amount", "signed_on", "category", "family", "mine", "from", "to",
)  # fmt: skip


def test_odd_questions_are_answered_in_words(world: World, callers: dict[str, Client]):
    """No filter, page number or search word breaks a page; a refusal is a 4xx with a page of its own."""
    wrong = []
    for name, row in TABLE.items():
        if row.method != "GET" or row.statuses[0] != 200:
            continue
        address = address_of(name, row, world)
        for odd in ODD:
            answer = asked(callers[row.own], "GET", address, dict.fromkeys(PARAMETERS, odd))
            if answer.status_code >= 500:
                wrong.append(f"{name}: {answer.status_code} for {odd[:12]!r} — {address}")
    assert not wrong, "\n".join(wrong)


def test_every_verb_on_every_case_is_done_or_refused_and_never_breaks(
    world: World, callers: dict[str, Client]
):
    """Whatever state a case is in, imported history too: a verb that is not allowed now is a refusal, not an error."""
    casework = {
        "desk:decide_application": (
            APPLICATION_DEEDS,
            (
                "application.application_no",
                "waiting_application.application_no",
                "past_application.application_no",
            ),
        ),
        "desk:decide_claim": (CLAIM_DEEDS, ("claim.claim_no", WAITING, "past_claim.claim_no", SETTLEMENT)),
        "desk:decide_batch": (
            [one.verb for one in PaymentBatch.lifecycle.transitions],
            ("batch.batch_no",),
        ),
        "audit:decide-hold": (("request-lift", "lift", "refuse-lift"), ("hold.hold_no",)),
    }
    staff = ("handler", "second_handler", "expert", "approver", "finance", "second_finance", "investigator")
    wrong = []
    for name, (verbs, cases) in casework.items():
        for verb, part, person in product(verbs, cases, staff):
            address = reverse(name, args=[*parts(part)(world), verb])
            answer = asked(callers[person], "POST", address, {"reason": "因故", "amount": "1.00"})
            if answer.status_code >= 500:
                wrong.append(f"{address} ({person}): {answer.status_code}")
    for name in ("application", "claim"):
        number = getattr(world.parts[f"past_{name}"], f"{name}_no")
        for person, address in (
            ("handler", reverse(f"desk:{name}", args=[number])),
            ("filer", reverse(f"portal:{name}", args=[number])),
            ("filer", reverse(f"portal:{name}_check", args=[number])),
        ):
            answer = asked(callers[person], "GET", address)
            if answer.status_code not in (200, 302):
                wrong.append(f"{address} ({person}): {answer.status_code}")
        for verb in ("withdraw", "object"):
            answer = asked(callers["filer"], "POST", reverse(f"portal:{name}_{verb}", args=[number]))
            if answer.status_code >= 500:
                wrong.append(f"{name} {verb}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
