"""Names that look the same though they are written with other characters.

``ü`` typed on a keyboard is one character; a tool on a Mac may write it as ``u`` and two dots. No
one can see the difference, so what forbids the one must forbid the other, too.
"""

from __future__ import annotations

import re
import unicodedata

_SAME = str.maketrans({"\u2010": "-", "\u2011": "-", "\N{MICRO SIGN}": "\N{GREEK SMALL LETTER MU}"})
# Those that Unicode calls ignorable, beside its format characters.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def same_look(text: str) -> str:
    """Return a form of a name that is equal for names that look the same.

    That is NFC, without characters that are not seen nor blanks at the ends, and with one kind of
    blank, hyphen and mu. It is not NFKC, which makes ``m²`` the same as ``m2``: these are told
    apart by the eye. Upper and lower case are different, and letters of other scripts as well.
    """
    if text.isascii():
        return text.strip()
    seen = "".join(
        " " if unicodedata.category(character) == "Zs" else character
        for character in text.translate(_SAME)
        if unicodedata.category(character) != "Cf" and not _UNSEEN.match(character)
    )
    return unicodedata.normalize("NFC", seen).strip()
