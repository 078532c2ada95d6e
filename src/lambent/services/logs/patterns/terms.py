"""Patterns for events without a structure: `ERROR "exact phrase" -Exiting`, `?ERROR ?WARN`."""

import re

from lambent.services.logs.patterns.common import QUOTED, Matcher, invalid_characters, unquote

TERM = re.compile(rf"\s*(?P<sign>[?-]?)(?:(?P<quoted>{QUOTED})|(?P<word>\w+))(?=\s|$|[?\"-])", re.DOTALL)


def compile_terms(pattern: str) -> Matcher:
    """All terms must occur, none with a minus, one of those with a question mark.

    Question marks have no effect beside other terms. A phrase of nothing but blanks occurs everywhere.
    """
    needed: list[str] = []
    excluded: list[str] = []
    optional: list[str] = []
    by_sign = {"": needed, "-": excluded, "?": optional}
    at = 0
    while at < len(pattern):
        match = TERM.match(pattern, at)
        if match is None:
            raise invalid_characters(_offending(pattern, at))
        text = unquote(match["quoted"]) if match["quoted"] else match["word"]
        by_sign[match["sign"]].append(text if text.strip() else "")
        at = match.end()
    if needed or excluded:
        optional.clear()

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _offending(pattern: str, at: int) -> str:
    """The characters that begin no term, behind those that do."""
    rest = pattern[at:].lstrip()
    odd = re.search(r"[^\w\s?-]+", rest)
    return odd[0] if odd else rest
