"""JSON schemas of models (draft 4), and whether a body is what one describes. Pure.

Nothing is ever fetched: a `$ref` names a definition of its own or another model of the API. Regular expressions have a
time limit (regexes.py). What validates (draft4.py) is loaded with the first schema.

Source: API Gateway Developer Guide, "Data models for REST APIs" (`$ref` with
https://apigateway.amazonaws.com/restapis/API/models/NAME).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

MODELS = "https://apigateway.amazonaws.com/restapis/"
LONGEST = 400 * 1024
AT_ONCE, AT_MOST = 20_000, 2_000_000  # units: a quarter of a second, and about twenty
TOO_MUCH = "[the body takes too long to be checked]"


class BadSchema(Exception):
    """It is no schema."""


class Schema:
    """A model's schema, ready to be used.

    Args:
        text: the schema.
        others: the schemas of the API's models, by the URL that a `$ref` names.
    """

    def __init__(self, text: str, others: Mapping[str, str]) -> None:
        from lambent.mapping.draft4 import Validation  # most servers have no schema, and its library is large

        self._validation = Validation(parsed(text), {url: parsed(other) for url, other in others.items()})

    def problems(self, body: Any, units: int = AT_MOST) -> str:
        """Why `body` is not what it describes, `[object has missing required properties (["name"])]`; or nothing."""
        from lambent.mapping.draft4 import TooMuch  # as above

        try:
            return self._validation.problems(body, units)
        except TooMuch:
            return TOO_MUCH


def parsed(text: str) -> Any:
    """The schema in a text. Raises BadSchema."""
    from lambent.mapping.draft4 import why_not  # as above

    if len(text) > LONGEST:
        raise BadSchema(f"a schema has at most {LONGEST} characters")
    try:
        schema = msgspec.json.decode(text)
        if not isinstance(schema, dict):
            raise BadSchema("a schema is a JSON object")
        problem = why_not(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        problem = str(error).splitlines()[0]
    if problem:
        raise BadSchema(f"it is no JSON schema (draft 4): {problem}")
    return schema
