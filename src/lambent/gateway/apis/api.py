"""The contract between the stage that finds an API and what serves it.

A kind of API is a type of `lambent.model.apis` and a function that makes a ServedApi of its values, in the table
that the composition root gives the cache (`roles/edge_apis.py`). A ServedApi lives until control takes the API
back: what must survive that (counts, answers of authorizers) belongs to who made it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from lambent.clock import Clock
from lambent.gateway.apis.access_log import AccessLogs
from lambent.gateway.apis.address import ApiAddress
from lambent.gateway.apis.authorizers.answers import Verdicts
from lambent.gateway.apis.authorizers.keys import IssuerKeys
from lambent.gateway.apis.metrics import ApiMetrics
from lambent.gateway.apis.sending import Send
from lambent.gateway.apis.throttles import Throttles
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.invoke_streamed import Begin
from lambent.gateway.permits import Permits
from lambent.model.apis import CompiledApi


class ServedApi(Protocol):
    """An API as an edge serves it. What the table's function makes."""

    @property
    def api(self) -> CompiledApi:
        """What it was made of."""

    def __call__(self, exchange: Exchange, address: ApiAddress) -> Step | Awaitable[Step]:
        """Answer, in one of the ways that `gateway.exchange` names; never None."""


Serve = Callable[[Any], ServedApi]
"""From a CompiledApi of one kind."""


class Rules(Struct, frozen=True):
    """The settings that matter here."""

    head_bytes: int
    request_bytes: int
    event_bytes: int
    answer_bytes: int


class Tools(NamedTuple):
    """What every kind works with."""

    begin: Begin
    permits: Permits
    clock: Clock
    rules: Rules
    throttles: Throttles
    access_logs: AccessLogs
    metrics: ApiMetrics
    authenticate: Authentication
    keys: IssuerKeys
    verdicts: Verdicts
    send: Send
