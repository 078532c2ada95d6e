"""The service without a platform: operations in, answers and announcements out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lambent.clock import FakeClock
from lambent.config import Quotas
from lambent.ids import SystemIds
from lambent.model.principal import Principal
from lambent.services.apigatewayv2.api import Links
from lambent.services.apigatewayv2.service import ApiGatewayV2Service
from lambent.services.operation import RequestContext
from lambent.store.memory import open_memory
from lambent.store.sql import load_schema

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


class Desk:
    """Calls operations as the dispatcher does, with what the wire has made of a request."""

    async def open(self) -> "Desk":
        self.announced: list[str] = []
        database = await open_memory(load_schema("lambent.services.apigatewayv2"))
        self.service = ApiGatewayV2Service(
            database,
            FakeClock(),
            SystemIds(),
            Links(self._announce, self._announce, self._rest_stages),
            Quotas(api_routes=3, apis=5),
        )
        return self

    async def _rest_stages(self, account: str, region: str) -> dict[str, frozenset[str]]:
        return {"restapi": frozenset({"prod"})}

    async def _announce(self, what: str) -> None:
        self.announced.append(what)

    async def call(self, name: str, account: str = ACCOUNT, **request: Any) -> Any:
        principal = Principal(account, f"arn:aws:iam::{account}:root", account)
        context = RequestContext(principal, account, REGION, "r", "http://127.0.0.1:4566")
        return await self.service.operations[name](context, request)

    async def api(self, **more: Any) -> str:
        made = await self.call("CreateApi", Name="a", ProtocolType="HTTP", **more)
        return str(made["ApiId"])

    async def target(self, api_id: str, **more: Any) -> str:
        members = {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, "PayloadFormatVersion": "2.0", **more}
        made = await self.call("CreateIntegration", ApiId=api_id, **members)
        return f"integrations/{made['IntegrationId']}"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = await Desk().open()
    yield made
    await made.service.close()
