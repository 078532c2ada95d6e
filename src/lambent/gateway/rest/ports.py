"""What the way of a request needs from elsewhere. The composition root connects it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from lambent.clock import Clock
from lambent.gateway.apis.api import Tools
from lambent.ids import Ids
from lambent.model.http import HttpResponse
from lambent.model.invocation import Invocation
from lambent.model.rest_api import KeyUse, KeyVerdict, ServiceCall


class Ports(NamedTuple):
    """Args: spend: control's `spend`; enqueue: control's, for invocations that nobody waits for; call_service:
    control's, for integrations with other services."""

    tools: Tools
    clock: Clock
    ids: Ids
    spend: Callable[[KeyUse], Awaitable[KeyVerdict]]
    enqueue: Callable[[Invocation], Awaitable[None]]
    call_service: Callable[[ServiceCall], Awaitable[HttpResponse]]
