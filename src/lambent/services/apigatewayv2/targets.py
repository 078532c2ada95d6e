"""What an integration's URI leads to. Pure.

A function is named by its own ARN, or by the ARN with which API Gateway invokes it
(`arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`); `${stageVariables.NAME}` stands for a
variable of the stage, which is known only when the stage is.

Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and "Use stage variables for
HTTP APIs" (a function name, or part of one, or an alias).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from lambent.arn import parse_arn
from lambent.model.function import FunctionKey

INVOCATION = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(?P<function>.+)/invocations"
)
VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
QUALIFIER = re.compile(r"\$LATEST|[a-zA-Z0-9_-]{1,128}")
STAND_IN = "x"  # for a variable, where only the form matters


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the stage's variables in it; one that is not there leaves nothing."""
    return VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def function_of(uri: str, variables: Mapping[str, str]) -> tuple[FunctionKey, str] | None:
    """The function and its qualifier ("" for none); None where the URI names none."""
    text = filled(uri, variables)
    wrapped = INVOCATION.fullmatch(text)
    try:
        arn = parse_arn(wrapped["function"] if wrapped else text)
    except ValueError:
        return None
    kind, _, rest = arn.resource.partition(":")
    name, _, qualifier = rest.partition(":")
    if arn.service != "lambda" or kind != "function" or not NAME.fullmatch(name):
        return None
    if qualifier and not QUALIFIER.fullmatch(qualifier):
        return None
    return FunctionKey(arn.account, arn.region, name), qualifier


def is_url(uri: str) -> bool:
    """Whether the URI can be that of a server, whatever the stage's variables are."""
    text = VARIABLE.sub(STAND_IN, uri)
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def names_function(uri: str) -> bool:
    """Whether the URI can name a function, whatever the stage's variables are."""
    return function_of(VARIABLE.sub(STAND_IN, uri), {}) is not None
