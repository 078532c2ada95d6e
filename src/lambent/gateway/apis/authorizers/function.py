"""REQUEST: a function decides, by what the request brings; its answer is good for a while.

A request that lacks an identity source is refused without asking. An answer is kept by the values of the identity
sources, for all routes; so one that is a policy is judged for each route anew. A function that fails is our client's
500; one that raises "Unauthorized" is a 401.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers". The longest that is
waited for a function is that of the quotas page (10 s).
"""

import asyncio
from typing import Any

import msgspec
import structlog

from lambent.errors import LambentError
from lambent.gateway.apis.authorizer_policy import BadVerdict
from lambent.gateway.apis.authorizers.answers import Verdict, Verdicts, verdict_of
from lambent.gateway.apis.expressions import Scene, variable
from lambent.gateway.apis.http_call import HttpCall
from lambent.gateway.apis.http_event import authorizer_event
from lambent.gateway.apis.refusals import Refused, forbidden, unauthorized
from lambent.gateway.invoke_streamed import Begin
from lambent.gateway.permits import Permits
from lambent.model.apis import FunctionAuthorizer, execute_api_arn
from lambent.model.invocation import Invocation, InvocationResult

LONGEST_S = 10.0
UNAUTHORIZED = b'"errorMessage":"Unauthorized"'

log = structlog.get_logger()


def says_unauthorized(payload: bytes) -> bool:
    """Whether a function that failed has raised "Unauthorized"."""
    return UNAUTHORIZED in payload.replace(b'": "', b'":"')


class FunctionAuthorization:
    """One authorizer."""

    def __init__(self, wanted: FunctionAuthorizer, begin: Begin, permits: Permits, verdicts: Verdicts) -> None:
        self._wanted, self._begin, self._permits, self._verdicts = wanted, begin, permits, verdicts
        self._sources = [variable(source) for source in wanted.sources]

    async def __call__(self, call: HttpCall) -> None:
        """Raises Refused."""
        scene = Scene(call, call.exchange.request)
        identity = [None if read is None else read(scene) for read in self._sources]
        values = [each for each in identity if each]
        if len(values) < len(identity):
            raise unauthorized()
        key = (call.api.api_id, self._wanted.authorizer_id, *values)
        verdict = self._verdicts.get(key) if self._wanted.ttl_s else None
        try:
            if verdict is None:
                verdict = await self._ask(call, values)
                if self._wanted.ttl_s:
                    self._verdicts.put(key, verdict, self._wanted.ttl_s)
            if not verdict.lets(call.source_arn, {"aws:sourceip": call.exchange.source_ip}):
                raise forbidden()
        except BadVerdict as error:
            log.warning(f"an authorizer's answer is bad: {error}", action="api.authorizer", api=call.api.api_id)
            raise Refused(500, "Internal Server Error") from None
        self._tell(call, verdict)

    def _tell(self, call: HttpCall, verdict: Verdict) -> None:
        call.authorizer_values = dict(verdict.values)
        if verdict.principal_id:
            call.authorizer_values = {"principalId": verdict.principal_id, **call.authorizer_values}
        call.authorizer = {"lambda": dict(call.authorizer_values)}

    async def _ask(self, call: HttpCall, identity: list[str]) -> Verdict:
        wanted = self._wanted
        source_arn = execute_api_arn(call.api, "authorizers", wanted.authorizer_id)
        if not await self._permits.get(wanted.function, wanted.qualifier, source_arn):
            raise BadVerdict("the function's resource policy does not let API Gateway in")
        event = authorizer_event(call, wanted.payload_format, identity)
        request_id = call.exchange.request_id
        result = await self._invoke(
            Invocation(request_id, wanted.function, wanted.qualifier, msgspec.json.encode(event), call.trace_header)
        )
        if result.function_error:
            if says_unauthorized(result.payload):
                raise unauthorized()
            raise BadVerdict(f"the function failed: {result.error_type or result.status}")
        return verdict_of(result.payload, simple=wanted.simple)

    async def _invoke(self, invocation: Invocation) -> InvocationResult:
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: InvocationResult | Exception) -> None:
            if not ended.done():
                ended.set_result(result)

        self._begin(invocation, done, None)
        try:
            async with asyncio.timeout(LONGEST_S):
                result: InvocationResult | Exception = await ended
        except TimeoutError:
            raise BadVerdict(f"the function took longer than {LONGEST_S:.0f} s") from None
        if isinstance(result, LambentError):
            raise BadVerdict(f"the function was not invoked: {result}")
        if isinstance(result, Exception):
            raise result
        return result
