"""From what a function returned to the answer of an API: payload formats 2.0 and 1.0. Pure.

Format 2.0 is that of function URLs, but for the type of a body without one. Format 1.0 has to be an object with a
statusCode, and may name a header's values in multiValueHeaders, which the one in headers follows where that is another.

Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" (Lambda function response)
and "Set up Lambda proxy integrations in API Gateway" (output format). That a body without a type is sent as
text/plain by an HTTP API is what public reports of the service show. Recorded: what may be missing or too much of an
answer to a REST API, and that an HTTP API takes an errorMessage without a statusCode for a failure.
"""

from typing import Any

import msgspec

from lambent.gateway.urls.answer import BadAnswer, answer_of, body_in, head_of
from lambent.model.http import HttpResponse

TEXT_TYPE = "text/plain;charset=UTF-8"
MANY, FAILURE = "multiValueHeaders", b'"errorMessage"'
MEMBERS = frozenset({"statusCode", "headers", MANY, "body", "isBase64Encoded"})


def answer_2(payload: bytes) -> HttpResponse:
    """An answer in format 2.0. Raises BadAnswer."""
    if FAILURE in payload and _is_failure(payload):
        raise BadAnswer("it is what a function that failed says")
    return answer_of(payload, TEXT_TYPE)


def answer_1(payload: bytes) -> HttpResponse:
    """An answer in format 1.0. Raises BadAnswer."""
    told = _told(payload)
    if "statusCode" not in told:
        raise BadAnswer("it has no statusCode")
    return _answer(told, TEXT_TYPE)


def answer_of_rest(payload: bytes, default_type: str) -> HttpResponse:
    """An answer in format 1.0 as REST APIs read it: every member may be left out, there is no other, and a body is
    text. Raises BadAnswer."""
    told = _told(payload)
    if not told.keys() <= MEMBERS:
        raise BadAnswer(f"it has {', '.join(sorted(told.keys() - MEMBERS))}, which is not of its form")
    if not isinstance(told.get("body"), str | None):
        raise BadAnswer("its body is no string")
    return _answer({"statusCode": 200, **told}, default_type)


def _is_failure(payload: bytes) -> bool:
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "errorMessage" in told and "statusCode" not in told


def _told(payload: bytes) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if not isinstance(told, dict):
        raise BadAnswer("it is no object")
    return told


def _answer(told: dict[str, Any], default_type: str) -> HttpResponse:
    many = _many(told)
    given = told.get("headers")
    status, headers = head_of({"statusCode": told["statusCode"], "headers": given}, default_type)
    if "content-type" in many:
        headers = [each for each in headers if each[0] != "content-type"]
    for name, values in many.items():
        several = [each for value in values for each in head_of({"headers": {name: value}}, "")[1] if each[0] == name]
        alone = [each for each in headers if each[0] == name and each not in several]
        headers = [each for each in headers if each[0] != name] + several + alone
    return HttpResponse(status, headers, body_in(told))


def _many(told: dict[str, Any]) -> dict[str, list[Any]]:
    many = told.get(MANY)
    if many is None:
        return {}
    if not isinstance(many, dict) or not all(isinstance(values, list) for values in many.values()):
        raise BadAnswer(f"its {MANY} is no object of lists")
    return {str(name).lower(): values for name, values in many.items()}
