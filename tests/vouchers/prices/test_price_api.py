"""`/api/v1/prices/…`: what is published, what held when, and the examples of the documentation, as they are written there."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.vouchers.prices.feeds import market_rows, row, uscc
from vouchers import dates
from vouchers.actions import prices
from vouchers.context import Actor, acting
from vouchers.policy.fair_price import PriceRow

pytestmark = pytest.mark.django_db
CELL = "china/H800/SXM/specialist/east/1_6m"
BASE = "/api/v1/prices"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def publish(cast, month, on):
    with acting(Actor.service("test"), "test"), dates.fixed(on):
        issue = prices.compute_index(month, by=cast.policy_editor)
        prices.propose_index(issue, by=cast.policy_editor, jump_text="已核实")
        return prices.publish_index(issue, by=cast.price_publisher, confirmation="属实")


def load(*rows):
    with acting(Actor.service("test"), "test"):
        prices.load_observations([*rows])


@pytest.fixture
def published(cast):
    """June at 19, July at 18, published on the second of their months."""
    with acting(Actor.service("test"), "test"):
        prices.load_price_tables()
    load(*market_rows(date(2025, 5, 20)))
    june = publish(cast, date(2025, 6, 1), date(2025, 6, 2))
    load(*market_rows(date(2025, 6, 20), ("16", "17", "17.5", "18", "19", "20", "21")))
    return june, publish(cast, date(2025, 7, 1), date(2025, 7, 2))


def test_rows_are_filtered_by_what_a_cell_is_made_of(client, published):
    assert client.get(BASE).json()["count"] == 2
    july = client.get(
        BASE, {"month": "2025-07-01", "accelerator": "H800", "grade": "B", "market": "china"}
    ).json()
    (one,) = july["results"]
    assert (one["cell"], one["base"], one["currency"], one["issue_no"]) == (
        CELL,
        "18.000000",
        "CNY",
        "PI-china-2025-07-1",
    )
    assert client.get(BASE, {"tier": "cloud"}).json()["count"] == 0
    assert client.get(BASE, {"month_from": "2025-07-01"}).json()["count"] == 1
    assert client.get(BASE, {"month_to": "2025-06-30", "has_price": "true"}).json()["count"] == 1
    assert len(client.get(BASE, {"limit": "1", "offset": "1"}).json()["results"]) == 1


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("", {"tier": "garage"}, 422, "input.invalid"),
        ("", {"month": "July"}, 422, "input.invalid"),
        ("", {"market": "moon"}, 422, "input.invalid"),
        ("/as-of", {}, 422, "input.invalid"),
        ("/as-of", {"cell": "H800"}, 422, "price.no_cell"),
        ("/as-of", {"cell": "moon/H800/SXM/specialist/east/1_6m"}, 422, "price.no_cell"),
        ("/as-of", {"cell": CELL, "as_of": "12/06/2025"}, 422, "input.invalid"),
        ("/as-of", {"cell": CELL, "known_at": "yesterday"}, 422, "input.invalid"),
        ("/as-of", {"cell": CELL, "as_of": "2025-05-31"}, 404, "price.not_published"),
        ("/as-of", {"cell": CELL, "as_of": "2099-01-01"}, 422, "price.future"),
        ("/as-of", {"cell": CELL, "basis": "computed"}, 403, "price.staff_only"),
        ("/history", {"cell": "china/H800/SXM/cloud/east/1_6m"}, 404, "price.not_published"),
        ("/history", {"cell": CELL, "revisions": "some"}, 422, "input.invalid"),
        ("/issues/PI-none", {}, 404, "request.not_found"),
    ],
)
def test_what_is_asked_wrongly_is_a_problem_document(client, published, path, given, status, code):
    answer = client.get(BASE + path, given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_what_held_on_a_day_is_what_was_published_by_then(client, cast, published):
    def base(**given):
        return client.get(f"{BASE}/as-of", {"cell": CELL, **given}).json().get("base")

    assert (base(as_of="2025-06-12"), base(as_of="2025-07-12")) == ("19.000000", "18.000000")
    with dates.fixed(date(2025, 9, 1)):
        assert base(as_of="2025-09-01") == "18.000000"  # until something newer is published
    assert (
        base(as_of="2025-07-12", known_at="2025-07-01T12:00:00+08:00") == "19.000000"
    )  # July's was not out yet
    load(
        *(
            row(uscc(n), price, date(2025, 6, 25))
            for n, price in enumerate(("20", "21", "22", "23", "24", "25", "26"))
        )
    )
    publish(cast, date(2025, 7, 1), date(2025, 7, 10))  # a correction
    assert base(as_of="2025-07-12") == "23.000000"
    assert base(as_of="2025-07-12", known_at="2025-07-09T00:00:00+08:00") == "18.000000"
    history = client.get(f"{BASE}/history", {"cell": CELL}).json()["results"]
    assert [(one["month"], one["base"]) for one in history] == [
        ("2025-06-01", "19.000000"),
        ("2025-07-01", "23.000000"),
    ]
    every = client.get(f"{BASE}/history", {"cell": CELL, "revisions": "all"}).json()["results"]
    assert [(one["revision"], one["superseded"]) for one in every] == [(1, False), (1, True), (2, False)]


def test_only_the_office_computes_anew(client, cast, published):
    asked = {
        "cell": CELL,
        "as_of": "2025-06-25",
        "known_at": "2025-06-26T00:00:00+08:00",
        "basis": "computed",
    }
    client.force_login(cast.filer)
    assert client.get(f"{BASE}/as-of", asked).status_code == 403
    client.force_login(cast.price_publisher)
    answer = client.get(f"{BASE}/as-of", asked)
    held = PriceRow.from_record(answer.json()["record"])
    assert held.computed_hash() == held.output_hash
    assert (str(held.base), answer.json()["record"]["n_groups"]) == ("18", 7)
    assert answer["Cache-Control"] == "no-store"
    assert "ETag" not in answer
    assert client.get(f"{BASE}/as-of", {**asked, "version": "99"}).json()["code"] == "price.no_method"


def test_an_answer_stays_valid_until_something_is_published(client, cast, published):
    first = client.get(BASE, {"accelerator": "H800"})
    assert first["Cache-Control"] == "public, max-age=300"
    again = client.get(BASE, {"accelerator": "H800"}, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(BASE, headers={"If-None-Match": first["ETag"]}).status_code == 200  # another question
    load(*market_rows(date(2025, 7, 10)))
    publish(cast, date(2025, 8, 1), date(2025, 8, 2))
    assert (
        client.get(BASE, {"accelerator": "H800"}, headers={"If-None-Match": first["ETag"]}).status_code == 200
    )


def test_what_is_asked_for_today_is_another_answer_tomorrow(client, published):
    first = client.get(f"{BASE}/as-of", {"cell": CELL})
    again = {"If-None-Match": first["ETag"]}
    assert client.get(f"{BASE}/as-of", {"cell": CELL}, headers=again).status_code == 304
    with dates.fixed(dates.today() + timedelta(days=1)):
        later = client.get(f"{BASE}/as-of", {"cell": CELL}, headers=again)
    assert (later.status_code, later.json()["as_of"]) == (200, "2025-07-16")


def test_a_price_that_is_older_than_any_price_is_carried_says_so(client, published):
    def stale(day):
        with dates.fixed(day):
            return client.get(f"{BASE}/as-of", {"cell": CELL}).json()["stale"]

    assert [stale(day) for day in (date(2025, 7, 15), date(2026, 1, 31), date(2026, 2, 1))] == [
        False,
        False,
        True,
    ]


def test_cells_issues_and_methods_tell_what_there_is(client, published):
    (cell,) = client.get(f"{BASE}/cells").json()["results"]
    assert (cell["cell"], cell["months"], cell["first_month"], cell["last_base"]) == (
        CELL,
        2,
        "2025-06-01",
        "18.000000",
    )
    issue = client.get(f"{BASE}/issues/PI-china-2025-07-1").json()
    assert (issue["cells"], issue["state"], issue["snapshot_sha256"]) == (
        1,
        "published",
        published[1].snapshot.sha256,
    )
    assert client.get(f"{BASE}/issues", {"month": "2025-06-01"}).json()["count"] == 1
    methods = client.get(f"{BASE}/methods", {"market": "china"}).json()["results"]
    assert methods[0]["params_hash"] == published[1].method.params_hash
    assert "每组只投一票" in methods[0]["prose"]


def test_drafts_are_nobodys(client, cast, published):
    load(*market_rows(date(2025, 7, 10)))
    with acting(Actor.service("test"), "test"), dates.fixed(date(2025, 8, 1)):
        draft = prices.compute_index(date(2025, 8, 1), by=cast.policy_editor)
    assert client.get(f"{BASE}/issues/{draft.issue_no}").status_code == 404
    assert client.get(BASE, {"issue_no": draft.issue_no}).json()["count"] == 0


def _examples():
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text[text.index("## Fair prices") :]
    return re.findall(r"```\nGET (\S+)\n→ (\d{3}) (.*?)\n```", part, re.DOTALL)


def _holds(told, given, where="$"):
    """Every member of the example is in the answer; ``…`` stands for anything."""
    if told == "…":
        return
    if isinstance(told, dict):
        for name, value in told.items():
            assert name in given, f"{where}.{name}"
            _holds(value, given[name], f"{where}.{name}")
    elif isinstance(told, list):
        assert len(told) == len(given), where
        for number, (one, other) in enumerate(zip(told, given, strict=True)):
            _holds(one, other, f"{where}[{number}]")
    else:
        assert told == given, where


def test_the_examples_of_the_documentation_are_answered_as_it_says(client, published):
    examples = _examples()
    assert len(examples) >= 5
    for address, status, body in examples:
        answer = client.get(address)
        assert answer.status_code == int(status), address
        _holds(json.loads(body), answer.json(), address)


def test_the_document_of_the_interface_has_every_address(client):
    paths = json.loads(client.get("/api/v1/openapi.json", {"format": "json"}).content)["paths"]
    for address in ("", "/cells", "/as-of", "/history", "/issues", "/issues/{issue_no}", "/methods"):
        assert f"{BASE}{address}" in paths
    asked = {one["name"] for one in paths[f"{BASE}/as-of"]["get"]["parameters"]}
    assert {"cell", "as_of", "known_at", "basis", "version"} <= asked
