"""TestInvokeMethod and TestInvokeAuthorizer: run a method, or ask an authorizer, as it is now, and say what happened.
An edge does it (`Try`). `clientStatus` is 0 where the authorizer has decided, else what a client would get."""

from collections.abc import Awaitable, Callable

from lambent.model.http import HttpRequest
from lambent.model.rest_api import RestApi, RestDocument, RestStage, RestTrial, TrialOutcome
from lambent.services.apigateway.authorizers import authorizer
from lambent.services.apigateway.deployments import check_deployable
from lambent.services.apigateway.errors import BadRequest, not_built
from lambent.services.apigateway.methods import method
from lambent.services.apigateway.shelf import Shelf
from lambent.services.operation import Answer, Request, RequestContext, operation

Try = Callable[[RestTrial], Awaitable[TrialOutcome]]
STAGE = "test-invoke-stage"
LONGEST_BODY = 10 * 1024 * 1024


class Trials:
    """TestInvokeMethod and TestInvokeAuthorizer."""

    def __init__(self, shelf: Shelf, try_: Try) -> None:
        self._shelf, self._try = shelf, try_

    @operation("TestInvokeMethod")
    async def test_invoke_method(self, ctx: RequestContext, request: Request) -> Answer:
        """The answer of the method, and the log of how it came to be."""
        if request.get("clientCertificateId"):
            raise not_built("clientCertificateId")
        document = await self._shelf.look(ctx, request, lambda found: _runnable(found, request))
        api = _staged(ctx, request, document)
        sent = _sent(request, document.resources[request["resourceId"]]["path"])
        trial = RestTrial(api, request["resourceId"], request["httpMethod"], sent, self._shelf.ids.uuid())
        outcome = await self._try(trial)
        response, many = outcome.response, dict[str, list[str]]()
        for name, value in response.headers:
            many.setdefault(name, []).append(value)
        return {
            "status": response.status,
            "body": response.body.decode("utf-8", "replace"),
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "log": outcome.log,
            "latency": outcome.latency_ms,
        }

    @operation("TestInvokeAuthorizer")
    async def test_invoke_authorizer(self, ctx: RequestContext, request: Request) -> Answer:
        """What the authorizer says of a request, and the log of how it came to be."""
        if request.get("additionalContext"):
            raise not_built("additionalContext")
        document = await self._shelf.look(ctx, request, lambda found: _with_authorizer(found, request))
        api = _staged(ctx, request, document)
        sent = _sent({**request, "httpMethod": "GET"}, "/")
        outcome = await self._try(RestTrial(api, "", "", sent, self._shelf.ids.uuid(), request["authorizerId"]))
        answer: Answer = {"clientStatus": outcome.response.status, "log": outcome.log, "latency": outcome.latency_ms}
        if outcome.permission is not None:
            said = outcome.permission
            answer |= {"clientStatus": 0, "principalId": said.principal_id, "policy": said.policy, "authorization": {}}
        return answer


def _with_authorizer(document: RestDocument, request: Request) -> RestDocument:
    """The API with its authorizers. Raises NotFound."""
    authorizer(document, request)
    return document


def _runnable(document: RestDocument, request: Request) -> RestDocument:
    """The API with this one method only. Raises BadRequest and NotFound."""
    tried = method(document, request)
    resource = document.resources[request["resourceId"]]
    resource["resourceMethods"] = {request["httpMethod"]: tried}
    document.resources = {request["resourceId"]: resource}
    check_deployable(document)
    return document


def _staged(ctx: RequestContext, request: Request, document: RestDocument) -> RestApi:
    """The API as if it were deployed as it is now, to a stage that only the trial sees."""
    stage = RestStage(STAGE, "", document, request.get("stageVariables") or {})
    return RestApi(request["restApiId"], ctx.account, ctx.region, {STAGE: stage})


def _sent(request: Request, pattern: str) -> HttpRequest:
    path, _, query = (request.get("pathWithQueryString") or pattern).partition("?")
    body = (request.get("body") or "").encode()
    if not path.startswith("/") or len(body) > LONGEST_BODY:
        raise BadRequest("Invalid pathWithQueryString, or a body that is too long.")
    headers = [(name.lower(), value) for name, value in (request.get("headers") or {}).items()]
    for name, values in (request.get("multiValueHeaders") or {}).items():
        headers = [each for each in headers if each[0] != name.lower()] + [(name.lower(), each) for each in values]
    verb = "GET" if request["httpMethod"] == "ANY" else request["httpMethod"]
    names = [*(request.get("headers") or {}), *(request.get("multiValueHeaders") or {})]
    return HttpRequest(verb, path, query, headers, body, names)
