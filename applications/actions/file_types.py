"""What a file is, judged by its content and never by its name, and whether it is fit to be kept.

Raises ``Invalid`` with a stable code (``paper.…``) and a sentence that says what to do.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import ParseError, parse

from vouchers.errors import Invalid

PDF = "application/pdf"
OFD = "application/ofd"
XML = "application/xml"
PNG = "image/png"
JPEG = "image/jpeg"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

NAMES = {PDF: "PDF", OFD: "OFD", XML: "XML", PNG: "PNG", JPEG: "JPEG", XLSX: "XLSX"}
EXTENSIONS = {PDF: ".pdf", OFD: ".ofd", XML: ".xml", PNG: ".png", JPEG: ".jpg", XLSX: ".xlsx"}

# A contract of sixty scanned pages at 300 dpi is 15 to 20 MB; above that it is a scan in colour that should be made again.
LARGEST_MB = 20
LARGEST = LARGEST_MB * 1024 * 1024
# An e-invoice with a thousand lines is under 1 MB; the tree of a larger XML file would fill the memory of the process.
LARGEST_XML = 5 * 1024 * 1024
# What a packed file (OFD, XLSX) may grow to: ten times the largest paper, in no more parts than a long document has.
LARGEST_UNPACKED = 10 * LARGEST
MOST_PARTS = 5_000
# Text packs at 1:20 at the best; a bomb at 1:1000. Small parts are left alone, whatever their ratio.
HIGHEST_RATIO = 200
RATIO_FROM = 1024 * 1024

#: what the zip reader raises over a damaged or hostile file
BROKEN_PACKED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_HEAD = 1024
_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", JPEG))


@dataclass(frozen=True)
class FileKind:
    """The content type, and the extension that the file gets when it is handed out again."""

    content_type: str

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.content_type]


def not_allowed() -> Invalid:
    """The refusal of a file of no admitted kind."""
    return Invalid(
        "paper.kind_not_allowed",
        "无法识别该文件，或该类文件不能作为材料提交。可提交的类型为 PDF、OFD、XML（数电票）、PNG、JPEG 和 XLSX。",
        field="file",
        hint="类型按文件内容判断，改扩展名无效。请另存为上述类型之一后再上传。",
    )


def recognise(file: BinaryIO) -> FileKind:
    """The kind of the file, which must be readable and seekable; the position is back at the start afterwards."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    for signature, content_type in _SIGNATURES:
        if head.startswith(signature):
            return FileKind(content_type)
    if b"%PDF-" in head:
        return FileKind(PDF)
    if head.startswith(b"PK\x03\x04"):
        return _recognise_packed(file)
    if _looks_like_xml(head):
        check_xml(file)
        return FileKind(XML)
    raise not_allowed()


def _looks_like_xml(head: bytes) -> bool:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if head.startswith(mark):
            return head[: len(head) // 2 * 2].decode(encoding, errors="ignore").lstrip().startswith("<")
    return head.lstrip().startswith(b"<")


def check_xml(file: BinaryIO) -> None:
    """Refuse XML with any DTD or entity, XML that is broken, and HTML in its clothes."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    if size > LARGEST_XML:
        raise Invalid(
            "paper.too_large",
            f"XML 文件不能超过 {LARGEST_XML // 1024 // 1024} MB，您的文件为 {size / 1024 / 1024:.1f} MB。",
            field="file",
            hint="请确认所选文件是税务数字账户下载的数电票 XML。",
        )
    try:
        root = parse(file, forbid_dtd=True).getroot()
    except (DTDForbidden, DefusedXmlException):
        raise Invalid(
            "paper.xml_dtd",
            "该 XML 文件含有 DTD 或实体声明，为安全起见不能接收。",
            field="file",
            hint="税务机关签发的数电票 XML 不含 DTD。请从电子税务局重新下载原文件，不要编辑后上传。",
        ) from None
    except (ParseError, ValueError, LookupError):
        raise Invalid(
            "paper.xml_broken",
            "该 XML 文件不完整或已被改动，无法读取。",
            field="file",
            hint="请从电子税务局重新下载数电票的 XML 文件后再上传。",
        ) from None
    finally:
        file.seek(0)
    if root is None or root.tag.rpartition("}")[2].lower() in ("html", "svg"):
        raise not_allowed()


def _recognise_packed(file: BinaryIO) -> FileKind:
    with open_packed(file) as packed:
        names = {name.lstrip("/").lower() for name in packed.namelist()}
    if any(name.endswith("vbaproject.bin") for name in names):
        raise Invalid(
            "paper.macro", "该表格含有宏，不能接收。", field="file", hint="请另存为不含宏的 XLSX 后再上传。"
        )
    if "ofd.xml" in names:
        return FileKind(OFD)
    if "[content_types].xml" in names and "xl/workbook.xml" in names:
        return FileKind(XLSX)
    raise not_allowed()


def open_packed(file: BinaryIO) -> zipfile.ZipFile:
    """The packed file, once it is known that it does not explode.

    What the directory says of a part's size binds: reading a part stops there, and may raise one of ``BROKEN_PACKED``.
    """
    file.seek(0)
    try:
        packed = zipfile.ZipFile(file)
    except BROKEN_PACKED:
        raise Invalid(
            "paper.broken", "该文件已损坏，无法打开。", field="file", hint="请重新导出或下载后再上传。"
        ) from None
    parts = packed.infolist()
    total = sum(part.file_size for part in parts)
    explodes = (
        len(parts) > MOST_PARTS
        or total > LARGEST_UNPACKED
        or any(
            part.file_size > RATIO_FROM and part.file_size > HIGHEST_RATIO * max(part.compress_size, 1)
            for part in parts
        )
    )
    if explodes:
        packed.close()
        raise Invalid(
            "paper.bomb",
            "该压缩型文件展开后过大，为安全起见不能接收。",
            field="file",
            hint="请将内容分拆为几个文件，或改为 PDF 后上传。",
        )
    if any(part.flag_bits & 0x1 for part in parts):
        packed.close()
        raise Invalid(
            "paper.encrypted", "该文件设有密码，无法审核。", field="file", hint="请取消密码后重新上传。"
        )
    return packed


__all__ = [
    "EXTENSIONS",
    "JPEG",
    "LARGEST",
    "LARGEST_MB",
    "NAMES",
    "OFD",
    "PDF",
    "PNG",
    "XLSX",
    "XML",
    "FileKind",
    "check_xml",
    "open_packed",
    "recognise",
]
