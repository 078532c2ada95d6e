"""Both services of API Gateway without a platform: operations in, answers and announcements out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.errors import ServiceError
from lambent.ids import FakeIds
from lambent.model.http import HttpResponse
from lambent.model.principal import Principal
from lambent.model.rest_api import RestTrial, TrialOutcome
from lambent.roles.api_gateway import Domains
from lambent.services.apigateway.api import Links, RestApisService
from lambent.services.apigatewayv2.api import Links as V2Links
from lambent.services.apigatewayv2.service import ApiGatewayV2Service
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, REGION = "111111111111", "us-east-1"
MOCK = {"application/json": '{"statusCode": 200}'}


class House:
    """The service, and one API in it."""

    def __init__(self) -> None:
        self.clock, self.told = FakeClock(), list[str]()

    async def open(self) -> "House":
        self.database = await open_memory(load_schema("lambent.services.apigateway"))
        domains, quotas = Domains(), Quotas(rest_apis=3, rest_resources=4, rest_stages=2, api_keys=3, usage_plans=2)
        links = Links(self._announce, self._try, domains)
        self.service = RestApisService(self.database, self.clock, FakeIds(), links, quotas)
        self.names = await open_memory(load_schema("lambent.services.apigatewayv2"))
        to = V2Links(self._announce, self._announce, self.service.serving.stages)
        domains.v2 = self.v2 = ApiGatewayV2Service(self.names, self.clock, FakeIds(), to, Quotas(domain_names=3))
        made = await self.ask("CreateRestApi", name="pets")
        self.api, self.root = made["id"], made["rootResourceId"]
        return self

    async def _announce(self, api_id: str) -> None:
        self.told.append(api_id)

    async def _try(self, trial: RestTrial) -> TrialOutcome:
        return TrialOutcome(HttpResponse(200, [], trial.request.path.encode()), "log", 1)

    async def ask(self, operation: str, /, account: str = ACCOUNT, **request: Any) -> Any:
        principal = Principal(account, f"arn:aws:iam::{account}:root", account)
        ctx = RequestContext(principal, account, REGION, "r")
        return await self.service.operations[operation](ctx, request)

    async def mock(self) -> None:
        """A method at the root, served as `prod`."""
        name = {"restApiId": self.api, "resourceId": self.root, "httpMethod": "GET"}
        await self.ask("PutMethod", **name, authorizationType="NONE")
        await self.ask("PutIntegration", **name, type="MOCK", requestTemplates=MOCK)
        self.deployment = (await self.ask("CreateDeployment", restApiId=self.api, stageName="prod"))["id"]

    async def refused(self, operation: str, /, **request: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self.ask(operation, **request)
        return caught.value.code, caught.value.message


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = await House().open()
    yield made
    await made.database.close()
    await made.names.close()
