"""The monthly index: computed from what was known, proposed by one person, published by another, recomputable for ever."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from vouchers import dates
from vouchers.access import Role, require_other_person, require_role
from vouchers.actions.price_carries import bases_of, carries_of
from vouchers.actions.price_published import published_issue
from vouchers.actions.price_reading import start_of
from vouchers.actions.price_sightings import observations_between
from vouchers.actions.price_sources import sources_at
from vouchers.actions.price_tables import chip_table, method_on
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import PriceIndexIssue, PriceIndexRow, PriceSnapshot, User
from vouchers.models.prices import IssueState, Market
from vouchers.policy import fair_price as fp
from vouchers.policy.prices.factors import fit_factors
from vouchers.policy.prices.figures import CONTEXT, ln, six
from vouchers.policy.prices.method import sha256_of
from vouchers.states import advance


def keep_snapshot(text: str) -> PriceSnapshot:
    """The snapshot of that content, made when there is none."""
    digest = sha256_of(text)
    snapshot, _made = PriceSnapshot.objects.get_or_create(sha256=digest, defaults={"content": text})
    return snapshot


def compute_index(month: date, *, by: User | None, market: str = Market.CHINA) -> PriceIndexIssue:
    """Compute the issue of a month (any day of it) from what was known when the month began, as a draft.

    A month that was corrected keeps what its correction knew. The same input again gives the same issue. Raises ``Invalid`` when no observation may vote (``price.no_observations``)
    or no method is in force (``price.no_method``), ``NotNow`` before the month has begun (``price.month_not_begun``).
    """
    announce("price_index_issue.compute")
    if by is not None:
        require_role(by, Role.PRICE_PUBLISHER, Role.POLICY_EDITOR)
    month = month.replace(day=1)
    _require_begun(month)
    held = PriceIndexIssue.objects.filter(market=market, month=month, state=IssueState.PUBLISHED).first()
    return _computed(month, market, held.known_at if held is not None else start_of(month))


def correct_index(issue: PriceIndexIssue, *, by: User, reason: str) -> PriceIndexIssue:
    """测算更正: compute the month of a published issue again from what is known now, as a draft of the next revision.

    For what was found after the month had begun, such as a report that turned out false. It is proposed and published as any
    other, supersedes the issue then, and changes no decision. Raises ``NotNow`` when the issue is not the published one
    (``price.not_the_published``) or nothing comes out otherwise (``price.nothing_to_correct``), ``Invalid`` without a reason
    (``reason.missing``) and as ``compute_index``.
    """
    announce("price_index_issue.correct", reason)
    require_role(by, Role.PRICE_PUBLISHER, Role.POLICY_EDITOR)
    if not reason.strip():
        raise Invalid("reason.missing", "请写明更正的理由。", field="reason")
    if issue.state != IssueState.PUBLISHED:
        raise NotNow("price.not_the_published", f"{issue.issue_no} 不是当月已发布的一期，不能据以测算更正。")
    with transaction.atomic():  # a draft that says the same is not kept
        draft = _computed(issue.month, issue.market, dates.now())
        if _told_rows(draft) == _told_rows(issue):
            raise NotNow(
                "price.nothing_to_correct",
                f"按目前已知的数据重新测算，与已发布的 {issue.issue_no} 没有差别，无须更正。",
            )
    return draft


def _told_rows(issue: PriceIndexIssue) -> list[tuple[object, ...]]:
    """What the issue says of each cell; when it was known is no part of it."""
    return list(issue.rows.order_by("cell").values_list("cell", *TOLD))


def _computed(month: date, market: str, known_at: datetime) -> PriceIndexIssue:
    as_of = month - timedelta(days=1)
    kept, method = method_on(market, as_of)
    chips = fp.generations_of(method, chip_table(method.chip_table))
    observations = observations_between(market, as_of=as_of, known_at=known_at, method=method)
    sources = sources_at(market, as_of=as_of, known_at=known_at, names={item.source for item in observations})
    plain = fp.Market(
        observations, as_of=as_of, known_at=known_at, method=method, sources=sources, chips=chips
    )
    factors = fit_factors(plain, source=f"{market} {as_of}")
    previous = _previous(market, month)
    index = plain.by(factors, carries_of(plain, previous, month))
    rows = [index.price(cell) for cell in index.priced_cells()]
    if not rows:
        raise Invalid(
            "price.no_observations",
            f"{as_of} 没有可采用的价格，无法测算 {month:%Y-%m} 的指数。",
            hint="请先导入或采集价格。",
        )
    rows_hash = sha256_of("\n".join(row.output_hash for row in rows))
    same = PriceIndexIssue.objects.filter(market=market, month=month, rows_hash=rows_hash).exclude(
        state=IssueState.DISCARDED
    )
    for held in same:
        if held.state not in (IssueState.DRAFT, IssueState.PROPOSED) or _stands_on(held, previous):
            return held
    last = (
        PriceIndexIssue.objects.filter(market=market, month=month).aggregate(last=Max("revision"))["last"]
        or 0
    )
    issue = PriceIndexIssue.objects.create(
        issue_no=f"PI-{market}-{month:%Y-%m}-{last + 1}",
        market=market,
        month=month,
        revision=last + 1,
        method=kept,
        as_of=as_of,
        known_at=known_at,
        snapshot=keep_snapshot(fp.snapshot_text(index)),
        rows_hash=rows_hash,
        factors=factors.plain(),
        jumps=_jumps(rows, previous, method.jump_limit),
    )
    PriceIndexRow.objects.bulk_create([_kept_row(issue, row) for row in rows])
    return issue


def _kept_row(issue: PriceIndexIssue, row: fp.PriceRow) -> PriceIndexRow:
    return PriceIndexRow(
        issue=issue,
        cell=row.cell.code,
        accelerator=row.cell.accelerator,
        form_factor=row.cell.form_factor,
        tier=row.cell.tier,
        region_group=row.cell.region_group,
        term_bucket=row.cell.term,
        level=row.level,
        basis=row.basis,
        grade=row.grade,
        base=row.base,
        lower=row.lower,
        upper=row.upper,
        q25=row.q25,
        q75=row.q75,
        phi=row.phi,
        n_groups=row.n_groups,
        n_t=row.n_t,
        n_q=row.n_q,
        delta1=row.delta1,
        delta2=row.delta2,
        exclusions=dict(row.exclusions),
        record=row.record(),
        sentence=fp.auditor_sentence(row),
        input_set_hash=row.input_set_hash,
        output_hash=row.output_hash,
    )


def _previous(market: str, month: date) -> PriceIndexIssue | None:
    return published_issue(market, month - timedelta(days=1))


def _require_begun(month: date) -> None:
    if month > dates.today():
        raise NotNow(
            "price.month_not_begun",
            f"{month:%Y-%m} 尚未开始，价格数据未截至上月末，请于 {month:%Y-%m-%d} 起测算和发布。",
        )


def _stands_on(issue: PriceIndexIssue, previous: PriceIndexIssue | None) -> bool:
    """Whether the issue was computed against that one: its snapshot names where each carried price is from."""
    carries = json.loads(issue.snapshot.content)["carries"].values()
    now = {previous.issue_no} if previous and previous.rows.exclude(base=None).exists() else set()
    return {carry["from_issue"] for carry in carries} == now


def _require_latest(issue: PriceIndexIssue) -> None:
    """Refuse what was computed before its month began, or against another issue than the one now published before it."""
    _require_begun(issue.month)
    if not _stands_on(issue, _previous(issue.market, issue.month)):
        raise NotNow(
            "price.previous_changed",
            "测算后上期价格已另行发布，较上期的变动须重新核对，请重新测算本期再提请。",
        )


def _jumps(
    rows: Iterable[fp.PriceRow], previous: PriceIndexIssue | None, limit: Decimal
) -> list[dict[str, str]]:
    """Cells whose base moved by more than the limit (in logarithms) since the last published issue."""
    if previous is None:
        return []
    before = bases_of(previous)
    found = []
    for row in rows:
        held = before.get(row.cell.code)
        if row.base is None or held is None:
            continue
        move = CONTEXT.subtract(ln(row.base), ln(held.price))
        if CONTEXT.abs(move) > limit:
            found.append(
                {
                    "cell": row.cell.code,
                    "from": f"{held.price:f}",
                    "to": f"{row.base:f}",
                    "log_change": f"{six(move):f}",
                }
            )
    return found


def propose_index(issue: PriceIndexIssue, *, by: User, jump_text: str = "") -> PriceIndexIssue:
    """Ask for publication. Jumps above the limit need a text (``price.jump_text_missing``); they are never smoothed.

    Raises ``NotNow`` when the issue before was published or replaced since (``price.previous_changed``): to be computed anew.
    """
    announce("price_index_issue.propose", jump_text)
    if issue.state == IssueState.DRAFT:
        _require_latest(issue)
    if issue.jumps and not jump_text.strip():
        raise Invalid(
            "price.jump_text_missing",
            f"有 {len(issue.jumps)} 个单元较上期变动超过 15%，请说明原因后再提请发布。",
            field="jump_text",
        )
    advance(
        issue,
        "propose",
        by=by,
        update={"proposer": by, "proposed_at": dates.now(), "jump_text": jump_text.strip()},
    )
    return issue


def publish_index(issue: PriceIndexIssue, *, by: User, confirmation: str = "") -> PriceIndexIssue:
    """Publish a proposed issue; another person than the proposer. What was published for the month is superseded.

    Jumps above the limit need this person's own text too (``price.confirmation_missing``). Raises ``NotNow``
    (``price.changed``) when the rows no longer follow from the snapshot, or (``price.previous_changed``) the issue before is
    another one by now.
    """
    announce("price_index_issue.publish", confirmation)
    require_role(by, Role.PRICE_PUBLISHER)
    require_other_person(by, {issue.proposer_id or 0}, "发布价格指数")
    if issue.state == IssueState.PROPOSED:
        _require_latest(issue)
    if issue.state == IssueState.PROPOSED and issue.jumps and not confirmation.strip():
        raise Invalid(
            "price.confirmation_missing",
            f"有 {len(issue.jumps)} 个单元较上期变动超过阈值，请写明您核对了什么、为何属实，再予发布。",
            field="confirmation",
        )
    if not verify_issue(issue):
        raise NotNow("price.changed", "由快照复算的结果与待发布的价格不一致，请退回重新测算。")
    for earlier in PriceIndexIssue.objects.filter(
        market=issue.market, month=issue.month, state=IssueState.PUBLISHED
    ):
        advance(earlier, "supersede", by=None)
    advance(
        issue,
        "publish",
        by=by,
        update={"publisher": by, "published_at": dates.now(), "jump_confirmation": confirmation.strip()},
    )
    return issue


def send_back_index(issue: PriceIndexIssue, *, by: User, reason: str) -> PriceIndexIssue:
    """Return a proposed issue to draft with a reason."""
    announce("price_index_issue.send_back", reason)
    advance(issue, "send_back", by=by, update={"proposer": None, "proposed_at": None})
    return issue


def discard_index(issue: PriceIndexIssue, *, by: User, reason: str) -> PriceIndexIssue:
    """Give up a draft or a proposal."""
    announce("price_index_issue.discard", reason)
    advance(issue, "discard", by=by)
    return issue


SHOWN = tuple(
    field.name
    for field in PriceIndexRow._meta.concrete_fields
    if field.name not in ("id", "issue", "record", "sentence")
)
"""Every column of a row that a page, a file or the API shows; the record and the sentence are compared apart."""


TOLD = tuple(name for name in SHOWN if name not in ("cell", "input_set_hash", "output_hash"))


def verify_issue(issue: PriceIndexIssue) -> bool:
    """Whether every row follows from the stored snapshot, byte for byte and column by column, and the snapshot bears its hash."""
    text = issue.snapshot.content
    if sha256_of(text) != issue.snapshot.sha256:
        return False
    again = {row.cell.code: row for row in fp.recompute(text)}
    kept = list(issue.rows.all())
    if len(kept) != len(again):
        return False
    for held in kept:
        row = again.get(held.cell)
        if row is None or row.record() != held.record or held.sentence not in fp.sentences_told(row):
            return False
        shown = _kept_row(issue, row)
        if any(getattr(held, name) != getattr(shown, name) for name in SHOWN):
            return False
    return sha256_of("\n".join(row.output_hash for row in again.values())) == issue.rows_hash
