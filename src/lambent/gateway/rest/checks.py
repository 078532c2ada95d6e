"""Whether a request has the parameters and the body that its method asks for. Pure, but that what takes long is done
beside the loop.

Source: API Gateway Developer Guide, "Request validation for REST APIs": parameters have to be there and not blank; a
body is checked against the model of its type, where the method has one.
"""

import asyncio

import msgspec

from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.refusals import Refused
from lambent.mapping.input import header
from lambent.mapping.schemas import AT_ONCE, TOO_MUCH

JSON_TYPE = "application/json"


async def check(call: RestCall, method: MethodPlan) -> None:
    """Raises Refused."""
    missing = [name for place, name in method.required if not _has(call, place, name)]
    if missing:
        message = f"Missing required request parameters: [{', '.join(missing)}]"
        raise Refused("BAD_REQUEST_PARAMETERS", message, details=message)
    if method.schemas:
        await _check_body(call, method)


def _has(call: RestCall, place: str, name: str) -> bool:
    held = call.places[place]
    return bool(header(held, name) if "header" in place else held.get(name))


async def _check_body(call: RestCall, method: MethodPlan) -> None:
    kind = call.request.header("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    schema = method.schemas.get(kind) or method.schemas.get("$default")
    if schema is None:
        return
    try:
        body = msgspec.json.decode(call.request.body)
    except (ValueError, RecursionError):
        raise Refused("BAD_REQUEST_BODY", details="the body is not JSON") from None
    problems = schema.problems(body, AT_ONCE)
    if problems == TOO_MUCH:
        problems = await asyncio.to_thread(schema.problems, body)
    if problems:
        call.log.append(f"Request body does not match model schema for content type {kind}: {problems}")
        raise Refused("BAD_REQUEST_BODY", details=problems)
