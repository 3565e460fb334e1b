"""F11 近似合同文本：互不相干的两对企业，签的却是同一份文字。

方法：合同文本隐去双方名称、数字、日期、编号后，切成五字片段，减去示范文本（templates）的片段和超过 common_percent 的合同都有的片段；两份合同余下片段的相似度（Jaccard）达到 similar_percent，而两份的承租方、出租方都不属同一集团：提示，4 分。先以最小哈希（MinHash）分桶找出可能相似的，再逐对精确计算。

例：两份租用合同的技术附件一字不差，双方却毫无往来：触发。

缘由：编造的合同由同一人成批写成，名称和金额会改，技术说明不会重写。

排除：示范文本和平台格式条款（已减去）；同一承租方或同一出租方自己的格式合同。

假设：文本随合同提交；没有文本的、减去公共条款后不足 least_shingles 个片段的、或合同不足 least_texts 份而又没有登记示范文本的，无法检验。

参数：similar_percent（90%）、common_percent（5%）、least_shingles（40 个）、least_texts（20 份）、templates（示范文本）、points（4 分）。
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.linking import components
from audit.rules.base import SOFT, Found, Hit, Parameter, Rule
from audit.rules.facts import Facts
from audit.rules.spread import claims_on, live_leases, untested_claims

LENGTH = 5
BANDS, ROWS_IN_BAND = 20, 2  # at a similarity of 0.9 one in 10^14 pairs shares no band
BUCKET_CAP = 200
# Fixed, so that the same texts give the same answer: odd multipliers of the permutations.
_SEED = np.random.default_rng(20250715)
_FACTORS = _SEED.integers(1, 2**63, size=BANDS * ROWS_IN_BAND, dtype=np.uint64) | np.uint64(1)
_SHIFTS = _SEED.integers(0, 2**63, size=BANDS * ROWS_IN_BAND, dtype=np.uint64)
_POWERS = np.array([1_000_003**k % 2**64 for k in range(LENGTH)], dtype=np.uint64)
_MASKED = re.compile(r"[0-9A-Za-z.,:/_%-]+|[\W_]+")

Shingles = NDArray[np.uint64]


def shingles(text: str, names: Iterable[str] = ()) -> Shingles:
    """The distinct five-character pieces of a text as hashes, names, numbers and punctuation left out."""
    plain = unicodedata.normalize("NFKC", text)
    for name in sorted((unicodedata.normalize("NFKC", one) for one in names if one), key=len, reverse=True):
        plain = plain.replace(name, "")
    codes = np.frombuffer(_MASKED.sub("", plain).encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    if len(codes) < LENGTH:
        return np.zeros(0, dtype=np.uint64)
    count = len(codes) - LENGTH + 1
    with np.errstate(over="ignore"):
        rolled = sum(
            (codes[k : k + count] * _POWERS[k] for k in range(LENGTH)), np.zeros(count, dtype=np.uint64)
        )
        rolled ^= rolled >> np.uint64(29)
        rolled *= np.uint64(0xBF58476D1CE4E5B9)
        rolled ^= rolled >> np.uint64(32)
    return np.unique(rolled)


def similarity(one: Shingles, other: Shingles) -> Decimal:
    """Jaccard: what both have, of what either has, exact."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return Decimal(both) / Decimal(len(one) + len(other) - both)


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Leases (and their claims) whose text stands under another pair of strangers as well."""
    leases, found = facts.leases, Found()
    rows = live_leases(facts)
    everyone = {int(one) for one in leases.id[rows]}
    own = _texts(facts, rows, parameters) if facts.whole else {}
    found.untestable_leases = everyone - set(own)
    found.untestable_claims = untested_claims(facts, found.untestable_leases)
    if not facts.whole:
        found.untestable_claims = {int(one) for one in facts.claims.id}
        return found
    linked = components(facts, ())
    sides = {
        lease: (linked.find(int(leases.lessee[at])), linked.find(int(leases.lessor[at])))
        for lease in own
        if (at := leases.at(lease)) is not None
    }
    least = Decimal(str(parameters["similar_percent"])) / 100
    best: dict[int, tuple[Decimal, int]] = {}
    for one, other in _candidates(own):
        if {*sides[one]} & {*sides[other]}:
            continue
        alike = similarity(own[one], own[other])
        if alike >= least:
            for lease, twin in ((one, other), (other, one)):
                if (alike, -twin) > best.get(lease, (Decimal(0), 0)):
                    best[lease] = (alike, -twin)
    _explain(facts, found, {lease: (alike, -twin) for lease, (alike, twin) in best.items()}, parameters)
    return found


def _texts(facts: Facts, rows: NDArray[np.intp], parameters: Mapping[str, Any]) -> dict[int, Shingles]:
    """Lease → what is its own in its text, once templates and common clauses are taken away; too little is left out."""
    leases = facts.leases
    words = facts.labels("document", leases.id[rows])
    texts = {lease: word[0] for lease, word in words.items() if word[0].strip()}
    templates = [shingles(str(text)) for text in parameters["templates"]]
    if len(texts) < int(parameters["least_texts"]) and not templates:
        return {}
    places = {lease: leases.at(lease) for lease in texts}
    names = facts.labels(
        "party", {int(side[at]) for at in places.values() for side in (leases.lessee, leases.lessor)}
    )
    whole = {
        lease: shingles(
            text, (names[int(leases.lessee[places[lease]])][1], names[int(leases.lessor[places[lease]])][1])
        )
        for lease, text in texts.items()
    }
    common = templates
    if len(texts) >= int(parameters["least_texts"]):
        values, counts = np.unique(np.concatenate(list(whole.values())), return_counts=True)
        # Two texts of the same words are what is looked for: they alone make no clause common.
        cut = max(2, len(texts) * int(parameters["common_percent"]) // 100)
        common = [*templates, values[counts > cut]]
    taken = np.unique(np.concatenate(common)) if common else np.zeros(0, dtype=np.uint64)
    rest = {lease: np.setdiff1d(some, taken, assume_unique=True) for lease, some in whole.items()}
    return {lease: some for lease, some in rest.items() if len(some) >= int(parameters["least_shingles"])}


def _candidates(texts: Mapping[int, Shingles]) -> Iterator[tuple[int, int]]:
    """Pairs that share a band of their least hashes."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for lease in sorted(texts):
        with np.errstate(over="ignore"):
            signature = (texts[lease][:, None] * _FACTORS + _SHIFTS).min(axis=0)
        for band in range(BANDS):
            piece = signature[band * ROWS_IN_BAND : (band + 1) * ROWS_IN_BAND]
            buckets[band, piece.tobytes()].append(lease)
    seen: set[tuple[int, int]] = set()
    for alike in buckets.values():
        for place, one in enumerate(alike[:BUCKET_CAP]):
            for other in alike[place + 1 : BUCKET_CAP]:
                if (one, other) not in seen:
                    seen.add((one, other))
                    yield one, other


