"""Which publication of a program holds on a day."""

from __future__ import annotations

from datetime import date

from vouchers.errors import NotNow
from vouchers.models import Program, Publication, PublicationStatus


def find_publication_in_force(program: Program, on: date) -> Publication | None:
    """The publication that holds on that day and is not suspended; None when there is none."""
    publication: Publication | None = Publication.objects.filter(program=program).valid_on(on).first()
    if publication is None or publication.status_on(on) != PublicationStatus.Status.PUBLISHED:
        return None
    return publication


def publication_in_force(program: Program, on: date) -> Publication:
    """As above. Raises NotNow: `policy.suspended` while it is suspended, `policy.none_in_force` when none holds."""
    publication: Publication | None = Publication.objects.filter(program=program).valid_on(on).first()
    if publication is None:
        raise NotNow(
            "policy.none_in_force",
            f"“{program.name}”在 {on} 没有施行中的政策版本。",
            hint="请查看公开目录中的施行期间。",
            detail={"program": program.code, "on": on.isoformat()},
        )
    if publication.status_on(on) != PublicationStatus.Status.PUBLISHED:
        raise NotNow(
            "policy.suspended",
            f"“{program.name}”已暂停受理。",
            hint="恢复受理时将另行公告。",
            detail={"program": program.code, "on": on.isoformat()},
        )
    return publication
