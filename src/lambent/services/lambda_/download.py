"""Links under which the package of a function or a layer can be fetched for some minutes, without credentials.

A link names the package and when it ends, signed with a key that only this server knows.
Source: Lambda service model (GetFunction: the link is valid for 10 minutes); the form is our own.
"""

import hashlib
import hmac
import re
from urllib.parse import parse_qs, urlencode

from lambent.clock import Clock
from lambent.errors import AccessDenied
from lambent.model.function import FunctionKey
from lambent.services.lambda_.code import CodeStore
from lambent.services.lambda_.errors import NotFound
from lambent.services.lambda_.layer_model import LayerKey

PREFIX = "/_lambent/code/"
VALID_S = 600
PATH = re.compile(r"/_lambent/code/[0-9]{12}/[a-z0-9-]+/(?P<digest>[0-9a-f]{64})\.zip")


class Downloads:
    """Makes and honours the links. `secret` stays the same as long as links are to work."""

    def __init__(self, code: CodeStore, clock: Clock, secret: bytes) -> None:
        self._code, self._clock, self._secret = code, clock, secret

    def link(self, endpoint: str, key: FunctionKey | LayerKey, digest: str) -> str:
        """Where the package can be fetched, at the address that the caller uses."""
        path = f"{PREFIX}{key.account}/{key.region}/{digest}.zip"
        expires = str(int(self._clock.now_s()) + VALID_S)
        query = urlencode({"Expires": expires, "Signature": self._sign(path, expires)})
        return f"{endpoint}{path}?{query}"

    async def download(self, path: str, query: str) -> bytes:
        """The package of a link. Raises AccessDenied, NotFound."""
        given = {name: values[0] for name, values in parse_qs(query).items()}
        expires, signature = given.get("Expires", ""), given.get("Signature", "")
        match = PATH.fullmatch(path)
        if match is None or not hmac.compare_digest(self._sign(path, expires).encode(), signature.encode()):
            raise AccessDenied("The signature of this link is not valid. Ask GetFunction for a new one.")
        if int(expires) < self._clock.now_s():
            raise AccessDenied("This link has expired. Ask GetFunction for a new one.")
        try:
            return await self._code.read(match["digest"])
        except KeyError:
            raise NotFound("The code of this link is no longer there.") from None

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
