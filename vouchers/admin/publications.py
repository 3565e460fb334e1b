"""政策发布件: what was published, as it stands."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from vouchers import dates
from vouchers.admin.publishing import reached_by
from vouchers.admin.scoped import ScopedAdmin
from vouchers.models import Publication
from vouchers.web import wording


@admin.register(Publication)
class PublicationAdmin(ScopedAdmin):
    """What was published, as it stands. Nobody changes it here or anywhere."""

    public_key_fields = ("publication_no",)

    list_display = (
        "publication_no",
        "program",
        "label",
        "valid",
        "status_now",
        "accepts_applications",
        "published_by",
        "published_at",
    )
    list_select_related = ("program", "validity", "published_by")
    search_fields = ("publication_no", "program__code", "label", "sha256")
    fields = (
        ("publication_no", "label"),
        ("program", "version"),
        ("valid", "status_now"),
        ("demonstration", "accepts_applications"),
        ("proposed_by", "published_by", "published_at"),
        "reaches_back",
        ("sha256", "engine_version"),
        "canonical_text",
    )
    readonly_fields = ("valid", "status_now", "reaches_back", "canonical_text")

    def region_of(self, obj: Publication) -> Any:
        return obj.program.region

    @admin.display(description=_("有效期"))
    def valid(self, publication: Publication) -> str:
        """From, and until (not included)."""
        validity = publication.validity
        ends = wording.date_text(validity.effective_to) if validity.effective_to else _("无期限")
        return f"{wording.date_text(validity.effective_from)} — {ends}"

    @admin.display(description=_("今日状态"))
    def status_now(self, publication: Publication) -> Any:
        """As it stands on the business date."""
        status = publication.status_on(dates.today())
        return dict(publication.statuses.model.Status.choices).get(status, _("尚未施行"))

    @admin.display(description=_("溯及适用"))
    def reaches_back(self, publication: Publication) -> str:
        """How many cases it concerns: those that go over, and decided ones that may be asked to be decided anew."""
        found = reached_by(publication)
        if found is None:
            return str(_("文件未规定溯及既往，已受理、已办结的事项仍按原版本办理。"))
        return str(
            _(
                "溯及自 %(since)s起的事项：尚未办结、待改按本版本办理 %(undecided)s 件；已经办结、按文件可申请重新核定 %(decided)s 件。"
            )
            % {
                "since": wording.date_text(found["reach"].since),
                "undecided": found["reached"].undecided,
                "decided": found["reached"].decided,
            }
        )

    @admin.display(description=_("规范文本"))
    def canonical_text(self, publication: Publication) -> Any:
        """The canonical JSON, set out to be read."""
        text = json.dumps(publication.document, ensure_ascii=False, indent=2)
        return format_html("<pre>{}</pre>", text)
