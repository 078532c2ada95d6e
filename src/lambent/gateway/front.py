"""The way of every request, as one list of stages. The first stage that answers ends it.

A stage is `async (Exchange) -> HttpResponse | None`. Errors leave a stage as ServiceErrors and
become bytes here, once, in the form of the service that was addressed.
"""

from collections.abc import Sequence

import structlog

from lambent.errors import InternalFailure, ServiceError, Unavailable
from lambent.gateway.exchange import Exchange, Stage
from lambent.ids import Ids
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.wires import wire_for

UNNAMED = "lambda"  # whose error form a request gets that names no service we know

log = structlog.get_logger()


class Front:
    """Runs the stages in order."""

    def __init__(self, stages: Sequence[Stage], ids: Ids) -> None:
        self._stages, self._ids = tuple(stages), ids

    async def __call__(self, request: HttpRequest, source_ip: str) -> HttpResponse:
        """The answer to `request`, whatever happens."""
        exchange = Exchange(request, self._ids.uuid(), source_ip)
        try:
            for stage in self._stages:
                response = await stage(exchange)
                if response is not None:
                    return response
            raise InternalFailure("no stage answered this request")
        except ServiceError as error:
            return error_answer(exchange, error)
        except Unavailable as error:
            return error_answer(exchange, _unavailable(error))
        except Exception:
            log.exception("a request failed", action="gateway.fail", request_id=exchange.request_id)
            return error_answer(exchange, InternalFailure("An internal error occurred; the server's log says more."))


class _ServiceUnavailable(ServiceError):
    code, status = "ServiceUnavailable", 503


def _unavailable(error: Unavailable) -> ServiceError:
    return _ServiceUnavailable(f"Lambent is restarting a part that this request needs ({error}); try again.")


def error_answer(exchange: Exchange, error: ServiceError) -> HttpResponse:
    """`error` in the protocol of the service that the request addressed."""
    try:
        wire = wire_for(exchange.service or UNNAMED, exchange.request)
    except ServiceError:
        wire = wire_for(UNNAMED)
    return wire.error(error, exchange.request, exchange.request_id)