def _explain(
    facts: Facts, found: Found, best: Mapping[int, tuple[Decimal, int]], parameters: Mapping[str, Any]
) -> None:
    leases = facts.leases
    words = facts.labels("lease", {*best, *(twin for _alike, twin in best.values())})
    for lease, claims in claims_on(facts, best).items():
        alike, twin = best[lease]
        percent = (alike * 100).quantize(Decimal("0.1"))
        at, there = leases.at(lease), leases.at(twin)
        for claim in claims:
            found.hits.append(
                Hit(
                    claim=claim,
                    lease=lease,
                    severity=SOFT,
                    points=Decimal(str(parameters["points"])),
                    value=f"{percent}%",
                    threshold=f"{parameters['similar_percent']}%",
                    sentence=f"合同 {words[lease][0]} 与互不相干的双方所签的合同 {words[twin][0]}，除去示范文本和通用条款后文字相似 {percent}%。",
                    counterfactual=f"若相似度低于 {parameters['similar_percent']}%，或两份均出自已登记的格式文本，则不触发。",
                    evidence=(f"lease:{words[lease][0]}", f"lease:{words[twin][0]}"),
                    inputs=(words[lease][0], words[twin][0], str(percent)),
                    ties=tuple(
                        int(side[row]) for row in (at, there) for side in (leases.lessee, leases.lessor)
                    ),
                    told=f"合同文字与另一份互不相干的合同相似 {percent}%。",
                )
            )


RULE = Rule(
    id="F11",
    title="近似合同文本",
    family="B",
    severity=SOFT,
    points=Decimal(4),
    legal_basis="《民法典》第一百四十六条（虚假意思表示的民事法律行为无效）；各专项“提交真实的租用合同”条款。",
    parameters=(
        Parameter("similar_percent", 90, "相似度", "%", 50, 100),
        Parameter("common_percent", 5, "公共片段的合同占比", "%", 1, 50),
        Parameter("least_shingles", 40, "最少片段", "个", 5, 2000),
        Parameter("least_texts", 20, "最少合同", "份", 2, 1000),
        Parameter("templates", [], "示范文本"),
        Parameter("points", 4, "分值", "分", 0, 10),
    ),
    find=find,
    page=__doc__ or "",
    at_screening=False,
    about="lease",
)
