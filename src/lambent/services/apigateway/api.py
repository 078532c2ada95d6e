"""API Gateway, version 1: REST APIs, their deployments and stages, API keys and usage plans.

`RestApisService.operations` are what the gateway dispatches to; `serving` is what edges ask for a stage's API, and
`usage` what a request with an API key has to ask. What is served of an API is what was deployed: edges are told
(`announce`) before a deployment or a change of a stage is acknowledged.

Left out, and so answered with NotImplemented: client certificates, VPC links, SDKs, documentation
parts and versions, private domain names, model templates, FlushStageCache.
Refused by name: caching, compression, private APIs, Cognito and JWT authorizers, credentials of functions'
integrations and authorizers, integrations with services other than those of `integration_checks.SERVICES`, streamed
answers, X-Ray and execution logs.
"""

from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.apigateway.account import Account
from lambent.services.apigateway.api_keys import ApiKeys
from lambent.services.apigateway.apis import Apis
from lambent.services.apigateway.authorizers import Authorizers
from lambent.services.apigateway.deployments import Deployments
from lambent.services.apigateway.documents import Documents
from lambent.services.apigateway.domain_names import DomainNames, Domains
from lambent.services.apigateway.gateway_responses import GatewayResponses
from lambent.services.apigateway.integrations import Integrations
from lambent.services.apigateway.methods import Methods
from lambent.services.apigateway.models import Models, Validators
from lambent.services.apigateway.resources import Resources
from lambent.services.apigateway.serving import Serving
from lambent.services.apigateway.shelf import Announce, Shelf
from lambent.services.apigateway.stages import Stages
from lambent.services.apigateway.tags import Tags
from lambent.services.apigateway.trials import Trials, Try
from lambent.services.apigateway.usage import Usage
from lambent.services.apigateway.usage_plans import UsagePlanKeys, UsagePlans
from lambent.services.operation import operations_of
from lambent.store.api import Database

USUAL_RATE = 10_000  # what AWS shows, where the operator has set none


class Links(NamedTuple):
    """`announce` is told the id of an API that is served otherwise now, and returns once every edge knows; `try_` has
    an edge run a method; `domains` has the custom domain names, which are those of apigatewayv2."""

    announce: Announce
    try_: Try
    domains: Domains


class RestApisService:
    """Everything that answers for REST APIs in control.

    Args:
        database: opened with the schema of this package; closing it is the caller's work.
        links: what this service asks of the edges.
        quotas: how many there may be of each kind, the longest timeout of an integration, how fast an account may call.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links, quotas: Quotas) -> None:
        self._shelf = shelf = Shelf(database, clock, ids, links.announce, quotas)
        self.serving, self.usage = Serving(shelf), Usage(shelf)
        self.operations = operations_of(
            Apis(shelf, links.domains),
            Resources(shelf),
            Methods(shelf),
            Integrations(shelf, quotas.rest_timeout_ms),
            Models(shelf),
            Validators(shelf),
            GatewayResponses(shelf),
            Authorizers(shelf),
            Deployments(shelf),
            Documents(shelf, quotas.rest_timeout_ms),
            Trials(shelf, links.try_),
            Stages(shelf, links.domains),
            ApiKeys(shelf),
            UsagePlans(shelf),
            UsagePlanKeys(shelf),
            self.usage,
            Account(shelf, quotas.api_requests_per_s or USUAL_RATE, quotas.api_burst),
            Tags(shelf, links.domains),
            DomainNames(shelf, links.domains),
        )

    async def close(self) -> None:
        """Wait for changes in hand."""
        await self._shelf.changes.close()
