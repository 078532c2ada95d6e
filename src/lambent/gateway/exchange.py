"""One request on its way through the stages, what each stage has learnt about it, and its answer.

A stage is called with the Exchange, in the order of the list in `roles.edge`. It gives back

* None: this request is not mine, ask the next stage;
* an HttpResponse, a StreamedResponse or an Upgrade: the answer;
* LATER: I have taken it, and shall call `exchange.answer` or `exchange.fail`, once;
* an awaitable of None or of a response: the rest of the way goes on in a task. An ordinary stage is
  an `async def` and needs to know no more than this. The stages before and of Invoke are plain
  functions where they can be, because a task costs as much as checking a signature.

What a stage raises is answered as an error, a ServiceError with its own code.

Bodies as streams. `exchange.chunks()` gives the request's body in pieces as they come from the
client, and holds the client back while nobody asks for the next one. A body comes as a stream only
where the front's owner has said so (`HttpServer(streams=...)`, asked once the head is there); all
others are whole before the first stage runs (`request.body`), and `chunks()` gives that. A streamed
body has not been verified when the stages run: whoever consumes it compares its hash or its chunk
signatures. A client that hangs up or stalls in the middle raises BodyBroken out of `chunks()`.

A StreamedResponse is sent as its iterator yields, and the iterator is not asked for more than the
client takes. It goes out with `Transfer-Encoding: chunked`, or raw if `headers` has a
Content-Length. The iterator is always closed (`aclose`): at its end, and when the client has gone.
If it raises, the connection is cut, so that no client takes half an answer for a whole one; what was
yielded before arrives if what it raises is CutOff, which is no fault of ours and is not logged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum

from msgspec import structs

from lambent.gateway.failure import failure_answer
from lambent.gateway.http.streams import Body, Response
from lambent.model.http import HttpRequest
from lambent.model.principal import Principal
from lambent.model.trace import new_trace

Respond = Callable[[Response], object]


class Taken(Enum):
    """What a stage gives back that answers later."""

    LATER = "later"


LATER = Taken.LATER


class Exchange:
    """Filled from stage to stage; `principal`, `service` and `region` stand after authentication.

    Args:
        respond: takes the one answer.
        body: the request's body where it comes as a stream; then `request.body` is empty.
        came_s: when it came.
    """

    __slots__ = ("_respond", "body", "came_s", "principal", "region", "request", "request_id", "service", "source_ip")

    def __init__(
        self,
        request: HttpRequest,
        request_id: str,
        source_ip: str,
        respond: Respond,
        body: Body | None = None,
        *,
        came_s: float,
    ) -> None:
        self.request, self.request_id, self.source_ip, self.came_s = request, request_id, source_ip, came_s
        self.body = body
        self._respond = respond
        self.principal: Principal | None = None
        self.service = ""
        self.region = ""

    @property
    def trace_header(self) -> str:
        """What the request says of its trace; the beginning of a new one where it says nothing."""
        return self.request.header("x-amzn-trace-id") or new_trace(self.request_id, self.came_s)

    @property
    def endpoint(self) -> str:
        """The address that the caller used, for links in answers."""
        scheme = self.request.header("x-forwarded-proto", "http")
        return f"{scheme}://{self.request.header('host', 'localhost')}"

    def answer(self, response: Response) -> None:
        """Send the answer."""
        self._respond(response)

    def fail(self, error: Exception) -> None:
        """Answer with `error`, in the form of the service that was addressed."""
        self._respond(failure_answer(self.request, self.service, self.request_id, error))

    async def take_body(self, most_bytes: int) -> None:
        """Have the body in `request`, however it comes; of one that is longer than `most_bytes`, as much as says so.

        Raises:
            BodyBroken: it will not come to its end.
        """
        whole = bytearray()
        async for piece in self.chunks():
            whole += piece
            if len(whole) > most_bytes:
                break
        self.request, self.body = structs.replace(self.request, body=bytes(whole)), None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces, none of them empty.

        Raises:
            BodyBroken: it will not come to its end.
        """
        if self.body is None:
            if self.request.body:
                yield self.request.body
            return
        async for piece in self.body:
            yield piece


Step = Response | Taken | None
Stage = Callable[[Exchange], Step | Awaitable[Step]]
