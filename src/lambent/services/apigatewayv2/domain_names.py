"""Custom domain names and where their paths lead: CreateDomainName, CreateApiMapping and their kind.

A name belongs to one account in the whole installation: a Host leads to one place. Certificates are the operator's
(`lambent serve --tls-certificate`), as there is no ACM here; so CertificateArn is refused, and mutual TLS with it.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Custom domain names for HTTP APIs" and "Map API
stages to a custom domain name for HTTP APIs".
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.services.addresses import address_below
from lambent.services.apigatewayv2 import domain_store, store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.domain_store import ApiMapping
from lambent.services.apigatewayv2.errors import BadRequest, Conflict
from lambent.services.apigatewayv2.model import DomainName, Stage, edited, given
from lambent.services.apigatewayv2.pages import page
from lambent.services.apigatewayv2.refusing import refuse
from lambent.services.apigatewayv2.room import check_domains
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 6
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})+")
KEY = re.compile(r"[A-Za-z0-9$_.+!*'()-]+(?:/[A-Za-z0-9$_.+!*'()-]+)*")
OURS = (".execute-api.", ".lambda-url.", ".s3.")
INSTEAD = "There is no ACM here: clients meet the server's own certificate (lambent serve --tls-certificate)."


class DomainNames:
    """The resources `domain name` and `API mapping`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateDomainName")
    async def create_domain_name(self, context: RequestContext, request: Request) -> Answer:
        """A new domain name, which leads nowhere before it has a mapping."""
        _check(request)
        wanted = DomainName(request["DomainName"].lower(), self._all.ids.letters(10).lower())
        if wanted.domain_name.startswith("*."):
            refuse("A domain name with a wildcard", "by this version of Lambent", "Create each name by itself.")
        if not NAME.fullmatch(wanted.domain_name) or any(mark in wanted.domain_name for mark in OURS):
            raise BadRequest(f"{wanted.domain_name!r} is not a domain name that can be yours, such as api.example.com.")

        def work(tx: Transaction) -> None:
            if domain_store.is_taken(tx, wanted.domain_name):
                raise BadRequest("The domain name you provided already exists.")
            domain_store.set_domain(tx, context, wanted)
            check_domains(tx, context, self._all.quotas)
            store.set_tags(tx, domain_arn(context, wanted.domain_name), request.get("Tags") or {})

        await self._all.domain_changes.make(wanted.domain_name, work)
        return self._wire(context, wanted, dict(request.get("Tags") or {}))

    @operation("GetDomainName")
    async def get_domain_name(self, context: RequestContext, request: Request) -> Answer:
        """One domain name."""
        return await self._all.database.read(lambda tx: self._shown(tx, context, request["DomainName"]))

    @operation("GetDomainNames")
    async def get_domain_names(self, context: RequestContext, request: Request) -> Answer:
        """The domain names, by name."""

        def work(tx: Transaction) -> list[Answer]:
            return [self._shown(tx, context, each.domain_name) for each in domain_store.domains(tx, context)]

        found = await self._all.database.read(work)
        return page(request, found, lambda each: str(each["DomainName"]), lambda each: each)

    @operation("UpdateDomainName")
    async def update_domain_name(self, context: RequestContext, request: Request) -> Answer:
        """There is nothing to change that is not refused; what is asked for is checked, and the name is shown."""
        _check(request)
        return await self._all.database.read(lambda tx: self._shown(tx, context, request["DomainName"]))

    @operation("DeleteDomainName")
    async def delete_domain_name(self, context: RequestContext, request: Request) -> None:
        """The domain name with its mappings."""

        def work(tx: Transaction) -> None:
            gone = domain_store.domain(tx, context, request["DomainName"])
            domain_store.delete_domain(tx, gone.domain_name)
            store.delete_tags(tx, domain_arn(context, gone.domain_name))

        await self._all.domain_changes.make(request["DomainName"], work)

    @operation("CreateApiMapping")
    async def create_api_mapping(self, context: RequestContext, request: Request) -> Answer:
        """A key of a domain name leads to a stage from now on."""
        members = given(request, ("ApiId", "Stage", "ApiMappingKey"))
        made = msgspec.convert({"ApiMappingId": self._all.ids.letters(ID_LENGTH).lower(), **members}, ApiMapping)
        return await self._put(context, request, lambda _tx, _name: made)

    @operation("GetApiMapping")
    async def get_api_mapping(self, context: RequestContext, request: Request) -> Answer:
        """One mapping."""

        def work(tx: Transaction) -> ApiMapping:
            name = domain_store.domain(tx, context, request["DomainName"]).domain_name
            return domain_store.mapping(tx, name, request["ApiMappingId"])

        return _told(await self._all.database.read(work))

    @operation("GetApiMappings")
    async def get_api_mappings(self, context: RequestContext, request: Request) -> Answer:
        """The mappings of a domain name, by id."""

        def work(tx: Transaction) -> list[ApiMapping]:
            name = domain_store.domain(tx, context, request["DomainName"]).domain_name
            return domain_store.mappings(tx, name)

        return page(request, await self._all.database.read(work), lambda each: each.api_mapping_id, _told)

    @operation("UpdateApiMapping")
    async def update_api_mapping(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays."""

        def present(tx: Transaction, name: str) -> ApiMapping:
            before = domain_store.mapping(tx, name, request["ApiMappingId"])
            return edited(before, {key: request[key] for key in ("ApiId", "Stage", "ApiMappingKey") if key in request})

        return await self._put(context, request, present)

    @operation("DeleteApiMapping")
    async def delete_api_mapping(self, context: RequestContext, request: Request) -> None:
        """That key leads nowhere from now on."""

        def work(tx: Transaction) -> None:
            name = domain_store.domain(tx, context, request["DomainName"]).domain_name
            domain_store.delete_mapping(tx, name, request["ApiMappingId"])

        await self._all.domain_changes.make(request["DomainName"], work)

    async def _put(self, context: RequestContext, request: Request, wanted: Any) -> Answer:
        rest = await self._all.rest_stages(context.account, context.region)

        def work(tx: Transaction) -> ApiMapping:
            name = domain_store.domain(tx, context, request["DomainName"]).domain_name
            mapping: ApiMapping = wanted(tx, name)
            _check_mapping(tx, context, mapping, rest)
            if not domain_store.set_mapping(tx, name, mapping):
                raise Conflict(
                    f"Api mapping key {mapping.api_mapping_key or '(none)'} already exists for this domain name"
                )
            return mapping

        return _told(await self._all.domain_changes.make(request["DomainName"], work))

    def _shown(self, tx: Transaction, context: RequestContext, name: str) -> Answer:
        found = domain_store.domain(tx, context, name)
        return self._wire(context, found, store.tags(tx, domain_arn(context, found.domain_name)))

    def _wire(self, context: RequestContext, found: DomainName, tags: dict[str, str]) -> Answer:
        below = address_below(f"d-{found.target_id}.execute-api.{context.region}", context.endpoint)
        configuration = {
            "ApiGatewayDomainName": below.partition("://")[2].rpartition(":")[0] or below.partition("://")[2],
            "EndpointType": "REGIONAL",
            "IpAddressType": "ipv4",
            "SecurityPolicy": "TLS_1_2",
            "DomainNameStatus": "AVAILABLE",
        }
        return {
            "DomainName": found.domain_name,
            "DomainNameArn": domain_arn(context, found.domain_name),
            "ApiMappingSelectionExpression": "$request.basepath",
            "DomainNameConfigurations": [configuration],
            "RoutingMode": "API_MAPPING_ONLY",
            "Tags": tags,
        }


def domain_arn(context: RequestContext, name: str) -> str:
    """What tags call a domain name."""
    return f"arn:aws:apigateway:{context.region}::/domainnames/{name}"


def _told(mapping: ApiMapping) -> Answer:
    told: Answer = msgspec.to_builtins(mapping)
    return told


def _check(request: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    if request.get("MutualTlsAuthentication"):
        refuse("MutualTlsAuthentication", "by this version of Lambent")
    if request.get("RoutingMode", "API_MAPPING_ONLY") != "API_MAPPING_ONLY":
        refuse(f"RoutingMode {request['RoutingMode']}", "by this version of Lambent")
    configurations = request.get("DomainNameConfigurations") or []
    if len(configurations) > 1:
        raise BadRequest("A domain name has one configuration.")
    for each in configurations:
        for name in ("CertificateArn", "CertificateName", "OwnershipVerificationCertificateArn"):
            if each.get(name):
                refuse(name, "by this version of Lambent", INSTEAD)
        if each.get("EndpointType", "REGIONAL") != "REGIONAL" or each.get("IpAddressType", "ipv4") != "ipv4":
            raise BadRequest("A domain name of an HTTP API is REGIONAL, and ipv4 here.")
        if each.get("SecurityPolicy", "TLS_1_2") != "TLS_1_2":
            refuse(f"SecurityPolicy {each['SecurityPolicy']}", "by this version of Lambent")


def _check_mapping(
    tx: Transaction, context: RequestContext, wanted: ApiMapping, rest: Mapping[str, frozenset[str]]
) -> None:
    """`rest` has the stages of REST APIs. Raises BadRequest, NotFound."""
    if wanted.api_mapping_key and not KEY.fullmatch(wanted.api_mapping_key):
        raise BadRequest("ApiMappingKey has letters, digits and $-_.+!*'(), in parts that a slash divides.")
    stages = rest.get(wanted.api_id)
    if stages is None:
        api = store.api(tx, context, wanted.api_id)
        found = store.find_part(tx, api.api_id, Stage, wanted.stage)
        stages = frozenset() if found is None else frozenset({wanted.stage})
    elif not wanted.stage:  # callers name the stage in the path
        return
    if wanted.stage not in stages:
        raise BadRequest(f"Invalid stage identifier specified {wanted.stage}")
