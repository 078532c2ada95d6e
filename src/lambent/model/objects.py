"""What edges and control tell one another about S3's objects: the bytes stay out of it.

| method | from -> to | body -> answer |
| --- | --- | --- |
| object | edge -> control | ObjectCall -> ObjectAnswer |
| bucket | edge -> control | its name -> Door, or None where there is no such bucket |
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lambent.model.http import HttpResponse
from lambent.model.messages import Forwarded

WITHOUT_CONTENT = 204  # of answers whose status the model has not


class Stored(Struct, frozen=True):
    """A request's body, which the edge has read and verified: a blob that is on disk, encrypted with `key`, or, where
    it is small, `data`.

    Without an `md5` the body is only announced: may it come? `checksums` are in base64, by algorithm: CRC64NVME, for a
    part all CRCs, and the one that the client `declared`. It came in a `form` where a browser posted it.
    """

    length: int
    md5: str = ""
    checksums: Mapping[str, str] = {}
    declared: str = ""
    blob: str = ""
    key: bytes = b""
    data: bytes = b""
    form: bool = False


class Piece(Struct, frozen=True):
    """A part of a blob, which `key` opens; where the blob lies with control, `data` are the bytes."""

    blob: str
    offset: int
    length: int
    data: bytes = b""
    key: bytes = b""


class ObjectCall(Struct, frozen=True):
    """A request of S3's, with the path that names the bucket; `stored` stands for its body where it has been read."""

    forwarded: Forwarded
    stored: Stored | None = None


class ObjectAnswer(Struct, frozen=True):
    """The answer; what it tells the edge to send as its body, if anything."""

    response: HttpResponse
    pieces: list[Piece] = []


class CorsRule(Struct, frozen=True, omit_defaults=True):
    """Pages of which origins may do what with a bucket. Origins and headers may have one `*` each."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None
    id: str | None = None


class Door(Struct, frozen=True):
    """What an edge has to know of a bucket before it knows who asks."""

    cors: tuple[CorsRule, ...] = ()


class Download(dict[str, Any]):
    """An operation's answer that has a status of its own, and maybe a body that lies in blobs."""

    def __init__(self, members: Mapping[str, Any], status: int = 200, pieces: Sequence[Piece] = ()) -> None:
        super().__init__(members)
        self.status, self.pieces = status, list(pieces)
