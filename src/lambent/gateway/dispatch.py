"""Control's half of the gateway: from a forwarded request to the operation, and back to bytes.

Reading a long request takes its time, up to a second for each megabyte of small members, and everybody asks control. So
it is read beside the loop, by one thread for all long requests: who sends many waits for their own, and nobody else's
requests wait for more than a turn.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lambent.clock import Clock
from lambent.errors import NotImplementedByLambent, ServiceError
from lambent.gateway.failure import service_error_of
from lambent.gateway.request_keys import keys_of
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.objects import Download, ObjectAnswer, ObjectCall
from lambent.protocol.api import ServiceWire
from lambent.protocol.wires import wire_for
from lambent.services.operation import Operation, RequestContext

LONG_BYTES = 64 * 1024
# Source: DynamoDB Developer Guide, "Constraints". Other services take less; this is for all of them.
LONGEST_BYTES = 16 * 1024 * 1024


class RequestTooLarge(ServiceError):
    """The whole request is longer than its service takes. Source: recorded from Lambda, behaviours sheet section 6."""

    code, status = "RequestEntityTooLargeException", 413


class Dispatcher:
    """Answers forwarded requests.

    Args:
        services: the operations of each service, by the name of its botocore model.
        clock: the time that policies ask for.
        longest: how long the body of a request may be, for services whose requests may be longer than others'.
    """

    def __init__(
        self,
        services: Mapping[str, Mapping[str, Operation]],
        clock: Clock,
        longest: Mapping[str, int] | None = None,
    ) -> None:
        self._services, self._clock, self._longest = services, clock, longest or {}
        self._reading = ThreadPoolExecutor(1, "long-requests")

    def close(self) -> None:
        """Read no more long requests."""
        self._reading.shutdown(wait=False, cancel_futures=True)

    async def answer(self, forwarded: Forwarded) -> HttpResponse:
        """The answer to `forwarded`; errors are answers too."""
        return (await self.answer_object(ObjectCall(forwarded))).response

    async def answer_object(self, call: ObjectCall) -> ObjectAnswer:
        """The same, for a body that was read by the edge, and for one that the edge is to send."""
        wire: ServiceWire | None = None
        name: str | None = None
        forwarded = call.forwarded
        try:
            wire = wire_for(forwarded.service, forwarded.request)
            name = wire.operation_of(forwarded.request)
            output = await self._run(wire, name, call)
            response = wire.answer(name, output, forwarded.request, forwarded.request_id)
            if not isinstance(output, Download):
                return ObjectAnswer(response)
            response.status = output.status
            return ObjectAnswer(response, output.pieces)
        except Exception as error:
            failure = service_error_of(error, operation=name, service=forwarded.service)
        wire = wire or wire_for("lambda")
        return ObjectAnswer(wire.error(failure, forwarded.request, forwarded.request_id, name))

    async def _run(self, wire: ServiceWire, name: str, call: ObjectCall) -> Mapping[str, object]:
        operation = self._services.get(wire.service, {}).get(name)
        if operation is None:
            raise NotImplementedByLambent(
                f"{wire.service}:{name} is not implemented by this version of Lambent. "
                "docs/reference/operations.md lists what is."
            )
        request = await self._read(wire, name, call.forwarded.request)
        if call.stored is not None:
            request["Body"] = call.stored
        output = await operation(self._context(call, name), request)
        return {} if output is None else output  # a Download without members still has its status

    async def _read(self, wire: ServiceWire, name: str, request: HttpRequest) -> dict[str, Any]:
        size_bytes, longest = len(request.body), self._longest.get(wire.service, LONGEST_BYTES)
        if size_bytes > longest:
            raise RequestTooLarge(f"Request must be smaller than {longest} bytes for the {name} operation")
        if size_bytes <= LONG_BYTES and not request.header("content-encoding"):  # what is packed may be long
            return wire.parse(name, request)
        return await asyncio.get_running_loop().run_in_executor(self._reading, wire.parse, name, request)

    def _context(self, call: ObjectCall, operation: str) -> RequestContext:
        forwarded = call.forwarded
        return RequestContext(
            principal=forwarded.principal,
            account=forwarded.principal.account,
            region=forwarded.region,
            request_id=forwarded.request_id,
            endpoint=forwarded.endpoint,
            source_ip=forwarded.source_ip,
            trace_header=forwarded.request.header("x-amzn-trace-id"),
            operation=operation,
            keys=partial(self._keys, call),
        )

    def _keys(self, call: ObjectCall) -> dict[str, str]:
        return keys_of(
            call.forwarded.request,
            signed=bool(call.forwarded.principal.account),
            form=call.stored is not None and call.stored.form,
            now_s=self._clock.now_s(),
            machine_s=self._clock.machine_s(),
        )
