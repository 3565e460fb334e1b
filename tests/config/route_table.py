"""Which answer every address of the site gives to whom: one's own person, the same role elsewhere, a stranger, nobody.

200 shown · 302 led elsewhere (nobody: to the sign-in page) · 401 and 403 refused · 404 not there for this person. A POST-only
address is asked by POST with an empty body; the others by GET. A route that is not here fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.admin.utils import quote

from tests.config.world import World

Arguments = Callable[[World], tuple[Any, ...]]


def _none(world: World) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True)
class Row:
    """Statuses for (own, other, stranger, nobody), and who the first two are."""

    statuses: tuple[int, int, int, int]
    own: str
    other: str
    arguments: Arguments = _none
    method: str = "GET"
    query: dict[str, str] = field(default_factory=dict)
    public: bool = False
    """Whether a visitor may use it: then nobody is refused anything."""


def parts(*names: str) -> Arguments:
    """Arguments by the names of parts: ``claim.claim_no`` is the number of the world's claim; quoted words stand for themselves."""

    def arguments(world: World) -> tuple[Any, ...]:
        found = []
        for name in names:
            part, dot, attribute = name.partition(".")
            if not dot:
                found.append(part)
                continue
            row = world.parts.get(part) or world.rows.get(part) or getattr(world.cast, part)
            found.append(getattr(row, attribute))
        return tuple(found)

    return arguments


def _own_page(own: str, other: str, *names: str, mine: int = 200, theirs: int = 404, **more: Any) -> Row:
    """A page of a case: not there for another region or enterprise, refused to strangers, sign in first."""
    return Row((mine, theirs, 403, 302), own, other, parts(*names), **more)


def _list(own: str, other: str, mine: int = 200, theirs: int = 200, **more: Any) -> Row:
    """A list: everyone's own."""
    return Row((mine, theirs, 403, 302), own, other, **more)


def _posted(row: Row, mine: int = 302, theirs: int | None = None) -> Row:
    statuses = (mine, row.statuses[1] if theirs is None else theirs, *row.statuses[2:])
    return replace(row, statuses=statuses, method="POST")


# -- portal ---------------------------------------------------------------------------------------------------------

FILER, OTHER = "filer", "other_filer"
DRAFT, CASE = "draft.application_no", "application.application_no"
CLAIM, DRAFT_CLAIM = "claim.claim_no", "draft_claim.claim_no"


def _portal(*names: str, **more: Any) -> Row:
    return _own_page(FILER, OTHER, *names, **more)


PORTAL: dict[str, Row] = {
    "home": _list(FILER, OTHER),
    "applications": _list(FILER, OTHER),
    "application_new": _list(FILER, OTHER),
    "application": _portal(CASE),
    "application_track": _portal(DRAFT, mine=302),  # one way of support: nothing to choose
    "application_contract": _portal(DRAFT),
    "application_statements": _portal(DRAFT),
    "application_papers": _portal(DRAFT),
    "application_paper_remove": _posted(_portal(DRAFT, "paper.paper_no")),
    "application_estimate": _portal(DRAFT),
    "application_check": _portal(DRAFT),
    "application_submitted": _portal(CASE),
    "application_withdraw": _posted(_portal("waiting_application.application_no")),
    "application_object": _posted(_portal(CASE), 422),
    "vouchers": _list(FILER, OTHER),
    "voucher": _portal("voucher.voucher_no"),
    "certificate": _portal("voucher.voucher_no"),
    "claim_start": _posted(_portal("voucher.voucher_no")),
    "claims": _list(FILER, OTHER),
    "claim": _portal(CLAIM),
    "claim_items": _portal(DRAFT_CLAIM),
    "claim_invoice": _portal(DRAFT_CLAIM),
    "claim_item": _portal(DRAFT_CLAIM, mine=302),  # 北京 admits invoices alone
    "claim_preview": _posted(_portal(DRAFT_CLAIM), 200),
    "claim_item_remove": _posted(_portal(DRAFT_CLAIM, "1")),
    "claim_papers": _portal(DRAFT_CLAIM),
    "claim_paper_remove": _posted(_portal(DRAFT_CLAIM, "claim_paper.paper_no")),
    "claim_check": _portal(DRAFT_CLAIM),
    "claim_submitted": _portal(CLAIM),
    "claim_withdraw": _posted(_portal("waiting_claim.claim_no")),
    "claim_object": _posted(_portal(CLAIM), 422),
    "leases": _list(FILER, OTHER),
    "lease": _portal("lease.lease_no"),
    "invoice": _portal("invoice.number_key"),
    "messages": _list(FILER, OTHER),
    "messages_read": _posted(_list(FILER, OTHER), 302, 302),
    "objections": _list(FILER, OTHER),
    "objection": _portal("objection.objection_no"),
    "unit": _list(FILER, OTHER),
    "account_confirm": _posted(_list("enterprise_approver", OTHER), 404, 404),  # which account is in the body
    "account_withdraw": _posted(_list(FILER, OTHER), 404, 404),
}

