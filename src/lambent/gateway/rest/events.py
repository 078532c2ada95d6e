"""The event of a Lambda proxy integration (format 1.0 of REST APIs) and of a REQUEST authorizer. Pure.

Sources: behaviours section 22; API Gateway Developer Guide, "Set up Lambda proxy integrations" (input format) and
"Input to an API Gateway Lambda authorizer". A body is base64 only where the API names its type as binary.
"""

from typing import Any

import msgspec

from lambent.gateway.rest.calls import RestCall


def proxy_event(call: RestCall) -> bytes:
    """The event as JSON."""
    return msgspec.json.encode(
        _request(call)
        | {
            "requestContext": call.request_context(),
            "body": call.text if call.request.body else None,
            "isBase64Encoded": bool(call.request.body) and call.is_binary,
        }
    )


def authorizer_event(call: RestCall) -> bytes:
    """What a REQUEST authorizer gets."""
    told = {"type": "REQUEST", "methodArn": call.arn} | _request(call)
    return msgspec.json.encode(told | {"requestContext": call.request_context()})


def _request(call: RestCall) -> dict[str, Any]:
    return {
        "resource": call.method.path if call.method else None,
        "path": call.place.path,
        "httpMethod": call.request.method,
        "headers": call.headers,
        "multiValueHeaders": call.many_headers,
        "queryStringParameters": call.query or None,
        "multiValueQueryStringParameters": call.many_query or None,
        "pathParameters": call.path_parameters or None,
        "stageVariables": dict(call.variables) or None,
    }
