"""An expression's text cut into tokens."""

import re
from typing import NamedTuple

from lambent.services.dynamodb.errors import ExpressionError

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<placeholder>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>0|[1-9][0-9]*)|(?P<sign><=|>=|<>|[=<>()\[\].,+-])|(?P<end>$)|(?P<wrong>\S))"
)
END = "<EOF>"


class Token(NamedTuple):
    """`kind` is a group of the pattern above; `begin` and `end` are places in the text."""

    kind: str
    text: str
    begin: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens, an end token last. Raises ValidationError at a character that begins none."""
    found: list[Token] = []
    at = 0
    while True:
        match = _TOKEN.match(text, at)
        assert match is not None  # `wrong` and `end` match whatever nothing else does
        kind = str(match.lastgroup)
        token = Token(kind, match[kind], match.start(kind), match.end())
        found.append(token)
        if kind == "end" and (len(found) == 1 or found[-2].kind != "wrong"):
            return found
        if len(found) > 1 and found[-2].kind == "wrong":
            raise unexpected(text, found, len(found) - 2)  # the token behind it is shown too
        at = match.end()


def unexpected(text: str, tokens: list[Token], at: int) -> ExpressionError:
    """`Syntax error; token: "x", near: "..."`: the token with its neighbours."""
    token = tokens[at]
    begin = tokens[at - 1].begin if at else token.begin
    end = tokens[at + 1].end if at + 1 < len(tokens) else token.end
    near = text[begin:end]
    return ExpressionError(f'Syntax error; token: "{token.text or END}", near: "{near}"')
