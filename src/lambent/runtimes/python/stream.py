"""Answers in pieces: what a handler that is a generator yields, sent as it is yielded.

A handler streams when what it returns is a generator or an async generator. Each str (as UTF-8) or
bytes that it yields goes out at once; a dict with `statusCode`, `headers` and `cookies`, yielded
first, is the head of an HTTP answer. While nobody reads at the other end the write blocks, and so
the generator stands still until it is read on. An async generator runs on an event loop that lives
as long as the environment.

Source: the head and its form on the wire (JSON, eight NULs, a content type of their own) are those
of the runtimes that stream on AWS (behaviours section 14); AWS's Python runtime does not stream, and
the form of the handler is our own (docs/guides/streaming.md).
"""

from __future__ import annotations

from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING

from .channel import CHUNK, PIECE_BYTES, STREAM
from .errors import LambdaFault

if TYPE_CHECKING:
    from typing import Any

    from .channel import Channel
    from .encode import ResponseEncoder

KINDS = (GeneratorType, AsyncGeneratorType)
HTTP_ANSWER = "application/vnd.awslambda.http-integration-response"
BYTES = "application/octet-stream"
HEAD_ENDS = bytes(8)
HEAD_MEMBERS = {"statusCode", "headers", "cookies"}


class Streams:
    """Sends what generators make; one for the whole life of the environment."""

    def __init__(self, channel: Channel, encoder: ResponseEncoder) -> None:
        self._channel, self._encoder = channel, encoder
        self._loop: Any = None  # made for the first async generator

    def send(self, request_id: str, made: Any) -> None:
        """Send all that `made` yields. What it raises passes through."""
        answer = _Answer(self._channel, self._encoder, request_id)
        if type(made) is GeneratorType:
            try:
                for piece in made:
                    answer.put(piece)
            finally:
                made.close()
        else:
            self._send_async(made, answer)
        answer.begin(BYTES)  # one that yielded nothing is a stream too

    def _send_async(self, made: Any, answer: _Answer) -> None:
        if self._loop is None:
            import asyncio  # only who streams so pays for it

            self._loop = asyncio.new_event_loop()
        error = self._loop.run_until_complete(_all_of(made, answer))
        if error is not None:
            raise error  # here, so that the event loop's own frames are not in its trace


async def _all_of(made: Any, answer: _Answer) -> Exception | None:
    try:
        async for piece in made:
            answer.put(piece)
    except Exception as error:
        return error
    finally:
        await made.aclose()
    return None


class _Answer:
    """One answer. It begins with its first piece, so that what fails before is an ordinary error."""

    def __init__(self, channel: Channel, encoder: ResponseEncoder, request_id: str) -> None:
        self._channel, self._encoder, self._request_id = channel, encoder, request_id
        self._begun = False

    def begin(self, content_type: str, data: bytes = b"") -> None:
        """Say that the answer comes in pieces, unless it was said."""
        if not self._begun:
            self._begun = True
            self._channel.send(STREAM, self._request_id + "\0" + content_type, data)

    def put(self, piece: Any) -> None:
        """Send one yielded value. Raises LambdaFault: it is none that can be sent."""
        if isinstance(piece, str):
            piece = piece.encode()
        if isinstance(piece, (bytes, bytearray, memoryview)):
            self._put_bytes(BYTES, bytes(piece))
        elif isinstance(piece, dict) and not self._begun:
            self._put_bytes(HTTP_ANSWER, self._head(piece))
        else:
            raise LambdaFault(
                "Runtime.MarshalError",
                "Unable to marshal response: a streaming handler yields str or bytes (and, first, a dict with "
                f"statusCode, headers and cookies), not {type(piece).__name__}",
            )

    def _head(self, head: dict[str, Any]) -> bytes:
        unknown = sorted(map(str, set(head) - HEAD_MEMBERS))
        if unknown:
            raise LambdaFault(
                "Runtime.MarshalError",
                f"Unable to marshal response: the head of a streamed answer has no {', '.join(unknown)}",
            )
        return self._encoder.response(head) + HEAD_ENDS

    def _put_bytes(self, content_type: str, piece: bytes) -> None:
        if not self._begun:
            self.begin(content_type, piece[:PIECE_BYTES])
            piece = piece[PIECE_BYTES:]
        for start in range(0, len(piece), PIECE_BYTES):
            self._channel.send(CHUNK, self._request_id, piece[start : start + PIECE_BYTES])
