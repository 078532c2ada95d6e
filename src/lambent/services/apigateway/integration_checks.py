"""Whether an integration, and what becomes of its answers, can be carried out. Pure.

What could only fail when somebody calls is refused when it is set: templates and regular expressions are read, and
mappings have to name places that there are.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from lambent.mapping import expressions, regexes
from lambent.mapping.uris import VARIABLE, Operation, operation_of, wraps_function
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed
from lambent.model.rest_api import Part
from lambent.services.apigateway.errors import BadRequest, not_built

TYPES = ("HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY")
PASSTHROUGH = ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER")
CONTENT = ("CONVERT_TO_BINARY", "CONVERT_TO_TEXT")
VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY")
SHORTEST_MS = 50
SERVICES = ("dynamodb", "events", "logs", "sns", "sqs")
ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+")


def check_integration(made: Part, longest_ms: int) -> None:
    """Raises BadRequest and NotImplementedByLambent."""
    kind = made.get("type")
    if kind not in TYPES:
        raise BadRequest(f"Invalid integration type: it takes {', '.join(TYPES)}.")
    _check_connection(made)
    if not SHORTEST_MS <= made["timeoutInMillis"] <= longest_ms:
        raise BadRequest(f"Timeout should be between {SHORTEST_MS} ms and {longest_ms} ms")
    if made["passthroughBehavior"] not in PASSTHROUGH:
        raise BadRequest(f"Invalid passthroughBehavior: it takes {', '.join(PASSTHROUGH)}.")
    if made.get("contentHandling") not in (None, *CONTENT):
        raise BadRequest(f"Invalid contentHandling: it takes {', '.join(CONTENT)}.")
    if kind != "MOCK":
        _check_target(made)
    _check_mappings(made.get("requestParameters", {}), expressions.TO_INTEGRATION, expressions.FROM_REQUEST)
    _check_templates(made.get("requestTemplates", {}))


def check_response(method: Part, made: Part) -> None:
    """Raises BadRequest."""
    if not re.fullmatch(r"[1-5]\d\d", made["statusCode"]):
        raise BadRequest(f"Invalid status code: {made['statusCode']}")
    declared = method.get("methodResponses", {}).get(made["statusCode"])
    if declared is None:
        raise BadRequest("Invalid status code identifier specified")
    try:
        regexes.compiled(made.get("selectionPattern", ""))
    except regexes.BadRegex as error:
        raise BadRequest(f"Invalid selectionPattern: {error}") from None
    if made.get("contentHandling") not in (None, *CONTENT):
        raise BadRequest(f"Invalid contentHandling: it takes {', '.join(CONTENT)}.")
    mappings = made.get("responseParameters", {})
    for name in mappings:
        if name not in declared.get("responseParameters", {}):
            raise BadRequest(f"Invalid mapping expression parameter specified: {name}")
    _check_mappings(mappings, expressions.TO_CALLER, expressions.FROM_ANSWER)
    _check_templates(made.get("responseTemplates", {}))


def _check_connection(made: Part) -> None:
    if made.get("connectionType", "INTERNET") != "INTERNET" or made.get("connectionId"):
        raise not_built("VPC links (connectionType VPC_LINK)")
    if any((made.get("tlsConfig") or {}).values()):
        raise not_built("tlsConfig")
    if made.get("responseTransferMode", "BUFFERED") != "BUFFERED":
        raise not_built("responseTransferMode STREAM")
    if made.get("integrationTarget"):
        raise not_built("integrationTarget")


def _check_target(made: Part) -> None:
    uri, kind = made.get("uri", ""), made["type"]
    if made.get("httpMethod") not in VERBS:
        raise BadRequest("Enumeration value for HttpMethod must be non-empty")
    if kind in ("HTTP", "HTTP_PROXY"):
        _check_url(uri)
        return
    operation = operation_of(VARIABLE.sub("x", uri), {})
    if operation is None:
        raise BadRequest("Invalid ARN specified in the request" if uri.startswith("arn:")
                         else "AWS ARN for integration must contain path or action")  # fmt: skip
    if kind == "AWS_PROXY" and not wraps_function(uri):
        raise BadRequest("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream "
                         "invocations.")  # fmt: skip
    if not wraps_function(uri):
        _check_service(made, operation)
        return
    if made["httpMethod"] != "POST":
        raise BadRequest("A function is invoked by POST: the integration's httpMethod has to be that.")
    if made.get("credentials"):
        raise not_built("credentials of an integration with a function")


def _check_service(made: Part, operation: Operation) -> None:
    if operation.service not in SERVICES:
        raise not_built(f"An integration with the service {operation.service}")
    if not ROLE.fullmatch(made.get("credentials", "")):
        raise BadRequest("Role ARN must be specified for AWS integrations: credentials has to be the ARN of a role.")


def _check_url(uri: str) -> None:
    plain = re.sub(r"\{[^{}]*\}", "x", VARIABLE.sub("x", uri))
    try:
        parts = urlsplit(plain)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right:
        raise BadRequest("Invalid HTTP endpoint specified for URI")


def _check_mappings(mappings: Mapping[str, str], to: re.Pattern[str], source: re.Pattern[str]) -> None:
    for target, value in mappings.items():
        if expressions.target_of(target, to) is None:
            raise BadRequest(f"Invalid mapping expression parameter specified: {target}")
        if expressions.source_of(value, source) is None:
            raise BadRequest(f"Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                             f"[Invalid mapping expression specified: {value}]")  # fmt: skip


def _check_templates(templates: Mapping[str, str | None]) -> None:
    for media_type, template in templates.items():
        try:
            parse(template or "")
        except TemplateFailed as error:
            raise BadRequest(f"Invalid mapping template for {media_type}: {error}") from None
