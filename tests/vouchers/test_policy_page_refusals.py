"""Every page of a policy version that takes something: nothing is taken from another region's editor, from a stranger, from
nobody, or without the form's own token; the version stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.vouchers.test_trial import CASE, KEPT
from vouchers.actions import policies
from vouchers.actions.policy_drafts import scheme_of
from vouchers.actions.policy_files import export_version
from vouchers.admin.version_pages import version_address
from vouchers.context import acting
from vouchers.models import Job, PolicyExample, PolicyVersion, Program, Publication
from vouchers.policy.documents import shipped_scheme
from vouchers.policy.examples import shipped_examples
from vouchers.policy.rules import render

pytestmark = pytest.mark.django_db
Body = Callable[[PolicyVersion], dict[str, Any]]


@pytest.fixture
def draft(cast: Cast) -> PolicyVersion:
    with acting(cast.policy_editor, "test"):
        return policies.load_scheme(
            shipped_scheme("BJ-AIQ"), shipped_examples("BJ-AIQ"), by=cast.policy_editor
        )


def _yaml(version: PolicyVersion) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("another.yaml", export_version(version).encode(), "text/yaml")}


def _workbook(version: PolicyVersion) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("examples.xlsx", b"PK\x03\x04", "application/octet-stream")}


DRY_RUN = {"from_on": "2025-01-01", "to_on": "2025-12-31", "sources": ["sample"], "before": "recorded"}
POSTS: dict[str, tuple[Callable[[PolicyVersion], str], Body]] = {
    "trial": (lambda one: version_address(one, "trial"), lambda one: CASE | KEPT),
    "examples": (lambda one: version_address(one, "examples"), _workbook),
    "dry-run": (lambda one: version_address(one, "dry-run"), lambda one: dict(DRY_RUN)),
    "change": (lambda one: version_address(one), lambda one: {"title": "改过的标题", "_save": "1"}),
    "propose": (lambda one: version_address(one, "act", "propose"), lambda one: {}),
    "return": (lambda one: version_address(one, "act", "return"), lambda one: {"reason": "退回"}),
    "publish": (lambda one: version_address(one, "act", "publish"), lambda one: {}),
    "clone": (lambda one: version_address(one, "act", "clone"), lambda one: {"label": "偷改版"}),
    "import": (lambda one: reverse("admin:vouchers_policyversion_import"), _yaml),
}


def state_of_things(version: PolicyVersion) -> tuple[Any, ...]:
    """All that one of these pages could have written."""
    version = PolicyVersion.objects.get(pk=version.pk)
    return (
        render(scheme_of(version)),
        version.state,
        PolicyVersion.objects.count(),
        PolicyExample.objects.count(),
        Program.objects.count(),
        Publication.objects.count(),
        Job.objects.count(),
    )


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("account", ["other_policy_editor", "other_auditor", "filer", "stranger", ""])
def test_nothing_is_taken_from_those_whom_the_version_does_not_concern(
    cast: Cast, draft: PolicyVersion, name: str, account: str
):
    address, body = POSTS[name]
    before = state_of_things(draft)
    client = Client(raise_request_exception=False)
    if account:
        client.force_login(getattr(cast, account))
    answer = client.post(address(draft), body(draft))
    elsewhere = account.startswith("other_")
    if (account, name) == ("other_auditor", "change"):
        assert answer.status_code == 403  # reads at home, changes nowhere
    elif not account or (elsewhere and name == "change"):
        assert (
            answer.status_code == 302
        )  # to the sign-in page; to the front page, where it says that nothing was found
        assert answer["Location"].startswith((reverse("accounts:login"), reverse("admin:index")))
    elif elsewhere and name == "import":
        assert answer.status_code == 403 or "BJ-AIQ" not in answer.text
    else:
        assert answer.status_code == (404 if elsewhere else 403), answer.status_code
    assert state_of_things(draft) == before


@pytest.mark.parametrize("name", POSTS)
def test_without_the_forms_token_nothing_is_taken_from_anybody(cast: Cast, draft: PolicyVersion, name: str):
    """A page elsewhere that posts in the editor's name."""
    address, body = POSTS[name]
    before = state_of_things(draft)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(cast.policy_editor)
    answer = client.post(address(draft), body(draft))
    assert answer.status_code == 403
    assert "<title>" in answer.text and "Forbidden" not in answer.text  # our own page, in Chinese
    assert state_of_things(draft) == before


def test_with_the_forms_token_the_trial_is_computed(cast: Cast, draft: PolicyVersion):
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.policy_editor)
    here = version_address(draft, "trial")
    token = client.get(here).context["csrf_token"]
    assert client.post(here, CASE | {"csrfmiddlewaretoken": str(token)}).status_code == 200
