"""A function URL as the data plane sees it: where requests go, who may send them, how answers come back.

`services.lambda_` owns the configuration and makes these values; edges cache them, and control
invalidates the copies, with those of the function, before it acknowledges a change.
"""

from typing import Literal

from msgspec import Struct

from lambent.model.cors import Cors
from lambent.model.function import FunctionKey

AuthType = Literal["NONE", "AWS_IAM"]
InvokeMode = Literal["BUFFERED", "RESPONSE_STREAM"]


class FunctionUrl(Struct, frozen=True):
    """One URL, of a function (`qualifier` "") or of an alias."""

    url_id: str
    key: FunctionKey
    qualifier: str
    auth_type: AuthType
    invoke_mode: InvokeMode = "BUFFERED"
    cors: Cors | None = None
    created_ms: int = 0
    modified_ms: int = 0


class UrlAccess(Struct, frozen=True):
    """A URL, and whether the one who was asked about may use it."""

    url: FunctionUrl
    allowed: bool


def url_host(url_id: str, region: str) -> str:
    """The beginning of the host name of a URL; what follows is the domain of the installation."""
    return f"{url_id}.lambda-url.{region}"
