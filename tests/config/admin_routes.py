"""Which answer every address of the configuration gives to whom: by noun, who keeps it and who does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.admin.utils import quote

from tests.config.route_rows import FINANCE, HANDLER, Arguments, Row, no_arguments, own_list, parts
from tests.config.world import World

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
    "webhook": Noun(*SECURITY, adds=True, verb="end"),
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
    "paymentband": Noun(*EDITOR, adds=True),
    "recoveryterm": Noun(*EDITOR, adds=True),
    "supervisiontable": Noun(*EDITOR, adds=True, verb="tier"),
    "debarmentlist": Noun("publisher", "other_publisher", adds=True),
    "chipmodel": Noun(*PRICE, adds=True, shared=True),
    "fxrate": Noun(*PRICE, adds=True, shared=True),
    "pricemethod": Noun(*PRICE, shared=True),
    "priceobservation": Noun(*PRICE, adds=True, shared=True, verb="settle"),
    "pricefile": Noun(*PRICE, adds=True, shared=True, verb="load"),
    "reportingduty": Noun(*PRICE, adds=True, verb="newcomers"),
    "pricereport": Noun(*PRICE, verb="excuse"),
    "priceindexissue": Noun(*PRICE, shared=True, verb="verify"),
    "priceindexrow": Noun(*PRICE, shared=True),
}
NUMBERS = {
    "user": "username",
    "apicredential": "token_prefix",
    "webhook": "webhook_no",
    "region": "code",
    "party": "uscc",
    "policyversion": "version_no",
    "publication": "publication_no",
    "program": "code",
    "priceobservation": "observation_no",
    "pricefile": "file_no",
    "reportingduty": "duty_no",
    "pricereport": "report_no",
    "priceindexissue": "issue_no",
    "supervisiontable": "table_no",
    "debarmentlist": "list_no",
    "chipmodel": "accelerator~form_factor~table_version",
    "fxrate": "currency~effective_from",
    "pricemethod": "market~version",
    "priceindexrow": "issue~cell",
    "paymentband": "program_code~amount_from~effective_from",
    "recoveryterm": "program_code~kind~effective_from",
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

    def row(key: str, noun: Noun, mine: int, theirs: int, arguments: Arguments = no_arguments) -> None:
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
    for page in (
        "text",
        "yaml",
        "compare",
        "trial",
        "year-trial",
        "examples",
        "examples-workbook",
        "examples-results",
    ):
        row(f"vouchers_policyversion_{page}", NOUNS["policyversion"], 200, 404, _row_key("policyversion"))
    row("vouchers_policyversion_dry-run", NOUNS["policyversion"], 200, 404, _row_key("policyversion"))
    dry_run = parts("policyversion.version_no", "dry_run.job_no")
    row("vouchers_policyversion_dry-run-report", NOUNS["policyversion"], 200, 404, dry_run)
    one = _row_key("policyversion", "rent_15m")
    row("vouchers_policyversion_example", NOUNS["policyversion"], 200, 404, one)
    row("vouchers_policyversion_import", NOUNS["policyversion"], 200, 200)
    row("vouchers_priceindexissue_compute", NOUNS["priceindexissue"], 200, 200)
    row("vouchers_pricefile_template", NOUNS["pricefile"], 200, 200)
    row("vouchers_priceindexissue_changes", NOUNS["priceindexissue"], 200, 200, _row_key("priceindexissue"))
    row("vouchers_priceindexrow_explore", NOUNS["priceindexrow"], 200, 200)
    return rows


ADMIN: dict[str, Row] = {
    "index": own_list(*SECURITY),
    "login": Row((302, 302, 302, 302), *SECURITY, public=True),  # to the one sign-in page
    "logout": Row((200, 200, 403, 302), *SECURITY, method="POST", public=True),
    "password_change": Row((302, 302, 403, 302), *SECURITY),
    "password_change_done": Row((302, 302, 403, 302), *SECURITY),
    "autocomplete": own_list(
        *SECURITY, query={"app_label": "vouchers", "model_name": "rolegrant", "field_name": "user"}
    ),
    "jsi18n": own_list(*SECURITY),
    "view_on_site": own_list(*SECURITY, mine=404, theirs=404),
    "app_list": own_list(*SECURITY),
    "(?P<url>.*)$": own_list(*SECURITY, mine=404, theirs=404),  # an address that is none
    **_admin_rows(),
}
ADMIN["view_on_site"] = replace(ADMIN["view_on_site"], arguments=parts("1", "1"))
ADMIN["app_list"] = replace(ADMIN["app_list"], arguments=parts("vouchers"))
ADMIN["(?P<url>.*)$"] = replace(ADMIN["(?P<url>.*)$"], arguments=parts("no/such/page"))
