"""S3's chunked uploads (`aws-chunked`): the body comes in pieces, each with its own signature.

    size in hex [;chunk-signature=...] CRLF  data CRLF   ...   0 [;chunk-signature=...] CRLF
    [trailer-name:value CRLF ... [x-amz-trailer-signature:... CRLF]]  CRLF

Knows: the frame, the chain of signatures that starts at the request's own, the trailers. Does not
know: checksums (S3 compares them with what a trailer says), sockets, or where the data goes.
Incremental: `feed` takes bytes as they come and gives data at once, in constant memory, so data
is given out before its chunk's signature can be known. Nothing of it may be kept until `finish`
has returned. After an error the decoder is of no more use.

Sources: S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
Payload in Multiple Chunks" and "... Including Trailing Headers (Chunked Upload)"; botocore's
AwsChunkedWrapper for the unsigned form. Some writers end a trailer with LF CRLF, as the
examples of the second page do; both ends are taken. The bounds on line lengths are our own.
"""

import hmac
import re
from enum import Enum
from hashlib import sha256

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey
from lambent.protocol.sigv4 import EMPTY_SHA256, STREAMING, Credential, sign
from lambent.protocol.sigv4_refusals import Reason, refusal

LONGEST_LINE = 1024
LONGEST_TRAILER_BYTES = 16_384
SMALLEST_CHUNK_BYTES = 8_192  # of a signed upload, its last chunk excepted
UNSIGNED = "STREAMING-UNSIGNED"
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*?)[ \t]*")
_State = Enum("_State", "SIZE DATA AFTER_DATA TRAILER DONE")


class IncompleteBody(ServiceError):
    """The body ended early, ran on, or is not in chunks."""

    code = "IncompleteBody"


class InvalidChunkSize(ServiceError):
    """A signed chunk that is not the last is too small."""

    code, status = "InvalidChunkSizeError", 403


class MalformedTrailer(ServiceError):
    """The trailers are not well-formed, or not those that were announced."""

    code = "MalformedTrailerError"


class MissingContentLength(ServiceError):
    """`x-amz-decoded-content-length` is not there."""

    code, status = "MissingContentLength", 411


class ChunkSigner:
    """The chain of chunk signatures. `previous` begins as the signature of the request."""

    def __init__(self, credential: Credential, key: AccessKey) -> None:
        self._credential, self._secret, self._previous = credential, key.secret, credential.signature

    def check_chunk(self, signature: str, data_sha256: str) -> None:
        """The next chunk's signature. Raises SignatureRefused."""
        self._check(signature, "AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY_SHA256}\n{data_sha256}")

    def check_trailer(self, signature: str, trailers: str) -> None:
        """The signature over the trailers, `name:value` LF each. Raises SignatureRefused."""
        self._check(signature, "AWS4-HMAC-SHA256-TRAILER", sha256(trailers.encode()).hexdigest())

    def _check(self, signature: str, algorithm: str, last: str) -> None:
        credential = self._credential
        to_sign = f"{algorithm}\n{credential.amz_date}\n{credential.scope}\n{self._previous}\n{last}"
        self._previous = sign(self._secret, credential, to_sign.encode())
        if not hmac.compare_digest(self._previous.encode(), signature.encode()):
            raise refusal(Reason.MISMATCH, credential.service)


