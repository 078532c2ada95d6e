"""Amazon API Gateway v2: HTTP APIs, their routes, integrations, stages and deployments.

`ApiGatewayV2Service` (service.py) lives in control and is its one writer. `operations` is what the gateway dispatches
to; `compiled` is what edges serve: a stage as it was deployed, with the stage's own settings. A change is answered once
no edge serves what was before (`lambent.services.changes`).

An API's id is unique in the whole installation, because addresses name nothing else; account and Region are checked
wherever an operation names an API. What the model has and no module here does answers NotImplemented; members that
cannot be carried out are refused by name.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from lambent.clock import Clock
from lambent.config import Quotas
from lambent.ids import Ids
from lambent.services.changes import Changes
from lambent.store.api import Database, Transaction

T = TypeVar("T")

Announce = Callable[[str], Awaitable[None]]
"""Told the id of an API, or the domain name, that was changed; returns once no edge serves it as it was."""


RestStages = Callable[[str, str], Awaitable[Mapping[str, frozenset[str]]]]
"""The REST APIs of an account in a Region with the names of their stages: domain names lead to them too."""


class Links(NamedTuple):
    """All that this service talks to; the composition root fills it in."""

    announce: Announce
    announce_domains: Announce
    rest_stages: RestStages


class Resources(NamedTuple):
    """What all resources of this service work with."""

    database: Database
    changes: Changes[str]
    domain_changes: Changes[str]
    rest_stages: RestStages
    clock: Clock
    ids: Ids
    quotas: Quotas

    async def read(self, api_id: str, work: Callable[[Transaction], T]) -> T:
        """What `work` reads of an API, once every change to it that may be in there is announced."""
        found = await self.database.read(work)
        await self.changes.seen(api_id)
        return found
