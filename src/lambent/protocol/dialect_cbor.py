"""The smithy-rpc-v2-cbor protocol: the path names service and operation, bodies are CBOR.

Source: Smithy's "RPC v2 CBOR protocol" page: `POST /service/SERVICE/operation/OPERATION`, header
`smithy-protocol: rpc-v2-cbor` both ways.
"""

from typing import Any

from botocore.model import ServiceModel

from lambent.model.http import HttpRequest
from lambent.protocol.cbor import decode_cbor, encode_cbor
from lambent.protocol.cbor_values import CborReader, CborWriter
from lambent.protocol.dialect import is_operation
from lambent.protocol.dialect_json import RpcDialect
from lambent.protocol.failures import unknown_operation
from lambent.protocol.parse_json import JsonReader
from lambent.protocol.serialize_json import JsonWriter

PROTOCOL_HEADER = ("smithy-protocol", "rpc-v2-cbor")


class CborDialect(RpcDialect):
    """A service in smithy-rpc-v2-cbor."""

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model, "application/cbor", PROTOCOL_HEADER)
        self._prefix = model.metadata.get("targetPrefix", "")
        self._reader, self._writer = CborReader(), CborWriter()

    @property
    def readers(self) -> JsonReader:
        return self._reader

    @property
    def writers(self) -> JsonWriter:
        return self._writer

    def decode(self, body: bytes) -> Any:
        return decode_cbor(body) if body else {}

    def encode(self, raw: Any) -> bytes:
        return encode_cbor(raw)

    def operation_of(self, request: HttpRequest) -> str:
        parts = request.path.strip("/").split("/")
        if len(parts) < 4 or parts[-4] != "service" or parts[-2] != "operation" or parts[-3] != self._prefix:
            raise unknown_operation(f"The path {request.path!r} names no operation")
        if not is_operation(self._model, parts[-1]):
            raise unknown_operation(f"The service has no operation {parts[-1]!r}")
        return parts[-1]
