"""材料: the checklist of a case's papers, and taking files in one by one, so that a wrong one does not cost the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _

from applications.actions import cases
from applications.actions.papers import receive_paper
from applications.models import Application, Claim, Paper
from vouchers.errors import DomainError, Invalid
from vouchers.models import User
from vouchers.policy.rules import Paper as WantedPaper
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import Stage

ACCEPT = ".pdf,.ofd,.xml,.png,.jpg,.jpeg,.xlsx"
MOST_FILES = 20


@dataclass
class Wanted:
    """One kind of paper that the version asks for, what was filed of it, and what was wrong with a file just now."""

    paper: WantedPaper
    filed: list[Paper]
    covered: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return bool(self.filed or self.covered or not self.paper.required)

    @property
    def hint(self) -> str:
        words = [self.paper.hint] if self.paper.hint else []
        words.append(_("PDF、OFD、XML、图片或 XLSX，单个不超过 20 MB。"))
        return " ".join(words)


def papers_of(case: Application | Claim) -> list[Paper]:
    """What stands with the case."""
    return list(
        Paper.objects.filter(
            subject_kind=cases.kind_of(case), subject_no=cases.number_of(case), removed_at=None
        ).order_by("pk")
    )


def checklist(case: Application | Claim, scheme: Scheme) -> list[Wanted]:
    """The papers of this stage in the version's order; an invoice filed as a basis item counts as its paper."""
    stage = Stage.APPLICATION if isinstance(case, Application) else Stage.CLAIM
    filed = papers_of(case)
    rows = []
    for one in scheme.papers:
        if one.stage is not stage:
            continue
        covered = ""
        if (
            isinstance(case, Claim)
            and one.code == "invoice"
            and case.items.filter(invoice__isnull=False).exists()
        ):
            covered = _("已随兑付依据提交")
        rows.append(Wanted(one, [paper for paper in filed if paper.kind == one.code], covered))
    return rows


def receive_all(
    request: HttpRequest, case: Application | Claim, wanted: list[Wanted], region_code: str
) -> tuple[int, list[DomainError]]:
    """Take in every file that was sent under the code of a wanted paper. A refused file is named; the others are kept."""
    by = request.user
    assert isinstance(by, User)
    taken, refusals = 0, []
    for row in wanted:
        for file in request.FILES.getlist(row.paper.code)[:MOST_FILES]:
            try:
                with transaction.atomic():
                    receive_paper(
                        file,
                        kind=row.paper.code,
                        subject_kind=cases.kind_of(case),
                        subject_no=cases.number_of(case),
                        owner=case.enterprise,
                        region_code=region_code,
                        by=by,
                    )
                taken += 1
            except DomainError as refusal:
                message = f"{row.paper.name}“{file.name}”：{refusal.message}"
                row.errors.append(f"{refusal.message}{refusal.hint or ''}")
                refusals.append(
                    Invalid(refusal.code, message, field=row.paper.code, hint=refusal.hint, keep=True)
                )
    return taken, list(refusals)


def shown_files(rows: list[Paper]) -> list[dict[str, str]]:
    """For the file list."""
    return [
        {
            "name": paper.filename,
            "size": filesizeformat(paper.size),
            "url": reverse("papers:download", args=[paper.paper_no]),
        }
        for paper in rows
    ]
