"""What errors say for Python, in other words: of the command line, or of a list of servers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xentara_nb.errors import ServerError

# A name or value of a server or user, as repr writes it; a long one is cut.
# Each character of it fits in one way alone, else a server's text could take for ever.
_QUOTED = r"""(?<![\w'"])(?P<quoted>['"])(?:\\.|(?!(?P=quoted))[^\\\n])*(?:(?P=quoted)|…)"""


class Wording:
    """The words for some pieces of Python.

    Parameters
    ----------
    words : mapping of str to str
        By the pattern of what is said for Python, of those that begin alike the longer ones first,
        what is said instead. A group in a pattern has a name of its own.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {f"words_{place}": each for place, each in enumerate(words.values())}
        python = "|".join(
            f"(?P<{name}>{each})" for name, each in zip(self._words, words, strict=True)
        )
        # In one pass, so that no word is taken for Python that was put in; and no part of a word.
        self._pattern = re.compile(rf"(?:(?<![\w.-])|(?=\W))(?:{python})(?![\w'\"])|{_QUOTED}")

    def reword(self, said: object, name: str = "") -> str:
        """Return a text, or what an error says, in these words.

        Names and values stay as they are: what stands in quotes, what a server's error says before
        its advice, and the name that is given, of what the text is about.
        """
        text = str(said)
        kept = text.removesuffix(said.advice) if isinstance(said, ServerError) else ""
        rest = text[len(kept) :]
        parts = rest.split(name) if name else [rest]
        return kept + name.join(self._pattern.sub(self._instead, part) for part in parts)

    def _instead(self, found: re.Match[str]) -> str:
        words = self._words.get(found.lastgroup or "")
        return found[0] if words is None else found.expand(words)
