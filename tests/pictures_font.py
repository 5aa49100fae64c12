"""Cut the characters of the pictures' words out of Noto Sans CJK SC, into the font that Chinese pictures bring along.

    python -m tests.pictures_font NotoSansCJK-Regular.ttc

Called by hand after a new character came into `services/pictures/chinese.py`; needs fonttools and brotli
(`pip install 'fonttools[woff]'`), which nothing else does. A test holds the characters equal.
"""

from __future__ import annotations

import sys
from pathlib import Path

from services.pictures.chinese import WORDS
from services.pictures.lettering import FILE

#: Which face of the collection is Simplified Chinese.
SIMPLIFIED = 2
LIST = FILE.with_suffix(".txt")


def characters() -> str:
    """Return every character that our own words, numbers and ids need, sorted."""
    return "".join(sorted({chr(n) for n in range(32, 127)} | set("–—·×≤“”") | set("".join(WORDS.values()))))


def main() -> None:
    """Write the font and the list of what is in it."""
    from fontTools import subset

    options = subset.Options(
        flavor="woff2",
        font_number=SIMPLIFIED,
        layout_features=[],
        hinting=False,
        desubroutinize=True,
        notdef_outline=True,
    )
    options.name_IDs = [0, 13, 14]  # copyright and licence stay
    font = subset.load_font(str(Path(sys.argv[1])), options)
    cut = subset.Subsetter(options)
    cut.populate(text=characters())
    cut.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, str(FILE), options)
    LIST.write_text(characters() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
