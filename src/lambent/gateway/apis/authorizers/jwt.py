"""JWT: the request brings a token that the issuer made for this API.

In this order: the token is there and has a form; its key is the issuer's; the signature; iss, aud or client_id,
exp, nbf, iat; and for a route with scopes, one of them in scope or scp. The time is that of the world outside.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers" (the steps and their order, RSA
algorithms only, claims as text in the event). The words of WWW-Authenticate are as the service gives them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.clock import Clock
from lambent.gateway.apis.authorizers.keys import IssuerKeys
from lambent.gateway.apis.expressions import Scene, variable
from lambent.gateway.apis.http_call import HttpCall
from lambent.gateway.apis.refusals import Refused, forbidden, unauthorized
from lambent.model.apis import JwtAuthorizer

if TYPE_CHECKING:
    from jwt.types import Options

ALGORITHMS = ["RS256", "RS384", "RS512"]
LATER: "Options" = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""What the library would check by its own clock, or more loosely than AWS does; see `problem`."""


class JwtAuthorization:
    """One authorizer, for the scopes of one route."""

    def __init__(self, wanted: JwtAuthorizer, keys: IssuerKeys, clock: Clock) -> None:
        self._wanted, self._keys, self._clock = wanted, keys, clock
        self._read = variable(wanted.source)

    async def __call__(self, call: HttpCall) -> None:
        """Raises Refused."""
        found = None if self._read is None else self._read(Scene(call, call.exchange.request))
        if not found:
            raise unauthorized((("www-authenticate", "Bearer"),))
        token = found[7:] if found[:7].lower() == "bearer " else found
        claims = await self._verified(token)
        why = problem(claims, self._wanted, self._clock.machine_s())
        if why:
            raise _invalid(why)
        scopes = scopes_of(claims)
        if self._wanted.scopes and not set(self._wanted.scopes) & set(scopes):
            words = f'Bearer scope="{" ".join(self._wanted.scopes)}" error="insufficient_scope"'
            raise forbidden((("www-authenticate", words),))
        told = {name: as_text(value) for name, value in claims.items()}
        call.authorizer_values = {"claims": told}
        call.authorizer = {"jwt": {"claims": told, "scopes": list(self._wanted.scopes) or None}}

    async def _verified(self, token: str) -> dict[str, Any]:
        import jwt  # loaded with the first token: most servers never see one

        try:
            head = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise _invalid("the token is malformed") from None
        if head.get("alg") not in ALGORITHMS:
            raise _invalid("signing method is invalid")
        key = await self._keys.key(self._wanted.issuer, str(head.get("kid", "")))
        if key is None:
            raise _invalid("unable to find a signing key that matches")
        try:
            claims: dict[str, Any] = jwt.decode(token, key.key, algorithms=ALGORITHMS, options=LATER)
        except jwt.InvalidTokenError:
            raise _invalid("signature is invalid") from None
        return claims


def problem(claims: Mapping[str, Any], wanted: JwtAuthorizer, now_s: float) -> str:
    """Why the claims do not do; "" when they do."""
    if claims.get("iss") != wanted.issuer:
        return "invalid issuer"
    if not _audience(claims) & set(wanted.audience):
        return "invalid audience"
    times: dict[str, Any] = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        return "a time is no number"
    if "exp" not in times or now_s >= times["exp"]:
        return "the token has expired"
    if now_s < times.get("nbf", 0) or now_s < times.get("iat", 0):
        return "the token is not valid yet"
    return ""


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """What `scope`, or else `scp`, lists."""
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list):
            return [str(each) for each in value]
    return []


def as_text(value: Any) -> str:
    """A claim as the event has it: text, whatever it was; a list as `[a b]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(as_text(each) for each in value)}]"
    return msgspec.json.encode(value).decode()


def _audience(claims: Mapping[str, Any]) -> set[str]:
    value = claims.get("aud")
    if value is None:
        value = claims.get("client_id")
    listed = value if isinstance(value, list) else [value]
    return {each for each in listed if isinstance(each, str)}


def _invalid(why: str) -> Refused:
    return unauthorized((("www-authenticate", f'Bearer error="invalid_token" error_description="{why}"'),))
