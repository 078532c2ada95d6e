"""A failed request as an answer: errors become bytes here, in the form of the service addressed."""

import structlog

from lambent.errors import InternalFailure, ServiceError, Unavailable, lacks_room
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.wires import wire_for

UNNAMED = "lambda"  # whose error form a request gets that names no service we know

log = structlog.get_logger()


class ServiceUnavailable(ServiceError):
    """A part that the request needs is being started again; every SDK tries again on this one."""

    code, status = "ServiceUnavailable", 503


def service_error_of(error: Exception, **facts: str | None) -> ServiceError:
    """What the caller is told about `error`; what is our own fault is logged with `facts`."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, Unavailable):
        return ServiceUnavailable(f"Lambent is restarting a part that this request needs ({error}); try again.")
    if lacks_room(error):
        log.error("a request failed", action="gateway.fail", reason=str(error), **facts)
        return InternalFailure(
            "The disk of Lambent's data folder is full or cannot be written; make room, then try again."
        )
    log.error("a request failed", action="gateway.fail", exc_info=error, **facts)
    return InternalFailure("An internal error occurred; the server's log says more.")


def failure_answer(request: HttpRequest, service: str, request_id: str, error: Exception) -> HttpResponse:
    """`error` in the protocol of `service`."""
    told = service_error_of(error, request_id=request_id)
    try:
        wire = wire_for(service or UNNAMED, request)
    except ServiceError:
        wire = wire_for(UNNAMED)
    return wire.error(told, request, request_id)
