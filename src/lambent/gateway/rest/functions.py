"""Invokes the functions that integrations and authorizers name, once they let API Gateway in."""

import asyncio

from lambent.gateway.rest import traces
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused, internal
from lambent.mapping.uris import Function, function_of
from lambent.model.invocation import Invocation, InvocationResult


async def permitted(call: RestCall, ports: Ports, uri: str, source_arn: str) -> Function:
    """The function that a URI leads to. Raises Refused where there is none, or it does not let API Gateway in."""
    function = function_of(uri, call.variables)
    if function is None:
        call.log.append("Execution failed due to configuration error: Invalid permissions on Lambda function")
        raise internal()
    permits = ports.tools.permits
    allowed = permits.known(function.key, function.qualifier, source_arn)
    if allowed is None:
        allowed = await permits.get(function.key, function.qualifier, source_arn)
    if not allowed:
        call.log.append("Execution failed due to configuration error: Invalid permissions on Lambda function")
        raise internal()
    return function


async def invoke(call: RestCall, ports: Ports, function: Function, event: bytes, timeout_s: float) -> InvocationResult:
    """What the function answers. Raises Refused where it is late, cannot take the event, or is not there."""
    if len(event) > ports.tools.rules.event_bytes:
        raise Refused("REQUEST_TOO_LARGE")
    facts, clock = call.facts, ports.clock
    invocation = Invocation(facts.request_id, function.key, function.qualifier, event, facts.trace_header)
    answer: asyncio.Future[InvocationResult | Exception] = asyncio.get_running_loop().create_future()
    begin_s = clock.monotonic_s()
    if call.is_trial:
        key = function.key
        uri = f"https://lambda.{key.region}.amazonaws.com/2015-03-31/functions/{arn_of(function)}/invocations"
        call.log += traces.asked(uri, {"X-Amzn-Trace-Id": facts.trace_header}, event)
    ports.tools.begin(invocation, lambda result: _hand_over(answer, result), None)
    try:
        async with asyncio.timeout(timeout_s):
            result = await answer
    except TimeoutError:
        call.log.append("Execution failed due to a timeout error")
        raise Refused("INTEGRATION_TIMEOUT") from None
    finally:
        call.integration_ms = round((clock.monotonic_s() - begin_s) * 1000)
    if isinstance(result, Exception):
        call.log.append(f"Execution failed: {result}")
        raise internal()
    if call.is_trial:
        headers = {"X-Amz-Function-Error": result.function_error} if result.function_error else {}
        call.log += traces.came_back(200, call.integration_ms, headers, result.payload)
    return result


def arn_of(function: Function) -> str:
    """The function's ARN, with its version or alias if that was named."""
    key = function.key
    arn = f"arn:aws:lambda:{key.region}:{key.account}:function:{key.name}"
    return f"{arn}:{function.qualifier}" if function.qualifier else arn


def _hand_over(answer: asyncio.Future[InvocationResult | Exception], result: InvocationResult | Exception) -> None:
    if not answer.done():  # it is late
        answer.set_result(result)
