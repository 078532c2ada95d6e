"""Regular expressions that owners of APIs write, with a time limit.

They run in an edge beside everybody's requests: one that would take for ever is given up. Written for Java by AWS's
documents; the `regex` package has Java's possessive quantifiers, atomic groups and inline flags too.
"""

import re
from functools import lru_cache

import regex

LIMIT_S = 0.02
MOST_CHARACTERS = 10 * 1024 * 1024
GROUP = re.compile(r"\\(.)|\$(\d)|\$\{([a-zA-Z][a-zA-Z0-9]*)\}")


class BadRegex(Exception):
    """It cannot be read, or took too long."""


class Regex:
    """One expression."""

    def __init__(self, pattern: "regex.Pattern[str]") -> None:
        self._pattern = pattern

    def matches(self, text: str) -> bool:
        """Whether all of `text` is what it describes. Raises BadRegex."""
        try:
            return self._pattern.fullmatch(text, timeout=LIMIT_S) is not None
        except TimeoutError:
            raise BadRegex("the regular expression takes too long") from None

    def found_in(self, text: str) -> bool:
        """Whether any part of `text` is. Raises BadRegex."""
        try:
            return self._pattern.search(text, timeout=LIMIT_S) is not None
        except TimeoutError:
            raise BadRegex("the regular expression takes too long") from None

    def replace(self, text: str, by: str, count: int = 0) -> str:
        """`text` with what it finds replaced; $1 in `by` is a group. Raises BadRegex."""

        length = len(text)

        def filled(match: "regex.Match[str]") -> str:
            nonlocal length
            new = GROUP.sub(lambda part: part[1] or match[int(part[2]) if part[2] else part[3]] or "", by)
            length += len(new)
            if length > MOST_CHARACTERS:
                raise BadRegex("a text is too long")
            return new

        try:
            return self._pattern.sub(filled, text, count=count, timeout=LIMIT_S)
        except TimeoutError:
            raise BadRegex("the regular expression takes too long") from None
        except IndexError:
            raise BadRegex(f"{by[:40]} names a group that is not there") from None

    def split(self, text: str, limit: int) -> list[str]:
        """The parts of `text` between what it finds. Raises BadRegex."""
        try:
            found = self._pattern.split(text, maxsplit=max(0, limit - 1), timeout=LIMIT_S)
        except TimeoutError:
            raise BadRegex("the regular expression takes too long") from None
        return [part or "" for part in found[:: self._pattern.groups + 1]]


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Regex:
    """Raises BadRegex."""
    if len(pattern) > 8192:
        raise BadRegex("the regular expression is too long")
    try:
        return Regex(regex.compile(pattern))
    except (regex.error, RecursionError, OverflowError) as error:
        raise BadRegex(f"the regular expression cannot be read: {error}") from None
