"""One door for e-invoice files, whatever their kind."""

from __future__ import annotations

from typing import BinaryIO

from applications.actions.file_types import OFD, PDF, XML, recognise
from applications.einvoice.document import EInvoice, Unread
from applications.einvoice.ofd import read_ofd
from applications.einvoice.pdf import read_pdf
from applications.einvoice.xml import read_xml

READERS = {XML: read_xml, OFD: read_ofd, PDF: read_pdf}


def read_einvoice(file: BinaryIO) -> EInvoice:
    """Read an e-invoice from a file by what it contains. Raises ``Unread`` or ``Invalid`` with a code and a cure.

    The file's size is not limited here: papers are (``receive_paper``), so take the paper in first.
    """
    kind = recognise(file)
    reader = READERS.get(kind.content_type)
    if reader is None:
        raise Unread(
            "einvoice.kind",
            "该文件不是电子发票文件。可读取的类型为 XML（推荐）、OFD 和 PDF。",
            field="file",
            hint="图片可以作为材料提交，发票信息请手工填写。",
        )
    file.seek(0)
    content = file.read()
    file.seek(0)
    return reader(content)
