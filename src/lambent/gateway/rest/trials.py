"""TestInvokeMethod: one method of an API as it is now, without a deployment, key or authorizer; and what happened.

Source: API Gateway API Reference, "TestInvokeMethod": the answer, its headers, the time it took, and an execution log.
"""

from urllib.parse import unquote

from lambent.gateway.apis.address import Place
from lambent.gateway.proxy_event import Facts, time_of
from lambent.gateway.rest import way
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import ApiPlan, MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.model.rest_api import RestTrial, TrialOutcome
from lambent.model.trace import new_trace

STAGE, DOMAIN, HERE = "test-invoke-stage", "testPrefix.testDomainName", "test-invoke-source-ip"
LONGEST_SHOWN = 1024


async def run(trial: RestTrial, ports: Ports) -> TrialOutcome:
    """Do it."""
    stage = trial.api.stages[STAGE]
    plan = ApiPlan(stage.document, "", stage.variables)
    resource = stage.document.resources[trial.resource_id]
    method = MethodPlan(stage.document, resource, resource["resourceMethods"][trial.method])
    facts = Facts(trial.request_id, HERE, new_trace(trial.request_id), ports.clock.now_ms())
    call = RestCall(trial.api, Place(STAGE, trial.request.path, f"/{STAGE}"), DOMAIN, trial.request, facts)
    call.plan, call.method, call.path_parameters = plan, method, _parameters(method.path, trial.request.path)
    begin_s = ports.clock.monotonic_s()
    response = await way.answer_untried(call, method, ports)
    latency_ms = round((ports.clock.monotonic_s() - begin_s) * 1000)
    return TrialOutcome(response, _log(call, response.status, latency_ms), latency_ms)


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


def _log(call: RestCall, status: int, latency_ms: int) -> str:
    request_id, when = call.facts.request_id, time_of(call.facts.now_ms)
    lines = [
        f"Execution log for request {request_id}",
        f"{when} : Starting execution for request: {request_id}",
        f"{when} : HTTP Method: {call.request.method}, Resource Path: {call.request.path}",
        f"{when} : Method request path: {call.path_parameters}",
        f"{when} : Method request query string: {call.query}",
        f"{when} : Method request headers: {call.headers}",
        f"{when} : Method request body before transformations: {call.text[:LONGEST_SHOWN]}",
        *(f"{when} : {line}" for line in call.log),
        f"{when} : Integration latency: {call.integration_ms or 0} ms, whole: {latency_ms} ms",
        f"{when} : Method completed with status: {status}",
    ]
    return "\n".join(lines) + "\n"