class ChunkedDecoder:
    """Takes an `aws-chunked` body apart.

    Args:
        decoded_bytes: how much data there must be, from `x-amz-decoded-content-length`.
        signer: verifies each chunk; None for the unsigned form.
        trailer_names: the names that `x-amz-trailer` announced, in lower case; None when the
            form has no trailers.
    """

    def __init__(
        self, decoded_bytes: int, signer: ChunkSigner | None, trailer_names: frozenset[str] | None = None
    ) -> None:
        self._expected, self._signer, self._announced = decoded_bytes, signer, trailer_names
        self._buffer = bytearray()
        self._state = _State.SIZE
        self._left = self._given = self._trailer_bytes = 0
        self._signature = ""
        self._digest = sha256()
        self._small_chunk = False
        self._trailers: list[tuple[str, str]] = []

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; the data that they carry.

        Raises:
            ServiceError: the frame is broken, or a signature is wrong.
        """
        self._buffer += data
        given: list[bytes] = []
        while self._step(given):
            pass
        return b"".join(given)

    def finish(self) -> dict[str, str]:
        """The body is over: its trailers, by name in lower case.

        Raises:
            IncompleteBody: it is not whole.
        """
        if self._state is not _State.DONE or self._given != self._expected:
            raise IncompleteBody(
                "The request body terminated unexpectedly: "
                f"{self._given} of {self._expected} bytes came before its last chunk."
            )
        return dict(self._trailers)

    def _step(self, given: list[bytes]) -> bool:
        """Go on by one element of the frame; False when more bytes are needed."""
        match self._state:
            case _State.SIZE:
                return self._take_size()
            case _State.DATA:
                return self._take_data(given)
            case _State.AFTER_DATA:
                return self._take_end_of_data()
            case _State.TRAILER:
                return self._take_trailer()
            case _:
                if self._buffer:
                    raise IncompleteBody("There are bytes after the last chunk of the request body.")
                return False

    def _take_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        match = _SIZE.fullmatch(line)
        if match is None or (match[2] is None) is (self._signer is not None):
            raise IncompleteBody("The request body is not in well-formed chunks: a chunk's first line cannot be read.")
        self._left, self._signature = int(match[1], 16), (match[2] or b"").decode()
        self._given += self._left
        if self._given > self._expected:
            raise IncompleteBody("The chunks carry more bytes than x-amz-decoded-content-length announced.")
        if self._left and self._small_chunk and self._signer is not None:
            raise InvalidChunkSize("Only the last chunk is allowed to have a size less than 8192 bytes")
        self._small_chunk = self._left < SMALLEST_CHUNK_BYTES
        self._digest = sha256()
        if self._left:
            self._state = _State.DATA
            return True
        self._check_chunk()
        self._state = _State.TRAILER
        return True

    def _take_data(self, given: list[bytes]) -> bool:
        piece = bytes(self._buffer[: self._left])
        if not piece:
            return False
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        if self._signer is not None:
            self._digest.update(piece)
        given.append(piece)
        if not self._left:
            self._check_chunk()
            self._state = _State.AFTER_DATA
        return True

    def _take_end_of_data(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise IncompleteBody("The request body is not in well-formed chunks: a chunk is longer than its size.")
        del self._buffer[:2]
        self._state = _State.SIZE
        return True

    def _take_trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._check_trailers()
            self._state = _State.DONE
            return True
        self._trailer_bytes += len(line)
        match = _TRAILER.fullmatch(line.removesuffix(b"\n").decode("latin-1"))
        if match is None or self._announced is None or self._trailer_bytes > LONGEST_TRAILER_BYTES:
            raise _malformed_trailer()
        self._trailers.append((match[1].lower(), match[2]))
        return True

    def _check_chunk(self) -> None:
        if self._signer is not None:
            self._signer.check_chunk(self._signature, self._digest.hexdigest())

    def _check_trailers(self) -> None:
        if self._announced is None:
            return
        if self._signer is not None:
            self._signer.check_trailer(self._take_trailer_signature(), "".join(f"{n}:{v}\n" for n, v in self._trailers))
        names = [name for name, _ in self._trailers]
        if len(names) != len(set(names)) or set(names) != self._announced:
            raise _malformed_trailer()

    def _take_trailer_signature(self) -> str:
        if not self._trailers or self._trailers[-1][0] != "x-amz-trailer-signature":
            raise _malformed_trailer()
        return self._trailers.pop()[1]

    def _line(self) -> bytes | None:
        """The next line without its CR LF, once it is there."""
        end = self._buffer.find(b"\r\n", 0, LONGEST_LINE)
        if end < 0:
            if len(self._buffer) >= LONGEST_LINE:
                raise IncompleteBody("The request body is not in well-formed chunks: a line has no end.")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


def is_chunked(request: HttpRequest) -> bool:
    """Whether the body of `request` is in one of the forms that this module takes apart."""
    return request.header("x-amz-content-sha256") in STREAMING


def decoder_for(request: HttpRequest, credential: Credential, key: AccessKey) -> ChunkedDecoder:
    """The decoder for the body of a verified request whose `x-amz-content-sha256` is a STREAMING form.

    Raises:
        MissingContentLength: `x-amz-decoded-content-length` is not there, or is no number.
    """
    if request.header("x-amz-content-sha256").startswith(UNSIGNED):
        return unsigned_decoder_for(request)
    return _decoder(request, ChunkSigner(credential, key))


def unsigned_decoder_for(request: HttpRequest) -> ChunkedDecoder:
    """The same for chunks that nobody signs. Raises also InvalidChunkSize, for the forms that are signed."""
    if not request.header("x-amz-content-sha256").startswith(UNSIGNED):
        raise InvalidChunkSize("The chunks of a request that is not signed cannot be signed.")
    return _decoder(request, None)


def _decoder(request: HttpRequest, signer: ChunkSigner | None) -> ChunkedDecoder:
    form = request.header("x-amz-content-sha256")
    length = request.header("x-amz-decoded-content-length")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise MissingContentLength("You must provide the Content-Length HTTP header.")
    names = request.header("x-amz-trailer").lower().split(",")
    trailers = frozenset(name.strip() for name in names if name.strip()) if form.endswith("-TRAILER") else None
    return ChunkedDecoder(int(length), signer, trailers)


def decode(request: HttpRequest, credential: Credential, key: AccessKey) -> tuple[bytes, dict[str, str]]:
    """The data and the trailers of a body that is there whole."""
    decoder = decoder_for(request, credential, key)
    data = decoder.feed(request.body)
    return data, decoder.finish()


def _malformed_trailer() -> MalformedTrailer:
    return MalformedTrailer(
        "The request contained trailing data that was not well-formed or did not conform to our published schema."
    )
