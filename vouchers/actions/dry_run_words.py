"""What the groups of a dry run are called: sizes, ownership and places, in the register's words."""

from __future__ import annotations

from collections.abc import Mapping

from vouchers.models import Region
from vouchers.models.parties import Ownership, Size

UNKNOWN = "未取得"
SOURCE_LABELS = {"cases": "本专项案件", "history": "导入的历史案件", "sample": "合成样本"}
PROVINCES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区", "21": "辽宁省", "22": "吉林省",
    "23": "黑龙江省", "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省",
    "37": "山东省", "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区", "61": "陕西省", "62": "甘肃省",
    "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区", "71": "台湾省", "81": "香港特别行政区",
    "82": "澳门特别行政区",
}  # fmt: skip
"""GB/T 2260, first two digits."""


def group_label(by: str, value: str, label: str = "", regions: Mapping[str, str] | None = None) -> str:
    """A group's name for people; `label` is what the report itself says, `regions` the names of the registered ones."""
    if not value and by != "class":
        return UNKNOWN
    if by == "source":
        return SOURCE_LABELS.get(value, label or value)
    if by == "size":
        return str(dict(Size.choices).get(value, value))
    if by == "ownership":
        return str(dict(Ownership.choices).get(value, value))
    if by == "province":
        return PROVINCES.get(value[:2], value)
    if by == "region":
        known = (regions or {}).get(value)
        province = PROVINCES.get(value[:2], "")
        return known or (province if province and value.endswith("0000") else f"{province}（{value}）")
    return label or value


def region_names() -> dict[str, str]:
    """The regions that are registered, by code."""
    return dict(Region.objects.values_list("code", "name"))


__all__ = ["SOURCE_LABELS", "UNKNOWN", "group_label", "region_names"]
