"""Custom domain names and base path mappings of version 1: CreateDomainName, CreateBasePathMapping and their kind.

They are the domain names and API mappings of apigatewayv2 in other words, as on AWS: what one API makes the other
shows. Nothing is kept here. A base path is a mapping's key, "(none)" the empty one; a mapping without a stage has
callers name the stage after the base path. Names are REGIONAL, and their certificate is the server's own.

Source: botocore's model `apigateway`; API Gateway Developer Guide, "Custom domain name for public REST APIs" and "Use
API mappings to connect API stages to a custom domain name"; messages as the service gives them, from public reports.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from lambent.errors import ServiceError
from lambent.model.rest_api import Part
from lambent.services.apigateway import patch
from lambent.services.apigateway.errors import BadRequest, Conflict, NotFound, not_built
from lambent.services.apigateway.shelf import Shelf, page
from lambent.services.operation import Answer, Request, RequestContext, operation

NONE, REGIONAL = "(none)", "REGIONAL"
ALL_AT_ONCE = "500"
T = TypeVar("T")
REFUSED = (
    "certificateName", "certificateBody", "certificatePrivateKey", "certificateChain", "certificateArn",
    "regionalCertificateName", "regionalCertificateArn", "mutualTlsAuthentication",
    "ownershipVerificationCertificateArn", "endpointAccessMode", "policy", "domainNameId",
)  # fmt: skip


class Domains(Protocol):
    """Whose domain names these are."""

    async def ask(self, operation: str, context: RequestContext, request: Request) -> Answer:
        """Carry out an operation of apigatewayv2, in the members of its model. Raises its errors."""

    async def leading_to(self, api_id: str, stage: str = "") -> str | None:
        """A domain name that leads to the API, or to that stage of it."""


def _refused(member: str) -> patch.Rule:
    def change(_part: Part, _op: str, _names: list[str], _value: str) -> None:
        _refuse({member: True})

    return patch.Rule(f"/{member}", frozenset({"add", "remove", "replace"}), change)


def _endpoint_type(_part: Part, _op: str, _names: list[str], value: str) -> None:
    check_endpoint({"types": [value]})


def _rest_api(part: Part, _op: str, _names: list[str], value: str) -> None:
    part["restApiId"] = value


def _key(base_path: str) -> str:
    """The key of a base path. Raises BadRequest."""
    if "/" in base_path:
        raise BadRequest("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a "
                         "multi-level base path mapping, use API Gateway V2.")  # fmt: skip
    return "" if base_path == NONE else base_path


def _stage(name: str) -> str:
    return "" if name == NONE else name


RULES = (
    *(_refused(member) for member in REFUSED),
    patch.scalar("/securityPolicy", patch.one_of("TLS_1_2"), removable=False),
    patch.Rule("/endpointConfiguration/types/{}", frozenset({"replace"}), _endpoint_type),
)
MAPPING_RULES = (
    patch.scalar("/basePath", _key, removable=False),
    patch.scalar("/stage", _stage, removable=False),
    patch.Rule("/restapiId", frozenset({"replace"}), _rest_api),
)


class DomainNames:
    """The resources `domain name` and `base path mapping`."""

    def __init__(self, shelf: Shelf, domains: Domains) -> None:
        self._shelf, self._domains = shelf, domains

    @operation("CreateDomainName")
    async def create_domain_name(self, ctx: RequestContext, request: Request) -> Answer:
        """A new domain name, which leads nowhere before it has a mapping."""
        _refuse(request)
        check_endpoint(request.get("endpointConfiguration") or {})
        configuration = {"EndpointType": REGIONAL, "SecurityPolicy": request.get("securityPolicy") or "TLS_1_2"}
        wanted = {
            "DomainName": request["domainName"],
            "DomainNameConfigurations": [configuration],
            "RoutingMode": request.get("routingMode") or "API_MAPPING_ONLY",
            "Tags": request.get("tags") or {},
        }
        return _shown(await self._domains.ask("CreateDomainName", ctx, wanted))

    @operation("GetDomainName")
    async def get_domain_name(self, ctx: RequestContext, request: Request) -> Answer:
        """One domain name."""
        _refuse(request)
        return _shown(await self._domains.ask("GetDomainName", ctx, {"DomainName": request["domainName"]}))

    @operation("GetDomainNames")
    async def get_domain_names(self, ctx: RequestContext, request: Request) -> Answer:
        """All of them, by name."""
        if request.get("resourceOwner", "SELF") != "SELF":
            raise not_built("resourceOwner other than SELF")
        found = await self._all("GetDomainNames", ctx, {}, _shown)
        return page(request, found, lambda each: each["domainName"], dict)

    @operation("UpdateDomainName")
    async def update_domain_name(self, ctx: RequestContext, request: Request) -> Answer:
        """There is nothing to change that is not refused; what is asked for is checked, and the name is shown."""
        before = await self.get_domain_name(ctx, request)
        return patch.patched(before, request.get("patchOperations", []), RULES)

    @operation("DeleteDomainName")
    async def delete_domain_name(self, ctx: RequestContext, request: Request) -> None:
        """The domain name with its mappings."""
        _refuse(request)
        await self._domains.ask("DeleteDomainName", ctx, {"DomainName": request["domainName"]})

    @operation("CreateBasePathMapping")
    async def create_base_path_mapping(self, ctx: RequestContext, request: Request) -> Answer:
        """A base path leads to a stage from now on, or to the stage that follows it in the path."""
        _refuse(request)
        part = {
            "basePath": _key(request.get("basePath") or ""),
            "restApiId": request["restApiId"],
            "stage": _stage(request.get("stage") or ""),
        }
        return await self._put("CreateApiMapping", ctx, {"DomainName": request["domainName"]}, part)

    @operation("GetBasePathMapping")
    async def get_base_path_mapping(self, ctx: RequestContext, request: Request) -> Answer:
        """One mapping."""
        return _told(await self._found(ctx, request))

    @operation("GetBasePathMappings")
    async def get_base_path_mappings(self, ctx: RequestContext, request: Request) -> Answer:
        """The mappings of a domain name, by base path."""
        _refuse(request)
        found = await self._all("GetApiMappings", ctx, {"DomainName": request["domainName"]}, _told)
        return page(request, found, lambda each: each["basePath"], dict)

    @operation("UpdateBasePathMapping")
    async def update_base_path_mapping(self, ctx: RequestContext, request: Request) -> Answer:
        """Another base path, API or stage."""
        before = await self._found(ctx, request)
        changes = patch.patched({}, request.get("patchOperations", []), MAPPING_RULES)
        name = {"DomainName": request["domainName"], "ApiMappingId": before["ApiMappingId"]}
        return await self._put("UpdateApiMapping", ctx, name, {"restApiId": before["ApiId"]} | changes)

    @operation("DeleteBasePathMapping")
    async def delete_base_path_mapping(self, ctx: RequestContext, request: Request) -> None:
        """That base path leads nowhere from now on."""
        gone = await self._found(ctx, request)
        name = {"DomainName": request["domainName"], "ApiMappingId": gone["ApiMappingId"]}
        await self._domains.ask("DeleteApiMapping", ctx, name)

    async def _put(self, asked: str, ctx: RequestContext, name: Request, part: Part) -> Answer:
        """Raises BadRequest and Conflict, in the words of version 1."""
        try:
            await self._shelf.read(ctx, lambda place: place.document(part["restApiId"]))
        except NotFound:
            raise BadRequest("Invalid REST API identifier specified") from None
        words = {"basePath": "ApiMappingKey", "restApiId": "ApiId", "stage": "Stage"}
        wanted = {words[member]: value for member, value in part.items()}
        try:
            return _told(await self._domains.ask(asked, ctx, {**name, **wanted}))
        except ServiceError as error:
            if error.code == Conflict.code:
                raise Conflict("Base path already exists for this domain name") from None
            raise

    async def _found(self, ctx: RequestContext, request: Request) -> Answer:
        """The mapping that a request names. Raises NotFound."""
        _refuse(request)
        wanted = "" if request["basePath"] == NONE else request["basePath"]
        for each in await self._all("GetApiMappings", ctx, {"DomainName": request["domainName"]}, dict[str, Any]):
            if each["ApiMappingKey"] == wanted:
                return each
        raise NotFound("Invalid base path mapping identifier specified")

    async def _all(self, asked: str, ctx: RequestContext, name: Request, show: Callable[[Answer], T]) -> list[T]:
        """What all pages of a list have."""
        found: list[T] = []
        following: Answer = {}
        while True:
            answer = await self._domains.ask(asked, ctx, {**name, **following, "MaxResults": ALL_AT_ONCE})
            found += [show(each) for each in answer["Items"]]
            if not answer.get("NextToken"):
                return found
            following = {"NextToken": answer["NextToken"]}


def check_endpoint(wanted: Request) -> None:
    """Raises NotImplementedByLambent for what is not REGIONAL."""
    types = wanted.get("types") or [REGIONAL]
    if types != [REGIONAL] or wanted.get("vpcEndpointIds"):
        raise not_built(f"A domain name that is not {REGIONAL}")
    if wanted.get("ipAddressType", "ipv4") != "ipv4":
        raise not_built("ipAddressType other than ipv4")


async def refuse_mapped(domains: Domains, api_id: str, stage: str = "") -> None:
    """What a domain name leads to stays. Raises BadRequest."""
    name = await domains.leading_to(api_id, stage)
    if name is not None:
        what = f"Deleting stage {stage} of RestApi {api_id}" if stage else f"Deleting RestApi {api_id}"
        raise BadRequest(f"{what} failed. Please remove all base path mappings related to the "
                         f"{'stage' if stage else 'RestApi'} in your domains: {name}.")  # fmt: skip


def _refuse(request: Request) -> None:
    for member in REFUSED:
        if request.get(member):
            raise not_built(f"{member} of domain names (clients meet the certificate of lambent serve "
                            "--tls-certificate)")  # fmt: skip


def _shown(found: Answer) -> Answer:
    configuration = found["DomainNameConfigurations"][0]
    return {
        "domainName": found["DomainName"],
        "domainNameArn": found["DomainNameArn"],
        "regionalDomainName": configuration["ApiGatewayDomainName"],
        "endpointConfiguration": {"types": [REGIONAL], "ipAddressType": configuration["IpAddressType"]},
        "domainNameStatus": configuration["DomainNameStatus"],
        "securityPolicy": configuration["SecurityPolicy"],
        "routingMode": found["RoutingMode"],
        "tags": found["Tags"],
    }


def _told(mapping: Answer) -> Answer:
    shown = {"basePath": mapping["ApiMappingKey"] or NONE, "restApiId": mapping["ApiId"]}
    return shown | ({"stage": mapping["Stage"]} if mapping["Stage"] else {})
