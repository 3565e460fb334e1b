"""Files that leave the casework: the same way as all files do (``vouchers.web.downloads``)."""

from __future__ import annotations

from vouchers.web.downloads import attachment

__all__ = ["attachment"]
