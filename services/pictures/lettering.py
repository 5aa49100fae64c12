"""The Chinese characters of our own words as a font inside each Chinese picture and page.

Called by `svg` and `page`. Who has no Chinese font sees characters, not boxes; names in Chinese that are not
ours (a zone, a compound) are set in the viewer's fonts. The file is cut out of Noto Sans CJK SC (SIL Open Font License,
beside it) by `python -m tests.pictures_font`.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "fonts" / "paidan-zh.woff2"


@cache
def style(language: str) -> str:
    """Return the style sheet that brings a language's font; "" where none is needed."""
    if language != "zh":
        return ""
    data = base64.b64encode(FILE.read_bytes()).decode("ascii")
    return f'@font-face{{font-family:"paidan zh";src:url(data:font/woff2;base64,{data}) format("woff2")}}'
