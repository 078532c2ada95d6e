"""The way of a request through a REST API, in order: throttle, who calls, API key, checks, integration.

Every step raises Refused to end the request; the answer to that is made once, here. Source: API Gateway Developer
Guide, "Gateway responses for REST APIs" and the pages that the steps name. The order of throttle and authorization is
our own: a refused storm then costs no authorizer.
"""

from lambent.errors import Unavailable
from lambent.gateway.exchange import Exchange
from lambent.gateway.rest import authorizers, checks, integrations, refusals
from lambent.gateway.rest.calls import RestCall
from lambent.gateway.rest.plans import MethodPlan
from lambent.gateway.rest.ports import Ports
from lambent.gateway.rest.refusals import Refused
from lambent.model.apis import Throttle
from lambent.model.http import HttpResponse
from lambent.model.rest_api import KeyUse, Part, RestStage

EVERY = "*/*"


async def answer(call: RestCall, method: MethodPlan, ports: Ports, exchange: Exchange | None) -> HttpResponse:
    """The answer to `call`; refusals are answers too."""
    try:
        stage = call.api.stages[call.place.stage]
        named = f"{method.path}/{call.request.method}"
        limit = throttle_of(stage, method.path, call.request.method)
        if not await ports.tools.throttles.admit(ports.tools.throttles.buckets(call.api, stage.name, *limit)):
            raise Refused("THROTTLED")
        await authorizers.authorize(call, method, ports, exchange)
        if method.key_required:
            await _spend(call, named, ports)
        await checks.check(call, method)
        return await integrations.run(call, method, ports)
    except Refused as refused:
        return refusals.answer_of(refused, call)
    except Unavailable:  # control is away, and had to be asked
        return refusals.answer_of(Refused("DEFAULT_5XX", "Service Unavailable", 503), call)


async def answer_untried(call: RestCall, method: MethodPlan, ports: Ports) -> HttpResponse:
    """The same for an owner's trial: without limits, keys and authorizers."""
    try:
        await checks.check(call, method)
        return await integrations.run(call, method, ports)
    except Refused as refused:
        return refusals.answer_of(refused, call)


async def _spend(call: RestCall, method: str, ports: Ports) -> None:
    """Count the request against the usage plan of its key. Raises Refused."""
    by_header = call.plan is None or call.plan.document.api["apiKeySource"] == "HEADER"
    value = call.request.header("x-api-key") if by_header else call.usage_key
    if not value:
        raise Refused("INVALID_API_KEY")
    use = KeyUse(call.api.account, call.api.region, call.api.api_id, call.place.stage, method, value)
    verdict = await ports.spend(use)
    if verdict.refusal:
        raise Refused(verdict.refusal)
    call.identity |= {"apiKey": value, "apiKeyId": verdict.key_id}


def has_metrics(stage: RestStage, path: str, verb: str) -> bool:
    """Whether the stage counts a method by itself too (detailed metrics)."""
    _, settings = settings_of(stage, path, verb)
    return settings is not None and settings["metricsEnabled"]


def settings_of(stage: RestStage, path: str, verb: str) -> tuple[str, Part | None]:
    """What a stage says of a method, and under which name: the method's own, or the stage's."""
    key = f"{path.replace('/', '~1')}/{verb}"
    name = key if key in stage.settings else EVERY
    return name, stage.settings.get(name)


def throttle_of(stage: RestStage, path: str, verb: str) -> tuple[str, Throttle | None]:
    """The limit that a stage has for a method, and the name of what it counts for: the method's own, or the stage's."""
    name, settings = settings_of(stage, path, verb)
    if settings is None or settings["throttlingRateLimit"] < 0:  # -1 switches it off
        return name, None
    return name, Throttle(settings["throttlingRateLimit"], settings["throttlingBurstLimit"])
