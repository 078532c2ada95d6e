"""The models' patterns, which are Java's, as Python understands them.

Knows: how the two dialects differ (`\\p{L}` and its like, ASCII `\\w`, a hyphen behind a class), that
a value matches whole or not at all, and which patterns are left out or replaced, by name.
Does not know shapes or messages.

Patterns that backtrack without end on hostile input are replaced by ones that accept the same
texts (`SAME_TEXTS`); the rest see no more than `LONGEST_BACKTRACKED` characters, which is far beyond
any ARN or name, while one plain character class may be as long as it likes.
"""

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], object]

LONGEST_BACKTRACKED = 4096

# Unicode's separators (category Z); letters and numbers are what `\w` finds without the underscore,
# and every pattern here that has \p{L} and \p{N} allows the underscore too.
SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
UNICODE_WORDS = ((r"\p{L}\p{Z}\p{N}", r"\w" + SEPARATORS), (r"\p{L}\p{N}\p{Z}", r"\w" + SEPARATORS))

# Not checked, because Python has no class for what they allow: anything but control characters.
UNCHECKED = frozenset(
    {
        r"[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+",
        r"^([\p{L}\p{Z}\p{N}\p{P}\p{M}]*)$",
    }
)

SAME_TEXTS = {
    r"\p{Print}+": r"[\x20-\x7E]+",
    # UTF-16 surrogate pairs, which are single characters here.
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": "[\\x20-\\U0010FFFF\\r\\n\\t]*",
    # Three repetitions that may share their text out in n^2 ways.
    r"^[a-z0-9A-Z]+[\.\-\w]*[a-z0-9A-Z]+$": r"[a-z0-9A-Z][.\-\w]*[a-z0-9A-Z]",
    # Words with blanks between them: nested repetition of overlapping classes.
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$": r"(?=\t*[^\t])[\x20-\x7E\t]*",
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$": r"(?=\t*[^\t])[^\x00-\x08\x0A-\x1F:\x7F]*",
}

ONE_CLASS = re.compile(r"\^?\(?(\[(?:[^\]\\]|\\.)+\]|\\?\.)(?:[*+]|\{\d+,?\d*\})?\)?\$?")
HYPHEN_BEHIND_CLASS = re.compile(r"(\\[wds])-(?=[^\]])")


def translated(pattern: str) -> tuple[str, re.RegexFlag]:
    """The Python pattern, and the flag that makes `\\w` mean what Java means."""
    pattern = SAME_TEXTS.get(pattern, pattern)
    flags = re.ASCII
    for java, python in UNICODE_WORDS:
        if java in pattern:
            pattern, flags = pattern.replace(java, python), re.UNICODE
    return HYPHEN_BEHIND_CLASS.sub(r"\1\\-", pattern), flags


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Matcher:
    """A test whether a whole text matches `pattern`.

    Raises:
        re.error: Python cannot compile it and no table above names it.
    """
    if pattern in UNCHECKED:
        return _anything
    python, flags = translated(pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # `[a--b]` may mean something else in later versions
        found = re.compile(python, flags).fullmatch
    if ONE_CLASS.fullmatch(python):
        return found
    return lambda text: len(text) <= LONGEST_BACKTRACKED and found(text)


def _anything(_text: str) -> object:
    return True
