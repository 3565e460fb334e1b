"""常用筛选: kept and given up by whose it is."""

from __future__ import annotations

from audit.models import SavedFilter
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import User

MOST = 20
LONGEST_NAME, LONGEST_QUERY = 40, 1000


def save_filter(page: str, name: str, query: str, *, by: User) -> SavedFilter:
    """The person's filter of this page under the name; one of the same name is replaced.

    Raises ``Invalid`` (``saved_filter.name``, ``saved_filter.nothing``, ``saved_filter.too_long``) and ``NotNow``
    (``saved_filter.too_many``).
    """
    announce("saved_filter.save")
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(
            "saved_filter.name", f"请为这组条件起一个名称，不超过 {LONGEST_NAME} 个字。", field="name"
        )
    if not query:
        raise Invalid("saved_filter.nothing", "还没有筛选条件。请先筛选，再保存。")
    if len(query) > LONGEST_QUERY:
        raise Invalid("saved_filter.too_long", "筛选条件过长，不能保存。请缩短后再试。")
    own = SavedFilter.objects.filter(owner=by, page=page)
    if not own.filter(name=name).exists() and own.count() >= MOST:
        raise NotNow("saved_filter.too_many", f"每个列表最多保存 {MOST} 组条件，请先移除不用的。")
    kept, _created = SavedFilter.objects.update_or_create(
        owner=by, page=page, name=name, defaults={"query": query}
    )
    return kept


def remove_filter(page: str, name: str, *, by: User) -> None:
    """Give up one's own. Raises ``NotNow`` (``saved_filter.gone``)."""
    announce("saved_filter.remove")
    gone, _rows = SavedFilter.objects.filter(owner=by, page=page, name=name).delete()
    if not gone:
        raise NotNow("saved_filter.gone", f"没有名为“{name[:LONGEST_NAME]}”的常用筛选，可能已经移除。")
