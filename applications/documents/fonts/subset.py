"""Makes the committed font from the full one: ``python subset.py FULL.ttf`` writes ``NotoSansSC-Regular.ttf`` beside this file.

The full font is Noto Sans SC Regular 2.004 as TrueType (npm package ``@expo-google-fonts/noto-sans-sc``, file
``400Regular/NotoSansSC_400Regular.ttf``; SIL Open Font License 1.1, no reserved name is used). TrueType, because PDFs made
from OpenType/CFF fonts are six times the size. Kept: GB 2312, ASCII and Latin-1, and ``rare_characters.txt``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parent


def gb2312() -> set[int]:
    """The code points of GB 2312-80."""
    points = set()
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes([row, cell]).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def wanted() -> set[int]:
    """Every code point that the committed font shall have."""
    rare = (HERE / "rare_characters.txt").read_text(encoding="utf-8").splitlines()
    signs = {ord(sign) for line in rare if not line.startswith("#") for sign in line}
    fullwidth = set(range(0xFF01, 0xFF5F))
    return gb2312() | signs | fullwidth | set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))


def main(source: str) -> None:
    """Write the subset and print what it holds and what the full font lacks."""
    font = TTFont(source)
    points = wanted()
    lacking = sorted(points - set(font.getBestCmap()))
    options = Options(
        layout_features=["kern", "locl", "tnum", "palt"], hinting=False, notdef_outline=True, name_IDs=["*"]
    )
    options.drop_tables += ["vhea", "vmtx", "BASE", "STAT", "prep", "gasp", "GDEF"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    target = HERE / "NotoSansSC-Regular.ttf"
    font.save(target)
    sys.stdout.write(
        f"{target.name}: {len(points) - len(lacking)} characters, {target.stat().st_size:,} bytes\n"
    )
    sys.stdout.write(f"not in the full font: {''.join(map(chr, lacking)) or 'none'}\n")


if __name__ == "__main__":
    main(sys.argv[1])
