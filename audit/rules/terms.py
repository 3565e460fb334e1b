"""S01 评分与结果：由预警得出得分、结果与次序的口径，以及熔断和随机抽查的口径。

方法：同一类别内取最高分，加其余各分的 others_percent，以 family_cap 为限；各类相加为得分。有硬性预警的为拦截；得分达到 hold_from 且来自
hold_families 个以上类别的为优先核查；得分达到 review_from，或命中 review_floor 所列规则，或关联租赁（F24）达到 affiliation_floor 的为复核；其余通过。
取较严者。排序另乘以金额系数：1+exposure_percent×log10(金额÷exposure_from)，只影响次序，不影响结果。

例：同一类的 8 分与 3 分，计 8.75 分；另一类的 8 分照加，共 16.75 分，来自两类：优先核查。

缘由：同类预警往往同出一因，简单相加会重复计算；门槛按复核人手而定，不按好恶。

排除：硬性预警不参与得分，直接拦截；暂不计分的预警和熔断规则的提示不计。

假设：分值是专家先验，积累结论后以新版本修订。

参数：family_cap、others_percent、hold_from、hold_families、review_from、review_floor、affiliation_floor、exposure_from、exposure_percent 如上；一条规则在
不少于 breaker_least 件的一批中，提示超过 breaker_percent，或超过近 breaker_days 天平均占比的 breaker_times 倍（且不少于 breaker_flags 件）的，自行转入影子状态，由人恢复，其硬性预警照常；通过的件按
review_per_mille 随机抽查。
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.rules.base import SOFT, Found, Parameter, Rule
from audit.rules.facts import Facts


def find(facts: Facts, parameters: Mapping[str, Any]) -> Found:
    """Nothing: these are terms by which what the rules find is weighed."""
    return Found()


SCORING = Rule(
    id="S01",
    title="评分与结果",
    family="S",
    severity=SOFT,
    points=None,
    legal_basis="各专项“风险分级、分类核查”条款；《财政部门监督办法》关于监督应当抓住重点、客观公正的规定。",
    parameters=(
        Parameter("family_cap", "10", "每类上限", "分", 5, 50),
        Parameter("others_percent", 25, "同类其余预警的折算", "%", 0, 100),
        Parameter("review_from", "5", "复核起点", "分", 1, 50),
        Parameter("hold_from", "12", "优先核查起点", "分", 2, 100),
        Parameter("hold_families", 2, "优先核查的最少类别", "类", 1, 5),
        Parameter("affiliation_floor", "8", "关联租赁至少复核的起点", "分", 1, 10),
        Parameter("review_floor", ["F25", "F26", "F28"], "至少复核的规则"),
        Parameter("exposure_from", 100_000, "金额系数起点", "元", 1_000, 100_000_000),
        Parameter("exposure_percent", 25, "金额系数", "%", 0, 200),
        Parameter("breaker_percent", 15, "熔断占比", "%", 1, 100),
        Parameter("breaker_times", 5, "熔断倍数", "倍", 2, 100),
        Parameter("breaker_days", 84, "通常占比的回看", "天", 14, 366),
        Parameter("breaker_least", 200, "熔断的最少件数", "件", 20, 100_000),
        Parameter("breaker_flags", 20, "按倍数熔断的最少命中", "件", 5, 10_000),
        Parameter("review_per_mille", 20, "随机抽查比例", "‰", 1, 1000),
    ),
    find=find,
    page=__doc__ or "",
    ascending=(("review_from", "hold_from"),),
)
