"""Who may call a method: nobody asked, a signature, or a Lambda authorizer; and the API's own policy.

Sources: API Gateway Developer Guide, "Use API Gateway Lambda authorizers" (input, output, caching, identity sources),
"How API Gateway resource policies affect authorization workflow", and "Gateway response types". That a failing or
broken authorizer is answered with a null message is recorded behaviour. Within an account a signature is enough unless
the policy denies; identity policies are IAM's to judge.
"""

from typing import Any

import msgspec

from lambent.errors import ServiceError
from lambent.gateway.apis.authorizer_policy import BadVerdict
from lambent.gateway.apis.authorizers.answers import Verdict, verdict_of
from lambent.gateway.exchange import Exchange
from lambent.gateway.rest import functions
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.events import authorizer_event
from lambent.gateway.rest.judging import explicitly_denied, judged, known_of
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused
from lambent.mapping import expressions
from lambent.mapping.expressions import Message
from lambent.mapping.regexes import BadRegex, compiled
from lambent.model.rest_api import Part
from lambent.protocol.sigv4 import credential_of

SERVICE = "execute-api"
ANONYMOUS = "anonymous"
TIMEOUT_S = 29.0


async def authorize(call: RestCall, method: MethodPlan, ports: Ports, exchange: Exchange | None) -> None:
    """Return if the caller may go on, with what was learned about it. Raises Refused."""
    if method.authorization == "CUSTOM":
        await _by_function(call, method, ports)
    elif method.authorization == "AWS_IAM" and exchange is not None:
        await _by_signature(call, ports, exchange)
    _by_policy(call, method)


async def _by_signature(call: RestCall, ports: Ports, exchange: Exchange) -> None:
    if not exchange.request.header("authorization") and "X-Amz-Signature=" not in exchange.request.query:
        raise Refused("MISSING_AUTHENTICATION_TOKEN")
    try:
        waiting = ports.tools.authenticate(exchange)
        if waiting is not None:
            await waiting
    except ServiceError as error:
        raise Refused("INVALID_SIGNATURE", error.message, error_type=error.code) from None
    if (exchange.service, exchange.region) != (SERVICE, call.api.region):
        reason = f"Credential should be scoped to a valid Region and to the service {SERVICE}."
        raise Refused("INVALID_SIGNATURE", reason)
    assert exchange.principal is not None
    access_key_id = credential_of(exchange.request).access_key_id
    call.facts = msgspec.structs.replace(call.facts, principal=exchange.principal, access_key_id=access_key_id)


def _by_policy(call: RestCall, method: MethodPlan) -> None:
    """The API's resource policy. Raises Refused."""
    policy, principal = "" if call.plan is None else call.plan.policy, call.facts.principal
    own = principal is not None and principal.account == call.api.account
    if not policy and (own or method.authorization != "AWS_IAM"):
        return
    whom = ANONYMOUS if principal is None else principal.arn
    decision = judged(policy, call, whom) if policy else ""
    if decision == "Deny" or (decision != "Allow" and not own):
        with_deny = " with an explicit deny" if decision == "Deny" else ""
        arn = call.arn.replace(call.api.account, "********" + call.api.account[-4:])
        raise Refused("ACCESS_DENIED", f"User: {whom} is not authorized to perform: {SERVICE}:Invoke on resource: "
                      f"{arn}{with_deny}")  # fmt: skip


async def _by_function(call: RestCall, method: MethodPlan, ports: Ports) -> None:
    authorizer = method.authorizer
    if authorizer is None or call.plan is None:
        raise _broken()
    identity, kept = identity_of(call, authorizer), ports.tools.verdicts
    stage = call.api.stages[call.place.stage]
    ttl_s = authorizer["authorizerResultTtlInSeconds"] if identity else 0
    flushed = str(stage.authorizers_flushed_ms)
    key = (call.api.api_id, stage.name, flushed, call.plan.deployment_id, authorizer["id"], *identity)
    verdict = kept.get(key) if ttl_s else None
    try:
        if verdict is None:
            verdict = await asked(call, ports, authorizer, identity)
            if ttl_s:
                kept.put(key, verdict, ttl_s)
        told = {name: _text(value) for name, value in verdict.values.items()}
        allowed = verdict.lets(call.arn, known_of(call))
    except (BadVerdict, TypeError) as error:
        call.log.append(f"Execution failed due to configuration error: Authorizer: {error}")
        raise _broken() from None
    call.authorizer, call.usage_key = {"principalId": verdict.principal_id, **told}, verdict.usage_key
    if not allowed:
        tail = " with an explicit deny" if explicitly_denied(verdict.policy, call) else ""
        raise Refused("ACCESS_DENIED", f"User is not authorized to access this resource{tail}")


def identity_of(call: RestCall, authorizer: Part) -> tuple[str, ...]:
    """The values of the identity sources. Raises Refused where one is missing."""
    message = Message(call.places, "", call.request_context(), call.variables)
    values: list[str] = []
    for text in authorizer.get("identitySource", "").split(","):
        source = expressions.source_of(text.strip(), expressions.FROM_REQUEST)
        if source is None:
            continue
        found = expressions.value_of(source, message)
        if not found or not found[0]:
            raise Refused("UNAUTHORIZED")
        values.append(found[0])
    pattern = authorizer.get("identityValidationExpression")
    try:
        if pattern and values and not compiled(pattern).matches(values[0]):
            raise Refused("UNAUTHORIZED")
    except BadRegex:
        raise _broken() from None
    return tuple(values)


async def asked(call: RestCall, ports: Ports, authorizer: Part, identity: tuple[str, ...]) -> Verdict:
    """What the function says. Raises BadVerdict and Refused."""
    if authorizer["type"] == "TOKEN":
        event = msgspec.json.encode({"type": "TOKEN", "methodArn": call.arn, "authorizationToken": identity[0]})
    else:
        event = authorizer_event(call)
    api = call.api
    source_arn = f"arn:aws:execute-api:{api.region}:{api.account}:{api.api_id}/authorizers/{authorizer['id']}"
    try:
        function = await functions.permitted(call, ports, authorizer["authorizerUri"], source_arn)
        result = await functions.invoke(call, ports, function, event, TIMEOUT_S)
    except Refused:
        raise _broken() from None
    if result.function_error:
        if _error_message(result.payload) == "Unauthorized":
            raise Refused("UNAUTHORIZED")
        raise Refused("AUTHORIZER_FAILURE", None)
    return verdict_of(result.payload, simple=False)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError("a value of the context is no string, number or boolean")


def _error_message(payload: bytes) -> str:
    try:
        told = msgspec.json.decode(payload)
    except (ValueError, RecursionError):
        return ""
    return str(told.get("errorMessage", "")) if isinstance(told, dict) else ""


def _broken() -> Refused:
    return Refused("AUTHORIZER_CONFIGURATION_ERROR", None)
