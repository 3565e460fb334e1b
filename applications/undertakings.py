"""Which project an application belongs to, from what the enterprise states of it.

A project is the same by its registration number, whoever names it, and within one enterprise by its name: who leaves the number
out, or gives it later, stays with the project. Two names for one project no machine can tell apart, and a number may be
another's: so a person looks at both before approval (``undertaking_check``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from applications.grounds import tracks_of
from applications.models import Application, Check, Undertaking, UndertakingKey
from applications.models.applications import ApplicationState
from applications.models.reviews import CheckResult
from vouchers.errors import Invalid
from vouchers.models import Party
from vouchers.money import ZERO, thousands
from vouchers.policy.rules import Scheme
from vouchers.policy.terms import CapSubject

FILING_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('undertaking', 6))"
"""One filing, or one merging, at a time."""
_NUMBER, _NAME = "registration:", "party:"
PROJECT_CHECK, NO_PROJECT = "project.", "project.none"
"""How the codes of 项目认定 begin, and that of a case which names no project."""
#: Nothing is granted any more to an application in these states, and nothing was.
_WITHOUT_CLAIM = (ApplicationState.REJECTED, ApplicationState.WITHDRAWN)


def counts_projects(scheme: Scheme) -> bool:
    """Whether the scheme has a cap per project, so that an application has to say to which it belongs."""
    return any(cap.switched_on and cap.subject is CapSubject.PROJECT for cap in scheme.caps)


def must_name_project(
    scheme: Scheme, classes: Collection[str] = (), tracks: Collection[str] | None = None
) -> bool:
    """Whether every applicant has to name the project, or (with `classes`) one of these classes has, or (with `tracks`) one
    for these tracks. A class that is told by age, size or ownership is nobody's to state: anyone may be of it."""
    tested = {
        one.code for one in scheme.classes if one.registered_within_months or one.sizes or one.ownerships
    }
    return any(
        cap.switched_on
        and cap.subject is CapSubject.PROJECT
        and (not cap.classes or not set(cap.classes).isdisjoint(tested.union(classes)))
        and (tracks is None or not cap.tracks or not set(cap.tracks).isdisjoint(tracks))
        for cap in scheme.caps
    )


def _counts_by_project(scheme: Scheme, stated: Mapping[str, Any]) -> bool:
    """Whether a cap per project concerns a case of these facts."""
    tracks = [track.code for track in tracks_of(scheme, dict(stated)) or scheme.tracks]
    return must_name_project(scheme, stated.get("classes", ()), tracks)


def undertaking_keys(stated: Mapping[str, Any], party: Party) -> dict[str, str]:
    """By what a declaration says which project it is, each with what was written: the number first, then the name."""
    number, name = stated.get("project_registration") or "", stated.get("project_name") or ""
    keys = {}
    if _bare(number):
        keys[f"{_NUMBER}{_bare(number)}"[:320]] = number
    if _bare(name):
        keys[f"{_NAME}{party.uscc}:{_bare(name)}"[:320]] = name
    return keys