# -- desk -----------------------------------------------------------------------------------------------------------

HANDLER = ("handler", "other_handler")
APPROVER = ("approver", "other_approver")
FINANCE = ("finance", "other_finance")

DESK: dict[str, Row] = {
    "home": _list(*HANDLER),
    "applications": _list(*HANDLER),
    "application": _own_page(*HANDLER, CASE),
    "decide_application": _posted(_own_page(*HANDLER, "waiting_application.application_no", "accept")),
    "claims": _list(*HANDLER),
    "claim": _own_page(*HANDLER, CLAIM),
    "decide_claim": _posted(_own_page(*HANDLER, "waiting_claim.claim_no", "verify")),
    "answer_check": _posted(
        _own_page(*HANDLER, "application", "waiting_application.application_no", "check.code")
    ),
    "rescreen": _posted(_own_page(*HANDLER, "application", "waiting_application.application_no")),
    "payables": _list(*FINANCE),
    "create_batch": _posted(_list(*FINANCE), 404, 404),  # which program is in the body
    "batch": _own_page(*FINANCE, "batch.batch_no"),
    "batch_workbook": _own_page(*FINANCE, "batch.batch_no", mine=422),  # not approved yet
    "decide_batch": _posted(_own_page(*FINANCE, "batch.batch_no", "propose")),
    "remove_payment": _posted(_own_page(*FINANCE, "batch.batch_no", "payment.payment_no")),
    "objections": _list(*APPROVER),
    "objection": _own_page(*APPROVER, "objection.objection_no"),
    "answer_objection": _posted(_own_page(*APPROVER, "objection.objection_no")),
}

# -- audit ----------------------------------------------------------------------------------------------------------

AUDITOR = ("auditor", "other_auditor")
INVESTIGATOR = ("investigator", "other_investigator")
WAITING = "waiting_claim.claim_no"

AUDIT: dict[str, Row] = {
    "home": _list(*AUDITOR, mine=302, theirs=302),
    "suspicions": _list(*AUDITOR),
    "suspicion": _own_page(*AUDITOR, "claim", WAITING),
    "holds": _list(*INVESTIGATOR),
    "place-hold": _posted(_own_page(*INVESTIGATOR, "claim", CLAIM), 422),  # no reason given
    "hold": _own_page(*INVESTIGATOR, "hold.hold_no"),
    "decide-hold": _posted(_own_page(*INVESTIGATOR, "hold.hold_no", "request-lift"), 422),
    "rules": _list(*AUDITOR),
    "rule": _own_page(*AUDITOR, "F01", theirs=200),
    "workbook": _posted(_list(*AUDITOR), 200, 200),
    "trail": _list(*AUDITOR),
    "trail-event": _own_page(*AUDITOR, "event.event_no"),
    "trail-story": _own_page(*AUDITOR, "claim", WAITING),
}

# -- for everybody --------------------------------------------------------------------------------------------------


def _public(*names: str, status: int = 200, **more: Any) -> Row:
    return Row((status,) * 4, FILER, OTHER, parts(*names), public=True, **more)


PUBLIC: dict[str, Row] = {
    "home": _public(),
    "program": _public("program.code"),
    "debarred": _public(),
    "precheck": _public(),
    "verify": _public(),
    "notices": _public(),
    "notice": _public("notice.notice_no"),
    "objected": _public("notice.notice_no", status=302),
    "prices": _public(),
    "prices_csv": _public(),
    "prices_json": _public(),
    "price_chip": _public("priceindexrow.accelerator"),
}
ACCOUNTS: dict[str, Row] = {
    "login": Row((302, 302, 302, 200), FILER, OTHER, public=True),
    "logout": Row((200, 200, 200, 200), FILER, OTHER, method="POST", public=True),
    "password_change": Row((200, 200, 200, 302), FILER, OTHER),
    "password_change_done": Row((200, 200, 200, 302), FILER, OTHER),
}
PLAIN: dict[str, Row] = {
    "home": Row(
        (302, 302, 200, 302), FILER, OTHER, public=True
    ),  # to the own surface; a stranger is told what to do
    "papers:download": Row((200, 404, 404, 302), FILER, OTHER, parts("paper.paper_no")),
}

# -- long work ------------------------------------------------------------------------------------------------------

