"""The road of S3: control answers, but the bytes of objects pass between the client and the disk here.

A PUT: the body is read, verified and on disk before control is told, which commits the object and then answers. What
control refuses is deleted again. A GET: control says which pieces of which blobs are the answer's body. Control is
asked beforehand whether a long body may come, so that nobody sends gigabytes to hear of a bucket that is not there.
"""

from collections.abc import Awaitable, Callable

from msgspec import structs

from lambent.errors import ServiceError, Unavailable
from lambent.gateway.authentication import KeyCache
from lambent.gateway.buckets import STREAMED, addressed, is_unsigned, operation_of, unmoved, without_bucket
from lambent.gateway.exchange import Exchange
from lambent.gateway.forward import forwarded
from lambent.gateway.http.streams import Response, StreamedResponse
from lambent.gateway.promises import BadRequest, check_document, promises_of
from lambent.gateway.receiving import Decoder, Plain, Receiving
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.messages import Forwarded
from lambent.model.objects import ObjectAnswer, ObjectCall, Stored
from lambent.protocol.checksums import CRCS, DEFAULT
from lambent.protocol.chunked import MissingContentLength, decoder_for, is_chunked, unsigned_decoder_for
from lambent.protocol.sigv4 import credential_of
from lambent.store.api import Objects

LONG_BYTES = 1024 * 1024
LONGEST_BYTES = 5 * 1024**3
# Of a part, those of which the upload may want one of the whole, although the client does not send it with the part.
WANTED: dict[str, tuple[str, ...]] = {"PutObject": (DEFAULT,), "UploadPart": tuple(CRCS)}

Ask = Callable[[ObjectCall], Awaitable[ObjectAnswer]]


class ObjectRoad:
    """For requests whose sender is known, or known to be nobody.

    Args:
        ask: the call over the connection to control.
        objects: where the bytes lie.
        keys: the keys that signed chunks are verified with.
    """

    def __init__(self, ask: Ask, objects: Objects, keys: KeyCache) -> None:
        self._ask, self._objects, self._keys = ask, objects, keys

    async def answer(self, exchange: Exchange) -> Response:
        """The answer to a request for S3."""
        request = unmoved(addressed(exchange.request))
        operation = operation_of(request)
        if operation in STREAMED:
            return await self._put(exchange, request, operation)
        trailers: dict[str, str] = {}
        if is_chunked(request):
            decoder = await self._decoder(exchange.request)
            request.body = decoder.feed(request.body)
            trailers = decoder.finish()
        if request.body:
            check_document(operation, request, trailers)
        answer = await self._ask(ObjectCall(forwarded_to_s3(exchange, request)))
        if not answer.pieces:
            return answer.response
        return StreamedResponse(answer.response.status, answer.response.headers, self._objects.read(answer.pieces))

    async def _put(self, exchange: Exchange, request: HttpRequest, operation: str) -> HttpResponse:
        promises, announced_bytes = promises_of(request), length_of(request)
        call = ObjectCall(forwarded_to_s3(exchange, request), Stored(announced_bytes))
        if announced_bytes > LONG_BYTES:
            first = (await self._ask(call)).response
            if first.status >= 300:
                return first
        decoder = await self._decoder(exchange.request) if is_chunked(request) else Plain()
        async with Receiving(self._objects, promises, WANTED[operation]) as receiving:
            stored = await receiving.take(exchange.chunks(), decoder, announced_bytes)
            return await commit(self._ask, receiving, ObjectCall(call.forwarded, stored))

    async def _decoder(self, request: HttpRequest) -> Decoder:
        if is_unsigned(request):
            return unsigned_decoder_for(request)
        credential = credential_of(request)
        key = await self._keys.get(credential)
        if key is None:
            raise BadRequest("InvalidAccessKeyId", "The key of this request was deleted while its body came.")
        return decoder_for(request, credential, key)


def forwarded_to_s3(exchange: Exchange, request: HttpRequest) -> Forwarded:
    """The request as control gets it, with an endpoint that names no bucket."""
    endpoint = without_bucket(exchange.endpoint, exchange.request)
    return structs.replace(forwarded(exchange, request), endpoint=endpoint)


async def commit(ask: Ask, receiving: Receiving, call: ObjectCall) -> HttpResponse:
    """Tell control of a body that is on disk, and settle its fate."""
    try:
        response = (await ask(call)).response
    except Unavailable:
        receiving.keep = None  # the next sweep finds out
        raise
    receiving.keep = response.status < 300
    return response


def length_of(request: HttpRequest) -> int:
    """How long the object is to be. Raises ServiceError."""
    text = request.header("x-amz-decoded-content-length") if is_chunked(request) else request.header("content-length")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise MissingContentLength("You must provide the Content-Length HTTP header.")
    if int(text) > LONGEST_BYTES:
        raise too_large(int(text), LONGEST_BYTES)
    return int(text)


def too_large(length: int, most: int) -> ServiceError:
    """The refusal of a body of that length, or longer."""
    error = BadRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    error.members = {"ProposedSize": length, "MaxSizeAllowed": most}
    return error
