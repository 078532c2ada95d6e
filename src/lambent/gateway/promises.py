"""What a request says of its body, and whether the body is so.

Of every body, whether an object's or a document's: `Content-MD5`, `x-amz-content-sha256` and one of the checksums, in a
header or in a trailer.

Source: S3 User Guide, "Checking object integrity in Amazon S3"; S3 API reference, PutObject (which says of
`x-amz-sdk-checksum-algorithm` that a checksum or a trailer has to be there too), DeleteObjects and "Error responses".
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, structs

from lambent.errors import NotImplementedByLambent, ServiceError
from lambent.model.http import HttpRequest
from lambent.protocol import checksums
from lambent.protocol.checksums import Running

PREFIX = "x-amz-checksum-"
NOT_ALGORITHMS = frozenset({"algorithm", "mode", "type"})
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
CHECKED = frozenset({"DeleteObjects"})  # what nobody may ask for without a checksum
OF_THE_WHOLE = frozenset({"CompleteMultipartUpload"})  # whose checksum is of the object that it makes


class BadRequest(ServiceError):
    """The body, or what is said of it, is not as it has to be."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Promises(Struct, frozen=True):
    """What a request says of its body. Checksums by algorithm in base64, "" where a trailer will tell."""

    checksums: Mapping[str, str]
    md5: str = ""
    sha256: str = ""


def promises_of(request: HttpRequest) -> Promises:
    """What the headers say. Raises BadRequest, NotImplementedByLambent."""
    named: dict[str, str] = {}
    for name, value in request.headers:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOT_ALGORITHMS:
            named[_algorithm(name)] = value
    for name in request.header("x-amz-trailer").lower().split(","):
        if name.strip().startswith(PREFIX):
            named[_algorithm(name.strip())] = ""
    if len(named) > 1:
        raise BadRequest(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    for algorithm, text in named.items():
        _check_form(algorithm, text)
    if request.header("x-amz-sdk-checksum-algorithm") and not named:
        raise BadRequest(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found.",
        )
    sha256 = request.header("x-amz-content-sha256")
    return Promises(named, _md5_of(request), sha256 if HEX_SHA256.fullmatch(sha256) else "")


class Sums:
    """The hashes of a body that passes: those that were promised, and checksums that are wanted besides."""

    def __init__(self, promises: Promises, wanted: Iterable[str] = ()) -> None:
        self.declared = next(iter(promises.checksums), "")
        self._promises = promises
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256: Any = hashlib.sha256() if promises.sha256 else None
        names = {*wanted, *promises.checksums}
        self._checksums: dict[str, Running] = {name: checksums.running(name) for name in names}

    def update(self, data: bytes) -> None:
        """More has passed."""
        self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)
        for each in self._checksums.values():
            each.update(data)

    def compare(self, trailers: Mapping[str, str]) -> None:
        """Whether it is what was promised. Raises BadRequest."""
        told = self._promises
        if self._sha256 is not None and self._sha256.hexdigest() != told.sha256:
            raise BadRequest(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        if told.md5 and self.md5 != told.md5:
            error = BadRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
            error.members = {"ExpectedDigest": told.md5, "CalculatedDigest": b64encode(self._md5.digest()).decode()}
            raise error
        for algorithm, text in told.checksums.items():
            expected = text or trailers.get(PREFIX + algorithm.lower(), "")
            _check_form(algorithm, expected)
            if expected and expected != checksums.text_of(self._checksums[algorithm]):
                raise BadRequest("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")

    @property
    def md5(self) -> str:
        """In hexadecimal."""
        return self._md5.hexdigest()

    def texts(self) -> dict[str, str]:
        """The checksums by their algorithms."""
        return {name: checksums.text_of(each) for name, each in self._checksums.items()}


def check_document(operation: str, request: HttpRequest, trailers: Mapping[str, str]) -> None:
    """Whether a document that came whole is what was promised. Raises BadRequest."""
    promises = promises_of(request)
    if operation in CHECKED and not (promises.md5 or promises.checksums):
        raise BadRequest("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    if operation in OF_THE_WHOLE:
        promises = structs.replace(promises, checksums={})
    sums = Sums(promises)
    sums.update(request.body)
    sums.compare(trailers)


def _algorithm(header: str) -> str:
    name = header.removeprefix(PREFIX).upper()
    if name not in checksums.ALGORITHMS:
        raise NotImplementedByLambent(
            f"The checksum algorithm {name} is not implemented; use one of {', '.join(checksums.ALGORITHMS)}."
        )
    return name


def _check_form(algorithm: str, text: str) -> None:
    if text and not checksums.is_wellformed(algorithm, text):
        raise BadRequest("InvalidRequest", f"Value for {PREFIX}{algorithm.lower()} header is invalid.")


def _md5_of(request: HttpRequest) -> str:
    text = request.header("content-md5")
    if not text:
        return ""
    try:
        digest = b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16:
        error = BadRequest("InvalidDigest", "The Content-MD5 you specified was invalid.")
        error.members = {"Content-MD5": text}
        raise error
    return digest.hex()