JOB = "dry_run.job_no"
EDITORS = ("policy_editor", "other_policy_editor")
JOBS: dict[str, Row] = {
    "list": _list(*EDITORS),
    "job": _own_page(*EDITORS, JOB, mine=302),  # to its report
    "progress": _own_page(*EDITORS, JOB),
    "file": _own_page(*EDITORS, JOB, mine=404),  # nothing made yet
    "cancel": _posted(_own_page(*EDITORS, JOB)),
}

# -- API ------------------------------------------------------------------------------------------------------------


def _api(
    own: str, other: str, *names: str, statuses: tuple[int, int, int, int] = (200, 404, 404, 401)
) -> Row:
    return Row(statuses, own, other, parts(*names))


SETTLEMENT = "settlement.claim_no"
API: dict[str, Row] = {
    "openapi": _public(),
    "api-program-list": _public(),
    "api-program-detail": _public("program.code"),
    "api-program-rules": _public("program.code"),
    "api-price-list": _public(),
    "api-voucher-list": Row((200, 200, 200, 401), FILER, OTHER),
    "api-voucher-detail": _api(FILER, OTHER, "voucher.voucher_no"),
    "api-application-list": Row((200, 200, 200, 401), *HANDLER),
    "api-application-detail": _api(*HANDLER, CASE),
    "api-claim-list": Row((200, 200, 200, 401), *HANDLER),
    "api-claim-detail": _api(*HANDLER, CLAIM),
    "api-settlement-list": replace(
        _api("token:platform", "token:other_platform", statuses=(422, 422, 422, 401)), method="POST"
    ),
    "api-settlement-detail": _api(
        "token:platform", "token:other_platform", SETTLEMENT, statuses=(200, 404, 403, 401)
    ),
    "api-settlement-confirm": replace(
        _api("token:platform", "token:other_platform", SETTLEMENT, statuses=(200, 404, 403, 401)),
        method="POST",
    ),
    "api-settlement-release": replace(
        _api("token:platform", "token:other_platform", SETTLEMENT, statuses=(200, 404, 403, 401)),
        method="POST",
    ),
}

# -- configuration --------------------------------------------------------------------------------------------------

GONE = 302  # Django leads to the front page when a row is not there for the person


@dataclass(frozen=True)
class Noun:
    """A model's pages: who keeps it, the same role elsewhere, whether rows are added, whether the other finds this row,
    and a verb that the keeper may use on it."""

    own: str
    other: str
    adds: bool = False
    shared: bool = False
    verb: str = ""
    verb_shared: int = 0
    """What the other gets for the verb, when not simply 404 (or 200 on a shared row)."""


SECURITY = ("security_admin", "other_security_admin")
EDITOR = ("policy_editor", "other_policy_editor")
PRICE = ("price_publisher", "other_price_publisher")
SYSTEM = ("system_admin", "other_system_admin")

NOUNS: dict[str, Noun] = {
    "user": Noun(*SECURITY, adds=True, verb="lock"),
    "rolegrant": Noun(*SECURITY, adds=True, verb="revoke"),
    "apicredential": Noun(*SECURITY, adds=True, verb="revoke"),
    "region": Noun(*SYSTEM, adds=True, shared=True, verb="rename", verb_shared=403),
    "party": Noun(*HANDLER, adds=True, shared=True, verb="correct"),
    "provideradmission": Noun(*EDITOR, adds=True, verb="end"),
    "platformconnection": Noun(*HANDLER, adds=True, verb="end"),
    "bankaccount": Noun(*HANDLER, shared=True),
    "listing": Noun(*HANDLER, shared=True),
    "shareholding": Noun(*HANDLER, shared=True),
    "declaredaffiliation": Noun(*HANDLER, shared=True),
    "policyversion": Noun(*EDITOR, adds=True, verb="clone"),
    "publication": Noun(*EDITOR),
    "program": Noun(*FINANCE, verb="appropriate"),
    "chipmodel": Noun(*PRICE, adds=True, shared=True),
    "fxrate": Noun(*PRICE, adds=True, shared=True),
    "pricemethod": Noun(*PRICE, shared=True),
    "priceobservation": Noun(*PRICE, shared=True, verb="settle"),
    "priceindexissue": Noun(*PRICE, shared=True, verb="verify"),
    "priceindexrow": Noun(*PRICE, shared=True),
}
NUMBERS = {
    "user": "username",
    "apicredential": "token_prefix",
    "region": "code",
    "party": "uscc",
    "policyversion": "version_no",
    "publication": "publication_no",
    "program": "code",
    "priceobservation": "observation_no",
    "priceindexissue": "issue_no",
    "chipmodel": "accelerator~form_factor~table_version",
    "fxrate": "currency~effective_from",
    "pricemethod": "market~version",
    "priceindexrow": "issue~cell",
}
"""The numbers by which rows are addressed: the entry's own, or what is unique together."""
WITH_VERBS = set(NOUNS) - {"publication", "chipmodel", "fxrate", "pricemethod", "priceindexrow"}


