"""TestInvokeMethod: one method of an API as it is now, without a deployment, key or authorizer; and what happened.
TestInvokeAuthorizer: what an authorizer says of a request.

Source: API Gateway API Reference, "TestInvokeMethod" and "TestInvokeAuthorizer": the answer, the time it took, and an
execution log.
"""

from urllib.parse import unquote

import msgspec

from lambent.gateway.apis.address import Place
from lambent.gateway.apis.authorizer_policy import BadVerdict
from lambent.gateway.proxy_event import Facts
from lambent.gateway.rest import authorizers, refusals, traces, way
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import ApiPlan, MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused
from lambent.model.http import HttpResponse
from lambent.model.rest_api import Permission, RestTrial, TrialOutcome
from lambent.model.trace import new_trace

STAGE, DOMAIN, HERE = "test-invoke-stage", "testPrefix.testDomainName", "test-invoke-source-ip"


async def run(trial: RestTrial, ports: Ports) -> TrialOutcome:
    """Do it."""
    document, call = trial.api.stages[STAGE].document, _call(trial, ports)
    resource = document.resources[trial.resource_id]
    method = MethodPlan(document, resource, resource["resourceMethods"][trial.method])
    call.method, call.path_parameters = method, _parameters(method.path, trial.request.path)
    begin_s = ports.clock.monotonic_s()
    response = await way.answer_untried(call, method, ports)
    latency_ms = round((ports.clock.monotonic_s() - begin_s) * 1000)
    return TrialOutcome(response, _log(call, response), latency_ms)


async def run_authorizer(trial: RestTrial, ports: Ports) -> TrialOutcome:
    """Ask an authorizer about a request, and nothing that was remembered of it."""
    call = _call(trial, ports)
    authorizer = trial.api.stages[STAGE].document.authorizers[trial.authorizer_id]
    begin_s, verdict = ports.clock.monotonic_s(), None
    call.log.append(f"Starting authorizer: {trial.authorizer_id} for request: {trial.request_id}")
    try:
        verdict = await authorizers.asked(call, ports, authorizer, authorizers.identity_of(call, authorizer))
        response = HttpResponse(200, [], b"")
        call.log.append(f"Successfully completed authorizer execution; principalId: {verdict.principal_id}")
    except Refused as refused:
        response = refusals.answer_of(refused, call)
        call.log.append(f"Authorizer failed: {refused.kind}, status: {response.status}")
    except BadVerdict as error:
        response = refusals.answer_of(Refused("AUTHORIZER_CONFIGURATION_ERROR", None), call)
        call.log.append(f"Execution failed due to configuration error: Authorizer: {error}")
    latency_ms = round((ports.clock.monotonic_s() - begin_s) * 1000)
    log = traces.whole(trial.request_id, call.facts.now_ms, call.log)
    said = None if verdict is None else Permission(verdict.principal_id, msgspec.json.encode(verdict.policy).decode())
    return TrialOutcome(response, log, latency_ms, said)


def _call(trial: RestTrial, ports: Ports) -> RestCall:
    stage = trial.api.stages[STAGE]
    trace_header = new_trace(trial.request_id, ports.clock.now_s())
    facts = Facts(trial.request_id, HERE, trace_header, ports.clock.now_ms())
    call = RestCall(trial.api, Place(STAGE, trial.request.path, f"/{STAGE}"), DOMAIN, trial.request, facts)
    call.plan, call.is_trial = ApiPlan(stage.document, "", stage.variables), True
    return call


def _parameters(pattern: str, path: str) -> dict[str, str]:
    """The parameters of a path that is known to lead to this resource, as far as it does."""
    found: dict[str, str] = {}
    wanted, given = pattern[1:].split("/"), [unquote(each) for each in path[1:].split("/")]
    for at, part in enumerate(wanted[: len(given)]):
        if part.endswith("+}"):
            found[part[1:-2]] = "/".join(given[at:])
        elif part.startswith("{"):
            found[part[1:-1]] = given[at]
    return found


def _log(call: RestCall, response: HttpResponse) -> str:
    return traces.whole(call.facts.request_id, call.facts.now_ms, [*_began(call), *call.log, *_ended(call, response)])


def _began(call: RestCall) -> list[str]:
    return [
        f"Starting execution for request: {call.facts.request_id}",
        f"HTTP Method: {call.request.method}, Resource Path: {call.request.path}",
        f"Method request path: {traces.shown_map(call.path_parameters)}",
        f"Method request query string: {traces.shown_map(call.query)}",
        f"Method request headers: {traces.shown_map(call.headers)}",
        f"Method request body before transformations: {traces.shown_body(call.text.encode())}",
    ]


def _ended(call: RestCall, response: HttpResponse) -> list[str]:
    status = f"Method completed with status: {response.status}"
    if call.refused is not None:
        return [status]
    return [
        f"Method response body after transformations: {traces.shown_body(response.body)}",
        f"Method response headers: {traces.shown_map(dict(response.headers))}",
        "Successfully completed execution",
        status,
    ]
