"""API Gateway v2, put together."""

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.model.apis import CompiledApi, DomainMapping
from lambent.services.apigatewayv2 import domain_store
from lambent.services.apigatewayv2.api import Links, Resources
from lambent.services.apigatewayv2.apis import Apis
from lambent.services.apigatewayv2.authorizers import Authorizers
from lambent.services.apigatewayv2.compiling import compiled
from lambent.services.apigatewayv2.definitions import Definitions
from lambent.services.apigatewayv2.deployments import Deployments
from lambent.services.apigatewayv2.domain_names import DomainNames
from lambent.services.apigatewayv2.integration_responses import IntegrationResponses
from lambent.services.apigatewayv2.integrations import Integrations
from lambent.services.apigatewayv2.route_responses import RouteResponses
from lambent.services.apigatewayv2.routes import Routes
from lambent.services.apigatewayv2.stages import Stages
from lambent.services.apigatewayv2.tags import Tags
from lambent.services.changes import Changes
from lambent.services.operation import operations_of
from lambent.store.api import Database


class ApiGatewayV2Service:
    """See api.py for the contract."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, links: Links, quotas: Quotas) -> None:
        self._database = database
        self._changes: Changes[str] = Changes(database, links.announce)
        self._domain_changes: Changes[str] = Changes(database, links.announce_domains)
        resources = Resources(database, self._changes, self._domain_changes, links.rest_stages, clock, ids, quotas)
        self.operations = operations_of(
            Apis(resources),
            Routes(resources),
            RouteResponses(resources),
            IntegrationResponses(resources),
            Integrations(resources),
            Stages(resources),
            Deployments(resources),
            Authorizers(resources),
            Tags(resources),
            DomainNames(resources),
            Definitions(resources),
        )

    async def compiled(self, api_id: str) -> CompiledApi | None:
        """The API as edges serve it; None when there is none."""
        return await self._database.read(lambda tx: compiled(tx, api_id))

    async def domains(self) -> dict[str, list[DomainMapping]]:
        """All custom domain names, with where they lead."""
        return await self._database.read(domain_store.everywhere)

    async def domain_that_leads_to(self, api_id: str, stage: str = "") -> str | None:
        """A domain name that leads to the API, of whichever kind, or to that stage of it."""
        return await self._database.read(lambda tx: domain_store.domain_that_leads_to(tx, api_id, stage))

    async def close(self) -> None:
        """Wait for changes in hand."""
        await self._changes.close()
        await self._domain_changes.close()
