"""The contract between the stage that finds an API and what serves it.

A kind of API is a type of `lambent.model.apis` and a function that makes a ServedApi of its values, in the table
that the composition root gives the cache (`roles/edge_apis.py`). A ServedApi lives until control takes the API
back: what must survive that (counts, answers of authorizers) belongs to who made it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from lambent.clock import Clock
from lambent.gateway.apis.permits import Permits
from lambent.gateway.exchange import Exchange, Step
from lambent.gateway.invoke_streamed import Begin
from lambent.model.apis import CompiledApi


class ApiAddress(NamedTuple):
    """Where a request is sent to.

    `path` is as it stood on the request line, without what led to the API; it begins with the stage's name unless
    `stage` is known. `base` is the path before that, for a custom domain name. `region` is "" where nothing says it.
    """

    api_id: str
    region: str
    path: str
    domain: str
    stage: str = ""
    base: str = ""
    custom: bool = False


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

    request_bytes: int
    event_bytes: int


class Tools(NamedTuple):
    """What every kind works with."""

    begin: Begin
    permits: Permits
    clock: Clock
    rules: Rules
