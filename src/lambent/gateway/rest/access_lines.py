"""What a stage's access log says of a request: $context, with what became of the request. Pure.

Source: API Gateway Developer Guide, "Variables for access logging for API Gateway".
"""

from typing import Any

import msgspec

from lambent.gateway.rest.calls import RestCall
from lambent.model.http import HttpResponse

Known = dict[str, Any]


def told(call: RestCall, response: HttpResponse, took_ms: int) -> Known:
    """All that a line may name."""
    status, refused = response.status, call.refused
    known = call.request_context() | {
        "status": status,
        "responseLength": len(response.body),
        "responseLatency": took_ms,
        "awsEndpointRequestId": call.facts.request_id,
    }
    if call.integration_ms is not None:
        integration = {"latency": call.integration_ms, "requestId": call.facts.request_id}
        known |= {"integrationLatency": call.integration_ms, "integration": integration}
    if call.log:
        known["integrationErrorMessage"] = call.log[-1]
    if refused is not None:
        known["error"] = {
            "message": refused[1],
            "messageString": msgspec.json.encode(refused[1]).decode(),
            "responseType": refused[0],
        }
    return known
