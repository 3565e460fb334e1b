"""Holds and screenings: the gate through which everything goes before it is approved or paid.

Audit fills the port with its screener when it starts. No screener registered means refuse, not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.outbox import enqueue
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow, TryLater
from vouchers.models import Hold, Party, Screening, User
from vouchers.models.holds import HoldState, ScreeningOutcome
from vouchers.numbers import next_no
from vouchers.prepared import ask
from vouchers.states import advance


@dataclass(frozen=True)
class HardFlag:
    """A deterministic fact that stops a case: rule, version, the sentence and the records it rests on."""

    rule: str
    version: int
    sentence: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScreeningResult:
    """What a screener answers: the hash of exactly the inputs it read, and what it found."""

    inputs_hash: str
    rule_versions: dict[str, int]
    outcome: str
    region_code: str
    party: Party | None = None
    hard: tuple[HardFlag, ...] = ()
    flags: list[dict[str, Any]] = field(default_factory=list)
    not_testable: list[str] = field(default_factory=list)


class Screener:
    """The port. ``inputs_hash`` must be cheap: it tells whether a stored screening still speaks of the same facts."""

    def __init__(
        self, screen: Callable[[str, str, str], ScreeningResult], inputs_hash: Callable[[str, str], str]
    ) -> None:
        self.screen = screen
        self.inputs_hash = inputs_hash


# Only a lifting ends it: one that was confirmed stops the case for good. The first subject's first.
_FIRST_HOLD = """
SELECT h.hold_no, h.ground, h.sentence
FROM unnest(%(kinds)s::text[], %(numbers)s::text[]) WITH ORDINALITY AS s (kind, number, place)
    JOIN vouchers_hold h ON h.subject_kind = s.kind AND h.subject_no = s.number
WHERE h.state <> 'lifted' ORDER BY s.place, h.id LIMIT 1
"""

_screener: Screener | None = None


def register_screener(screener: Screener) -> None:
    """Fill the port; called once by audit's ``AppConfig.ready``."""
    global _screener
    _screener = screener


#: From a case's number to the subjects beneath it, such as a claim's lease, voucher and parties: filled by the casework.
Beneath = Callable[[str], Iterable[tuple[str, str]]]
_beneath: dict[str, Beneath] = {}


def register_beneath(subject_kind: str, find: Beneath) -> None:
    """Say what lies beneath a kind of case: a hold on any of it stops the case too, whoever asks, also before payment."""
    _beneath[subject_kind] = find


def _port() -> Screener:
    if _screener is None:
        raise TryLater("screening.unavailable", "风险筛查暂不可用，为稳妥起见本件不能继续办理。请稍后再试。")
    return _screener


def screen(subject_kind: str, subject_no: str, moment: str) -> Screening:
    """Run the rules over the subject, keep the screening, and place a hold for each hard flag."""
    result = _port().screen(subject_kind, subject_no, moment)
    screening = Screening.objects.create(
        subject_kind=subject_kind,
        subject_no=subject_no,
        moment=moment,
        inputs_hash=result.inputs_hash,
        rule_versions=result.rule_versions,
        outcome=result.outcome,
        flags=result.flags,
        not_testable=result.not_testable,
        screened_at=dates.now(),
    )
    for flag in result.hard:
        if _already_lifted(subject_kind, subject_no, flag):
            continue
        place_hold(
            subject_kind,
            subject_no,
            ground=flag.rule,
            sentence=flag.sentence,
            evidence=list(flag.evidence),
            region_code=result.region_code,
            party=result.party,
            by=None,
        )
    return screening


def was_screened(subject_kind: str, subject_no: str) -> bool:
    """Whether there is a screening of it, on whatever facts."""
    return Screening.objects.filter(subject_kind=subject_kind, subject_no=subject_no).exists()


def _already_lifted(subject_kind: str, subject_no: str, flag: HardFlag) -> bool:
    """Two persons lifted a hold that rested on the very same evidence: the same fact does not stop the case again."""
    lifted = Hold.objects.filter(
        subject_kind=subject_kind, subject_no=subject_no, ground=flag.rule, state=HoldState.LIFTED
    )
    return any(sorted(hold.evidence) == sorted(flag.evidence) for hold in lifted)


def place_hold(
    subject_kind: str,
    subject_no: str,
    *,
    ground: str,
    sentence: str,
    evidence: list[str],
    region_code: str,
    party: Party | None,
    by: User | None,
) -> Hold:
    """Stop a case. By a person (investigator) or, for a hard flag, by the screening itself; once per ground while open."""
    if by is not None:
        announce("hold.place", sentence)
        require_role(by, Role.INVESTIGATOR, region=region_code)
        if not sentence.strip():
            raise Invalid("hold.reason", "请写明暂缓的理由，企业将看到这句话。", field="sentence")
    hold, created = Hold.objects.get_or_create(
        subject_kind=subject_kind,
        subject_no=subject_no,
        ground=ground,
        state__in=(HoldState.OPEN, HoldState.LIFT_REQUESTED),
        defaults={
            "hold_no": next_no("H", dates.today()),
            "state": HoldState.OPEN,
            "region_code": region_code,
            "party": party,
            "sentence": sentence,
            "evidence": evidence,
            "placed_by": by,
            "placed_at": dates.now(),
        },
    )
    if created:
        _tell(hold)
    return hold


