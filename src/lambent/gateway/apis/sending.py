"""How the data path of APIs reaches other servers: `roles.outbound.Outbound.send` in a running edge."""

from collections.abc import Awaitable, Callable

from lambent.model.http import HttpResponse, Outgoing

Send = Callable[[Outgoing], Awaitable[HttpResponse]]
"""Sends a request and gives the whole answer. Raises OSError: nobody there, too late, too long."""
