"""Where integrations lead: the URIs of functions, with stage variables in them. Pure.

Source: API Gateway API Reference, `PutIntegration` (uri): `arn:aws:apigateway:REGION:SERVICE:path|action/...`, and for
a function `.../functions/ARN/invocations`; a name may hold ${stageVariables.NAME}.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from lambent.model.function import FunctionKey

VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
AWS_URI = re.compile(r"arn:aws:apigateway:([a-z0-9-]+):(?:[a-z0-9-]+\.)?([a-z0-9-]+):(path|action)/(.+)")
FUNCTION_PATH = re.compile(r"2015-03-31/functions/(.+)/(invocations|response-streaming-invocations)")
FUNCTION = re.compile(r"arn:aws:lambda:([a-z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+)(?::([a-zA-Z0-9_$-]+))?")


class AwsUri(Struct, frozen=True):
    """An operation of a service: `action` is its name, or its path."""

    region: str
    service: str
    kind: str
    action: str


class Function(Struct, frozen=True):
    """A function, or a version or alias of it."""

    key: FunctionKey
    qualifier: str


def aws_uri(text: str) -> AwsUri | None:
    """None for what is none."""
    match = AWS_URI.fullmatch(text)
    return None if match is None else AwsUri(match[1], match[2], match[3], match[4])


def function_in(text: str) -> str | None:
    """The function's ARN in the URI of an integration or an authorizer, with its variables; None for another URI."""
    uri = aws_uri(text)
    if uri is None or uri.service != "lambda" or uri.kind != "path":
        return None
    match = FUNCTION_PATH.fullmatch(uri.action)
    return None if match is None else match[1]


def function_of(text: str, variables: Mapping[str, str]) -> Function | None:
    """The function that such a URI leads to now; None where it leads to none."""
    arn = function_in(filled(text, variables))
    match = None if arn is None else FUNCTION.fullmatch(arn)
    if match is None:
        return None
    return Function(FunctionKey(match[2], match[1], match[3]), match[4] or "")


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the values of its stage variables; one that is not there counts as empty."""
    return VARIABLE.sub(lambda match: variables.get(match[1], ""), text) if "$" in text else text
