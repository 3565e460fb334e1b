"""A zip of a folder of the bulk format: which of its parts are taken, and why one may not be unpacked at all."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath
from typing import BinaryIO

from applications.actions.file_types import BROKEN_PACKED
from applications.actions.imports.catalogue import FILES
from applications.actions.imports.folder import REFUSED_PREFIX
from applications.actions.imports.leases import LONGEST_DOCUMENT
from vouchers.errors import Invalid

MB = 1024 * 1024
LARGEST_UNPACKED = 8 * 1024 * MB
MOST_PARTS = 200_000
#: Tables of figures pack at 1:20 or so; a bomb at 1:1000. Small parts are left alone, whatever their ratio.
HIGHEST_RATIO, RATIO_FROM = 200, MB
#: the files of the format, and those of refused rows
KNOWN = frozenset((*FILES, *(REFUSED_PREFIX + name for name in FILES)))
_ZIP = b"PK\x03\x04"


def open_dataset(stream: BinaryIO) -> zipfile.ZipFile:
    """The zip, once its directory says that it does not explode; what the directory says of a part binds while it is read."""
    if stream.read(4) != _ZIP:
        raise Invalid(
            "upload.not_zip",
            "该文件不是 ZIP 压缩包。",
            field="files",
            hint="请将存放 CSV 文件的文件夹压缩为 ZIP（不要用 RAR、7z），或直接选择各个 CSV 文件。",
        )
    try:
        packed = zipfile.ZipFile(stream)
        parts = packed.infolist()
    except BROKEN_PACKED:
        raise Invalid(
            "upload.broken", "压缩包已损坏，无法打开。", field="files", hint="请重新压缩后再上传。"
        ) from None
    refusal = None
    if any(part.flag_bits & 0x1 for part in parts):
        refusal = Invalid(
            "upload.encrypted", "压缩包设有密码，无法读取。", field="files", hint="请取消密码后重新压缩。"
        )
    elif (
        len(parts) > MOST_PARTS
        or sum(part.file_size for part in parts) > LARGEST_UNPACKED
        or any(
            p.file_size > RATIO_FROM and p.file_size > HIGHEST_RATIO * max(p.compress_size, 1) for p in parts
        )
    ):
        refusal = Invalid(
            "upload.bomb",
            "压缩包展开后过大，为安全起见不予展开。",
            field="files",
            hint=f"展开后最多 {LARGEST_UNPACKED // 1024 // MB} GB、{MOST_PARTS} 个文件。",
        )
    if refusal is not None:
        packed.close()
        raise refusal
    return packed


def parts_of(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Which parts to unpack under which name: the folder that holds the tables, and what lies in it.

    Raises ``Invalid`` (``upload.no_tables``) when there is no table of the format in it, ``upload.path`` for a name that leads out.
    """
    files = [part for part in packed.infolist() if not part.is_dir()]
    paths = {part: PurePosixPath(part.filename.replace("\\", "/")) for part in files}
    for path in paths.values():
        if path.is_absolute() or ".." in path.parts or "\x00" in str(path) or ":" in path.parts[0]:
            raise Invalid("upload.path", "压缩包中有指向文件夹之外的路径，不予展开。", field="files")
    roots = sorted(
        {path.parent for path in paths.values() if path.name in KNOWN and path.parts[0] != "__MACOSX"},
        key=lambda root: (len(root.parts), str(root)),
    )
    if not roots:
        raise Invalid(
            "upload.no_tables",
            "压缩包中没有本格式的文件。",
            field="files",
            hint=f"文件名须与格式说明一致，如 {FILES[0]}、claims.csv。",
        )
    inside = {}
    for part, path in paths.items():
        if roots[0] in path.parents:
            name = path.relative_to(roots[0])
            table = len(name.parts) == 1 and name.suffix.lower() == ".csv"
            if table or part.file_size <= LONGEST_DOCUMENT:
                inside[str(name)] = part
    return inside


__all__ = ["KNOWN", "MB", "open_dataset", "parts_of"]