def _tell(hold: Hold) -> None:
    """What rests on the case above (a contract's verified price) follows, once this is committed."""
    if hold.subject_kind in ("lease", "claim", "invoice", "party"):
        enqueue(
            "applications.hold_changed", {"subject_kind": hold.subject_kind, "subject_no": hold.subject_no}
        )


def request_lift(hold: Hold, *, by: User, reason: str) -> Hold:
    """The first of two persons asks to lift, with the reason."""
    announce("hold.request_lift", reason)
    if not reason.strip():
        raise Invalid("hold.lift_reason", "请写明解除暂缓的理由及所依据的材料。", field="reason")
    advance(
        hold,
        "request_lift",
        by=by,
        region=hold.region_code,
        update={"lift_requested_by": by, "lift_requested_at": dates.now(), "lift_reason": reason.strip()},
    )
    return hold


def lift_hold(hold: Hold, *, by: User) -> Hold:
    """The second person lifts it."""
    announce("hold.lift", hold.lift_reason)
    require_role(by, Role.INVESTIGATOR, region=hold.region_code)
    earlier = {pk for pk in (hold.lift_requested_by_id, hold.placed_by_id) if pk}
    require_other_person(by, earlier, "解除暂缓")
    advance(hold, "lift", by=by, region=hold.region_code, update={"lifted_by": by, "lifted_at": dates.now()})
    _tell(hold)
    return hold


def refuse_lift(hold: Hold, *, by: User, reason: str) -> Hold:
    """The second person does not agree; the hold stays."""
    announce("hold.refuse_lift", reason)
    require_role(by, Role.INVESTIGATOR, region=hold.region_code)
    require_other_person(by, {hold.lift_requested_by_id}, "审议解除")
    advance(hold, "refuse_lift", by=by, region=hold.region_code)
    return hold


def require_clear(
    subject_kind: str,
    subject_no: str,
    *,
    also: tuple[tuple[str, str], ...] = (),
    screened: Screening | None = None,
    beneath: Iterable[tuple[str, str]] | None = None,
) -> Screening:
    """Refuse to go on (409) unless the subject is screened on its present facts and no hold is open on it, on what lies
    beneath it (``register_beneath``) or on ``also``. ``screened`` is a screening that was made just now, in this transaction:
    it rests on the present facts by itself. ``beneath`` is what lies beneath it, from whoever has the case in hand."""
    latest = screened or (
        Screening.objects.filter(subject_kind=subject_kind, subject_no=subject_no).order_by("-pk").first()
    )
    if latest is None or (
        screened is None and latest.inputs_hash != _port().inputs_hash(subject_kind, subject_no)
    ):
        raise NotNow(
            "screening.missing",
            "本件的材料在上次筛查后有变动，须先重新筛查再办理。",
            hint="请点“重新筛查”，通常一秒内完成。",
        )
    if subject_kind not in _beneath:
        raise TryLater(
            "screening.unavailable", "无法确认本件所涉的合同与单位，为稳妥起见不能继续办理。请稍后再试。"
        )
    below = _beneath[subject_kind](subject_no) if beneath is None else beneath
    subjects = list(dict.fromkeys(((subject_kind, subject_no), *also, *below)))
    first = ask(
        _FIRST_HOLD,
        {"kinds": [kind for kind, _no in subjects], "numbers": [number for _kind, number in subjects]},
    )
    if first is not None:
        hold_no, ground, sentence = first
        raise NotNow(
            "hold.open",
            f"本件处于暂缓状态（{hold_no}，依据 {ground}）：{sentence}",
            hint="解除暂缓须由两名核查人员写明理由后办理；企业可以提出异议。",
            detail={"hold_no": hold_no},
            keep=True,
        )
    if (
        latest.outcome == ScreeningOutcome.BLOCK
        and not Hold.objects.filter(subject_kind=subject_kind, subject_no=subject_no).exists()
    ):
        raise NotNow(
            "screening.blocked", "筛查结果为拦截，但未见对应的暂缓记录，须由核查人员处理。", keep=True
        )
    return latest


def require_clear_for_party(
    subject_kind: str,
    subject_no: str,
    *,
    screened: Screening | None = None,
    beneath: Iterable[tuple[str, str]] | None = None,
) -> Screening:
    """As ``require_clear``, for a deed of an enterprise or a platform: a hold may speak of another party, so whoever asks
    learns only that there is one. The enterprise reads those on its own case on the case's page."""
    try:
        return require_clear(subject_kind, subject_no, screened=screened, beneath=beneath)
    except NotNow as refusal:
        if refusal.code != "hold.open":
            raise
        raise NotNow(
            "hold.open",
            "本件涉及的事项正在核查，暂不能自动办理；核查完成后继续办理。",
            hint="申领企业可在本件页面查看暂缓事由并提出异议。",
            keep=True,
        ) from None