def _bare(text: str) -> str:
    """A number or a name without signs, spaces and widths, by which alike is the same."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).upper() if sign.isalnum())


def _standing(but: Application) -> QuerySet[UndertakingKey]:
    """The keys that other applications give."""
    return UndertakingKey.objects.exclude(application__state__in=_WITHOUT_CLAIM).exclude(application=but)


def _found(application: Application, keys: Collection[str]) -> list[Undertaking]:
    """The projects that the declaration can mean, by what others have stated: by its number the one that bears it; without one,
    or where nobody has stated that number yet, those of its name, but none that has another number. The oldest first."""
    standing = _standing(application)
    number = next((key for key in keys if key.startswith(_NUMBER)), "")
    if number:
        known = standing.filter(key=number).order_by("undertaking_id").first()
        if known is not None:
            return [known.undertaking]
    name = next((key for key in keys if key.startswith(_NAME)), "")
    named = Undertaking.objects.filter(pk__in=standing.filter(key=name).values("undertaking_id"))
    if number:
        numbered = standing.filter(key__startswith=_NUMBER).values("undertaking_id")
        named = named.exclude(pk__in=numbered)
    return list(named.order_by("pk")) if name else []


def _own_first(application: Application, found: Sequence[Undertaking]) -> Undertaking | None:
    """Of the projects that a declaration can mean, the one that it was filed for before, then the oldest; where there is none,
    the one that was made for it and that nobody else names: that may be given another name or number."""
    own = application.undertaking
    if own in found:
        return own
    if found:
        return found[0]
    return own if own is not None and not _shared(own, application) else None


def undertaking_of(application: Application) -> Undertaking | None:
    """The project that the application belongs to: as it was filed; while it may be changed, the one that filing it now would
    find (``hold_undertaking``)."""
    if application.state not in (ApplicationState.DRAFT, ApplicationState.RETURNED):
        return application.undertaking
    keys = undertaking_keys(application.facts, application.enterprise)
    return _own_first(application, _found(application, keys)) if keys else None


def _shared(undertaking: Undertaking, application: Application) -> bool:
    return _standing(application).filter(undertaking=undertaking).exists()


def hold_undertaking(application: Application, *, asks: bool = True) -> Undertaking | None:
    """The project as stated at filing, made where nobody has named it before, with what it is named by from now on; None where
    the application names none. One filing at a time, so that two of one project do not both make it.

    Raises ``Invalid`` (``application.which_project``) for a name that stands for several projects; where nobody is there to be
    asked (``asks=False``: an application that comes back), it stays with its own and a person looks at it before approval."""
    keys = undertaking_keys(application.facts, application.enterprise)
    _one_at_a_time()
    UndertakingKey.objects.filter(application=application).delete()
    if not keys:
        return None
    found = _found(application, keys)
    own = application.undertaking
    is_named_alone = not any(key.startswith(_NUMBER) for key in keys)
    if len(found) > 1 and own not in found and is_named_alone and not asks:
        found = []
    if len(found) > 1 and own not in found and is_named_alone:
        raise Invalid(
            "application.which_project",
            "贵单位以此名称申报的项目不止一个，请填写该项目的立项或备案编号；没有编号的，请填写能够区分的全称。",
            field="project_registration",
        )
    name = application.facts.get("project_name") or application.facts.get("project_registration", "")
    undertaking = _own_first(application, found)
    if undertaking is not None and not found:
        undertaking.name = name
        undertaking.save(update_fields=["name"])
    if undertaking is None:
        undertaking = Undertaking.objects.create(name=name, declared_by=application.enterprise)
    for key, stated in keys.items():
        UndertakingKey.objects.create(
            undertaking=undertaking, application=application, key=key, stated=stated[:200]
        )
    return undertaking


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILING_LOCK)


def stands_as_answered(application: Application, scheme: Scheme) -> bool:
    """Whether a turned down application could come back to the project that it was approved with: its number or name still means
    that one, nothing that either would have been held against was filed since, and what was asked of it is answered."""
    _one_at_a_time()
    own = application.undertaking
    keys = undertaking_keys(application.facts, application.enterprise)
    if keys and _own_first(application, _found(application, keys)) != own:
        return False
    first = application.undertaking_keys.order_by("pk").values_list("pk", flat=True).first() or 0
    ours = Q(application__enterprise=application.enterprise)
    apart = ours & Q(application__program_code=application.program_code) & ~Q(undertaking=own)
    since = _standing(application).filter(pk__gt=first)
    if own is not None and since.filter(apart | Q(undertaking=own) & ~ours).exists():
        return False
    answered = Check.objects.filter(
        subject_kind="application", subject_no=application.application_no, result=CheckResult.PASSED
    )
    asked = {check.code for check in undertaking_checks(application, scheme)}
    return asked <= set(answered.values_list("code", flat=True))


def doubled_numbers() -> list[str]:
    """Numbers by which several projects are named now, which the database has refused since it was told to; each in words."""
    live = UndertakingKey.objects.exclude(application__state__in=_WITHOUT_CLAIM)
    doubled = (
        live.filter(key__startswith=_NUMBER)
        .values("key")
        .annotate(projects=Count("undertaking", distinct=True))
        .filter(projects__gt=1)
        .values_list("key", flat=True)
    )
    told = []
    for key in doubled.order_by("key"):
        numbers = live.filter(key=key).values_list("undertaking__undertaking_no", flat=True)
        told.append(
            f"编号 {key.removeprefix(_NUMBER)} 对应多个项目（{'、'.join(sorted(set(numbers)))}），限额分别计算，请认定合并。"
        )
    return told


def survivors() -> dict[str, str]:
    """The numbers of projects that were merged into others, each with the number of the one that stayed."""
    rows = Undertaking.objects.exclude(merged_into=None)
    return dict(rows.values_list("undertaking_no", "merged_into__undertaking_no"))


def counted_together(number: str) -> frozenset[str]:
    """The numbers under which a project's caps are counted: its own and those of what was merged into it."""
    return frozenset(
        Undertaking.objects.filter(
            Q(undertaking_no=number) | Q(merged_into__undertaking_no=number)
        ).values_list("undertaking_no", flat=True)
    )


