"""The keys of issuers: found by OpenID discovery, kept for two hours, asked for again when a token names another.

Knows: where an issuer says that its keys are, and how long they are good. Does not know tokens. An issuer that cannot
be reached goes on with the keys it had; one that names an unknown key is asked again, not more than every AGAIN_S.

Source: OpenID Connect Discovery 1.0, section 4; API Gateway Developer Guide, "Control access to HTTP APIs with JWT
authorizers" (keys are cached for two hours; only RSA keys).
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from lambent.clock import Clock
from lambent.gateway.apis.sending import Send
from lambent.model.http import Outgoing

if TYPE_CHECKING:
    from jwt import PyJWK

KEPT_S, AGAIN_S, ANSWER_S, MOST_BYTES = 7_200.0, 10.0, 5.0, 512 * 1024

log = structlog.get_logger()


class KeySet:
    """Of one issuer: keys by id."""

    def __init__(self) -> None:
        self.keys: dict[str, PyJWK] = {}
        self.fetched_s = self.tried_s = float("-inf")
        self.asking = asyncio.Lock()


class IssuerKeys:
    """All issuers'."""

    def __init__(self, send: Send, clock: Clock) -> None:
        self._send, self._clock = send, clock
        self._sets: dict[str, KeySet] = {}

    async def key(self, issuer: str, key_id: str) -> "PyJWK | None":
        """The issuer's key of that id; "" is its only one. None when it has no such key."""
        known = self._sets.setdefault(issuer, KeySet())
        found, now_s = _pick(known, key_id), self._clock.monotonic_s()
        if found is not None and (now_s - known.fetched_s <= KEPT_S or known.asking.locked()):
            return found  # nobody waits who has a key, but for the one who asks for newer ones
        async with known.asking:
            now_s = self._clock.monotonic_s()
            old = now_s - known.fetched_s > KEPT_S
            if (old or _pick(known, key_id) is None) and now_s - known.tried_s > AGAIN_S:
                known.tried_s = now_s
                await self._ask(issuer, known)
        return _pick(known, key_id)

    async def _ask(self, issuer: str, known: KeySet) -> None:
        try:
            place = await self._json(issuer.rstrip("/") + "/.well-known/openid-configuration")
            told = await self._json(str(place["jwks_uri"]) if isinstance(place, dict) else "")
            known.keys = keys_in(told)
            known.fetched_s = self._clock.monotonic_s()
        except (OSError, KeyError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            log.warning(f"the keys of an issuer cannot be had: {error!r}", action="api.keys", issuer=issuer)

    async def _json(self, url: str) -> Any:
        ask = Outgoing("GET", url, [("accept", "application/json")], b"", ANSWER_S, MOST_BYTES)
        answer = await self._send(ask)
        if answer.status != 200:
            raise ValueError(f"{url} answered {answer.status}")
        return msgspec.json.decode(answer.body)


def keys_in(told: Any) -> dict[str, "PyJWK"]:
    """The RSA keys of a key set, by id. Others, those for encryption, and what is no key are left out.

    Raises:
        ValueError: it is no key set.
    """
    if not isinstance(told, dict) or not isinstance(told.get("keys"), list):
        raise ValueError("no keys are in the key set")
    import jwt  # loaded with the first key: most servers never see one

    found: dict[str, PyJWK] = {}
    for each in told["keys"]:
        if isinstance(each, dict) and each.get("kty") == "RSA" and each.get("use", "sig") == "sig":
            with contextlib.suppress(jwt.PyJWTError, ValueError, TypeError):  # cryptography says what is no number
                found[str(each.get("kid", ""))] = jwt.PyJWK(each, algorithm=each.get("alg") or "RS256")
    return found


def _pick(known: KeySet, key_id: str) -> "PyJWK | None":
    if not key_id and len(known.keys) == 1:
        return next(iter(known.keys.values()))
    return known.keys.get(key_id)
