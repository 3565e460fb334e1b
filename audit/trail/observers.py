"""What the application tells the trail without knowing it: sign-ins by Django's signals, refusals by the middleware's port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest, HttpResponse

from audit.actions.trail import log_event, log_read, log_sign_in
from audit.trail.subjects import region_of
from vouchers.access import roles_of
from vouchers.context import ANONYMOUS, Actor, acting, current
from vouchers.errors import DomainError
from vouchers.middleware import on_refusal
from vouchers.reads import on_read
from vouchers.web.downloads import Export, on_export

# What a file is about: kind of file → kind of the case that its number belongs to.
ABOUT = {
    "allotment_list": "issue_batch",
    "certificate": "voucher",
    "clawback_notice": "clawback",
    "job_result": "job",
    "payment_inquiry": "payment_batch",
    "payment_list": "payment_batch",
    "policy_examples": "policy_version",
    "policy_file": "policy_version",
    "price_changes": "price_index_issue",
    "reconciliation": "party",
    "settlement_refusals": "settlement_batch",
}
# A paper that someone handed in: opening it is a read, as with papers of the casework.
HANDED_IN = {"account_paper": "bank_account"}
# Nothing but what is published to everybody, or an empty form.
OPEN_TO_ALL = frozenset({"list_template", "notice_annex"})


def connect() -> None:
    """Called once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit.signed_out")
    user_login_failed.connect(_sign_in_failed, dispatch_uid="audit.sign_in_failed")
    on_refusal(_refused)
    on_read(_was_read)
    on_export(_was_exported)


def _was_read(
    subject_kind: str, subject_no: str, by: Any, region_code: str, facts: Mapping[str, Any]
) -> None:
    """A paper or personal data was opened: an event in the reader's own transaction, filed under the paper's case."""
    about = dict(facts)
    case = str(about.pop("subject_kind", "")), str(about.pop("subject_no", ""))
    log_read(f"{subject_kind}.open", subject_kind, subject_no, region=region_code, facts=about, case=case)


def _was_exported(request: HttpRequest, export: Export) -> None:
    """A file left: an event in the transaction of the request, filed under the case that it is about."""
    if export.kind in OPEN_TO_ALL:
        return
    told = {"file": export.filename, "sha256": export.sha256, "bytes": export.size, "rows": export.rows}
    facts = {name: value for name, value in told.items() if value is not None}
    if export.kind in HANDED_IN:
        subject = HANDED_IN[export.kind]
        log_read(
            f"{export.kind}.open",
            subject,
            export.number,
            region=region_of(subject, export.number),
            facts=facts,
        )
        return
    subject = ABOUT.get(export.kind, export.kind)
    log_event(
        "export",
        f"{export.kind}.export",
        subject,
        export.number,
        region=region_of(subject, export.number),
        facts=facts,
    )


def _address(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""


def _signed_in(sender: Any, user: Any, request: HttpRequest | None = None, **_: Any) -> None:
    with acting(Actor.of(user), "sign_in", address=_address(request)):
        log_sign_in("sign_in", user.get_username())


def _signed_out(sender: Any, user: Any, request: HttpRequest | None = None, **_: Any) -> None:
    if user is not None and user.is_authenticated:
        with acting(Actor.of(user), "sign_out", address=_address(request)):
            log_sign_in("sign_out", user.get_username())


def _sign_in_failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    with acting(ANONYMOUS, "sign_in_failed", address=_address(request)):
        log_sign_in("sign_in_failed", str(credentials.get("username") or ""))


def _refused(request: HttpRequest, response: HttpResponse, refusal: DomainError | None) -> None:
    """One event for a refusal, under the context that the middleware set for it.

    A 404 of someone who has not signed in is noise of the network, not a refusal of ours.
    """
    if refusal is None and response.status_code == 404 and not request.user.is_authenticated:
        return
    context = current()
    match = request.resolver_match
    kind, number = "request", request.path
    for name, value in (match.kwargs if match is not None else {}).items():
        if name.endswith("_no") and isinstance(value, str):
            kind, number = name.removesuffix("_no"), value
            break
    region = next((grant.region_code for grant in roles_of(request.user) if grant.region_code), "")
    log_event(
        "refusal",
        context.verb if context is not None else f"{request.method} {request.path}",
        kind,
        number[:80],
        region=region,  # of who was refused: what the number belongs to is not theirs to know
        facts={
            "code": refusal.code if refusal is not None else f"http.{response.status_code}",
            "status": refusal.status if refusal is not None else response.status_code,
            "path": request.path[:200],
        },
        reason=refusal.message if refusal is not None else None,
    )
