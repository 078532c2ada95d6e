"""The parts of a posted form, as they come: its fields, then the bytes of its file.

What follows the file is not looked at. Parsing is the library's (`multipart`), the limits are S3's.

Source: S3 API reference, "POST Object" (form fields; what precedes the file may have 20 KB).
"""

from collections.abc import AsyncIterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from lambent.gateway.promises import BadRequest

FIELDS_BYTES = 20 * 1024
MOST_FIELDS = 200
FILE = "file"


class FormParts:
    """One form. `read_fields` first; then `file` gives the bytes."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        _, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if not boundary or len(boundary) > 200:
            raise malformed()
        self._parser = PushMultipartParser(boundary, max_segment_count=MOST_FIELDS)
        self._body = body
        self._events = self._all_events()
        self.filename = ""

    async def read_fields(self) -> dict[str, str]:
        """The fields before the file, by lower-case name.

        Raises:
            BadRequest: the body is no form, it has no file, or too much comes before it.
        """
        fields: dict[str, str] = {}
        name, gathered, total = "", bytearray(), 0
        async for event in self._events:
            if isinstance(event, MultipartSegment):
                name, gathered = event.name.lower(), bytearray()
                if name == FILE:
                    self.filename = (event.filename or "").replace("\\", "/").rpartition("/")[2]
                    return fields
                total += len(name)
            elif event is not None:
                gathered += event
                total += len(event)
            elif name in fields:
                raise BadRequest("InvalidArgument", f"Form field {name} may not occur twice.")
            else:
                fields[name] = _text(gathered)
            if total > FIELDS_BYTES:
                words = "Your POST request fields preceding the upload file was too large."
                raise BadRequest("MaxPostPreDataLengthExceededError", words)
        raise BadRequest("InvalidArgument", "POST requires exactly one file upload per request.")

    async def file(self) -> AsyncIterator[bytes]:
        """The bytes of the file; all of the body has come, and was a form, when this ends."""
        ended = False
        async for event in self._events:
            if event is None:
                ended = True
            elif not ended and not isinstance(event, MultipartSegment):
                yield bytes(event)

    async def _all_events(self) -> AsyncIterator[MultipartSegment | bytearray | bytes | None]:
        try:
            async for piece in self._body:
                if not self._parser.closed:
                    for event in self._parser.parse(piece):
                        yield event
            self._parser.close()
        except MultipartError:
            raise malformed() from None


def malformed() -> BadRequest:
    return BadRequest("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")


def _text(value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise malformed() from None