def _row_key(model: str, *more: str) -> Arguments:
    """The row's number as an address of the configuration holds it."""
    names = NUMBERS.get(model, "entry_no").split("~")
    found = parts(*(f"{model}.{name}" for name in names), *more)

    def arguments(world: World) -> tuple[Any, ...]:
        values = found(world)
        return (quote("~".join(str(value) for value in values[: len(names)])), *values[len(names) :])

    return arguments


def _admin_rows() -> dict[str, Row]:
    rows: dict[str, Row] = {}

    def row(key: str, noun: Noun, mine: int, theirs: int, arguments: Arguments = _none) -> None:
        rows[key] = Row((mine, theirs, 403, 302), noun.own, noun.other, arguments)

    for model, noun in NOUNS.items():
        name, found, key = f"vouchers_{model}", 200 if noun.shared else GONE, _row_key(model)
        row(f"{name}_changelist", noun, 200, 200)
        row(f"{name}_add", noun, 200 if noun.adds else 403, 200 if noun.adds else 403)
        row(f"{name}_change", noun, 200, found, key)
        row(f"{name}_history", noun, 200, found, key)
        row(f"{name}_delete", noun, 403, 403, key)  # nobody deletes
        row(f"vouchers/{model}/<path:object_id>/", noun, 302, 302, key)  # the old address of a row
        if model in WITH_VERBS:
            theirs = noun.verb_shared or (200 if noun.shared and noun.verb else 404)
            row(
                f"{name}_act",
                noun,
                200 if noun.verb else 404,
                theirs,
                _row_key(model, noun.verb or "none"),
            )
    for page in ("text", "yaml", "compare", "trial", "examples", "examples-workbook", "examples-results"):
        row(f"vouchers_policyversion_{page}", NOUNS["policyversion"], 200, 404, _row_key("policyversion"))
    row("vouchers_policyversion_dry-run", NOUNS["policyversion"], 200, 404, _row_key("policyversion"))
    dry_run = parts("policyversion.version_no", "dry_run.job_no")
    row("vouchers_policyversion_dry-run-report", NOUNS["policyversion"], 200, 404, dry_run)
    one = _row_key("policyversion", "rent_15m")
    row("vouchers_policyversion_example", NOUNS["policyversion"], 200, 404, one)
    row("vouchers_policyversion_import", NOUNS["policyversion"], 200, 200)
    row("vouchers_priceindexissue_compute", NOUNS["priceindexissue"], 200, 200)
    return rows


ADMIN: dict[str, Row] = {
    "index": _list(*SECURITY),
    "login": Row((302, 302, 302, 302), *SECURITY, public=True),  # to the one sign-in page
    "logout": Row((200, 200, 403, 302), *SECURITY, method="POST", public=True),
    "password_change": Row((302, 302, 403, 302), *SECURITY),
    "password_change_done": Row((302, 302, 403, 302), *SECURITY),
    "autocomplete": _list(
        *SECURITY, query={"app_label": "vouchers", "model_name": "rolegrant", "field_name": "user"}
    ),
    "jsi18n": _list(*SECURITY),
    "view_on_site": _list(*SECURITY, mine=404, theirs=404),
    "app_list": _list(*SECURITY),
    "(?P<url>.*)$": _list(*SECURITY, mine=404, theirs=404),  # an address that is none
    **_admin_rows(),
}
ADMIN["view_on_site"] = replace(ADMIN["view_on_site"], arguments=parts("1", "1"))
ADMIN["app_list"] = replace(ADMIN["app_list"], arguments=parts("vouchers"))
ADMIN["(?P<url>.*)$"] = replace(ADMIN["(?P<url>.*)$"], arguments=parts("no/such/page"))

TABLE: dict[str, Row] = {
    **{f"portal:{name}": row for name, row in PORTAL.items()},
    **{f"desk:{name}": row for name, row in DESK.items()},
    **{f"audit:{name}": row for name, row in AUDIT.items()},
    **{f"public:{name}": row for name, row in PUBLIC.items()},
    **{f"jobs:{name}": row for name, row in JOBS.items()},
    **{f"accounts:{name}": row for name, row in ACCOUNTS.items()},
    **{f"admin:{name}": row for name, row in ADMIN.items()},
    **PLAIN,
    **API,
}
