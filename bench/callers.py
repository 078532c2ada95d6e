"""Signed requests at little cost: headers for one that is sent again and again, and connections that sign each."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.cli.access import Access

JSON = {"Content-Type": "application/json"}
SIGNED = "content-type;host;x-amz-date;x-amz-target"


def invocations_of(access: Access, function: str) -> str:
    """The URL of Invoke."""
    return f"{access.endpoint}/2015-03-31/functions/{function}/invocations"


def signed(
    access: Access, url: str, body: bytes, headers: Mapping[str, str] = JSON, service: str = "lambda"
) -> dict[str, str]:
    """All headers of that POST, but `Host` and `Content-Length`."""
    request = AWSRequest("POST", url, data=body, headers=dict(headers))
    credentials = Credentials(access.access_key_id, access.secret, access.session_token or None)
    SigV4Auth(credentials, service, access.region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name.lower() != "content-length"}


def raw(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """That POST as bytes."""
    address = urlsplit(url)
    lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


class Caller:
    """One connection that sends signed json requests, one after the other.

    Args:
        service: for the signature; target: what operations' names begin with.
    """

    def __init__(self, access: Access, service: str, target: str) -> None:
        self._host, self._target = urlsplit(access.endpoint).netloc, target
        day = datetime.now(UTC).strftime("%Y%m%d")
        self._key, self._scope = access.access_key_id, f"{day}/{access.region}/{service}/aws4_request"
        self._secret = ("AWS4" + access.secret).encode()
        for part in self._scope.split("/"):
            self._secret = hmac.digest(self._secret, part.encode(), "sha256")

    async def connect(self) -> None:
        """Open the connection."""
        host, _, port = self._host.partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))

    def request(self, operation: str, **parameters: Any) -> bytes:
        """A signed request, whole."""
        body, now = json.dumps(parameters).encode(), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-date": now,
            "x-amz-target": f"{self._target}.{operation}",
        }
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{lines}\n{SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{self._scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        seal = hmac.new(self._secret, text.encode(), "sha256").hexdigest()
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"POST / HTTP/1.1\r\n{sent}content-length: {len(body)}\r\nauthorization: AWS4-HMAC-SHA256 "
            f"Credential={self._key}/{self._scope}, SignedHeaders={SIGNED}, Signature={seal}\r\n\r\n"
        ).encode() + body

    async def send(self, request: bytes) -> Any:
        """The answer, which has to be a success."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SystemExit(f"refused: {body.decode()}")
        return json.loads(body) if body else {}

    async def call(self, operation: str, **parameters: Any) -> Any:
        """Ask, and wait for the answer."""
        return await self.send(self.request(operation, **parameters))