def undertaking_checks(application: Application, scheme: Scheme) -> list[Check]:
    """项目认定: what a person looks at before approval where a cap counts projects. A number is held against the document that it
    stands on, and the project against the enterprise's others in this programme. Nothing to look at passes by itself."""
    if not counts_projects(scheme):
        return []
    undertaking = application.undertaking
    if undertaking is None:
        if not _counts_by_project(scheme, application.facts):
            return []
        asked = [
            "本版政策按项目计算限额，而本件未登记所属项目，限额将按本件的合同单独计算。"
            "属于已立项、备案或已申报项目的，请退回补正，由申领单位填写项目名称和编号；确为单独一个项目的，请写明核对结论"
        ]
        others = _others(application, None, scheme, 0)
        return [_check(application, NO_PROJECT, [*asked, *_asked_of_others(application, others)], others)]
    keys = list(application.undertaking_keys.order_by("pk"))
    number = next((one for one in keys if one.key.startswith(_NUMBER)), None)
    # Of two, the one that was filed later is held against the other: what was answered stays answered.
    before = keys[0].pk if keys else 0
    asked = []
    if number is not None:
        asked.append(
            f"填报的立项或备案编号为“{number.stated}”，请对照批复或备案文件核对编号属于本项目和本单位"
        )
    partners = _partners(application, undertaking, before)
    if partners:
        asked.append(f"其他单位也以本项目（{undertaking.undertaking_no}）申报，请核对确为同一项目、共用限额")
    others = _others(application, undertaking, scheme, before)
    asked += _asked_of_others(application, others)
    # Another project, another number or another name is another question, and so is what was filed in between: an answer given
    # before does not stand for it. The keys are written anew at each filing.
    by = ("n", number.pk) if number is not None else ("k", before)
    code = f"project.{undertaking.undertaking_no}.{by[0]}{by[1]}"
    return [_check(application, code, asked, [*partners, *others])]


def _partners(application: Application, undertaking: Undertaking, before: int) -> list[str]:
    """Other enterprises that state the same number, or did first."""
    standing = _standing(application).filter(undertaking=undertaking, pk__lt=before)
    names = standing.exclude(application__enterprise=application.enterprise).order_by(
        "application__enterprise__name"
    )
    return list(dict.fromkeys(names.values_list("application__enterprise__name", flat=True)))


def others_of(
    application: Application, undertaking: Undertaking | None, before: int = 0
) -> QuerySet[Application]:
    """What else the enterprise has filed in this programme under other projects, or under none; with ``before``, of what names
    a project only what was filed earlier than that key."""
    earlier = UndertakingKey.objects.filter(pk__lt=before) if before else UndertakingKey.objects.all()
    filed = (
        Application.objects.filter(
            Q(undertaking=None, pk__lt=application.pk) | Q(pk__in=earlier.values("application_id")),
            program_code=application.program_code,
            enterprise=application.enterprise,
        )
        .exclude(state__in=(ApplicationState.DRAFT, *_WITHOUT_CLAIM))
        .exclude(pk=application.pk)
        .select_related("undertaking")
        .order_by("pk")
    )
    if undertaking is None:
        return filed.filter(pk__lt=application.pk)
    return filed.exclude(undertaking=undertaking)


def _others(
    application: Application, undertaking: Undertaking | None, scheme: Scheme, before: int
) -> list[str]:
    """Each of what counts apart from this project, in words."""
    told = []
    for one in others_of(application, undertaking, before):
        if one.undertaking is None and not _counts_by_project(scheme, one.facts):
            continue
        amount = one.approved_amount if one.approved_amount is not None else one.requested_amount
        name = (
            f"“{one.undertaking.name}”（{one.undertaking.undertaking_no}）"
            if one.undertaking is not None
            else "未登记项目"
        )
        told.append(f"{one.application_no} {name} {thousands(amount or ZERO)} 元")
    return told


def _asked_of_others(application: Application, others: list[str]) -> list[str]:
    if not others:
        return []
    if application.is_listed:
        cure = "请移出名单，更正后重新列入"
    elif application.undertaking is None:  # nothing to merge yet
        cure = "请退回补正，由申领单位按该项目填写名称和编号"
    else:
        cure = "请在本页“所属项目”中认定，或退回补正，由申领单位按该项目填写名称和编号"
    return [
        f"本单位在本专项另有单独计算限额的申领（见下列事实），请核对与本件不是同一项目。如为同一项目，{cure}"
    ]


def _check(application: Application, code: str, sentences: list[str], against: list[str]) -> Check:
    """``against`` is what speaks against the project as stated: what a person has to see before answering."""
    result = CheckResult.WAITING if sentences else CheckResult.PASSED
    return Check(
        subject_kind="application",
        subject_no=application.application_no,
        code=code[:40],
        label="所属项目的认定",
        by_machine=result != CheckResult.WAITING,
        result=result,
        sentence="。".join(sentences) + "。" if sentences else "本单位在本专项没有其他项目。",
        evidence=against,
    )
